//! The JSON Schemas of the answers that other programs rely on, as `docs/schemas/` holds them: generated from the types.

use schemars::JsonSchema;
use serde_json::Value;

use super::alerts::AlertView;
use super::messages::MessageView;
use super::page::Page;
use super::report::ReportView;
use super::study::StudyView;
use super::worklist::WorklistItem;

/// File name and content of each schema.
pub fn schema_files() -> Vec<(&'static str, Value)> {
    vec![
        ("worklist.schema.json", of::<Page<WorklistItem>>()),
        ("study.schema.json", of::<StudyView>()),
        ("report.schema.json", of::<ReportView>()),
        ("alerts.schema.json", of::<Page<AlertView>>()),
        ("messages.schema.json", of::<Page<MessageView>>()),
    ]
}

/// As clients get them: what serialising gives, not what reading would take.
fn of<T: JsonSchema>() -> Value {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_schemas_in_the_documentation_are_those_of_the_types() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas");
        for (name, schema) in schema_files() {
            let written = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            assert!(
                written == format!("{schema:#}\n"),
                "docs/schemas/{name} differs; run `tocsin rules schemas docs/schemas`"
            );
        }
    }
}
