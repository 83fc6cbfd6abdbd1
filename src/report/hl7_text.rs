//! HL7 v2 delimiters and escapes, both ways, in one pass each. Never panics, whatever the text holds, and never lets a
//! value end its own field, segment or frame.

use super::hl7_charset::Charset;

/// Most line breaks that one `\.sp n\` makes.
const MAX_SPACING: usize = 20;

/// The delimiters of one message, as its MSH-1 and MSH-2 define them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiters {
    pub field: char,
    pub component: char,
    pub repetition: char,
    pub escape: char,
    pub subcomponent: char,
    /// The fifth character of MSH-2, from 2.7 on.
    pub truncation: Option<char>,
}

impl Delimiters {
    /// What everyone uses and what we write.
    pub const USUAL: Self = Self {
        field: '|',
        component: '^',
        repetition: '~',
        escape: '\\',
        subcomponent: '&',
        truncation: None,
    };

    /// From the bytes behind `MSH`. `None` unless MSH-1 and the four or five characters of MSH-2 are distinct ASCII
    /// punctuation.
    pub fn read(after_msh: &[u8]) -> Option<Self> {
        let field = *after_msh.first()?;
        let rest = &after_msh[1..];
        let length = rest
            .iter()
            .position(|b| *b == field || *b == b'\r' || *b == b'\n')
            .unwrap_or(rest.len());
        let second = &rest[..length];
        if !(4..=5).contains(&second.len()) || !after_msh[..=length].iter().all(u8::is_ascii_punctuation) {
            return None;
        }
        let distinct = (1..=length).all(|i| !after_msh[..i].contains(&after_msh[i]));
        distinct.then(|| Self {
            field: field.into(),
            component: second[0].into(),
            repetition: second[1].into(),
            escape: second[2].into(),
            subcomponent: second[3].into(),
            truncation: second.get(4).map(|b| (*b).into()),
        })
    }

    fn letter_of(&self, c: char) -> Option<char> {
        match c {
            c if c == self.field => Some('F'),
            c if c == self.component => Some('S'),
            c if c == self.subcomponent => Some('T'),
            c if c == self.repetition => Some('R'),
            c if c == self.escape => Some('E'),
            c if Some(c) == self.truncation => Some('P'),
            _ => None,
        }
    }
}

/// Escapes a value for a data field: delimiters by letter, control characters as hexadecimal.
pub fn escape(value: &str, delimiters: &Delimiters) -> String {
    escape_with(value, delimiters, |c, out| {
        let hex = format!("X{:02X}", u32::from(c));
        wrap(out, delimiters, &hex);
    })
}

/// Escapes text of type TX or FT: as [`escape`], with `\.br\` for a line break.
pub fn escape_lines(value: &str, delimiters: &Delimiters) -> String {
    let value = value.replace("\r\n", "\n").replace('\r', "\n");
    escape_with(&value, delimiters, |c, out| {
        if c == '\n' {
            wrap(out, delimiters, ".br");
        } else {
            let hex = format!("X{:02X}", u32::from(c));
            wrap(out, delimiters, &hex);
        }
    })
}

fn escape_with(value: &str, delimiters: &Delimiters, control: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        match delimiters.letter_of(c) {
            Some(letter) => wrap(&mut out, delimiters, letter.encode_utf8(&mut [0; 4])),
            None if c < ' ' || c == '\u{7f}' => control(c, &mut out),
            None => out.push(c),
        }
    }
    out
}

fn wrap(out: &mut String, delimiters: &Delimiters, inner: &str) {
    out.push(delimiters.escape);
    out.push_str(inner);
    out.push(delimiters.escape);
}

