//! What a client takes (PS3.18 8.7): media types in the order of its preference, and which form of what is stored satisfies one of
//! them. Stored bytes are preferred; a form that would have to be made is named, not made.

use crate::multipart::parameters_of;

pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
pub const DICOM: &str = "application/dicom";
pub const OCTETS: &str = "application/octet-stream";
/// More are not looked at.
const MAX_RANGES: usize = 32;

/// One entry of an Accept header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// In several parts, of which `kind` is the type.
    pub multipart: bool,
    /// Lower case; may be `*/*` or `image/*`.
    pub kind: String,
    pub transfer_syntax: Syntax,
    /// Thousandths.
    quality: u16,
}

/// In which encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// None was named, which means explicit little endian where several are possible (PS3.18 8.7.3.5.2).
    Default,
    /// `*`: as it is stored.
    Any,
    Only(String),
}

/// The entries of an Accept header, the preferred first; of none at all, anything.
pub fn ranges(accept: &str) -> Vec<Range> {
    let mut found: Vec<Range> = split(accept)
        .into_iter()
        .take(MAX_RANGES)
        .filter_map(|entry| range(&entry))
        .collect();
    if found.is_empty() && accept.trim().is_empty() {
        found.extend(range("*/*"));
    }
    found.sort_by_key(|range| u16::MAX - range.quality);
    found
}

fn range(entry: &str) -> Option<Range> {
    let (kind, parameters) = entry.split_once(';').unwrap_or((entry, ""));
    let parameters = parameters_of(parameters);
    let parameter = |wanted: &str| {
        let named = parameters
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| value.clone())
    };
    let kind = kind.trim().to_ascii_lowercase();
    let quality = parameter("q").map_or(1000, |q| thousandths(&q));
    if kind.is_empty() || quality == 0 {
        return None;
    }
    let multipart = kind == "multipart/related" || kind == "multipart/*";
    let part = parameter("type")
        .unwrap_or_else(|| "*/*".to_owned())
        .to_ascii_lowercase();
    Some(Range {
        multipart,
        kind: if multipart { part } else { kind },
        transfer_syntax: match parameter("transfer-syntax") {
            None => Syntax::Default,
            Some(any) if any == "*" => Syntax::Any,
            Some(uid) => Syntax::Only(uid),
        },
        quality,
    })
}

fn thousandths(quality: &str) -> u16 {
    let value: f64 = quality.trim().parse().unwrap_or(0.0);
    (value.clamp(0.0, 1.0) * 1000.0) as u16
}

/// At commas, but not within quotes.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        quoted ^= c == '"';
        match parts.last_mut() {
            Some(_) if c == ',' && !quoted => parts.push(String::new()),
            Some(last) => last.push(c),
            None => {}
        }
    }
    parts
}

/// How whole instances are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    AsStored,
    /// An uncompressed one, encoded anew.
    ExplicitLittle,
}

/// A form in which instances may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub multipart: bool,
    syntax: Syntax,
}

/// The forms of instances that a client takes. `single`: there is one instance at most, so that it may come without parts.
pub fn files(accept: &[Range], single: bool) -> Vec<Files> {
    let form = |range: &Range| {
        let anything = range.kind == "*/*" || range.kind == "application/*";
        let fits = anything || range.kind == DICOM;
        (fits && (range.multipart || single || anything)).then(|| Files {
            // Whoever takes anything gets what can hold any number.
            multipart: range.multipart || anything,
            syntax: match &range.transfer_syntax {
                Syntax::Default if anything => Syntax::Any,
                syntax => syntax.clone(),
            },
        })
    };
    accept.iter().filter_map(form).collect()
}

impl Files {
    /// How an instance that is stored like this is given; `None` where it cannot be.
    pub fn of(&self, stored: &str) -> Option<Instance> {
        let wanted = match &self.syntax {
            Syntax::Any => return Some(Instance::AsStored),
            Syntax::Default => EXPLICIT_LITTLE,
            Syntax::Only(uid) => uid,
        };
        match (wanted == stored, wanted, stored) {
            (true, _, _) => Some(Instance::AsStored),
            (false, EXPLICIT_LITTLE, IMPLICIT_LITTLE) => Some(Instance::ExplicitLittle),
            (false, _, _) => None,
        }
    }
}

/// How frames are given, always as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frames {
    pub multipart: bool,
    pub media_type: String,
    /// What the bytes are encoded as.
    pub transfer_syntax: String,
}

