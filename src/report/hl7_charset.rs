//! Character sets of MSH-18 (table 0211): which one a message is in, and bytes to text and back.
//! Never guesses silently: a fallback and a character that does not fit are reported to the caller.

use encoding_rs::{
    BIG5, DecoderResult, EUC_KR, Encoding, GB18030, ISO_2022_JP, ISO_8859_2, ISO_8859_3, ISO_8859_4,
    ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, WINDOWS_1252, WINDOWS_1254,
};

use serde::{Deserialize, Serialize};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What we read and write, as a person who is asked for one of them is told.
pub const SUPPORTED: &str =
    "ASCII, UNICODE UTF-8, 8859/1 to 8859/9, 8859/15, GB 18030-2000, BIG-5, KS X 1001 or ISO IR87";

/// A character set that we read and write. A message is decoded before it is split: in those of the East, a byte that looks like a
/// delimiter may be half of a character. The header is ASCII up to MSH-18 in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Charset {
    Ascii,
    Utf8,
    Latin1,
    /// `8859/2` to `8859/9` and `8859/15`.
    Iso(IsoPart),
    East(East),
}

/// The sets of several bytes a character that table 0211 names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum East {
    Gb18030,
    Big5,
    /// Read as the superset of Windows.
    KsX1001,
    /// JIS X 0201 and 0208 (ISO IR14, ISO IR87), switched by the escape sequences of ISO 2022.
    Iso2022Jp,
}

/// The further parts of ISO 8859 that table 0211 names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IsoPart {
    P2,
    P3,
    P4,
    P5,
    P6,
    P7,
    P8,
    P9,
    P15,
}

/// What MSH-18 asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    Unsaid,
    Known(Charset),
    Unsupported,
}

/// Text read from bytes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub text: String,
    pub charset: Charset,
    /// The message did not say its character set, was no UTF-8, and was read as 8859/1.
    pub fell_back: bool,
}

/// Bytes written from text, and how many characters had to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    pub bytes: Vec<u8>,
    pub replaced: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
    #[error("the character set of MSH-18 is not supported")]
    Unsupported,
    #[error("the bytes are not in the character set that MSH-18 names, from byte {0} on")]
    NotAsDeclared(usize),
}

/// A stored message as text, for a person: in the character set that it names; what is not of that set becomes U+FFFD.
pub fn readable(message: &[u8]) -> String {
    let separator = message.get(3).copied().map_or('|', char::from);
    let declared = Declared::of(message, separator);
    let lossy = || declared.charset().decode_lossy(message);
    declared
        .decode(message)
        .map_or_else(|_| lossy(), |decoded| decoded.text)
}

impl Declared {
    /// MSH-18 as the bytes of a message say it, before the character set is known.
    pub fn of(message: &[u8], field_separator: char) -> Self {
        let line = message
            .split(|b| *b == b'\r' || *b == b'\n')
            .next()
            .unwrap_or(b"");
        let field = line
            .split(|b| char::from(*b) == field_separator)
            .nth(17)
            .unwrap_or(b"");
        Self::read(&String::from_utf8_lossy(field))
    }

    pub(super) fn charset(self) -> Charset {
        match self {
            Self::Known(charset) => charset,
            Self::Unsaid | Self::Unsupported => Charset::Utf8,
        }
    }

    /// Reads MSH-18; white space and case do not matter. Several repetitions are supported when they all mean the same.
    pub fn read(msh18: &str) -> Self {
        let said: Vec<Self> = msh18
            .split('~')
            .map(Self::read_one)
            .filter(|one| *one != Self::Unsaid)
            .collect();
        let japanese = Self::Known(Charset::East(East::Iso2022Jp));
        // Japan names ASCII, or nothing, first, and behind it the sets that escape sequences switch to.
        let first = match said.contains(&japanese) {
            true => japanese,
            false => said.first().copied().unwrap_or(Self::Unsaid),
        };
        let beside = |one: &Self| first == japanese && *one == Self::Known(Charset::Ascii);
        match said.iter().all(|one| *one == first || beside(one)) {
            true => first,
            false => Self::Unsupported,
        }
    }

