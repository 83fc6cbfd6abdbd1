//! What the walk accepts, what it refuses and where, and that no split or change of the bytes makes it differ or panic.

use std::io::Write;

use proptest::prelude::*;

use super::*;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG: &str = "1.2.840.10008.1.2.2";

fn explicit(tag: (u16, u16), vr: &[u8; 2], length: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    bytes.extend_from_slice(vr);
    if [b"SQ", b"OB", b"OW", b"UN", b"UT"].contains(&vr) {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&length.to_le_bytes());
    } else {
        bytes.extend_from_slice(&u16::try_from(length).unwrap().to_le_bytes());
    }
    bytes.extend_from_slice(value);
    bytes
}

fn item(length: u32) -> Vec<u8> {
    [&[0xFE, 0xFF, 0x00, 0xE0][..], &length.to_le_bytes()].concat()
}

const ITEM_END: [u8; 8] = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0];
const SEQUENCE_END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];

fn modality() -> Vec<u8> {
    explicit((8, 0x60), b"CS", 2, b"CT")
}

fn nested(depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..depth {
        bytes.extend(explicit((0x40, 0xA730), b"SQ", u32::MAX, &item(u32::MAX)));
    }
    for _ in 0..depth {
        bytes.extend_from_slice(&ITEM_END);
        bytes.extend_from_slice(&SEQUENCE_END);
    }
    bytes
}

fn encapsulated() -> Vec<u8> {
    let mut pixels = explicit((0x7FE0, 0x10), b"OB", u32::MAX, &item(0));
    pixels.extend(item(4));
    pixels.extend_from_slice(&[1, 2, 3, 4]);
    pixels.extend_from_slice(&SEQUENCE_END);
    [modality(), pixels].concat()
}

fn check(transfer_syntax: &str, bytes: &[u8]) -> Result<Scan, PrescanError> {
    prescan(transfer_syntax, bytes, Limits::default())
}

fn problem(transfer_syntax: &str, bytes: &[u8]) -> Problem {
    check(transfer_syntax, bytes).err().map(|e| e.problem).unwrap()
}

