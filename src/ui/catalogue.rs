//! For tests: every message that a template, a script or our own code names is in the catalogue, once, and the catalogue
//! holds no other.

use std::collections::BTreeSet;
use std::path::Path;

/// Names of messages begin so, in our code.
const KINDS: [&str; 9] = [
    "nav-", "title-", "filter-", "column-", "sign-in-", "setup-", "account-", "oidc-", "patient-",
];

fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|own| own == ending))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a text");
            (path.display().to_string(), text)
        })
        .collect()
}

fn catalogue() -> Vec<String> {
    let all = files("templates/messages", "ftl");
    let (_, english) = all
        .iter()
        .find(|(path, _)| path.ends_with("/en.ftl"))
        .expect("English");
    let begins = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_lowercase());
    let names = english
        .lines()
        .filter(begins)
        .filter_map(|line| line.split_once(" ="));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// What stands between `before` and the next `after`, wherever it does.
fn between<'t>(text: &'t str, before: &str, after: &[char]) -> Vec<&'t str> {
    let pieces = text.split(before).skip(1);
    pieces.filter_map(|piece| piece.split(after).next()).collect()
}

fn of_templates() -> BTreeSet<String> {
    let found = files("templates/pages", "hbs");
    let names = found.iter().flat_map(|(_, text)| between(text, "{{t \"", &['"']));
    names.map(str::to_owned).collect()
}

/// What names begin with that templates put together.
fn made_by_templates() -> BTreeSet<String> {
    let found = files("templates/pages", "hbs");
    let begun = found
        .iter()
        .flat_map(|(_, text)| between(text, "(concat \"", &['"']));
    begun.map(str::to_owned).collect()
}

/// Names in scripts; one that is put together ends in `-`.
fn of_scripts() -> BTreeSet<String> {
    let found = files("templates/assets", "js");
    let named = |text: &str| {
        let quoted = between(text, "\"js-", &['"']);
        let made = between(text, "`js-", &['`', '$']);
        quoted
            .into_iter()
            .chain(made)
            .map(|rest| format!("js-{rest}"))
            .collect::<Vec<_>>()
    };
    found.iter().flat_map(|(_, text)| named(text)).collect()
}

fn of_our_code() -> BTreeSet<String> {
    let found = files("src/ui", "rs");
    let product = found
        .iter()
        .map(|(_, text)| text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text));
    let quoted = product.flat_map(|text| text.split('"'));
    let is_name = |text: &&str| {
        text.chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '-')
    };
    quoted
        .filter(|text| {
            KINDS
                .iter()
                .any(|kind| text.len() > kind.len() && text.starts_with(kind))
        })
        .filter(is_name)
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_message_is_there_twice() {
    let mut seen = BTreeSet::new();
    for name in catalogue() {
        assert!(seen.insert(name.clone()), "{name} twice");
    }
}

#[test]
fn what_is_said_is_in_the_catalogue() {
    let known: BTreeSet<_> = catalogue().into_iter().collect();
    let missing = |names: BTreeSet<String>| names.difference(&known).cloned().collect::<Vec<_>>();
    assert_eq!(missing(of_templates()), Vec::<String>::new());
    assert_eq!(missing(of_our_code()), Vec::<String>::new());
    for name in of_scripts() {
        let forms = [format!("{name}-other"), name.clone()];
        let made = name.ends_with('-') && known.iter().any(|own| own.starts_with(&name));
        assert!(made || forms.iter().any(|form| known.contains(form)), "{name}");
    }
}

#[test]
fn what_is_in_the_catalogue_is_said() {
    let said: BTreeSet<_> = of_templates().union(&of_our_code()).cloned().collect();
    let (scripts, made) = (of_scripts(), made_by_templates());
    for name in catalogue() {
        let plain = name
            .strip_suffix("-one")
            .or(name.strip_suffix("-other"))
            .unwrap_or(&name);
        let by_script = scripts.contains(plain)
            || scripts
                .iter()
                .any(|own| own.ends_with('-') && name.starts_with(own));
        let by_parts = made.iter().any(|begin| name.starts_with(begin));
        assert!(
            said.contains(&name) || by_script || by_parts || name.starts_with("word-"),
            "{name} is said nowhere"
        );
    }
}