    fn read_one(name: &str) -> Self {
        let name: String = name
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-' && *c != '_')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let known = match name.as_str() {
            "" | "\"\"" => return Self::Unsaid,
            "ASCII" | "USASCII" => Charset::Ascii,
            "UNICODE" | "UNICODEUTF8" | "UTF8" => Charset::Utf8,
            "GB18030" | "GB180302000" => Charset::East(East::Gb18030),
            "BIG5" => Charset::East(East::Big5),
            "KSX1001" => Charset::East(East::KsX1001),
            "ISOIR14" | "ISOIR87" => Charset::East(East::Iso2022Jp),
            _ => match name.strip_prefix("ISO").unwrap_or(&name) {
                "8859/1" | "88591" => Charset::Latin1,
                "8859/2" | "88592" => Charset::Iso(IsoPart::P2),
                "8859/3" | "88593" => Charset::Iso(IsoPart::P3),
                "8859/4" | "88594" => Charset::Iso(IsoPart::P4),
                "8859/5" | "88595" => Charset::Iso(IsoPart::P5),
                "8859/6" | "88596" => Charset::Iso(IsoPart::P6),
                "8859/7" | "88597" => Charset::Iso(IsoPart::P7),
                "8859/8" | "88598" => Charset::Iso(IsoPart::P8),
                "8859/9" | "88599" => Charset::Iso(IsoPart::P9),
                "8859/15" | "885915" => Charset::Iso(IsoPart::P15),
                _ => return Self::Unsupported,
            },
        };
        Self::Known(known)
    }

    /// Decodes a whole message. Unsaid, or ASCII with other bytes in it: UTF-8 if it is that, else 8859/1.
    /// A NUL is no text, and PostgreSQL keeps none: it is left out.
    pub fn decode(self, bytes: &[u8]) -> Result<Decoded, CharsetError> {
        let mut decoded = self.as_it_came(bytes)?;
        decoded.text.retain(|c| c != '\0');
        Ok(decoded)
    }

    fn as_it_came(self, bytes: &[u8]) -> Result<Decoded, CharsetError> {
        let (bytes, marked) = match bytes.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => (rest, true),
            None => (bytes, false),
        };
        let done = |text: String, charset| {
            Ok(Decoded {
                text,
                charset,
                fell_back: false,
            })
        };
        match self {
            Self::Unsupported => Err(CharsetError::Unsupported),
            Self::Known(Charset::Utf8) => utf8(bytes).and_then(|text| done(text, Charset::Utf8)),
            Self::Known(Charset::Ascii) if bytes.is_ascii() => done(utf8(bytes)?, Charset::Ascii),
            Self::Known(charset @ (Charset::Latin1 | Charset::Iso(_))) if !marked => {
                done(charset.decode_lossy(bytes), charset)
            }
            Self::Known(charset @ Charset::East(east)) if !marked => done(east.decode(bytes)?, charset),
            Self::Unsaid | Self::Known(_) => match utf8(bytes) {
                Ok(text) => done(text, Charset::Utf8),
                Err(_) => Ok(Decoded {
                    text: Charset::Latin1.decode_lossy(bytes),
                    charset: Charset::Latin1,
                    fell_back: true,
                }),
            },
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<String, CharsetError> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|e| CharsetError::NotAsDeclared(e.valid_up_to()))
}

