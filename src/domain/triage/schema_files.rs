//! The JSON Schemas of facts, rules, packs and cases, as `docs/schemas/` holds them: generated from the types, so that an
//! editor checks what the program checks.

use schemars::JsonSchema;
use serde_json::Value;

use super::cases::CaseFile;
use super::facts::CaseFacts;
use super::rule::{PackFile, Rule};
use super::verdict::Verdict;

/// File name and content of each schema.
pub fn schema_files() -> Vec<(&'static str, Value)> {
    vec![
        ("facts.schema.json", of::<CaseFacts>()),
        ("rule.schema.json", of::<Rule>()),
        ("rule-pack.schema.json", of::<PackFile>()),
        ("rule-cases.schema.json", of::<CaseFile>()),
        ("verdict.schema.json", of::<Verdict>()),
    ]
}

/// The text of a schema file.
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_schemas_in_the_documentation_are_those_of_the_types() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
        for (name, schema) in schema_files() {
            let written = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            assert!(
                written == text(&schema),
                "docs/schemas/{name} differs; run `tocsin rules schemas docs/schemas`"
            );
        }
    }
}
