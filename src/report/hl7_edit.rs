//! A message as a person can edit it, and the bytes again: one segment a line, in the message's own character set. What no
//! keyboard writes and no screen shows (control characters, bytes that are not of the set) stands as its bytes between `⟦` and
//! `⟧`. A text that nobody changed becomes the very bytes that it was made of.

use std::fmt::Write;

use super::hl7_charset::{Charset, Declared};

const OPEN: char = '⟦';
const CLOSE: char = '⟧';
/// A byte order mark, as it is shown.
const MARK: &str = "⟦EFBBBF⟧";

/// What is needed besides the text to write a message as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    charset: Charset,
    line_end: LineEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    Cr,
    Lf,
    CrLf,
}

/// A message for a text field.
#[derive(Clone, PartialEq, Eq)]
pub struct Editable {
    pub text: String,
    pub form: Form,
}

/// What of a text cannot be written, and where; never a value of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("line {line}, character {at}: expected bytes in pairs of hexadecimal digits up to ⟧, as in ⟦1B⟧")]
    Escape { line: usize, at: usize },
    #[error(
        "line {line}, character {at}: not in {charset}; expected a character of it, or another set in MSH-18"
    )]
    Charset {
        line: usize,
        at: usize,
        charset: &'static str,
    },
    #[error("line 1: expected a message, which begins with MSH")]
    NoMessage,
}

/// For a message that comes from no store: by its own MSH-18, and with the line ends of the standard.
impl Default for Form {
    fn default() -> Self {
        Self {
            charset: Charset::Utf8,
            line_end: LineEnd::Cr,
        }
    }
}

pub fn editable(raw: &[u8]) -> Editable {
    let line_end = LineEnd::of(raw);
    let separator = raw.get(3).copied().map_or('|', char::from);
    let declared = Declared::of(raw, separator);
    if let Ok(decoded) = declared.decode(raw) {
        let form = Form {
            charset: decoded.charset,
            line_end,
        };
        let text = shown(&decoded.text, form);
        if written(&text, form).as_deref() == Ok(raw) {
            return Editable { text, form };
        }
    }
    // Nothing but ASCII stands as itself: exact, whatever the bytes are.
    let form = Form {
        charset: declared.charset(),
        line_end,
    };
    let text = by_bytes(raw, line_end);
    Editable { text, form }
}

/// The message under another control id (MSH-10). The header is ASCII in every character set that is read.
pub fn with_control_id(raw: &[u8], control_id: &str) -> Option<Vec<u8>> {
    let start = raw.windows(3).position(|bytes| bytes == b"MSH")?;
    let separator = *raw.get(start + 3)?;
    let line = raw[start..].iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let end = line.map_or(raw.len(), |length| start + length);
    let bounds: Vec<usize> = (start..end).filter(|at| raw[*at] == separator).collect();
    // MSH-1 is the separator itself, so MSH-10 stands behind the ninth.
    let from = bounds.get(8)? + 1;
    let until = bounds.get(9).copied().unwrap_or(end);
    Some([&raw[..from], control_id.as_bytes(), &raw[until..]].concat())
}

/// The bytes of an edited text; in the character set that its MSH-18 names, else in that of the message that it was.
///
/// # Errors
/// What cannot be written, and where.
pub fn edited(text: &str, form: Form) -> Result<Vec<u8>, EditError> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let header = text.strip_prefix(MARK).unwrap_or(&text).trim_start();
    if !header.starts_with("MSH") {
        return Err(EditError::NoMessage);
    }
    let separator = header.chars().nth(3).unwrap_or('|');
    let charset = match Declared::of(header.as_bytes(), separator) {
        Declared::Known(charset) if charset != Charset::Ascii => charset,
        Declared::Known(_) | Declared::Unsaid | Declared::Unsupported => form.charset,
    };
    written(&text, Form { charset, ..form })
}

impl LineEnd {
    fn of(raw: &[u8]) -> Self {
        let count = |end: &[u8]| raw.windows(end.len()).filter(|bytes| bytes == &end).count();
        match (count(b"\r"), count(b"\n"), count(b"\r\n")) {
            (0, 1.., _) => Self::Lf,
            (returns, feeds, both) if feeds > 0 && returns == both && feeds == both => Self::CrLf,
            _ => Self::Cr,
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Cr => b"\r",
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Cr => "\r",
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

fn shown(text: &str, form: Form) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split(form.line_end.text()).enumerate() {
        if at > 0 {
            out.push('\n');
        }
        for c in line.chars() {
            match is_plain(c) {
                true => out.push(c),
                false => escape(&form.charset.encode(&c.to_string()).bytes, &mut out),
            }
        }
    }
    out
}

/// Whether a text field shows a character as what it is, and gives it back so. What steers the direction of a text does not
/// show, and could make it read otherwise than it is.
fn is_plain(c: char) -> bool {
    let steers =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !c.is_control() && !steers && c != OPEN && c != CLOSE
}

fn by_bytes(raw: &[u8], line_end: LineEnd) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut odd: Vec<u8> = Vec::new();
    while let Some(&byte) = rest.first() {
        let ends = rest.starts_with(line_end.bytes());
        if ends || matches!(byte, b' '..=b'~') {
            escape(&std::mem::take(&mut odd), &mut out);
            out.push(if ends { '\n' } else { char::from(byte) });
            rest = &rest[if ends { line_end.bytes().len() } else { 1 }..];
        } else {
            odd.push(byte);
            rest = &rest[1..];
        }
    }
    escape(&odd, &mut out);
    out
}

fn escape(bytes: &[u8], out: &mut String) {
    if bytes.is_empty() {
        return;
    }
    out.push(OPEN);
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(out, "{byte:02X}");
    }
    out.push(CLOSE);
}

