//! The first account: there is no default password, so whoever starts the service is shown a code, and whoever enters it
//! makes the first administrator. It is worth nothing once there is any account.

use std::sync::Mutex;

use super::secret::fingerprint;
use super::session::same;

/// What the code is compared with; nothing where accounts exist.
#[derive(Debug, Default)]
pub struct Setup(Mutex<Option<String>>);

impl Setup {
    /// Waits for this code.
    pub fn expect(&self, code: &str) {
        if let Ok(mut kept) = self.0.lock() {
            *kept = Some(fingerprint(code));
        }
    }

    pub fn is_open(&self) -> bool {
        self.0.lock().is_ok_and(|kept| kept.is_some())
    }

    pub fn takes(&self, code: &str) -> bool {
        let given = fingerprint(code.trim());
        self.0
            .lock()
            .is_ok_and(|kept| kept.as_ref().is_some_and(|kept| same(kept, &given)))
    }

    pub fn close(&self) {
        if let Ok(mut kept) = self.0.lock() {
            *kept = None;
        }
    }
}

/// 80 bits in groups that can be read out and typed.
pub fn code(random: [u8; 32]) -> String {
    let text = hex::encode(&random[..10]);
    let groups: Vec<&str> = (0..5).map(|n| &text[n * 4..n * 4 + 4]).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_that_was_shown_is_taken_and_only_until_it_is_closed() {
        let setup = Setup::default();
        assert!(!setup.takes("") && !setup.is_open());
        let shown = code([0xab; 32]);
        assert_eq!(shown, "abab-abab-abab-abab-abab");
        setup.expect(&shown);
        assert!(setup.is_open() && setup.takes(" abab-abab-abab-abab-abab ") && !setup.takes("abab"));
        setup.close();
        assert!(!setup.takes(&shown));
    }
}
