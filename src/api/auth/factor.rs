//! The second factor: time-based one-time codes (RFC 6238), six digits every 30 s, as every authenticator makes them. The
//! secret is derived from the server's key, so that a copy of the database alone makes no code.

use hmac::Mac;
use qrcodegen::{QrCode, QrCodeEcc};
use tocsin_domain::clock::Timestamp;
use totp_rs::{Builder, Secret, Totp};

use super::session::mac;

/// Clocks may differ by one code.
const SKEW: u16 = 1;
/// White modules around the code, as readers need them (ISO/IEC 18004).
const QUIET: i32 = 4;
/// Bytes of the secret, as RFC 4226 recommends for SHA-1.
const SECRET_BYTES: usize = 20;

/// What an account's authenticator has to know.
pub struct Factor(Totp);

/// A square of black and white, `M x y h1v1h-1z` for each black module.
pub struct Square {
    pub size: i32,
    pub path: String,
}

impl Factor {
    /// The factor of an account under a nonce; `None` when a name cannot be written into an address.
    pub fn of(key: &[u8], account_id: &str, nonce: &str, site: &str, name: &str) -> Option<Self> {
        let bytes = mac(key, b"factor v1:", &format!("{account_id}:{nonce}"))
            .finalize()
            .into_bytes();
        // A colon ends the issuer in such an address.
        let plain = |text: &str| text.replace(':', " ");
        let totp = Builder::new()
            .with_secret(Secret::new(bytes[..SECRET_BYTES].into()))
            .with_skew(SKEW)
            .with_account_name(plain(name))
            .with_issuer(Some(format!("Tocsin {}", plain(site))))
            .build();
        totp.ok().map(Self)
    }

    /// The step of the code, if it is right and later than `last`: every code is good once.
    pub fn accepts(&self, code: &str, now: Timestamp, last: i64) -> Option<i64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let seconds = u64::try_from(now.timestamp()).ok()?;
        let step = self.0.check(&digits, seconds)?;
        i64::try_from(step).ok().filter(|step| *step > last)
    }

    /// The `otpauth:` address that an authenticator reads.
    pub fn address(&self) -> String {
        self.0.to_url().unwrap_or_default()
    }

    /// The address as a QR code.
    pub fn square(&self) -> Option<Square> {
        let code = QrCode::encode_text(&self.address(), QrCodeEcc::Medium).ok()?;
        let size = code.size();
        let mut path = String::new();
        for y in 0..size {
            for x in (0..size).filter(|x| code.get_module(*x, y)) {
                path.push_str(&format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET));
            }
        }
        Some(Square {
            size: size + 2 * QUIET,
            path,
        })
    }

    #[cfg(test)]
    fn code(&self, now: Timestamp) -> String {
        self.0.generate(now.timestamp() as u64).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).expect("a time")
    }

    fn factor(nonce: &str) -> Factor {
        Factor::of(b"key", "account", nonce, "St. Mary: North", "mia").expect("a factor")
    }

    #[test]
    fn a_code_is_good_once_and_a_little_early_or_late() {
        let (factor, now) = (factor("a"), at(1_800_000_000));
        let code = factor.code(now);
        let step = factor.accepts(&code, now, 0).expect("accepted");
        assert_eq!(factor.accepts(&code, at(1_800_000_029), step), None, "used up");
        assert!(factor.accepts(&code, at(1_800_000_059), 0).is_some());
        assert_eq!(factor.accepts(&code, at(1_800_000_090), 0), None, "too late");
        assert_eq!(factor.accepts("12345", now, 0), None);
        assert_eq!(factor.accepts("", now, 0), None);
    }

    #[test]
    fn another_nonce_is_another_secret_and_the_address_names_site_and_account() {
        let now = at(1_800_000_000);
        assert_ne!(factor("a").code(now), factor("b").code(now));
        let address = factor("a").address();
        assert!(
            address.starts_with("otpauth://totp/Tocsin%20St.%20Mary%20%20North:mia?secret="),
            "{address}"
        );
        let square = factor("a").square().expect("a code");
        assert!(square.size >= 21 && square.path.starts_with("M4 4h1v1h-1z"));
    }
}
