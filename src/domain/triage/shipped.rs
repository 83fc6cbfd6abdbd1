//! The rule packs of the repository, checked as data: they compile, each rule has a case in which it fires, every case
//! comes out as written. Tests only.

use std::path::Path;

use super::cases::{run_cases, uncovered};
use super::pack::Pack;

fn read(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
        } else {
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_shipped_pack_compiles_and_its_cases_come_out_as_written() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let mut packs = 0;
    for entry in std::fs::read_dir(rules).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files = Vec::new();
        read(&folder, "", &mut files);
        let pack = Pack::parse(&name, &files).unwrap_or_else(|problems| panic!("{problems}"));
        let outcomes = run_cases(&pack);
        let failed: Vec<_> = outcomes.iter().filter(|o| !o.passed()).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert!(!outcomes.is_empty(), "{name} has no cases");
        assert_eq!(uncovered(&pack), [""; 0], "rules of {name} that no case fires");
        packs += 1;
    }
    assert!(packs > 0, "no pack found");
}
