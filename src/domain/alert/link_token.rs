//! The token in an acknowledge link: names one alert and one recipient until it expires, and cannot be made without the
//! key. It proves who was asked, not that somebody acted: opening the link changes nothing.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::ids::AlertId;

/// Bytes of the seal that are kept: 160 bits.
const SEAL: usize = 20;

/// What a valid token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub alert: AlertId,
    pub recipient: String,
    pub expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("this link is not one of ours, or was cut short on its way")]
    Invalid,
    #[error("this link has expired")]
    Expired,
}

/// `<alert>-<expiry>-<recipient>-<seal>`, each part in hexadecimal.
pub fn mint(key: &[u8], claim: &Claim) -> String {
    let (alert, expiry) = (claim.alert.0.simple(), claim.expires_at.timestamp());
    let body = format!("{alert}-{expiry:x}-{}", hex::encode(&claim.recipient));
    let seal = seal(key, &body);
    format!("{body}-{seal}")
}

pub fn verify(key: &[u8], token: &str, now: Timestamp) -> Result<Claim, TokenError> {
    let (body, sealed) = token.rsplit_once('-').ok_or(TokenError::Invalid)?;
    let sealed = hex::decode(sealed).map_err(|_| TokenError::Invalid)?;
    if sealed.len() != SEAL {
        return Err(TokenError::Invalid);
    }
    mac(key, body)
        .verify_truncated_left(&sealed)
        .map_err(|_| TokenError::Invalid)?;
    let claim = read(body).ok_or(TokenError::Invalid)?;
    if claim.expires_at <= now {
        Err(TokenError::Expired)
    } else {
        Ok(claim)
    }
}

fn read(body: &str) -> Option<Claim> {
    let mut parts = body.split('-');
    let (alert, expiry, recipient) = (parts.next()?, parts.next()?, parts.next()?);
    let expires_at = Timestamp::from_timestamp(i64::from_str_radix(expiry, 16).ok()?, 0)?;
    let recipient = String::from_utf8(hex::decode(recipient).ok()?).ok()?;
    Some(Claim {
        alert: AlertId(Uuid::parse_str(alert).ok()?),
        recipient,
        expires_at,
    })
}

fn seal(key: &[u8], body: &str) -> String {
    hex::encode(&mac(key, body).finalize().into_bytes()[..SEAL])
}

fn mac(key: &[u8], body: &str) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(b"acknowledge link v1:");
    mac.update(body.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        let expires_at = Timestamp::from_timestamp(1_000, 0).expect("a time");
        Claim {
            alert: AlertId(Uuid::from_u128(7)),
            recipient: "mia".into(),
            expires_at,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).expect("a time")
    }

    #[test]
    fn a_token_names_its_alert_and_recipient_until_it_expires() {
        let token = mint(b"key", &claim());
        assert_eq!(verify(b"key", &token, at(999)), Ok(claim()));
        assert_eq!(verify(b"key", &token, at(1_000)), Err(TokenError::Expired));
        assert_eq!(verify(b"other", &token, at(1)), Err(TokenError::Invalid));
    }

    #[test]
    fn a_token_changed_in_any_place_is_refused() {
        let token = mint(b"key", &claim());
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert_eq!(
                verify(b"key", &changed, at(1)),
                Err(TokenError::Invalid),
                "{place}"
            );
        }
        assert_eq!(verify(b"key", "", at(1)), Err(TokenError::Invalid));
        assert_eq!(
            verify(b"key", &token[..token.len() - 2], at(1)),
            Err(TokenError::Invalid)
        );
    }
}