/// The first form of frames stored like this that a client takes.
pub fn frames(accept: &[Range], stored: &str, single: bool) -> Option<Frames> {
    let own = media_type(stored)?;
    // The bytes of pixels are the same in both little endian encodings.
    let encoded = if stored == IMPLICIT_LITTLE {
        EXPLICIT_LITTLE
    } else {
        stored
    };
    let form = |range: &Range| {
        let anything = range.kind == "*/*"
            || own
                .split('/')
                .next()
                .is_some_and(|top| range.kind == format!("{top}/*"));
        let fits = anything || range.kind == own || range.kind == OCTETS;
        let syntax = match &range.transfer_syntax {
            Syntax::Any => true,
            // An image's type says its encoding; octets mean explicit little endian.
            Syntax::Default => range.kind != OCTETS || encoded == EXPLICIT_LITTLE,
            Syntax::Only(uid) => uid == encoded || uid == stored,
        };
        (fits && syntax && (range.multipart || single || anything)).then(|| Frames {
            multipart: range.multipart || anything,
            media_type: if anything {
                own.to_owned()
            } else {
                range.kind.clone()
            },
            transfer_syntax: encoded.to_owned(),
        })
    };
    accept.iter().find_map(form)
}

/// The type of a frame in this encoding (PS3.18 table 8.7.3-5); `None` where frames cannot be told from each other without decoding.
pub fn media_type(transfer_syntax: &str) -> Option<&'static str> {
    Some(match transfer_syntax {
        IMPLICIT_LITTLE | EXPLICIT_LITTLE => OCTETS,
        "1.2.840.10008.1.2.4.50"
        | "1.2.840.10008.1.2.4.51"
        | "1.2.840.10008.1.2.4.57"
        | "1.2.840.10008.1.2.4.70" => "image/jpeg",
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => "image/jls",
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => "image/jp2",
        "1.2.840.10008.1.2.4.201" | "1.2.840.10008.1.2.4.202" | "1.2.840.10008.1.2.4.203" => "image/jphc",
        "1.2.840.10008.1.2.4.110" | "1.2.840.10008.1.2.4.111" | "1.2.840.10008.1.2.4.112" => "image/jxl",
        "1.2.840.10008.1.2.5" => "image/dicom-rle",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";

    #[test]
    fn the_preferred_comes_first_and_what_is_not_wanted_is_left_out() {
        let found = ranges(
            "image/png;q=0.5, multipart/related; type=\"application/dicom\"; transfer-syntax=*, text/html;q=0",
        );
        assert_eq!(found.len(), 2);
        assert!(found[0].multipart && found[0].kind == DICOM && found[0].transfer_syntax == Syntax::Any);
        assert_eq!(found[1].kind, "image/png");
        assert_eq!(ranges("").len(), 1);
        assert!(ranges("text/html;q=0").is_empty());
    }

    #[test]
    fn instances_are_given_as_stored_or_made_explicit_or_not_at_all() {
        let table = [
            ("", JPEG_2000, Some(Instance::AsStored)),
            ("*/*", IMPLICIT_LITTLE, Some(Instance::AsStored)),
            (
                "multipart/related; type=application/dicom",
                EXPLICIT_LITTLE,
                Some(Instance::AsStored),
            ),
            (
                "multipart/related; type=application/dicom",
                IMPLICIT_LITTLE,
                Some(Instance::ExplicitLittle),
            ),
            ("multipart/related; type=application/dicom", JPEG_2000, None),
            (
                "multipart/related; type=application/dicom; transfer-syntax=*",
                JPEG_2000,
                Some(Instance::AsStored),
            ),
            (
                "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90",
                JPEG_2000,
                Some(Instance::AsStored),
            ),
            (
                "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90",
                IMPLICIT_LITTLE,
                None,
            ),
            ("image/png", IMPLICIT_LITTLE, None),
            ("application/dicom", EXPLICIT_LITTLE, None),
        ];
        for (accept, stored, expected) in table {
            let given = files(&ranges(accept), false)
                .iter()
                .find_map(|form| form.of(stored));
            assert_eq!(given, expected, "{accept} of {stored}");
        }
        assert!(!files(&ranges("application/dicom"), true)[0].multipart);
    }

    #[test]
    fn frames_are_given_in_their_own_encoding_or_not_at_all() {
        let octets = "multipart/related; type=application/octet-stream";
        let any = format!("{octets}; transfer-syntax=*");
        let table = [
            (octets, EXPLICIT_LITTLE, Some(OCTETS)),
            (octets, IMPLICIT_LITTLE, Some(OCTETS)),
            (octets, JPEG_2000, None),
            (any.as_str(), JPEG_2000, Some(OCTETS)),
            ("multipart/related; type=image/jp2", JPEG_2000, Some("image/jp2")),
            (
                "multipart/related; type=image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91",
                JPEG_2000,
                None,
            ),
            (
                "multipart/related; type=\"image/*\"",
                JPEG_2000,
                Some("image/jp2"),
            ),
            ("", JPEG_2000, Some("image/jp2")),
            ("image/jpeg", JPEG_2000, None),
            (octets, "1.2.840.10008.1.2.1.99", None),
        ];
        for (accept, stored, expected) in table {
            let given = frames(&ranges(accept), stored, false).map(|form| form.media_type);
            assert_eq!(given.as_deref(), expected, "{accept} of {stored}");
        }
        assert!(!frames(&ranges(OCTETS), IMPLICIT_LITTLE, true).unwrap().multipart);
        assert_eq!(frames(&ranges(OCTETS), IMPLICIT_LITTLE, false), None);
    }
}