impl Charset {
    /// The value of MSH-18.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ASCII",
            Self::Utf8 => "UNICODE UTF-8",
            Self::Latin1 => "8859/1",
            Self::Iso(part) => match part {
                IsoPart::P2 => "8859/2",
                IsoPart::P3 => "8859/3",
                IsoPart::P4 => "8859/4",
                IsoPart::P5 => "8859/5",
                IsoPart::P6 => "8859/6",
                IsoPart::P7 => "8859/7",
                IsoPart::P8 => "8859/8",
                IsoPart::P9 => "8859/9",
                IsoPart::P15 => "8859/15",
            },
            Self::East(east) => match east {
                East::Gb18030 => "GB 18030-2000",
                East::Big5 => "BIG-5",
                East::KsX1001 => "KS X 1001",
                // ASCII first, and behind it what escape sequences switch to.
                East::Iso2022Jp => "~ISO IR87",
            },
        }
    }

    /// Bytes to text; what is undefined becomes U+FFFD. 8859/1 and 8859/9 are read as their Windows supersets, which is
    /// what senders mean when they use the 32 bytes that ISO leaves to control characters.
    pub fn decode_lossy(self, bytes: &[u8]) -> String {
        let encoding = match self {
            Self::Ascii | Self::Utf8 => return String::from_utf8_lossy(bytes).into_owned(),
            Self::Latin1 => WINDOWS_1252,
            Self::Iso(part) => part.encoding(),
            Self::East(east) => east.encoding(),
        };
        encoding.decode_without_bom_handling(bytes).0.into_owned()
    }

    /// Text to bytes; what does not fit is written in plain letters, or as `?`.
    pub fn encode(self, text: &str) -> Encoded {
        let (fitted, replaced) = self.fit(text);
        let bytes = match self {
            Self::Ascii | Self::Utf8 => fitted.into_bytes(),
            // Not as encoding_rs would: it takes 8859/1 for what Windows makes of it.
            Self::Latin1 => fitted.chars().map(|c| u32::from(c) as u8).collect(),
            Self::Iso(part) => part.encoding().encode(&fitted).0.into_owned(),
            Self::East(east) => east.encoding().encode(&fitted).0.into_owned(),
        };
        Encoded { bytes, replaced }
    }

    /// The text with every character in it that this set has, so that a later [`Self::encode`] changes nothing; and how
    /// many were replaced. Values are fitted before they are escaped.
    pub fn fit(self, text: &str) -> (String, usize) {
        let mut fitted = String::with_capacity(text.len());
        let mut replaced = 0;
        for c in text.chars() {
            if self.has(c) {
                fitted.push(c);
            } else {
                fitted.push_str(plain_letters(c));
                replaced += 1;
            }
        }
        (fitted, replaced)
    }

    fn has(self, c: char) -> bool {
        if c.is_ascii() {
            return true;
        }
        let mut buffer = [0; 4];
        let text = c.encode_utf8(&mut buffer);
        match self {
            Self::Ascii => false,
            Self::Utf8 => true,
            Self::Latin1 => (0xa0..=0xff).contains(&u32::from(c)),
            // Windows fills the 32 places that ISO leaves to control characters.
            Self::Iso(part) => {
                let (bytes, _, lost) = part.encoding().encode(text);
                !lost && bytes.iter().all(|b| *b >= 0xa0)
            }
            Self::East(east) => !east.encoding().encode(text).2,
        }
    }
}

impl East {
    fn encoding(self) -> &'static Encoding {
        match self {
            Self::Gb18030 => GB18030,
            Self::Big5 => BIG5,
            Self::KsX1001 => EUC_KR,
            Self::Iso2022Jp => ISO_2022_JP,
        }
    }

    /// # Errors
    /// Bytes that are no character of the set.
    fn decode(self, bytes: &[u8]) -> Result<String, CharsetError> {
        let mut decoder = self.encoding().new_decoder_without_bom_handling();
        let most = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
        let mut text = String::with_capacity(most.unwrap_or_default());
        match decoder.decode_to_string_without_replacement(bytes, &mut text, true) {
            (DecoderResult::InputEmpty, _) => Ok(text),
            (DecoderResult::Malformed(bad, after), read) => Err(CharsetError::NotAsDeclared(
                read.saturating_sub(usize::from(bad) + usize::from(after)),
            )),
            // The text was made as long as it can become.
            (DecoderResult::OutputFull, read) => Err(CharsetError::NotAsDeclared(read)),
        }
    }
}

impl IsoPart {
    fn encoding(self) -> &'static Encoding {
        match self {
            Self::P2 => ISO_8859_2,
            Self::P3 => ISO_8859_3,
            Self::P4 => ISO_8859_4,
            Self::P5 => ISO_8859_5,
            Self::P6 => ISO_8859_6,
            Self::P7 => ISO_8859_7,
            Self::P8 => ISO_8859_8,
            Self::P9 => WINDOWS_1254,
            Self::P15 => ISO_8859_15,
        }
    }
}

