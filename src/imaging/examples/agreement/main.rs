//! Agreement of what is measured with what is true, over phantoms: `agreement [KIND] [COUNT] [FIRST SEED]`, KIND one of `ich`,
//! `pe`, `ptx`, `nodule`, `lvo`, `ischaemia` or `all`. Measures the true masks, so it tells how good the arithmetic is, not how
//! good a model. Prints tables in Markdown.

mod chest;
mod heads;
mod pe;
mod table;

use table::Table;

/// Fewer phantoms say little of limits of agreement.
const COUNT: u64 = 60;
const FIRST_SEED: u64 = 9_001;

type Measured = fn(u64, &mut Table);

const KINDS: [(&str, &str, Measured); 6] = [
    ("ich", "Intracranial hemorrhage", heads::ich),
    ("pe", "Pulmonary embolism", pe::pe),
    ("ptx", "Pneumothorax", chest::ptx),
    ("nodule", "Pulmonary nodule", chest::nodule),
    ("lvo", "Large vessel occlusion", heads::lvo),
    ("ischaemia", "Early ischaemia", heads::ischaemia),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let kind = words.first().map_or("all", String::as_str);
    let number = |n: usize, usual: u64| words.get(n).and_then(|w| w.parse().ok()).unwrap_or(usual);
    let (count, first) = (number(1, COUNT), number(2, FIRST_SEED));
    for (name, title, measured) in KINDS {
        if kind != "all" && kind != name {
            continue;
        }
        let mut table = Table::default();
        for seed in first..first + count {
            measured(seed, &mut table);
        }
        println!("### {title}\n\n{table}");
    }
}
