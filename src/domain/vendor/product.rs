//! Another vendor's product as the site has configured it: how it is recognised, and how its words are read.

use super::Speaker;
use super::equivalents;
use super::meaning::Meaning;
use crate::code::Code;
use crate::finding::{DisplayPolicy, ModelRef};

#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The key under which pages, lists and rules know it.
    pub name: String,
    /// The model whose rules apply to it: its own name, or that of one of ours.
    pub reads_as: String,
    pub manufacturer: String,
    /// Algorithm or device names as its documents give them; any where there are none.
    pub algorithms: Vec<String>,
    /// AE titles from which its reports come; any where there are none.
    pub report_from: Vec<String>,
    /// Its structured reports are read, not only stored.
    pub reads_reports: bool,
    /// MSH-3 and, where it is said, MSH-4 of its messages.
    pub messages_from: Option<(String, Option<String>)>,
    pub mode: Mode,
    pub display: DisplayPolicy,
    /// From which score on a finding is present, of a product that gives scores alone.
    pub threshold: Option<f64>,
    /// Its scores are probabilities.
    pub calibrated: bool,
    /// It names a finding only where it has found it, and says nothing of presence.
    pub names_only_what_it_found: bool,
    pub codes: Vec<(Code, Meaning)>,
}

/// Whether what the product says counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Active,
    /// It is read and kept, and changes nothing for anybody.
    Shadow,
}

impl Product {
    /// What a code means: as the site says, else as everybody does.
    pub fn meaning(&self, code: &Code) -> Option<Meaning> {
        let own = self.codes.iter().find(|(known, _)| {
            known.code == code.code
                && (known.system == code.system || equivalents::usual(known).is(&equivalents::usual(code)))
        });
        own.map(|(_, meaning)| *meaning)
            .or_else(|| equivalents::meaning(code))
    }

    /// Whether a structured report from this AE title, by this speaker, is the product's.
    pub fn wrote_report(&self, calling_ae: &str, by: &Speaker) -> bool {
        let from = self.report_from.is_empty() || self.report_from.iter().any(|ae| ae == calling_ae);
        self.reads_reports && from && self.is_named(by)
    }

    /// Whether a message with these names in MSH-3 and MSH-4, by this speaker, is the product's.
    pub fn sent_message(&self, application: &str, facility: &str, by: &Speaker) -> bool {
        let Some((own, of)) = &self.messages_from else {
            return false;
        };
        own == application && of.as_ref().is_none_or(|of| of == facility) && self.speaks(by)
    }

    /// The manufacturer is as good as a name: reports reach us through archives.
    fn is_named(&self, by: &Speaker) -> bool {
        let of_maker = self.report_from.is_empty() || !by.manufacturer.is_empty();
        let maker = !of_maker || alike(&self.manufacturer, &by.manufacturer);
        maker && self.speaks(by)
    }

    fn speaks(&self, by: &Speaker) -> bool {
        self.algorithms.is_empty() || self.algorithms.iter().any(|name| alike(name, &by.algorithm))
    }

    /// The product of this version as the model of a result. Nothing of it is here to be hashed.
    pub fn model(&self, version: &str) -> ModelRef {
        ModelRef {
            name: self.name.clone(),
            version: version.to_owned(),
            sha256: String::new(),
            manufacturer: self.manufacturer.clone(),
            display_policy: self.display,
            disclaimer: format!("A result of {}, received and not made here.", self.manufacturer),
        }
    }
}

fn alike(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A product that reads heads for blood.
    pub fn product() -> Product {
        Product {
            name: "acme".into(),
            reads_as: "ich".into(),
            manufacturer: "Acme AI".into(),
            algorithms: vec!["ICH-Detect".into()],
            report_from: Vec::new(),
            reads_reports: true,
            messages_from: Some(("ACME".into(), None)),
            mode: Mode::Active,
            display: DisplayPolicy::PreviewPlain,
            threshold: None,
            calibrated: false,
            names_only_what_it_found: false,
            codes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::product;
    use super::*;

    fn speaker(manufacturer: &str, algorithm: &str) -> Speaker {
        Speaker {
            manufacturer: manufacturer.into(),
            algorithm: algorithm.into(),
            version: String::new(),
        }
    }

    #[test]
    fn a_report_is_known_by_its_maker_and_algorithm_or_by_its_sender() {
        let open = product();
        let mut direct = product();
        direct.report_from = vec!["ACME".into()];
        for (product, ae, maker, algorithm, known) in [
            (&open, "PACS", "ACME AI", "ich-detect", true),
            (&open, "PACS", "Other", "ICH-Detect", false),
            (&open, "PACS", "", "ICH-Detect", false),
            (&open, "PACS", "Acme AI", "LVO-Detect", false),
            (&direct, "ACME", "", "ICH-Detect", true),
            (&direct, "ACME", "Acme AI", "ICH-Detect", true),
            (&direct, "ACME", "Other", "ICH-Detect", false),
            (&direct, "PACS", "Acme AI", "ICH-Detect", false),
        ] {
            let found = product.wrote_report(ae, &speaker(maker, algorithm));
            assert_eq!(found, known, "{ae} {maker} {algorithm}");
        }
        assert!(open.sent_message("ACME", "ANY", &speaker("", "ICH-Detect")));
        assert!(!open.sent_message("RIS", "ANY", &speaker("Acme AI", "ICH-Detect")));
    }
}
