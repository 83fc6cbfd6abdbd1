//! Pixel Data that lies uncompressed at the end of its file, as it does in most: found by its header, so that the parser need not
//! carry what can be read straight to where it belongs. Any other file is parsed whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The element stands within so many bytes of the file; headers that are longer are parsed whole.
const MAX_HEAD: u64 = 64 << 10;
/// (7FE0,0010), little endian.
const PIXEL_DATA: [u8; 4] = [0xE0, 0x7F, 0x10, 0x00];

/// Where Pixel Data lies, and the file up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    pub head: Vec<u8>,
    /// Of the first pixel.
    pub from: u64,
    pub length: u64,
}

/// `None` where no such element ends with the file.
pub fn find(path: &Path) -> io::Result<Option<Tail>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut head = Vec::with_capacity(MAX_HEAD.min(size) as usize);
    file.take(MAX_HEAD).read_to_end(&mut head)?;
    let found = memchr::memmem::find_iter(&head, &PIXEL_DATA).find_map(|at| {
        let (header, length) = value(&head[at..])?;
        let from = at as u64 + header;
        (from + length == size).then_some((at, from, length))
    });
    Ok(found.map(|(at, from, length)| {
        head.truncate(at);
        Tail { head, from, length }
    }))
}

/// Length of the element's header and of its value, explicit (PS3.5 7.1.2) or implicit (7.1.3).
fn value(element: &[u8]) -> Option<(u64, u64)> {
    let number = |at: usize| {
        let four = element.get(at..at + 4)?.try_into().ok()?;
        Some(u64::from(u32::from_le_bytes(four)))
    };
    match element.get(4..8)? {
        [b'O', b'W' | b'B', 0, 0] => Some((12, number(8)?)),
        _ => Some((8, number(4)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Option<Tail> {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), bytes).expect("write");
        find(file.path()).expect("read")
    }

    #[test]
    fn the_element_is_found_where_it_ends_the_file_and_nowhere_else() {
        let explicit = [&b"head"[..], &PIXEL_DATA, b"OW\0\0", &[4, 0, 0, 0], &[1, 2, 3, 4]].concat();
        let tail = found(&explicit).expect("a tail");
        assert_eq!(
            (tail.head.as_slice(), tail.from, tail.length),
            (&b"head"[..], 16, 4)
        );
        let implicit = [&b"head"[..], &PIXEL_DATA, &[2, 0, 0, 0], &[1, 2]].concat();
        assert_eq!(
            found(&implicit).map(|tail| (tail.from, tail.length)),
            Some((12, 2))
        );
        // An icon's pixels first; the file goes on behind them.
        let icon = [&PIXEL_DATA[..], b"OW\0\0", &[2, 0, 0, 0], &[7, 7], &explicit].concat();
        assert_eq!(found(&icon).map(|tail| tail.from), Some(30));
        let trailing = [&explicit[..], &[0]].concat();
        let encapsulated = [&PIXEL_DATA[..], b"OB\0\0", &[0xFF; 4], &[1, 2]].concat();
        for other in [
            &trailing[..],
            &encapsulated,
            &explicit[..18],
            &PIXEL_DATA,
            b"",
            b"noise",
        ] {
            assert_eq!(found(other), None);
        }
    }
}
