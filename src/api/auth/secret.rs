//! Tokens and passwords. A token is shown once and kept as a SHA-256; a password is kept as an argon2id hash. Neither is
//! ever logged.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use sha2::{Digest, Sha256};

/// Marks our tokens, so that one that leaks is recognised by scanners.
const PREFIX: &str = "tocsin_";
/// Bytes of a token, and of the random material it is made from.
pub const TOKEN_BYTES: usize = 32;
/// A password shorter than this is refused (NIST SP 800-63B asks for 8 at least).
pub const PASSWORD_LENGTH: usize = 12;
/// Longer ones only cost time.
pub const PASSWORD_LONGEST: usize = 512;

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(
        "the password is too short or too long: expected {PASSWORD_LENGTH} to {PASSWORD_LONGEST} characters"
    )]
    Length,
    #[error("the password could not be hashed")]
    Hash,
}

/// The token that is shown to its holder.
pub fn token(random: [u8; TOKEN_BYTES]) -> String {
    format!("{PREFIX}{}", hex::encode(random))
}

/// What is kept of a token: 256 random bits need no slow hash.
pub fn fingerprint(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Takes about 20 MB and some ten milliseconds: call it off the event loop.
pub fn hash_password(password: &str, salt: &[u8; 16]) -> Result<String, SecretError> {
    let length = password.chars().count();
    if !(PASSWORD_LENGTH..=PASSWORD_LONGEST).contains(&length) {
        return Err(SecretError::Length);
    }
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.map(|hash| hash.to_string()).map_err(|_| SecretError::Hash)
}

/// As slow as hashing.
pub fn password_matches(password: &str, kept: &str) -> bool {
    password.len() <= PASSWORD_LONGEST * 4
        && PasswordHash::new(kept).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other_is() {
        let kept = hash_password("correct horse battery", &[7; 16]).expect("a hash");
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert!(password_matches("correct horse battery", &kept));
        assert!(!password_matches("correct horse", &kept));
        assert!(!password_matches("correct horse battery", "!"));
        assert!(matches!(
            hash_password("short", &[7; 16]),
            Err(SecretError::Length)
        ));
    }

    #[test]
    fn a_token_holds_256_bits_and_is_kept_as_a_hash() {
        let shown = token([0xab; 32]);
        assert_eq!(shown.len(), PREFIX.len() + 64);
        assert_eq!(fingerprint(&shown).len(), 64);
        assert!(!fingerprint(&shown).contains("abab"));
    }
}
