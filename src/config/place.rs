//! Where a key stands: in which line of the file, or in which environment variable. It reads text it is given and opens
//! nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::error::Place;

/// What all variables of ours begin with; sections and keys are joined by two underscores.
pub const ENV_PREFIX: &str = "TOCSIN__";

/// The keys of a file with their lines, and those that the environment sets.
#[derive(Debug)]
pub struct Places {
    file: PathBuf,
    lines: BTreeMap<String, usize>,
    variables: BTreeMap<String, String>,
}

impl Places {
    /// `variables` are names only; those without our prefix are left out.
    pub fn new<'a>(file: &Path, text: &str, variables: impl IntoIterator<Item = &'a str>) -> Self {
        let mut lines = BTreeMap::new();
        if let Ok(table) = DeTable::parse(text) {
            collect(table.get_ref(), "", text, &mut lines);
        }
        let variables = variables
            .into_iter()
            .filter_map(|name| Some((env_key(name)?, name.to_owned())))
            .collect();
        Self {
            file: file.to_owned(),
            lines,
            variables,
        }
    }

    /// The variable that sets the key, else the line that does, else the line of the section it belongs to.
    pub fn of(&self, key: &str) -> Place {
        let mut wanted = key;
        loop {
            if let Some(name) = self.variables.get(wanted) {
                return Place::Environment(name.clone());
            }
            if let Some(line) = self.lines.get(wanted) {
                return Place::Line {
                    file: self.file.clone(),
                    line: *line,
                };
            }
            match wanted.rfind('.') {
                Some(end) => wanted = &wanted[..end],
                None => return Place::File(self.file.clone()),
            }
        }
    }
}

/// `TOCSIN__DICOM__AE_TITLE` → `dicom.ae_title`.
pub fn env_key(variable: &str) -> Option<String> {
    let rest = variable.strip_prefix(ENV_PREFIX)?;
    Some(rest.to_lowercase().split("__").collect::<Vec<_>>().join("."))
}

/// 1-based line of a byte offset.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

fn collect(table: &DeTable<'_>, prefix: &str, text: &str, lines: &mut BTreeMap<String, usize>) {
    for (name, value) in table.iter() {
        let key = join(prefix, name.get_ref());
        lines.insert(key.clone(), line_of(text, name.span().start));
        collect_value(value.get_ref(), &key, text, lines);
    }
}

fn collect_value(value: &DeValue<'_>, key: &str, text: &str, lines: &mut BTreeMap<String, usize>) {
    if let Some(table) = value.as_table() {
        collect(table, key, text, lines);
    }
    for (index, item) in value
        .as_array()
        .into_iter()
        .flat_map(|items| items.iter())
        .enumerate()
    {
        let key = join(key, &index.to_string());
        lines.insert(key.clone(), line_of(text, item.span().start));
        collect_value(item.get_ref(), &key, text, lines);
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "[site]\nname = \"A\"\n\n[[dicom.peers]]\nae_title = \"CT1\"\n[[dicom.peers]]\nae_title = \"CT2\"\n";

    #[test]
    fn a_key_is_found_in_its_line_its_section_or_its_variable() {
        let file = Path::new("tocsin.toml");
        let places = Places::new(file, TEXT, ["TOCSIN__HTTP__LISTEN", "PATH"]);
        let check = |key: &str, expected: Place| assert_eq!(places.of(key), expected, "{key}");
        let line = |line| Place::Line {
            file: file.to_owned(),
            line,
        };
        check("site.name", line(2));
        check("site.time_zone", line(1));
        check("dicom.peers.1.ae_title", line(7));
        check("http.listen", Place::Environment("TOCSIN__HTTP__LISTEN".into()));
        check("ris.host", Place::File(file.to_owned()));
    }
}
