//! What a C-STORE response means for the object that was sent (PS3.4 table B.2-1, PS3.7 annex C).

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreStatus {
    Stored,
    /// Kept by the peer, with a remark.
    StoredWithWarning {
        status: u16,
        comment: String,
    },
    Refused {
        status: u16,
        comment: String,
    },
    /// The peer takes no objects of this SOP class in an encoding that we can send.
    NotAccepted,
    /// The association broke before its answer came; it may or may not have been stored.
    Unknown {
        reason: String,
    },
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    /// May succeed later.
    Retry,
    /// Will fail again until a person changes something.
    Failed,
}

impl StoreStatus {
    pub fn of(status: u16, comment: String) -> Self {
        match status {
            0x0000 => Self::Stored,
            0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF => Self::StoredWithWarning { status, comment },
            _ => Self::Refused { status, comment },
        }
    }

    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Stored | Self::StoredWithWarning { .. } => Verdict::Delivered,
            Self::Unknown { .. } => Verdict::Retry,
            Self::NotAccepted => Verdict::Failed,
            // Out of resources, processing failure, resource limitation: the peer's state, not the object.
            Self::Refused {
                status: 0xA700..=0xA7FF | 0x0110 | 0x0213,
                ..
            } => Verdict::Retry,
            Self::Refused { .. } => Verdict::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_send_again() {
        let table = [
            (0x0000, Verdict::Delivered),
            (0xB000, Verdict::Delivered),
            (0xB007, Verdict::Delivered),
            (0xA700, Verdict::Retry),
            (0x0110, Verdict::Retry),
            (0xA900, Verdict::Failed),
            (0xC123, Verdict::Failed),
            (0x0122, Verdict::Failed),
            (0x0124, Verdict::Failed),
        ];
        for (status, expected) in table {
            assert_eq!(
                StoreStatus::of(status, String::new()).verdict(),
                expected,
                "{status:#06x}"
            );
        }
    }
}
