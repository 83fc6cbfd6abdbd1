//! `[[vendors]]`: products of other vendors whose results reach us as structured reports or as messages, and how their words
//! are read.

use serde::Deserialize;
use tocsin_domain::vendor::meaning::Meaning;

use super::check::Problems;
use super::value::AeTitle;

/// A product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// For lists and rules, as the name of a model: `acme_ich`.
    pub name: String,
    pub manufacturer: String,
    /// The model whose rules apply to it; its own name where nothing is said.
    pub reads_as: Option<String>,
    /// Names of the algorithm or the device as its documents give them; any where there are none.
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// Whether its structured reports are read.
    #[serde(default = "yes")]
    pub reports: bool,
    /// From which AE titles they come; where there are none, the manufacturer in the report decides.
    #[serde(default)]
    pub reports_from: Vec<AeTitle>,
    /// Whose ORU^R01 are its results.
    pub messages_from: Option<MessagesFrom>,
    #[serde(default)]
    pub mode: VendorMode,
    #[serde(default)]
    pub display: VendorDisplay,
    /// From which score on a finding is present, of a product that says scores alone.
    pub threshold: Option<f64>,
    /// Its scores are probabilities.
    #[serde(default)]
    pub calibrated: bool,
    /// It names a finding only where it has found it.
    #[serde(default)]
    pub names_only_what_it_found: bool,
    /// What codes of its own mean; standard ones are known.
    #[serde(default)]
    pub codes: Vec<VendorCode>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesFrom {
    /// MSH-3.
    pub application: String,
    /// MSH-4; any where it is not said.
    pub facility: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VendorMode {
    #[default]
    Active,
    /// Read and kept, and without effect.
    Shadow,
}

/// What may be shown because of its results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VendorDisplay {
    NotifyOnly,
    #[default]
    PreviewPlain,
    PreviewWithMarks,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorCode {
    /// Coding scheme designator, or the name of the system in HL7; may be empty.
    #[serde(default)]
    pub system: String,
    pub code: String,
    pub means: Meaning,
}

fn yes() -> bool {
    true
}

/// Checks each product, and that none is taken for another.
pub(super) fn check(vendors: &[Vendor], problems: &mut Problems<'_>) {
    for (index, vendor) in vendors.iter().enumerate() {
        let key = |name: &str| format!("vendors.{index}.{name}");
        let named = vendor.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if vendor.name.is_empty() || !named {
            problems.add(
                &key("name"),
                "expected letters, digits and underscores, such as acme_ich",
            );
        }
        if vendors
            .iter()
            .take(index)
            .any(|earlier| earlier.name == vendor.name)
        {
            problems.add(&key("name"), "expected a name that no other product has");
        }
        problems.not_empty(&key("manufacturer"), &vendor.manufacturer);
        if !vendor.reports && vendor.messages_from.is_none() {
            let expected = "expected true, or messages_from: nothing of the product would be read";
            problems.add(&key("reports"), expected);
        }
        if let Some(from) = &vendor.messages_from {
            problems.not_empty(&key("messages_from.application"), &from.application);
        }
        if vendor
            .threshold
            .is_some_and(|score| !(0.0..=1.0).contains(&score))
        {
            problems.add(&key("threshold"), "expected a score from 0 to 1");
        }
        for (at, code) in vendor.codes.iter().enumerate() {
            problems.not_empty(&key(&format!("codes.{at}.code")), &code.code);
        }
    }
}
