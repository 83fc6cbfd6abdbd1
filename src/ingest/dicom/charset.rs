//! Text of a data set to Unicode, by Specific Character Set (0008,0005) and the escape sequences of PS3.5 6.1.2.5.
//! Decoding never fails: what does not fit is shown as U+FFFD and told.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1252,
    WINDOWS_1254,
};

const ESCAPE: u8 = 0x1B;

/// The character set that holds until an escape sequence says otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) enum Charset {
    /// Seven bits are what the standard allows without a declaration; many senders write more.
    Undeclared,
    Declared(&'static Encoding),
}

/// Text, and whether every byte had a meaning.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub text: String,
    pub clean: bool,
}

impl Charset {
    /// From the values of (0008,0005); `Err` for a term that is not known, which is read as undeclared.
    pub(super) fn from_terms(terms: &str) -> Result<Self, Self> {
        let first = terms.split('\\').next().unwrap_or("").trim();
        let number = first
            .trim_start_matches("ISO_IR")
            .trim_start_matches("ISO 2022 IR");
        let encoding = match number.trim_start_matches([' ', '_']) {
            "" | "6" => return Ok(Self::Undeclared),
            "100" => WINDOWS_1252,
            "101" => ISO_8859_2,
            "109" => ISO_8859_3,
            "110" => ISO_8859_4,
            "144" => ISO_8859_5,
            "127" => ISO_8859_6,
            "126" => ISO_8859_7,
            "138" => ISO_8859_8,
            "148" => WINDOWS_1254,
            "203" => ISO_8859_15,
            "166" => WINDOWS_874,
            "13" => SHIFT_JIS,
            "87" | "159" => ISO_2022_JP,
            "149" => EUC_KR,
            "192" => UTF_8,
            "58" | "GBK" | "GB2312" => GBK,
            "GB18030" => GB18030,
            _ => return Err(Self::Undeclared),
        };
        Ok(Self::Declared(encoding))
    }

    pub(super) fn decode(self, bytes: &[u8]) -> Decoded {
        let mut decoded = Decoded {
            text: String::new(),
            clean: true,
        };
        for (number, part) in bytes.split(|byte| *byte == ESCAPE).enumerate() {
            if number == 0 {
                decoded.add(self.decode_plain(part));
            } else {
                decoded.add(self.decode_escaped(part));
            }
        }
        decoded
    }

    fn decode_plain(self, bytes: &[u8]) -> Decoded {
        match self {
            Self::Declared(encoding) => decode_as(encoding, bytes),
            Self::Undeclared => {
                let clean = bytes.is_ascii();
                let encoding = if std::str::from_utf8(bytes).is_ok() {
                    UTF_8
                } else {
                    WINDOWS_1252
                };
                Decoded {
                    clean,
                    ..decode_as(encoding, bytes)
                }
            }
        }
    }

    /// What follows an escape character: its designation, then text in it (PS3.3 C.12.1.1.2).
    fn decode_escaped(self, part: &[u8]) -> Decoded {
        let two_byte = |encoding, prefix: &[u8], text: &[u8]| decode_as(encoding, &[prefix, text].concat());
        match part {
            [b'(', b'B', text @ ..] => self.decode_plain(text),
            [b'(', b'J', text @ ..] | [b')', b'I', text @ ..] => decode_as(SHIFT_JIS, text),
            [b'$', b'B' | b'@', text @ ..] => two_byte(ISO_2022_JP, b"\x1B$B", text),
            [b'$', b'(', b'D', text @ ..] => decode_as(EUC_JP, &supplementary_kanji(text)),
            [b'$', b')', b'C', text @ ..] => decode_as(EUC_KR, text),
            [b'$', b')', b'A', text @ ..] => decode_as(GBK, text),
            [b'-', set, text @ ..] => match right_half(*set) {
                Some(encoding) => decode_as(encoding, text),
                None => Decoded {
                    clean: false,
                    ..self.decode_plain(text)
                },
            },
            _ => Decoded {
                clean: false,
                ..self.decode_plain(part)
            },
        }
    }
}

impl Decoded {
    fn add(&mut self, part: Self) {
        self.text.push_str(&part.text);
        self.clean &= part.clean;
    }
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, failed) = encoding.decode_without_bom_handling(bytes);
    Decoded {
        text: text.into_owned(),
        clean: !failed,
    }
}

/// The eight-bit sets that `ESC - x` designates.
fn right_half(set: u8) -> Option<&'static Encoding> {
    Some(match set {
        b'A' => WINDOWS_1252,
        b'B' => ISO_8859_2,
        b'C' => ISO_8859_3,
        b'D' => ISO_8859_4,
        b'L' => ISO_8859_5,
        b'G' => ISO_8859_6,
        b'F' => ISO_8859_7,
        b'H' => ISO_8859_8,
        b'M' => WINDOWS_1254,
        b'T' => WINDOWS_874,
        b'b' => ISO_8859_15,
        _ => return None,
    })
}

/// JIS X 0212 as EUC-JP writes it: three bytes, the last two with their high bit set.
fn supplementary_kanji(text: &[u8]) -> Vec<u8> {
    text.chunks(2)
        .flat_map(|pair| [0x8F].into_iter().chain(pair.iter().map(|byte| byte | 0x80)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(terms: &str, bytes: &[u8], text: &str, clean: bool) {
        let charset = Charset::from_terms(terms).unwrap_or_else(|fallback| fallback);
        assert_eq!(
            charset.decode(bytes),
            Decoded {
                text: text.into(),
                clean
            },
            "{terms}"
        );
    }

    #[test]
    fn names_of_the_standards_examples_are_read() {
        check("ISO_IR 100", b"Buc^J\xE9r\xF4me", "Buc^Jérôme", true);
        check(
            "ISO_IR 192",
            "Wang^XiaoDong=王^小東".as_bytes(),
            "Wang^XiaoDong=王^小東",
            true,
        );
        check(
            "GB18030",
            b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB",
            "Wang^XiaoDong=王^小东",
            true,
        );
        check(
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B",
            "Yamada^Tarou=山田^太郎",
            true,
        );
        check(
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3",
            "ﾔﾏﾀﾞ^ﾀﾛｳ",
            true,
        );
        check(
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7",
            "Hong^Gildong=洪^吉洞",
            true,
        );
        check("ISO_IR 144", b"\xBB\xEEceco", "Люceco", true);
    }

    #[test]
    fn what_was_not_declared_is_read_as_well_as_possible_and_told() {
        check("", "Müller".as_bytes(), "Müller", false);
        check("", b"M\xFCller", "Müller", false);
        check("", b"Miller", "Miller", true);
        check("ISO_IR 192", b"M\xFCller", "M\u{FFFD}ller", false);
        check("ISO_IR 999", b"Miller", "Miller", true);
    }
}
