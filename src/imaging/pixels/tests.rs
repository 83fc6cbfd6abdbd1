//! Frames are found where they lie, and files that lie are refused.

use super::*;

fn element(tag: Tag, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("short").to_le_bytes();
    [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), vr, &length, value].concat()
}

fn item(tag: Tag, length: u32, value: &[u8]) -> Vec<u8> {
    [
        &tag.0.to_le_bytes()[..],
        &tag.1.to_le_bytes(),
        &length.to_le_bytes(),
        value,
    ]
    .concat()
}

fn file(syntax: &str, elements: &[Vec<u8>]) -> (tempfile::NamedTempFile, u64) {
    let uid = |text: &str| tocsin_domain::ids::Uid::parse(text).expect("uid");
    let meta = FileMeta {
        sop_class: uid("1.2"),
        sop_instance: uid("1.3"),
        transfer_syntax: uid(syntax),
        source_ae: None,
    };
    let head = meta.to_bytes();
    let file = tempfile::NamedTempFile::new().expect("file");
    let start = head.len() as u64;
    std::fs::write(file.path(), [head, elements.concat()].concat()).expect("write");
    (file, start)
}

fn said(frames: &str) -> Vec<u8> {
    [
        element(tags::SAMPLES_PER_PIXEL, b"US", &[1, 0]),
        element(tags::NUMBER_OF_FRAMES, b"IS", frames.as_bytes()),
        element(tags::ROWS, b"US", &[2, 0]),
        element(tags::COLUMNS, b"US", &[2, 0]),
        element(tags::BITS_ALLOCATED, b"US", &[16, 0]),
    ]
    .concat()
}

/// An icon with pixels of its own, in a sequence without a length.
fn icon() -> Vec<u8> {
    [
        &[0x88, 0x00, 0x00, 0x02][..],
        b"SQ\0\0",
        &UNDEFINED.to_le_bytes(),
        &item(ITEM, UNDEFINED, b""),
        &[0xE0, 0x7F, 0x10, 0x00],
        b"OB\0\0",
        &UNDEFINED.to_le_bytes(),
        &item(ITEM, 0, b""),
        &item(ITEM, 2, &[9, 9]),
        &item(SEQUENCE_END, 0, b""),
        &item(ITEM_END, 0, b""),
        &item(SEQUENCE_END, 0, b""),
    ]
    .concat()
}

fn pixels(length: u32, value: &[u8]) -> Vec<u8> {
    [
        &[0xE0, 0x7F, 0x10, 0x00][..],
        b"OW\0\0",
        &length.to_le_bytes(),
        value,
    ]
    .concat()
}

#[test]
fn native_frames_are_equal_pieces_behind_whatever_comes_before() {
    let before = [said("2 "), icon()].concat();
    let (file, start) = file(
        uids::EXPLICIT_VR_LITTLE_ENDIAN,
        &[before.clone(), pixels(16, &[1; 16])],
    );
    let found = Pixels::find(file.path()).expect("pixels");
    let from = start + before.len() as u64 + 12;
    assert_eq!(found.native(), Some((from, 16)));
    assert_eq!(found.frame(1), Some(vec![(from + 8, 8)]));
    assert_eq!(found.frame(2), None);
}

#[test]
fn fragments_are_frames_by_their_table_or_one_by_one() {
    let fragments = |table: &[u8]| {
        [
            pixels(UNDEFINED, b""),
            item(ITEM, u32::try_from(table.len()).expect("short"), table),
            item(ITEM, 2, &[1, 1]),
            item(ITEM, 2, &[2, 2]),
            item(ITEM, 2, &[3, 3]),
            item(SEQUENCE_END, 0, b""),
        ]
        .concat()
    };
    let table = [0u32.to_le_bytes(), 20u32.to_le_bytes()].concat();
    let (two, _) = file(uids::JPEG_BASELINE8_BIT, &[said("2 "), fragments(&table)]);
    let found = Pixels::find(two.path()).expect("pixels");
    assert_eq!(found.frame(0).map(|ranges| ranges.len()), Some(2));
    assert_eq!(found.frame(1).map(|ranges| ranges.len()), Some(1));
    let (three, _) = file(uids::JPEG_BASELINE8_BIT, &[said("3 "), fragments(&[])]);
    assert_eq!(
        Pixels::find(three.path())
            .expect("pixels")
            .frame(2)
            .map(|r| r.len()),
        Some(1)
    );
    let (one, _) = file(uids::JPEG_BASELINE8_BIT, &[said("1 "), fragments(&[])]);
    assert_eq!(
        Pixels::find(one.path())
            .expect("pixels")
            .frame(0)
            .map(|r| r.len()),
        Some(3)
    );
    let (unknown, _) = file(uids::JPEG_BASELINE8_BIT, &[said("2 "), fragments(&[])]);
    assert_eq!(Pixels::find(unknown.path()).expect("pixels").frame(0), None);
}

#[test]
fn a_file_that_lies_or_breaks_off_is_an_error_at_any_length() {
    let (whole, _) = file(
        uids::EXPLICIT_VR_LITTLE_ENDIAN,
        &[said("1 "), icon(), pixels(8, &[1; 8])],
    );
    let bytes = std::fs::read(whole.path()).expect("bytes");
    for cut in 0..bytes.len() {
        std::fs::write(whole.path(), &bytes[..cut]).expect("write");
        assert!(Pixels::find(whole.path()).is_err(), "cut at {cut}");
    }
}
