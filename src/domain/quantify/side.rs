//! A side of the patient, never of the image.

use crate::code::{self, Code};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Right,
    Left,
    Both,
}

/// A side with more than this share has all of it.
const ONE_SIDED: f64 = 0.8;

impl Side {
    /// By the share, 0..=1, that lies on the left.
    pub fn of_left_share(left: f64) -> Self {
        match left {
            left if left >= ONE_SIDED => Self::Left,
            left if left <= 1.0 - ONE_SIDED => Self::Right,
            _ => Self::Both,
        }
    }

    /// The side that has everything of both.
    pub fn with(self, other: Self) -> Self {
        if self == other { self } else { Self::Both }
    }

    pub fn code(self) -> Code {
        match self {
            Self::Right => code::RIGHT,
            Self::Left => code::LEFT,
            Self::Both => code::BILATERAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_decide() {
        let sides = [0.0, 0.2, 0.5, 0.8, 1.0].map(Side::of_left_share);
        assert_eq!(
            sides,
            [Side::Right, Side::Right, Side::Both, Side::Left, Side::Left]
        );
        assert_eq!(Side::Left.with(Side::Left), Side::Left);
        assert_eq!(Side::Left.with(Side::Right), Side::Both);
    }
}
