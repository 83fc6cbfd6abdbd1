//! The shape of the source, as ARCHITECTURE.md gives it: who may import whom, sizes, and a first line that says what a file
//! is. It reads sources and runs nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// A file longer than this deserves the question whether it is two nouns; it is printed.
const FILE_LINES_TO_ASK: usize = 350;
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// Packages of their own: their `Cargo.toml` says what they may reach. The main package names them as its modules.
const PACKAGES: [&str; 5] = ["domain", "imaging", "inference", "report", "storage"];

/// Who may import whom in the main package. `config` and `telemetry` are open to all above them.
const IMPORTS: [(&str, &[&str]); 12] = [
    ("config", &[]),
    ("telemetry", &["config"]),
    ("jobs", &["storage", "telemetry"]),
    ("notify", &["config", "telemetry", "report"]),
    ("deliver", &["config", "telemetry", "report"]),
    (
        "ingest",
        &[
            "config",
            "telemetry",
            "storage",
            "jobs",
            "imaging",
            "inference",
            "report",
            "notify",
            "deliver",
        ],
    ),
    (
        "retrieve",
        &["config", "telemetry", "storage", "deliver", "ingest"],
    ),
    ("fhir", &["storage", "report"]),
    (
        "pipeline",
        &[
            "retrieve",
            "fhir",
            "config",
            "telemetry",
            "storage",
            "jobs",
            "imaging",
            "inference",
            "report",
            "notify",
            "deliver",
        ],
    ),
    (
        "api",
        &[
            "config",
            "telemetry",
            "storage",
            "jobs",
            "imaging",
            "report",
            "fhir",
        ],
    ),
    (
        "ui",
        &[
            "config",
            "telemetry",
            "storage",
            "jobs",
            "imaging",
            "report",
            "api",
        ],
    ),
    (
        "app",
        &[
            "config",
            "telemetry",
            "storage",
            "jobs",
            "imaging",
            "inference",
            "report",
            "notify",
            "deliver",
            "ingest",
            "retrieve",
            "fhir",
            "pipeline",
            "api",
            "ui",
        ],
    ),
];

/// What a pure package has no use for.
const IMPURE: [&str; 7] = [
    "async fn",
    "tokio",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
];

/// Folders that the program, its tests or its users rely on by name.
const FOLDERS: [&str; 4] = ["migrations/src", "src/domain", "docs", "tests/peers"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

struct Source {
    /// Relative to the root.
    path: PathBuf,
    text: String,
    /// Declared under `#[cfg(test)]`.
    only_tests: bool,
}

impl Source {
    /// Without the tests at its end, which may reach further; nothing of a file that is tests alone.
    fn code(&self) -> &str {
        if self.only_tests {
            return "";
        }
        self.text
            .find("\n#[cfg(test)]\nmod ")
            .map_or(&self.text, |end| &self.text[..end])
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["src", "migrations", "tests", "benches"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 50, "the sources were not found");
    let tests = test_modules(&found);
    for source in &mut found {
        source.only_tests = source.path.starts_with("tests") || tests.contains(&source.path);
    }
    found
}

/// The files of modules that are declared for tests only, as `#[cfg(test)] mod shipped;`.
fn test_modules(sources: &[Source]) -> Vec<PathBuf> {
    let declared = |source: &Source| -> Vec<PathBuf> {
        let stem = source
            .path
            .file_stem()
            .is_some_and(|stem| stem == "mod" || stem == "lib");
        let folder = if stem {
            source.path.with_file_name("")
        } else {
            source.path.with_extension("")
        };
        let after = source.text.split("#[cfg(test)]\nmod ").skip(1);
        after
            .filter_map(|rest| Some(folder.join(format!("{}.rs", rest.lines().next()?.strip_suffix(';')?))))
            .collect()
    };
    sources.iter().flat_map(declared).collect()
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push(Source {
                path: path.strip_prefix(root()).unwrap().to_owned(),
                text,
                only_tests: false,
            });
        }
    }
}

