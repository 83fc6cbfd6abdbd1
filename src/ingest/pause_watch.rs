//! Whether somebody has paused what a sender sends, asked at most once a second while it speaks.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// How soon a connection finds that its sender is paused.
const LOOKS_AGAIN: Duration = Duration::from_secs(1);

/// What was found when that was last looked at.
#[derive(Default)]
pub struct PauseWatch {
    looked: Option<Looked>,
}

struct Looked {
    sender: Option<String>,
    paused: bool,
    at: Instant,
}

impl PauseWatch {
    /// Of a sender that was just found not to be paused.
    pub fn of_unpaused(sender: &str) -> Self {
        let mut watch = Self::default();
        watch.found(Some(sender), false);
        watch
    }

    /// The answer that was found lately for the same sender; else that of `ask`.
    pub async fn is_paused(&mut self, sender: Option<&str>, ask: impl Future<Output = bool>) -> bool {
        if let Some(looked) = &self.looked
            && looked.sender.as_deref() == sender
            && looked.at.elapsed() < LOOKS_AGAIN
        {
            return looked.paused;
        }
        let paused = ask.await;
        self.found(sender, paused);
        paused
    }

    fn found(&mut self, sender: Option<&str>, paused: bool) {
        self.looked = Some(Looked {
            sender: sender.map(str::to_owned),
            paused,
            at: Instant::now(),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn one_sender_is_asked_about_once_a_second_and_another_at_once() {
        let mut watch = PauseWatch::of_unpaused("CT1");
        assert!(!watch.is_paused(Some("CT1"), ready(true)).await);
        assert!(watch.is_paused(Some("CT2"), ready(true)).await);
        assert!(watch.is_paused(Some("CT2"), ready(false)).await);
        let looked = watch.looked.as_mut().expect("a look");
        looked.at = looked
            .at
            .checked_sub(LOOKS_AGAIN)
            .expect("a machine that is up for a second");
        assert!(!watch.is_paused(Some("CT2"), ready(false)).await);
    }
}
