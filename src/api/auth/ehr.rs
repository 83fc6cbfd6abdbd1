//! What an EHR shows when it asks for advice (CDS Hooks 2.0, "Trusting CDS Clients"): a JWT that it signed for this one
//! service, once. Decides from the token, the keys that the site pinned and the time; keeps nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tocsin_domain::clock::Timestamp;

use super::secret;

/// Longer ones are not looked at.
const LONGEST: usize = 8 * 1024;
/// A token that would be good for longer is refused: so long its use has to be remembered.
const LASTS: TimeDelta = TimeDelta::minutes(60);
/// Clocks differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// An EHR that the site trusts.
#[derive(Clone, Debug)]
pub struct Ehr {
    /// As it is called here, and on the audit chain.
    pub name: String,
    pub issuer: String,
    /// Where it publishes its keys; a token that names another place is refused. Nothing is fetched from there.
    pub key_set_url: Option<String>,
    pub keys: Vec<CoreJsonWebKey>,
}

/// A token that may be used, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub ehr: String,
    /// Of issuer and `jti`.
    pub fingerprint: String,
    pub expires_at: Timestamp,
}

/// Why a token is not believed; for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    #[error("it is no signed JWT of at most 8 KiB")]
    Malformed,
    #[error("its algorithm is neither RS384 nor ES384")]
    Algorithm,
    #[error("its issuer is not among cds_hooks.ehrs")]
    Issuer,
    #[error("it names another key set than cds_hooks.ehrs does")]
    KeySet,
    #[error("its key is not in the file of its issuer")]
    Key,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is meant for another service")]
    Audience,
    #[error("it has expired, is not valid yet, or would be valid for more than an hour")]
    Time,
    #[error("it has no jti")]
    NoId,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    jku: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self, wanted: &[String]) -> bool {
        match self {
            Self::One(one) => wanted.contains(one),
            Self::Many(many) => many.iter().any(|one| wanted.contains(one)),
        }
    }
}

/// Whether a token of ours could look like this; an EHR's has two dots.
pub fn looks_signed(token: &str) -> bool {
    token.contains('.')
}

/// Who shows this token to one of these addresses.
///
/// # Errors
/// Why nobody does.
pub fn verify(token: &str, ehrs: &[Ehr], addresses: &[String], now: Timestamp) -> Result<Shown, NotBelieved> {
    if token.len() > LONGEST {
        return Err(NotBelieved::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(NotBelieved::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(NotBelieved::Malformed)?;
    let header: Header = part(header)?;
    let claims: Claims = part(claims)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| NotBelieved::Malformed)?;
    let algorithm = match header.alg.as_str() {
        "RS384" => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
        "ES384" => CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        _ => return Err(NotBelieved::Algorithm),
    };
    let ehr = ehrs
        .iter()
        .find(|ehr| ehr.issuer == claims.iss)
        .ok_or(NotBelieved::Issuer)?;
    if header.jku.is_some() && header.jku != ehr.key_set_url {
        return Err(NotBelieved::KeySet);
    }
    let named = |key: &&CoreJsonWebKey| {
        let id = key.key_id().map(|id| id.as_str());
        header.kid.is_some() && id == header.kid.as_deref()
    };
    let key = ehr.keys.iter().find(named).ok_or(NotBelieved::Key)?;
    key.verify_signature(&algorithm, signed.as_bytes(), &signature)
        .map_err(|_| NotBelieved::Signature)?;
    let expires_at = in_time(&claims, now)?;
    if !claims.aud.names(addresses) {
        return Err(NotBelieved::Audience);
    }
    let id = claims.jti.filter(|id| !id.is_empty()).ok_or(NotBelieved::NoId)?;
    Ok(Shown {
        ehr: ehr.name.clone(),
        fingerprint: secret::fingerprint(&format!("{}\u{1f}{id}", claims.iss)),
        expires_at,
    })
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, NotBelieved> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotBelieved::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| NotBelieved::Malformed)
}

/// When the token ends, with the leeway that others may have given it.
fn in_time(claims: &Claims, now: Timestamp) -> Result<Timestamp, NotBelieved> {
    let at = |seconds| Timestamp::from_timestamp(seconds, 0).ok_or(NotBelieved::Time);
    let (made, ends) = (at(claims.iat)?, at(claims.exp)?);
    let begins = claims.nbf.map(at).transpose()?.unwrap_or(made).max(made);
    let over = now >= ends + LEEWAY || now + LEEWAY < begins;
    match over || ends > now + LASTS {
        true => Err(NotBelieved::Time),
        false => Ok(ends + LEEWAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tocsin_domain::clock::from_micros;

    const NOW: i64 = 1_773_478_800;

    fn told(header: &str, claims: &str) -> Result<Shown, NotBelieved> {
        let ehr = Ehr {
            name: "EHR".into(),
            issuer: "https://ehr".into(),
            key_set_url: None,
            keys: Vec::new(),
        };
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.{}", part(header), part(claims), part("nothing"));
        verify(
            &token,
            &[ehr],
            &["https://us".to_owned()],
            from_micros(NOW * 1_000_000),
        )
    }

    #[test]
    fn nothing_is_believed_before_its_signature() {
        let claims = format!(
            r#"{{"iss":"https://ehr","aud":"https://us","exp":{},"iat":{NOW},"jti":"1"}}"#,
            NOW + 60
        );
        for (header, why) in [
            (r#"{"alg":"none","kid":"1"}"#, NotBelieved::Algorithm),
            (r#"{"alg":"HS384","kid":"1"}"#, NotBelieved::Algorithm),
            (r#"{"alg":"ES384","kid":"1"}"#, NotBelieved::Key),
            (r#"{"alg":"ES384"}"#, NotBelieved::Key),
            (
                r#"{"alg":"RS384","kid":"1","jku":"https://evil"}"#,
                NotBelieved::KeySet,
            ),
            ("[]", NotBelieved::Malformed),
        ] {
            assert_eq!(told(header, &claims), Err(why), "{header}");
        }
        let foreign = claims.replace("https://ehr", "https://other");
        assert_eq!(
            told(r#"{"alg":"ES384","kid":"1"}"#, &foreign),
            Err(NotBelieved::Issuer)
        );
        let shouted = "x".repeat(LONGEST + 1);
        for token in ["", ".", "..", "a.b.c", shouted.as_str()] {
            assert_eq!(
                verify(token, &[], &[], from_micros(0)),
                Err(NotBelieved::Malformed),
                "{token:.20}"
            );
        }
    }

    #[test]
    fn a_token_has_its_time() {
        let claims = |iat, exp, nbf| Claims {
            iss: String::new(),
            aud: Audience::Many(Vec::new()),
            exp,
            iat,
            nbf,
            jti: None,
        };
        let now = from_micros(NOW * 1_000_000);
        for (claims, good) in [
            (claims(NOW, NOW + 300, None), true),
            (claims(NOW - 300, NOW - 30, None), true),
            (claims(NOW - 300, NOW - 61, None), false),
            (claims(NOW + 30, NOW + 300, None), true),
            (claims(NOW + 120, NOW + 300, None), false),
            (claims(NOW, NOW + 300, Some(NOW + 120)), false),
            (claims(NOW, NOW + 7_200, None), false),
            (claims(NOW, i64::MAX, None), false),
        ] {
            assert_eq!(
                in_time(&claims, now).is_ok(),
                good,
                "{} {}",
                claims.iat - NOW,
                claims.exp
            );
        }
    }
}
