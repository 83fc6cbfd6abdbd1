//! Values that a column holds as JSON: one way in, one complaint when it does not come out again.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;

pub fn write(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Refused("a document that is no JSON".into()))
}

/// `table`, `column` and `id` say where the text stands, for the error; it never quotes the text.
pub fn read<T: DeserializeOwned>(
    text: &str,
    table: &'static str,
    column: &'static str,
    id: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Inconsistent {
        table,
        column,
        id: id.to_owned(),
    })
}