/// ASCII for the punctuation and signs that our own texts use.
fn plain_letters(c: char) -> &'static str {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201a}' => "'",
        '\u{201c}' | '\u{201d}' | '\u{201e}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2026}' => "...",
        '\u{2022}' | '\u{b7}' => "*",
        '\u{a0}' | '\u{202f}' | '\u{2009}' => " ",
        '\u{2265}' => ">=",
        '\u{2264}' => "<=",
        '\u{2248}' => "approx. ",
        '\u{b1}' => "+/-",
        '\u{d7}' => "x",
        '\u{b2}' => "2",
        '\u{b3}' => "3",
        '\u{b5}' | '\u{3bc}' => "u",
        '\u{b0}' => " deg",
        '\u{20ac}' => "EUR",
        '\u{df}' => "ss",
        '\u{e4}' => "ae",
        '\u{f6}' => "oe",
        '\u{fc}' => "ue",
        '\u{c4}' => "Ae",
        '\u{d6}' => "Oe",
        '\u{dc}' => "Ue",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_set_round_trips_its_own_letters() {
        for (name, text) in [
            ("ASCII", "Mueller"),
            ("UNICODE UTF-8", "Müller 李 ≥"),
            ("8859/1", "Müller é"),
            ("8859/2", "Łódź"),
            ("8859/3", "Ħal"),
            ("8859/4", "Ķ"),
            ("8859/5", "Иванов"),
            ("8859/6", "محمد"),
            ("8859/7", "Παπάς"),
            ("8859/8", "כהן"),
            ("8859/9", "Şahin"),
            ("8859/15", "Œuvre €"),
            ("GB 18030-2000", "张伟 \u{20bb7} €"),
            ("BIG-5", "陳大文 許功蓋"),
            ("KS X 1001", "김철수"),
            ("~ISO IR87", "山田 太郎 ヤマダ"),
        ] {
            let Declared::Known(charset) = Declared::read(name) else {
                panic!("{name} is known");
            };
            assert_eq!(charset.name(), name);
            let encoded = charset.encode(text);
            assert_eq!(encoded.replaced, 0, "{name}");
            let decoded = Declared::Known(charset).decode(&encoded.bytes).unwrap();
            assert_eq!(decoded.text, text, "{name}");
        }
    }

    #[test]
    fn a_message_is_shown_in_the_character_set_that_it_names() {
        let header = |set: &str| format!("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5||||||{set}\rPID|1||X||");
        let shown = |set: &str, name: &[u8]| readable(&[header(set).as_bytes(), name].concat());
        assert!(shown("8859/1", b"M\xfcller").ends_with("Müller"));
        assert!(shown("8859/5", b"\xb8\xd2\xd0\xdd").ends_with("Иван"));
        assert!(shown("UNICODE UTF-8", "Müller".as_bytes()).ends_with("Müller"));
        assert!(shown("UNICODE UTF-8", b"M\xfcller").ends_with("M\u{fffd}ller"));
        assert!(shown("ISO IR87", b"M\xfcller").ends_with("M\u{fffd}ller"));
    }

    #[test]
    fn an_unsaid_set_is_utf8_or_else_latin1_and_says_so() {
        let utf8 = Declared::Unsaid.decode("Müller".as_bytes()).unwrap();
        assert_eq!((utf8.text.as_str(), utf8.fell_back), ("Müller", false));
        let latin = Declared::Unsaid.decode(b"M\xfcller").unwrap();
        assert_eq!((latin.text.as_str(), latin.fell_back), ("Müller", true));
        let marked = Declared::Unsaid.decode(b"\xef\xbb\xbfMSH").unwrap();
        assert_eq!(marked.text, "MSH");
    }

    #[test]
    fn a_wrong_declaration_is_an_error_that_says_where() {
        let wrong = Declared::read("UNICODE UTF-8").decode(b"M\xfcller");
        assert_eq!(wrong, Err(CharsetError::NotAsDeclared(1)));
        assert_eq!(Declared::read("CNS 11643-1992"), Declared::Unsupported);
        let cut = Declared::read("GB 18030-2000").decode(b"PID \xd5\xc5\xce");
        assert_eq!(cut, Err(CharsetError::NotAsDeclared(6)));
        assert_eq!(Declared::read("UNICODE UTF-16"), Declared::Unsupported);
        assert_eq!(Declared::read("8859/1~UNICODE UTF-8"), Declared::Unsupported);
        assert_eq!(Declared::read("UTF-8~UNICODE"), Declared::Known(Charset::Utf8));
        for japanese in ["~ISO IR87", "ASCII~ISO IR14~ISO IR87", "ISO IR87"] {
            let read = Declared::read(japanese);
            assert_eq!(
                read,
                Declared::Known(Charset::East(East::Iso2022Jp)),
                "{japanese}"
            );
        }
        assert_eq!(Declared::read("8859/1~ISO IR87"), Declared::Unsupported);
    }

    #[test]
    fn what_does_not_fit_is_spelt_and_counted() {
        let encoded = Charset::Latin1.encode("≥ 3 mL – é李");
        assert_eq!(encoded.bytes, b">= 3 mL - \xe9?");
        assert_eq!(encoded.replaced, 3);
    }
}