#[test]
fn what_real_senders_write_is_walked_to_its_end() {
    let sequence = explicit((0x40, 0x275), b"SQ", 18, &[item(10), modality()].concat());
    let unknown = explicit((0x11, 0x1010), b"UN", u32::MAX, &SEQUENCE_END);
    let table: Vec<(&str, &str, Vec<u8>, u64)> = vec![
        ("one element", EXPLICIT, modality(), 1),
        ("trailing zeros", EXPLICIT, [modality(), vec![0; 5]].concat(), 1),
        (
            "a delimiter and crumbs behind the pixels",
            EXPLICIT,
            [encapsulated(), ITEM_END.to_vec(), vec![8, 0, 1]].concat(),
            6,
        ),
        (
            "an odd length",
            EXPLICIT,
            explicit((8, 0x60), b"CS", 3, b"CT "),
            1,
        ),
        ("a sequence of known length", EXPLICIT, sequence, 3),
        ("a private sequence without its VR", EXPLICIT, unknown, 2),
        (
            "a VR of the future",
            EXPLICIT,
            explicit((8, 0x61), b"ZZ", 2, b"")[..6]
                .iter()
                .copied()
                .chain([0, 0, 2, 0, 0, 0, 1, 1])
                .collect(),
            1,
        ),
        (
            "two question marks for a VR",
            EXPLICIT,
            explicit((8, 0x61), b"??", 2, b"CT"),
            1,
        ),
        ("64 nested sequences", EXPLICIT, nested(64), 64 * 4),
        ("encapsulated pixels", EXPLICIT, encapsulated(), 5),
        (
            "implicit",
            IMPLICIT,
            vec![8, 0, 0x60, 0, 2, 0, 0, 0, b'C', b'T'],
            1,
        ),
        (
            "big endian",
            BIG,
            vec![0, 8, 0, 0x60, b'C', b'S', 0, 2, b'C', b'T'],
            1,
        ),
    ];
    for (name, syntax, bytes, elements) in table {
        let scan = check(syntax, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(scan.elements, elements, "{name}");
    }
    assert!(check(EXPLICIT, &encapsulated()).unwrap().has_pixels);
    assert_eq!(
        check(EXPLICIT, &modality()).unwrap().head[0].value.as_deref(),
        Some(&b"CT"[..])
    );
}

#[test]
fn a_length_is_never_believed() {
    let four_gigabytes = explicit((9, 0x10), b"UT", 4_000_000_000, &[0; 12]);
    assert_eq!(four_gigabytes.len(), 24);
    assert_eq!(
        problem(EXPLICIT, &four_gigabytes),
        Problem::Truncated {
            missing: 3_999_999_988
        }
    );
    let overrun = explicit((0x40, 0x275), b"SQ", 18, &[item(2000), modality()].concat());
    assert_eq!(
        problem(EXPLICIT, &overrun),
        Problem::Overrun {
            length: 2000,
            room: 10
        }
    );
}

#[test]
fn malformed_data_sets_are_refused_with_the_place() {
    let stray = [modality(), ITEM_END.to_vec()].concat();
    let error = check(EXPLICIT, &stray).err().unwrap();
    assert_eq!(
        error.to_string(),
        "a delimiter that closes nothing at offset 18 in (fffe,e00d)"
    );
    let table: Vec<(Vec<u8>, Problem)> = vec![
        (vec![], Problem::Empty),
        (vec![0; 3], Problem::Empty),
        (modality()[..9].to_vec(), Problem::Truncated { missing: 1 }),
        (modality()[..7].to_vec(), Problem::Truncated { missing: 1 }),
        (nested(65), Problem::TooDeep { limit: 64 }),
        (nested(5_000), Problem::TooDeep { limit: 64 }),
        (nested(3)[..60].to_vec(), Problem::Unclosed),
        (
            explicit((0x40, 0x275), b"SQ", u32::MAX, &modality()),
            Problem::NotAnItem,
        ),
        (
            [&modality()[..4], b"UT\0\0\xFF\xFF\xFF\xFF"].concat(),
            Problem::UndefinedLength { vr: "UT".into() },
        ),
    ];
    for (bytes, expected) in table {
        assert_eq!(problem(EXPLICIT, &bytes), expected);
    }
    let limits = Limits {
        elements: 3,
        ..Limits::default()
    };
    let refused = prescan(EXPLICIT, &modality().repeat(4), limits)
        .err()
        .map(|e| e.problem);
    assert_eq!(refused, Some(Problem::TooManyElements { limit: 3 }));
}

fn deflate(data_set: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data_set).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_deflated_data_set_is_inflated_within_bounds() {
    let pixels = explicit((0x7FE0, 0x10), b"OW", 3_000_000, &vec![0; 3_000_000]);
    let data_set = [modality(), pixels].concat();
    let deflated = [deflate(&data_set), vec![0]].concat();
    assert_eq!(check(DEFLATED, &deflated).unwrap().bytes, 3_000_022);

    let tight = Limits {
        inflated_bytes: 1_000_000,
        ..Limits::default()
    };
    let bomb = prescan(DEFLATED, &deflated, tight).err().map(|e| e.problem);
    assert_eq!(
        bomb,
        Some(Problem::Bomb {
            limit: 1_000_000,
            ratio: 200
        })
    );
    assert!(matches!(
        problem(DEFLATED, &deflated[..1000]),
        Problem::Truncated { .. }
    ));
    assert_eq!(problem(DEFLATED, b"\xFF\xFFnot deflate"), Problem::NotDeflated);
}

#[test]
fn a_deflated_data_set_may_come_in_pieces_of_any_size() {
    let pixels = explicit((0x7FE0, 0x10), b"OW", 9_000_000, &vec![0; 9_000_000]);
    let data_set = [modality(), pixels].concat();
    let deflated = deflate(&data_set);
    for size in [1, 7, 100, 1000, 4096, deflated.len()] {
        let mut scanner = Scanner::new(DEFLATED, Limits::default());
        for piece in deflated.chunks(size) {
            scanner
                .push(piece)
                .unwrap_or_else(|error| panic!("pieces of {size}: {error}"));
        }
        assert_eq!(
            scanner.finish().ok().map(|scan| scan.bytes),
            Some(9_000_022),
            "pieces of {size}"
        );
    }
}

fn sample() -> Vec<u8> {
    let sequence = explicit((0x40, 0x275), b"SQ", 18, &[item(10), modality()].concat());
    [
        modality(),
        sequence,
        nested(3),
        explicit((0x10, 0x10), b"PN", 4, b"A^B "),
        encapsulated(),
    ]
    .concat()
}

proptest! {
    #[test]
    fn any_split_gives_the_same_answer(cuts in proptest::collection::vec(0usize..400, 0..6), end in 0usize..400) {
        for syntax in [EXPLICIT, IMPLICIT, BIG] {
            let bytes = sample();
            let bytes = &bytes[..end.min(bytes.len())];
            let mut cuts: Vec<_> = cuts.iter().map(|cut| (*cut).min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut scanner = Scanner::new(syntax, Limits::default());
            let mut from = 0;
            let mut split = Ok(());
            for cut in cuts.into_iter().chain([bytes.len()]) {
                split = split.and_then(|()| scanner.push(&bytes[from..cut]));
                from = cut;
            }
            let split = split.and_then(|()| scanner.finish());
            prop_assert_eq!(split.err(), check(syntax, bytes).err());
        }
    }

    #[test]
    fn changed_bytes_never_panic_and_never_grow(changes in proptest::collection::vec((0usize..400, any::<u8>()), 1..8)) {
        let mut bytes = sample();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        for syntax in [EXPLICIT, IMPLICIT, BIG, DEFLATED] {
            if let Ok(scan) = check(syntax, &bytes) {
                let kept: usize = scan.head.iter().filter_map(|e| e.value.as_ref()).map(Vec::len).sum();
                prop_assert!(kept <= bytes.len());
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for syntax in [EXPLICIT, IMPLICIT, BIG, DEFLATED] {
            let _ = check(syntax, &bytes).is_ok();
        }
    }
}