fn none_found(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

/// `src/ingest/dicom/prescan.rs` → `ingest`; `None` outside the main package's modules.
fn module(path: &Path) -> Option<String> {
    let mut parts = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    if parts.next()? != "src" {
        return None;
    }
    let top = parts.next()?.trim_end_matches(".rs").to_owned();
    let free = ["lib", "main", "cli"];
    (!free.contains(&top.as_str()) && !PACKAGES.contains(&top.as_str())).then_some(top)
}

/// The modules a text names after `crate::`, alone or in braces.
fn imported(code: &str) -> Vec<String> {
    let uncommented: String = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    uncommented
        .split("crate::")
        .skip(1)
        .flat_map(|after| match after.strip_prefix('{') {
            Some(list) => heads(list),
            None => vec![word(after)],
        })
        .collect()
}

/// The first word of each entry of a brace list, at its outermost level.
fn heads(list: &str) -> Vec<String> {
    let (mut depth, mut found, mut start) = (0usize, Vec::new(), 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                found.push(word(list[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn a_module_imports_only_what_lies_below_it() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(module) = module(&source.path) else {
            continue;
        };
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!(
                "{}: the module {module} is not in the table of imports",
                source.name()
            ));
            continue;
        };
        for target in imported(source.code()) {
            let known = target == "cli"
                || PACKAGES.contains(&target.as_str())
                || IMPORTS.iter().any(|(name, _)| *name == target);
            if known && target != module && !allowed.contains(&target.as_str()) {
                wrong.push(format!("{}: {module} may not import {target}", source.name()));
            }
        }
    }
    none_found("imports against the table", wrong);
}

#[test]
fn the_domain_is_pure() {
    let mut wrong = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.path.starts_with("src/domain"))
    {
        // Loops over voxels: what they give does not depend on how many threads give it.
        if source.path.ends_with("parallel.rs") {
            continue;
        }
        for impure in IMPURE.iter().filter(|impure| source.code().contains(**impure)) {
            wrong.push(format!("{}: {impure}", source.name()));
        }
    }
    none_found("input, output, time or threads in the domain", wrong);
}

#[test]
fn every_file_says_what_it_is() {
    let silent = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(Source::name)
        .collect();
    none_found("files that do not begin with //!", silent);
}

#[test]
fn files_and_functions_are_short() {
    let mut long = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        // A story may need room; what it tells of may not.
        if lines > FILE_LINES && !source.only_tests {
            long.push(format!("{}: {lines} lines, {FILE_LINES} at most", source.name()));
        } else if lines > FILE_LINES_TO_ASK {
            eprintln!("{}: {lines} lines: is it two nouns?", source.name());
        }
        for (name, lines) in functions(source.code())
            .into_iter()
            .filter(|(_, lines)| *lines > FUNCTION_LINES)
        {
            long.push(format!(
                "{}: {name} has {lines} lines, {FUNCTION_LINES} at most",
                source.name()
            ));
        }
    }
    none_found("too long", long);
}

/// Functions with their lengths: from the line of the name to the closing brace at its own indentation.
fn functions(text: &str) -> Vec<(String, usize)> {
    let mut open: Vec<(usize, String, usize)> = Vec::new();
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        if line.trim() == "}"
            && let Some(at) = open.iter().rposition(|(depth, ..)| *depth == indentation)
        {
            let (_, name, start) = open.swap_remove(at);
            found.push((name, number - start + 1));
        } else if let Some(name) = declared(line) {
            open.retain(|(depth, ..)| *depth < indentation);
            open.push((indentation, name, number));
        }
    }
    found
}

fn declared(line: &str) -> Option<String> {
    let mut words = line
        .split_whitespace()
        .skip_while(|w| w.starts_with("pub") || ["async", "const", "in"].contains(w));
    let one_line = line.trim_end().ends_with(['}', ';']);
    (words.next() == Some("fn") && !one_line).then(|| word(words.next().unwrap_or_default()))
}

#[test]
fn the_folders_that_others_rely_on_are_there() {
    let missing = FOLDERS
        .iter()
        .filter(|folder| !root().join(folder).is_dir())
        .map(ToString::to_string)
        .collect();
    none_found("missing folders", missing);
}

#[test]
fn these_checks_can_see() {
    assert_eq!(
        imported("use crate::storage::Store;\n// crate::ui\nlet a = crate::api::b();"),
        ["storage", "api"]
    );
    assert_eq!(
        imported("use crate::{config::{a, b}, jobs, ui::x};"),
        ["config", "jobs", "ui"]
    );
    assert_eq!(
        module(Path::new("src/ingest/hl7/mod.rs")).as_deref(),
        Some("ingest")
    );
    assert_eq!(module(Path::new("src/domain/link.rs")), None);
    let text = "impl A {\n    pub async fn long(\n        x: u8,\n    ) {\n        let y = x;\n    }\n}\nfn short() {}\n";
    assert_eq!(functions(text), [("long".to_owned(), 5)]);
}
