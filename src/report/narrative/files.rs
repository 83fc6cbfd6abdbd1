//! The files that a draft is written by: ours, and those of the site in their place. Each is short, includes only parts, and no part
//! includes another, so that no template can go round in circles.

use std::path::{Path, PathBuf};
use std::{fs, io};

use handlebars::{Handlebars, no_escape};

use super::NarrativeFault;

pub(super) const LAYOUT: &str = "layout";
/// For findings that have no template of their own.
pub(super) const OTHER: &str = "findings/other";
/// Bytes of one file at most.
const LONGEST: u64 = 32 * 1024;
/// Below the folder of the site's templates.
const FOLDER: &str = "report";

/// A template, by the name under which others know it.
pub(super) struct Source {
    pub name: &'static str,
    pub text: String,
    ours: bool,
}

macro_rules! shipped {
    ($($name:literal = $file:literal),* $(,)?) => {
        [$(($name, $file, include_str!(concat!("../../../templates/report/", $file, ".hbs")))),*]
    };
}

/// Name, file without its ending, and text. Parts are known by their bare names.
const SHIPPED: [(&str, &str, &str); 13] = shipped! {
    "layout" = "layout",
    "technique" = "parts/technique",
    "comparison" = "parts/comparison",
    "finding" = "parts/finding",
    "limits" = "parts/limits",
    "recommendations" = "parts/recommendations",
    "findings/hemorrhage" = "findings/hemorrhage",
    "findings/embolism" = "findings/embolism",
    "findings/pneumothorax" = "findings/pneumothorax",
    "findings/occlusion" = "findings/occlusion",
    "findings/ischaemia" = "findings/ischaemia",
    "findings/nodule" = "findings/nodule",
    "findings/other" = "findings/other",
};

pub(super) struct Files(Vec<Source>);

impl Files {
    /// With what is wrong with the site's files, in whose place ours stand.
    pub fn open(site: Option<&Path>) -> (Self, Vec<NarrativeFault>) {
        let mut faults = Vec::new();
        let mut all = Vec::new();
        for (name, file, shipped) in SHIPPED {
            let own = site.map(|folder| read(&folder.join(FOLDER).join(format!("{file}.hbs")), name));
            let own = own.and_then(|own| own.map_err(|fault| faults.push(fault)).ok().flatten());
            all.push(Source {
                name,
                ours: own.is_none(),
                text: own.unwrap_or_else(|| shipped.to_owned()),
            });
        }
        (Self(all), faults)
    }

    pub fn all(&self) -> &[Source] {
        &self.0
    }

    /// Puts ours in the place of a file of the site; `false` where it is ours already.
    pub fn give_up(&mut self, file: &str) -> bool {
        let known = self.0.iter_mut().zip(SHIPPED);
        for (source, (name, _, shipped)) in known {
            if path_of(name) == file && !source.ours {
                (source.ours, source.text) = (true, shipped.to_owned());
                return true;
            }
        }
        false
    }
}

/// The site's file, sound in itself; `None` where it has none.
fn read(path: &Path, name: &str) -> Result<Option<String>, NarrativeFault> {
    let fault = |line, reason: String| NarrativeFault {
        file: path_of(name),
        line,
        reason,
    };
    let length = match fs::metadata(path) {
        Ok(there) => there.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(None, error.to_string())),
    };
    if length > LONGEST {
        return Err(fault(
            None,
            format!("expected at most {LONGEST} bytes, found {length}"),
        ));
    }
    let text = fs::read_to_string(path).map_err(|error| fault(None, error.to_string()))?;
    if let Some((line, reason)) = unsound(name, &text) {
        return Err(fault(Some(line), reason));
    }
    parse(&mut strict(), name, &text)?;
    Ok(Some(text))
}

/// What a template includes or defines that it may not, and in which line.
fn unsound(name: &str, text: &str) -> Option<(usize, String)> {
    let is_part = |included: &str| {
        SHIPPED
            .iter()
            .any(|(name, file, _)| *name == included && file.starts_with("parts/"))
    };
    let own_is_part = is_part(name);
    for (line, words) in text.lines().zip(1..).map(|(text, line)| (line, text)) {
        for tag in words.split("{{").skip(1) {
            let tag = tag.trim_start_matches(['~', '#']);
            if tag.starts_with('*') {
                return Some((
                    line,
                    "a template defines no other; put it into a file of its own".to_owned(),
                ));
            }
            let Some(included) = tag.strip_prefix('>') else {
                continue;
            };
            let included = included
                .trim_start()
                .split(|c: char| c.is_whitespace() || "}~".contains(c));
            let included = included.into_iter().next().unwrap_or_default();
            if own_is_part {
                return Some((line, "a part includes no other".to_owned()));
            }
            if !is_part(included) {
                let parts = SHIPPED.iter().filter(|(_, file, _)| file.starts_with("parts/"));
                let parts: Vec<&str> = parts.map(|(name, ..)| *name).collect();
                let expected = parts.join(", ");
                return Some((
                    line,
                    format!("there is no part {included:?}; expected one of {expected}"),
                ));
            }
        }
    }
    None
}

/// Files in the site's folder that no draft is written by.
pub(super) fn strangers(site: Option<&Path>) -> Vec<NarrativeFault> {
    let Some(site) = site else { return Vec::new() };
    let known: Vec<String> = SHIPPED.iter().map(|(name, ..)| path_of(name)).collect();
    let folders = [
        FOLDER.to_owned(),
        format!("{FOLDER}/findings"),
        format!("{FOLDER}/parts"),
    ];
    let mut found = Vec::new();
    for folder in folders {
        let Ok(entries) = fs::read_dir(site.join(&folder)) else {
            continue;
        };
        let names = entries.flatten().map(|entry| PathBuf::from(entry.file_name()));
        let templates = names.filter(|name| name.extension().is_some_and(|ending| ending == "hbs"));
        found.extend(templates.map(|name| format!("{folder}/{}", name.display())));
    }
    found.sort();
    found.retain(|file| !known.contains(file));
    found
        .into_iter()
        .map(|file| NarrativeFault {
            file,
            line: None,
            reason: format!("no draft is written by it; expected one of {}", known.join(", ")),
        })
        .collect()
}

/// Where a template of this name lies, in the folder of templates.
pub(super) fn path_of(name: &str) -> String {
    let file = SHIPPED.iter().find(|(known, ..)| *known == name);
    format!("{FOLDER}/{}.hbs", file.map_or(name, |(_, file, _)| file))
}

pub(super) fn strict() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(no_escape);
    registry
}

pub(super) fn parse(registry: &mut Handlebars<'_>, name: &str, text: &str) -> Result<(), NarrativeFault> {
    let parsed = registry.register_template_string(name, text);
    parsed.map_err(|error| NarrativeFault {
        file: path_of(name),
        line: error.pos().map(|(line, _)| line),
        reason: error.reason().to_string(),
    })
}
