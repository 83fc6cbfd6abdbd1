//! The size that a compressed image states of itself. Decoders allocate by it, so it is held against the header before one runs. Reads
//! markers only: JPEG (ISO 10918-1 B.1.1.3), JPEG-LS (ISO 14495-1 C.2.2) and JPEG 2000 (ISO 15444-1 A.5.1).

/// Code stream of JPEG 2000: start, then the segment of sizes.
const SOC_SIZ: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
/// A JP2 file around the code stream, which DICOM forbids and some write, begins it within so many bytes.
const MAX_BOXES: usize = 4096;
/// Segments before the frame header; more is no image.
const MAX_SEGMENTS: usize = 256;

/// Rows and columns; `None` where the stream does not say.
pub fn size(stream: &[u8]) -> Option<[u32; 2]> {
    if stream.starts_with(&[0xFF, 0xD8]) {
        return jpeg(stream);
    }
    let head = &stream[..stream.len().min(MAX_BOXES)];
    let at = head.windows(4).position(|four| *four == SOC_SIZ)?;
    jpeg_2000(&stream[at + 4..])
}

/// Frame headers of JPEG, differential ones and the one of JPEG-LS included; not tables and not what is reserved.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF | 0xF7) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

fn jpeg(stream: &[u8]) -> Option<[u32; 2]> {
    let mut at = 2;
    for _ in 0..MAX_SEGMENTS {
        // Any number of 0xFF may fill the way to a marker.
        while stream.get(at..at + 2)? == [0xFF, 0xFF] {
            at += 1;
        }
        let &[0xFF, marker] = stream.get(at..at + 2)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes(stream.get(at + 2..at + 4)?.try_into().ok()?));
        if is_frame(marker) {
            let number = |from: usize| -> Option<u32> {
                let bytes = stream.get(from..from + 2)?.try_into().ok()?;
                Some(u32::from(u16::from_be_bytes(bytes)))
            };
            return Some([number(at + 5)?, number(at + 7)?]);
        }
        at += 2 + length;
    }
    None
}

/// After the two markers: Lsiz, Rsiz, Xsiz, Ysiz, XOsiz, YOsiz.
fn jpeg_2000(segment: &[u8]) -> Option<[u32; 2]> {
    let number = |at: usize| -> Option<u32> {
        let bytes = segment.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    let (columns, rows) = (
        number(4)?.checked_sub(number(12)?)?,
        number(8)?.checked_sub(number(16)?)?,
    );
    Some([rows, columns])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_read_behind_other_segments() {
        let app = [0xFF, 0xE0, 0, 4, 1, 2];
        let frame = |marker| [0xFF, marker, 0, 11, 8, 2, 0, 1, 0, 1, 1, 0x11, 0];
        for marker in [0xC0, 0xC3, 0xF7] {
            let stream = [&[0xFF, 0xD8][..], &app, &[0xFF], &frame(marker)].concat();
            assert_eq!(size(&stream), Some([512, 256]), "{marker:x}");
        }
        let tables_only = [&[0xFF, 0xD8][..], &frame(0xC4)].concat();
        assert_eq!(size(&tables_only), None);
    }

    #[test]
    fn the_size_of_jpeg_2000_is_that_of_its_area() {
        let numbers = [300u32, 200, 44, 8].map(u32::to_be_bytes).concat();
        let stream = [&[0u8; 12][..], &SOC_SIZ, &[0, 41, 0, 0], &numbers].concat();
        assert_eq!(size(&stream), Some([192, 256]));
        assert_eq!(size(&stream[..20]), None);
    }

    #[test]
    fn noise_has_no_size() {
        for stream in [&[][..], &[0xFF], &[0xFF, 0xD8], &[0xFF, 0xD8, 0xFF], &[7; 99]] {
            assert_eq!(size(stream), None);
        }
    }
}