/// Undoes the escapes of a raw value. What is no escape is text: `\\srv\Müller\` stays as it is.
pub fn unescape(raw: &str, delimiters: &Delimiters, charset: Charset) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = rest.find(delimiters.escape) {
        out.push_str(&rest[..start]);
        let behind = &rest[start + delimiters.escape.len_utf8()..];
        let Some(length) = behind.find(delimiters.escape) else {
            out.push(delimiters.escape);
            rest = behind;
            continue;
        };
        match expand(&behind[..length], delimiters, charset) {
            Some(text) => {
                out.push_str(&text);
                rest = &behind[length + delimiters.escape.len_utf8()..];
            }
            None => {
                out.push(delimiters.escape);
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// What stands for one escape sequence; `None` when it is none.
fn expand(inner: &str, delimiters: &Delimiters, charset: Charset) -> Option<String> {
    let single = |c: char| Some(c.to_string());
    match inner {
        "F" => single(delimiters.field),
        "S" => single(delimiters.component),
        "T" => single(delimiters.subcomponent),
        "R" => single(delimiters.repetition),
        "E" => single(delimiters.escape),
        "P" => single(delimiters.truncation.unwrap_or('#')),
        "H" | "N" => Some(String::new()),
        _ => expand_long(inner, charset),
    }
}

fn expand_long(inner: &str, charset: Charset) -> Option<String> {
    if let Some(command) = inner.strip_prefix('.') {
        return expand_format(command);
    }
    if let Some(digits) = inner.strip_prefix('X') {
        let bytes = hex::decode(digits).ok().filter(|b| !b.is_empty())?;
        return Some(charset.decode_lossy(&bytes).replace('\0', ""));
    }
    let local = inner.starts_with('Z') || inner.starts_with('C') || inner.starts_with('M');
    let plain = inner.len() > 1 && inner.bytes().skip(1).all(|b| b.is_ascii_hexdigit());
    (local && plain).then(String::new)
}

/// FT formatting commands: those that break a line do so, the rest are layout and vanish.
fn expand_format(command: &str) -> Option<String> {
    let name = command.get(..2)?;
    let argument = command[2..].trim().trim_start_matches('+');
    let count = match argument {
        "" => 1,
        digits => digits.trim_start_matches('-').parse::<usize>().ok()?,
    };
    match name {
        "br" | "ce" => Some("\n".into()),
        "sp" => Some("\n".repeat(count.min(MAX_SPACING))),
        "sk" => Some(" ".repeat(count.min(MAX_SPACING))),
        "in" | "ti" | "fi" | "nf" => Some(String::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(raw: &str) -> String {
        unescape(raw, &Delimiters::USUAL, Charset::Utf8)
    }

    #[test]
    fn escapes_are_undone_in_one_pass() {
        for (raw, text) in [
            (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
            (r"\E\F\E\", r"\F\"),
            (r"one\.br\two\.sp2\three\.in+4\", "one\ntwo\n\nthree"),
            (r"\H\bold\N\ \X0D0A\", "bold \r\n"),
            (r"\XC3A9\", "é"),
            (r"a\X00\b", "ab"),
            (r"\P\", "#"),
            (r"\Z01\kept", "kept"),
        ] {
            assert_eq!(plain(raw), text, "{raw}");
        }
    }

    #[test]
    fn what_is_no_escape_is_text() {
        for raw in [
            r"\\srv\Müller\",
            r"\é\",
            r"C:\temp",
            r"\",
            r"\\",
            r"\X\",
            r"\XZZ\",
            r"\X0\",
            r"\.é\",
            r"\.brx\",
            r"\.\",
        ] {
            assert_eq!(plain(raw), raw);
        }
    }

    #[test]
    fn delimiters_are_distinct_punctuation() {
        assert_eq!(Delimiters::read(br"|^~\&|A"), Some(Delimiters::USUAL));
        assert_eq!(
            Delimiters::read(br"|^~\&#|A").and_then(|d| d.truncation),
            Some('#')
        );
        assert_eq!(Delimiters::read(b"*:+$@*A").map(|d| d.component), Some(':'));
        for bad in [
            &b""[..],
            b"|",
            b"|||||",
            b"AAAAAAAAA",
            b"|^~\\",
            b"|^~\\|A",
            b"|^^\\&|",
            b"|^~\\&#!|",
            b"|^~\xc3\xa9|",
        ] {
            assert_eq!(Delimiters::read(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back_and_holds_no_delimiter(text in any::<String>()) {
            let raw = escape(&text, &Delimiters::USUAL);
            prop_assert!(!raw.contains(['|', '^', '~', '&', '\r', '\n', '\x0b', '\x1c', '\0']));
            prop_assert_eq!(plain(&raw), text.replace('\0', ""));
        }

        #[test]
        fn lines_come_back(text in "[ -~\n\u{a1}-\u{17f}]{0,80}") {
            let raw = escape_lines(&text, &Delimiters::USUAL);
            prop_assert!(!raw.contains(['|', '\r', '\n', '\x0b', '\x1c']));
            prop_assert_eq!(plain(&raw), text);
        }

        #[test]
        fn any_raw_text_is_read_without_a_panic(raw in r"[\\XF.brZ0-9é|^]{0,60}") {
            plain(&raw);
        }
    }
}
