//! What the store promises: names by content, nothing half-written, damage seen, concurrent writers grouped.

use super::*;
use chrono::DateTime;
use tocsin_domain::ids::Uid;

fn meta(syntax: &str) -> FileMeta {
    FileMeta {
        sop_class: Uid::parse("1.2.840.10008.5.1.4.1.1.2").unwrap(),
        sop_instance: Uid::parse("1.2.3").unwrap(),
        transfer_syntax: Uid::parse(syntax).unwrap(),
        source_ae: None,
    }
}

fn store(data_set: &[u8], syntax: &str, blobs: &BlobStore) -> BlobRef {
    let mut writer = blobs.writer(&meta(syntax)).unwrap();
    for piece in data_set.chunks(7) {
        writer.append(piece).unwrap();
    }
    writer.seal().unwrap().wait_blocking().unwrap()
}

#[test]
fn an_object_is_found_under_the_hash_of_its_data_set_and_transfer_syntax() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open(folder.path()).unwrap();
    let first = store(b"some data set", "1.2.840.10008.1.2.1", &blobs);
    assert_eq!(first, store(b"some data set", "1.2.840.10008.1.2.1", &blobs));
    assert_ne!(
        first.hash,
        store(b"some data set", "1.2.840.10008.1.2", &blobs).hash
    );
    assert!(blobs.read(&first.hash).unwrap().ends_with(b"some data set"));
    assert_eq!(
        blobs.verify(&first.hash).unwrap(),
        Verdict::Intact { len: first.len }
    );
    let mut polyglot = meta("1.2.840.10008.1.2.1").to_bytes();
    polyglot[..2].copy_from_slice(b"MZ");
    polyglot.extend_from_slice(b"some data set");
    assert_eq!(blobs.put(&polyglot).unwrap(), first);
    assert_eq!(&blobs.read(&first.hash).unwrap()[..2], &[0, 0]);
}

#[test]
fn a_damaged_file_is_seen_and_replaced_by_a_resend() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open(folder.path()).unwrap();
    let blob = store(b"data", "1.2.840.10008.1.2.1", &blobs);
    fs::write(blobs.path(&blob.hash), b"").unwrap();
    assert_eq!(blobs.verify(&blob.hash).unwrap(), Verdict::Damaged);
    store(b"data", "1.2.840.10008.1.2.1", &blobs);
    assert_eq!(
        blobs.verify(&blob.hash).unwrap(),
        Verdict::Intact { len: blob.len }
    );
    blobs.remove(&blob.hash).unwrap();
    assert_eq!(blobs.verify(&blob.hash).unwrap(), Verdict::Missing);
}

#[test]
fn many_writers_at_once_all_become_durable_with_fewer_syncs_than_objects() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open(folder.path()).unwrap();
    let commits: Vec<_> = (0..200_u32)
        .map(|i| {
            let mut writer = blobs.writer(&meta("1.2.840.10008.1.2.1")).unwrap();
            writer.append(&i.to_le_bytes()).unwrap();
            writer.seal().unwrap()
        })
        .collect();
    let stored: Vec<_> = commits
        .into_iter()
        .map(|commit| commit.wait_blocking().unwrap())
        .collect();
    assert!(
        stored
            .iter()
            .all(|b| matches!(blobs.verify(&b.hash), Ok(Verdict::Intact { .. })))
    );
    let listed: usize = (0..=u8::MAX).map(|n| blobs.shard(n).unwrap().len()).sum();
    assert_eq!(listed, 200);
    let (syncs, objects) = blobs.syncs();
    assert!(
        objects == 200 && syncs <= 200,
        "{syncs} syncs for {objects} objects"
    );
}

#[test]
fn what_was_dropped_leaves_nothing_and_the_sweep_takes_what_a_crash_left() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open(folder.path()).unwrap();
    drop(blobs.writer(&meta("1.2.840.10008.1.2.1")).unwrap());
    let left = folder.path().join(INCOMING).join("1-1.part");
    fs::write(&left, b"half").unwrap();
    let modified = Timestamp::from(fs::metadata(&left).unwrap().modified().unwrap());
    let hour = TimeDelta::hours(1);
    assert_eq!(blobs.sweep(modified + TimeDelta::minutes(59), hour).unwrap(), 0);
    assert_eq!(blobs.sweep(modified + hour, hour).unwrap(), 1);
    assert_eq!(blobs.sweep(DateTime::UNIX_EPOCH, hour).unwrap(), 0);
}
