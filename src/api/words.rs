//! What somebody wrote in a few words: a reason, a comment, a name.

use super::error::ApiError;

/// Something that can be seen, and no NUL, which PostgreSQL keeps in no text.
pub const SEEN: &str = r"^[^\u0000]*[^\s\u0000][^\u0000]*$";
/// The same, or nothing.
pub const ANY: &str = r"^[^\u0000]*$";

/// The words without the space around them.
///
/// # Errors
/// There are none, there are more than `most` characters, or one of them is NUL.
pub fn words(place: &str, text: &str, most: usize) -> Result<String, ApiError> {
    let text = text.trim();
    match (1..=most).contains(&text.chars().count()) && !text.contains('\0') {
        true => Ok(text.to_owned()),
        false => Err(ApiError::BadRequest(format!(
            "{place}: expected 1 to {most} characters, without NUL"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bounded_and_hold_no_nul() {
        assert_eq!(words("reason", " ä ", 1), Ok("ä".to_owned()));
        for wrong in ["", "  ", "ab", "\0"] {
            assert!(words("reason", wrong, 1).is_err(), "{wrong:?}");
        }
    }
}