fn written(text: &str, form: Form) -> Result<Vec<u8>, EditError> {
    let mut out = Vec::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.extend_from_slice(form.line_end.bytes());
        }
        write_line(line, number + 1, form.charset, &mut out)?;
    }
    Ok(out)
}

fn write_line(line: &str, number: usize, charset: Charset, out: &mut Vec<u8>) -> Result<(), EditError> {
    let mut rest = line;
    let mut at = 1;
    while !rest.is_empty() {
        let plain = &rest[..rest.find(OPEN).unwrap_or(rest.len())];
        if let Some(wrong) = plain
            .chars()
            .position(|c| charset.encode(&c.to_string()).replaced > 0)
        {
            return Err(EditError::Charset {
                line: number,
                at: at + wrong,
                charset: charset.name(),
            });
        }
        out.extend(charset.encode(plain).bytes);
        at += plain.chars().count();
        rest = &rest[plain.len()..];
        let Some(escaped) = rest.strip_prefix(OPEN) else {
            continue;
        };
        let misplaced = EditError::Escape { line: number, at };
        let (digits, after) = escaped.split_once(CLOSE).ok_or_else(|| misplaced.clone())?;
        let bytes = hex::decode(digits.replace(' ', "")).map_err(|_| misplaced)?;
        out.extend(bytes);
        at += digits.chars().count() + 2;
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(raw: &[u8]) -> String {
        let Editable { text, form } = editable(raw);
        // As a browser sends it.
        let sent = text.replace('\n', "\r\n");
        assert_eq!(edited(&sent, form).unwrap(), raw, "{text}");
        text
    }

    #[test]
    fn what_nobody_changed_is_written_as_it_came() {
        let utf8 = "MSH|^~\\&|A|||||||1|P|2.5.1||||||UNICODE UTF-8\rPID|||7||Grün^Łucja\r";
        assert!(there_and_back(utf8.as_bytes()).ends_with("Grün^Łucja\n"));
        let latin = b"MSH|^~\\&|A|||||||1|P|2.5.1||||||8859/1\rPID|||7||Gr\xfcn\r".as_slice();
        assert!(there_and_back(latin).contains("Grün"));
        let unsaid = b"MSH|^~\\&|A\rPID|||7||Gr\xfcn\r".as_slice();
        assert!(there_and_back(unsaid).contains("Grün"));
        let damaged = b"MSH|^~\\&|A|||||||1|P|2.5.1||||||UNICODE UTF-8\rPID|||7||Gr\xfcn\r".as_slice();
        assert!(there_and_back(damaged).contains("Gr⟦FC⟧n"));
        let japanese = b"MSH|^~\\&|A|||||||1|P|2.5.1||||||~ISO IR87\rPID|||7||\x1b$B;3ED\x1b(B\r".as_slice();
        assert!(there_and_back(japanese).contains("山田"));
        for ends in [
            "MSH|^~\\&\nPID|1\n",
            "MSH|^~\\&\r\nPID|1\r\n",
            "MSH|^~\\&\rNTE|1|a\nb\r",
        ] {
            assert!(there_and_back(ends.as_bytes()).starts_with("MSH|^~\\&\n"));
        }
        let marked = b"\xef\xbb\xbfMSH|^~\\&|A|\xc3\xbc\r".as_slice();
        assert!(there_and_back(marked).starts_with("⟦EFBBBF⟧MSH|"));
        assert!(there_and_back("MSH|^~\\&|\u{b}\u{202e}⟦\r".as_bytes()).contains("⟦0B⟧⟦E280AE⟧⟦E29FA6⟧"));
    }

    #[test]
    fn a_change_is_written_in_the_set_of_the_message() {
        let latin = b"MSH|^~\\&|A|||||||1|P|2.5.1||||||8859/1\rPID|||7||Gr\xfcn\r";
        let Editable { text, form } = editable(latin);
        let changed = edited(&text.replace("Grün", "Größe"), form).unwrap();
        assert!(changed.ends_with(b"Gr\xf6\xdfe\r"));
        let error = edited(&text.replace("Grün", "Łu"), form).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2, character 10: not in 8859/1; expected a character of it, or another set in MSH-18"
        );
        let moved = text.replace("8859/1", "UNICODE UTF-8").replace("Grün", "Łu");
        assert!(edited(&moved, form).unwrap().ends_with("Łu\r".as_bytes()));
    }

    #[test]
    fn a_message_gets_another_control_id_and_nothing_else() {
        let renamed =
            |text: &str| with_control_id(text.as_bytes(), "N1").map(|raw| String::from_utf8(raw).unwrap());
        let of = |id: &str| format!("MSH|^~\\&|A|B|C|D|2026||ORM^O01|{id}|P|2.3\rPID|1\r");
        assert_eq!(renamed(&of("OLD")), Some(of("N1")));
        assert_eq!(
            renamed("MSH|^~\\&|A|B|C|D|2026||ORM^O01|OLD"),
            Some("MSH|^~\\&|A|B|C|D|2026||ORM^O01|N1".into())
        );
        assert_eq!(renamed("MSH|^~\\&|A\rPID|1|2|3|4|5|6|7|8|9|10"), None);
    }

    #[test]
    fn bytes_between_brackets_are_bytes_and_nonsense_is_named() {
        let form = Form::default();
        assert_eq!(edited("MSH|⟦1b 24⟧|", form).unwrap(), b"MSH|\x1b\x24|");
        for wrong in ["MSH|⟦1⟧", "MSH|⟦zz⟧", "MSH|⟦1B"] {
            assert_eq!(
                edited(wrong, form),
                Err(EditError::Escape { line: 1, at: 5 }),
                "{wrong}"
            );
        }
        assert_eq!(edited("PID|1", form), Err(EditError::NoMessage));
    }
}
