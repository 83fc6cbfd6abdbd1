//! Where somebody is taken after they have proved who they are: a page of ours, never another host.

use std::fmt::Write;

/// Longer addresses are not gone back to.
const LONGEST: usize = 500;

/// The path and query of a page of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back(String);

impl Back {
    /// The first page, where `path` is not one of ours.
    pub fn to(path: &str) -> Self {
        let ours = path.starts_with('/')
            && !path.starts_with("//")
            && path.len() <= LONGEST
            && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        Self(if ours { path.to_owned() } else { "/".to_owned() })
    }

    /// Of an address of ours, as browsers name the page that a form was on.
    pub fn of_address(address: &str) -> Self {
        let rest = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"));
        Self::to(
            rest.and_then(|rest| rest.find('/').map(|at| &rest[at..]))
                .unwrap_or("/"),
        )
    }

    pub fn path(&self) -> &str {
        &self.0
    }

    /// `path?back=…`.
    pub fn behind(&self, path: &str) -> String {
        let mut written = format!("{path}?back=");
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                written.push(char::from(byte));
            } else {
                // Writing to a text cannot fail.
                let _ = write!(written, "%{byte:02X}");
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for elsewhere in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "",
            "/a\r\nSet-Cookie: b",
        ] {
            assert_eq!(Back::to(elsewhere).path(), "/", "{elsewhere:?}");
        }
        assert_eq!(
            Back::to("/?modality=CT&band=urgent").path(),
            "/?modality=CT&band=urgent"
        );
    }

    #[test]
    fn an_address_of_ours_is_reduced_to_its_path() {
        assert_eq!(
            Back::of_address("http://127.0.0.1:8080/tokens?a=b").path(),
            "/tokens?a=b"
        );
        assert_eq!(Back::of_address("https://evil.example//x").path(), "/");
        assert_eq!(Back::of_address("nonsense").path(), "/");
    }

    #[test]
    fn it_stands_in_an_address_without_breaking_it() {
        assert_eq!(
            Back::to("/?a=b&c=d").behind("/prove"),
            "/prove?back=/%3Fa%3Db%26c%3Dd"
        );
    }
}
