//! `tocsin user` and `tocsin token` as somebody at the machine calls them: what they print, and how they end.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = "[site]\nname = \"General Hospital\"\ntime_zone = \"Europe/Berlin\"\n\
                    [database]\nurl = \"sqlite://tocsin.db\"\n[storage]\nurl = \"file://blobs\"\n\
                    [alerts]\ncapture_dir = \"mail\"\n";
        std::fs::write(folder.path().join("tocsin.toml"), text).unwrap();
        Self { folder }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("tocsin.toml")
    }

    /// Calls the program with this on its standard input.
    fn call(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A call that fails early does not read what it is told.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_account_is_made_listed_given_a_new_password_and_disabled() {
    let site = Site::new();
    let create = ["user", "create", "mia", "--role", "radiologist"];
    let short = site.call(&create, "too short\n");
    assert_eq!(code(&short), 1);
    assert!(
        words(&short.stderr).contains("expected 12 to 512 characters"),
        "{}",
        words(&short.stderr)
    );
    let silent = site.call(&create, "");
    assert_eq!(code(&silent), 1);
    assert!(words(&silent.stderr).contains("no password came"));

    let made = site.call(&create, "correct horse battery\n");
    assert_eq!(code(&made), 0, "{}", words(&made.stderr));
    assert!(made.stdout.is_empty());
    let twice = site.call(&create, "correct horse battery\n");
    assert_eq!(code(&twice), 1);
    assert!(words(&twice.stderr).contains("an account mia exists already"));

    assert_eq!(
        code(&site.call(&["user", "password", "mia"], "another horse battery\n")),
        0
    );
    assert_eq!(
        code(&site.call(&["user", "password", "tom"], "another horse battery\n")),
        1
    );
    assert_eq!(code(&site.call(&["user", "disable", "mia"], "")), 0);
    let list = words(&site.call(&["user", "list"], "").stdout);
    assert!(list.starts_with("mia\tradiologist\tdisabled\t"), "{list}");
    assert_eq!(list.lines().count(), 1);
    let verified = site.call(&["audit", "verify"], "");
    assert_eq!(words(&verified.stdout), "the audit chain is whole: 3 entries\n");
}

#[test]
fn a_token_is_printed_alone_and_ended_by_its_id() {
    let site = Site::new();
    let made = site.call(&["token", "create", "--role", "admin", "--name", "robot"], "");
    let token = words(&made.stdout);
    assert!(
        token.starts_with("tocsin_") && token.lines().count() == 1,
        "{token}"
    );
    let list = words(&site.call(&["token", "list"], "").stdout);
    assert!(
        list.contains("\trobot\tadmin\tactive\t") && !list.contains(token.trim()),
        "{list}"
    );
    let id = list.split('\t').next().unwrap();
    assert_eq!(code(&site.call(&["token", "revoke", id], "")), 0);
    let list = words(&site.call(&["token", "list"], "").stdout);
    assert!(list.contains("\trevoked\t"), "{list}");
    let unknown = "00000000-0000-4000-8000-000000000000";
    assert_eq!(code(&site.call(&["token", "revoke", unknown], "")), 1);
}

#[test]
fn a_wrong_call_ends_with_2_and_names_what_is_expected() {
    let site = Site::new();
    for wrong in [
        &["user", "create", "mia", "--role", "root"][..],
        &["user", "create", "mia"],
        &["user"],
        &["token", "create", "--role", "viewer"],
        &["token", "revoke", "7"],
    ] {
        let output = site.call(wrong, "");
        assert_eq!(code(&output), 2, "{wrong:?}: {}", words(&output.stderr));
    }
    let output = site.call(&["user", "create", "mia", "--role", "root"], "");
    assert!(
        words(&output.stderr).contains("expected one of radiologist"),
        "{}",
        words(&output.stderr)
    );
}
