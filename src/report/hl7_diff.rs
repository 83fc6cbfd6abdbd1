//! What differs between two versions of a message, field by field, for a person who has edited one. Pure.

use schemars::JsonSchema;
use serde::Serialize;

use super::hl7_fields;

/// Pairs of lines that are held against each other; beyond, all that lies between the same beginning and end is one change.
const MAX_PAIRS: usize = 1_000_000;

/// One field, or a whole segment, of which one side has nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// `PID-5`, or `PV1` of a whole segment.
    pub place: String,
    /// The line in the version that has it; in the new one where both do.
    pub line: usize,
    /// As the standard calls the field.
    pub name: Option<&'static str>,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// The texts have one segment a line.
pub fn changes(before: &str, after: &str) -> Vec<Change> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut all = Vec::new();
    let mut gone: Vec<(usize, &str)> = Vec::new();
    let mut come: Vec<(usize, &str)> = Vec::new();
    for step in steps(&old, &new) {
        match step {
            Step::Gone(at) => gone.push((at + 1, old[at])),
            Step::Come(at) => come.push((at + 1, new[at])),
            Step::Same => settle(&mut gone, &mut come, &mut all),
        }
    }
    settle(&mut gone, &mut come, &mut all);
    all
}

enum Step {
    Same,
    Gone(usize),
    Come(usize),
}

/// The shortest way from one to the other, by the longest common subsequence of what lies between the same beginning and end.
fn steps(old: &[&str], new: &[&str]) -> Vec<Step> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (a, b) = (
        &old_rest[..old_rest.len() - end],
        &new_rest[..new_rest.len() - end],
    );
    let mut steps = Vec::new();
    if a.len().saturating_mul(b.len()) > MAX_PAIRS {
        steps.extend((0..a.len()).map(|at| Step::Gone(start + at)));
        steps.extend((0..b.len()).map(|at| Step::Come(start + at)));
        return steps;
    }
    let common = lengths(a, b);
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            steps.push(Step::Same);
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && common[i + 1][j] >= common[i][j + 1] {
            steps.push(Step::Gone(start + i));
            i += 1;
        } else {
            steps.push(Step::Come(start + j));
            j += 1;
        }
    }
    steps
}

fn lengths(a: &[&str], b: &[&str]) -> Vec<Vec<u32>> {
    let mut common = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = match a[i] == b[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    common
}

/// Lines that went and came in one place: those of one segment's name are one segment that was changed.
fn settle(gone: &mut Vec<(usize, &str)>, come: &mut Vec<(usize, &str)>, all: &mut Vec<Change>) {
    for (line, before) in gone.drain(..) {
        let same = come
            .iter()
            .position(|(_, after)| segment(after) == segment(before));
        match same {
            Some(at) => {
                let (line, after) = come.remove(at);
                all.extend(fields(line, before, after));
            }
            None => all.push(whole(line, Some(before), None)),
        }
    }
    all.extend(come.drain(..).map(|(line, after)| whole(line, None, Some(after))));
}

fn segment(line: &str) -> &str {
    line.get(..3).unwrap_or(line)
}

fn whole(line: usize, before: Option<&str>, after: Option<&str>) -> Change {
    Change {
        place: segment(before.or(after).unwrap_or_default()).to_owned(),
        line,
        name: None,
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}

fn fields(line: usize, before: &str, after: &str) -> Vec<Change> {
    let name = segment(after);
    let parts = |text: &str| -> Vec<String> {
        let separator = text.chars().nth(3).unwrap_or('|');
        text.split(separator).map(str::to_owned).collect()
    };
    let (old, new) = (parts(before), parts(after));
    // The separator itself is the first field of MSH.
    let first = usize::from(name == "MSH");
    (0..old.len().max(new.len()))
        .filter(|at| old.get(*at).map_or("", String::as_str) != new.get(*at).map_or("", String::as_str))
        .map(|at| Change {
            place: format!("{name}-{}", at + first),
            line,
            name: hl7_fields::name(name, at + first),
            before: old.get(at).cloned(),
            after: new.get(at).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let changes = changes(before, after).into_iter();
        changes.map(|one| (one.place, one.before, one.after)).collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_changed_segment_is_told_field_by_field() {
        let before = "MSH|^~\\&|RIS\nPID|||7||Doe\nOBR|1||A1\n";
        let after = "MSH|^~\\&|RIS2\nPID|||7||Doe^Jane|x\nOBR|1||A1\n";
        assert_eq!(
            told(before, after),
            [
                ("MSH-3".to_owned(), some("RIS"), some("RIS2")),
                ("PID-5".to_owned(), some("Doe"), some("Doe^Jane")),
                ("PID-6".to_owned(), None, some("x")),
            ]
        );
        assert_eq!(changes(before, after)[1].name, Some("Patient name"));
        assert!(changes(before, before).is_empty());
    }

    #[test]
    fn segments_that_came_or_went_are_told_whole() {
        let (short, long) = ("MSH|a\nOBX|1\nOBX|2", "MSH|a\nPV1|x\nOBX|1\nOBX|2");
        assert_eq!(told(short, long), [("PV1".to_owned(), None, some("PV1|x"))]);
        assert_eq!(told(long, short), [("PV1".to_owned(), some("PV1|x"), None)]);
        let many: String = (0..1_500).map(|n| format!("OBX|{n}\n")).collect();
        let other: String = (0..1_500).map(|n| format!("NTE|{n}\n")).collect();
        assert_eq!(changes(&many, &other).len(), 3_000);
    }
}
