//! What changed between two texts, line by line. Pure.

use schemars::JsonSchema;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Kept,
    Removed,
    Added,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangedLine {
    pub change: Change,
    pub text: String,
}

/// Every line of both, in the order of reading; what was removed stands before what came in its place.
pub fn between(before: &str, after: &str) -> Vec<ChangedLine> {
    // Slices of lines, so that a last line without a line feed is a line like others.
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    TextDiff::from_slices(&before, &after)
        .iter_all_changes()
        .map(|line| ChangedLine {
            change: match line.tag() {
                ChangeTag::Equal => Change::Kept,
                ChangeTag::Delete => Change::Removed,
                ChangeTag::Insert => Change::Added,
            },
            text: line.value().to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_another_now_is_removed_and_added() {
        let lines = between("A\nVolume 3 mL.\nB", "A\nVolume 4 mL.\nB\nC");
        let said: Vec<(Change, &str)> = lines
            .iter()
            .map(|line| (line.change, line.text.as_str()))
            .collect();
        assert_eq!(said[0], (Change::Kept, "A"));
        assert_eq!(said[1], (Change::Removed, "Volume 3 mL."));
        assert_eq!(said[2], (Change::Added, "Volume 4 mL."));
        assert_eq!(said.last(), Some(&(Change::Added, "C")));
        assert!(
            between("A\n", "A\n")
                .iter()
                .all(|line| line.change == Change::Kept)
        );
    }
}
