//! A patient as a permitted person sees them. Built only for answers whose view is on the audit chain.

use schemars::JsonSchema;
use serde::Serialize;

use crate::storage::entity::{patient, study};

/// Who somebody is. Printing it for debugging shows nothing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PatientView {
    /// `Family^Given`, as it was sent.
    pub name: Option<String>,
    /// The same for reading: `Family, Given`.
    pub display: String,
    pub identifier: Option<String>,
    /// Who assigned it; two numbers of two authorities are of two people.
    pub authority: Option<String>,
    /// `YYYYMMDD`, possibly shortened by the sender.
    pub birth_date: Option<String>,
    /// `M`, `F`, `O` or `U`.
    pub sex: Option<String>,
}

impl std::fmt::Debug for PatientView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PatientView(…)")
    }
}

impl PatientView {
    /// As the images say.
    pub fn of_images(row: &study::Model) -> Self {
        Self {
            display: display(row.patient_name.as_deref()),
            name: row.patient_name.clone(),
            identifier: row.patient_identifier.clone(),
            authority: row
                .patient_authority
                .clone()
                .filter(|authority| !authority.is_empty()),
            birth_date: row.birth_date.clone(),
            sex: row.sex.clone(),
        }
    }

    /// Of the site's own authority where the images say none.
    pub fn qualified(self, default_authority: &str) -> Self {
        let own = (!default_authority.is_empty() && self.identifier.is_some())
            .then(|| default_authority.to_owned());
        Self {
            authority: self.authority.or(own),
            ..self
        }
    }

    /// As messages say.
    pub fn of_record(row: &patient::Model) -> Self {
        Self {
            display: display(row.name.as_deref()),
            name: row.name.clone(),
            identifier: Some(row.identifier.clone()),
            authority: Some(row.authority.clone()).filter(|authority| !authority.is_empty()),
            birth_date: row.birth_date.clone(),
            sex: row.sex.clone(),
        }
    }
}

/// The first component group of a person name (PS3.5 6.2.1) that says something, family name first.
fn display(name: Option<&str>) -> String {
    let mut groups = name.unwrap_or_default().split('=');
    let group = groups
        .find(|group| !group.trim_matches(['^', ' ']).is_empty())
        .unwrap_or_default();
    let mut parts = group.split('^').map(str::trim);
    let family = parts.next().unwrap_or_default();
    let given = parts
        .take(2)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match (family.is_empty(), given.is_empty()) {
        (true, true) => "(no name)".to_owned(),
        (false, true) => family.to_owned(),
        (true, false) => given,
        (false, false) => format!("{family}, {given}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_for_reading() {
        for (name, shown) in [
            (Some("Doe^Jane^Q^Dr"), "Doe, Jane Q"),
            (Some("Yamada^Tarou=山田^太郎"), "Yamada, Tarou"),
            (Some("=山田^太郎"), "山田, 太郎"),
            (Some("^"), "(no name)"),
            (None, "(no name)"),
            (Some("<b>^O'Neil"), "<b>, O'Neil"),
        ] {
            assert_eq!(display(name), shown);
        }
    }
}
