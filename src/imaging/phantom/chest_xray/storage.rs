//! How a system stores and describes its images: class, bits, polarity, window. Turns a shown value into a stored one and
//! back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Photometric {
    /// The lowest value is white.
    Monochrome1,
    /// The lowest value is black.
    Monochrome2,
}

/// Storage class of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ImageClass {
    /// Digital X-Ray Image Storage - For Presentation.
    Dx,
    /// Computed Radiography Image Storage.
    Cr,
}

/// VOI LUT function (PS3.3 C.11.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// `stated`: the attribute VOI LUT Function is written, though it is the default.
    Linear {
        stated: bool,
    },
    Sigmoid,
}

/// The habit of a vendor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Storage {
    pub class: ImageClass,
    pub bits: u16,
    pub photometric: Photometric,
    pub window: Window,
    /// Window of the image as MONOCHROME2.
    center: f64,
    pub width: f64,
    /// Pixel Spacing is written beside Imager Pixel Spacing.
    pub pixel_spacing: bool,
}

impl Storage {
    /// A drawn habit; what is given overrides it.
    pub fn draw(dice: &mut Dice, class: Option<ImageClass>, photometric: Option<Photometric>) -> Self {
        let linear = Window::Linear { stated: true };
        let unstated = Window::Linear { stated: false };
        let (dx, cr) = (ImageClass::Dx, ImageClass::Cr);
        let (one, two) = (Photometric::Monochrome1, Photometric::Monochrome2);
        let (drawn_class, bits, drawn, window, pixel_spacing) = dice.pick(&[
            (dx, 12, two, linear, true),
            (dx, 14, two, Window::Sigmoid, true),
            (dx, 14, one, linear, false),
            (dx, 12, one, unstated, false),
            (cr, 10, one, unstated, false),
            (cr, 12, two, unstated, true),
        ]);
        let room = (dice.between(0.0, 0.12), dice.between(0.85, 1.0));
        Self::new(
            class.unwrap_or(drawn_class),
            bits,
            photometric.unwrap_or(drawn),
            (window, room),
            pixel_spacing,
        )
    }

    /// `room`: the shares of the range between which a linear window lies.
    fn new(
        class: ImageClass,
        bits: u16,
        photometric: Photometric,
        (window, room): (Window, (f32, f32)),
        pixel_spacing: bool,
    ) -> Self {
        let most = f64::from((1_u32 << bits) - 1);
        let (low, high) = (
            (f64::from(room.0) * most).round(),
            (f64::from(room.1) * most).round(),
        );
        let (center, width) = match window {
            Window::Linear { .. } => ((low + high + 1.0) / 2.0, high - low + 1.0),
            Window::Sigmoid => ((most / 2.0).round(), (0.42 * most).round()),
        };
        Self {
            class,
            bits,
            photometric,
            window,
            center,
            width,
            pixel_spacing,
        }
    }

    /// Window Center as the header states it, for the values that are stored.
    pub fn window_center(&self) -> f64 {
        let most = f64::from(self.largest());
        match (self.photometric, self.window) {
            (Photometric::Monochrome2, _) => self.center,
            // The linear function lies half a value beside its center.
            (Photometric::Monochrome1, Window::Linear { .. }) => most - self.center + 1.0,
            (Photometric::Monochrome1, Window::Sigmoid) => most - self.center,
        }
    }

    pub fn largest(&self) -> u16 {
        ((1_u32 << self.bits) - 1) as u16
    }

    /// From a value as MONOCHROME2 to the stored one, and back.
    pub fn polarised(&self, value: u16) -> u16 {
        match self.photometric {
            Photometric::Monochrome1 => self.largest() - value,
            Photometric::Monochrome2 => value,
        }
    }

    /// What is stored for a shown value of 0 (black) to 1 (white).
    pub fn stored(&self, shown: f32) -> u16 {
        let output = f64::from(shown);
        let value = match self.window {
            Window::Linear { .. } => self.center - 0.5 + (output - 0.5) * (self.width - 1.0),
            Window::Sigmoid => {
                let inner = output.clamp(0.01, 0.99);
                self.center + self.width / 4.0 * (inner / (1.0 - inner)).ln()
            }
        };
        self.polarised(value.round().clamp(0.0, f64::from(self.largest())) as u16)
    }

    /// What a reader is shown for a stored value by the header's window: 0 black, 65535 white.
    pub fn shown(&self, stored: u16) -> u16 {
        let x = f64::from(self.polarised(stored.min(self.largest())));
        let output = match self.window {
            Window::Linear { .. } => (x - (self.center - 0.5)) / (self.width - 1.0) + 0.5,
            Window::Sigmoid => 1.0 / (1.0 + (-4.0 * (x - self.center) / self.width).exp()),
        };
        (output.clamp(0.0, 1.0) * 65535.0).round() as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_shown_again_and_polarities_are_complements() {
        for seed in 0..40 {
            let draw = |p| Storage::draw(&mut Dice::new(seed, 0), None, Some(p));
            let (one, two) = (draw(Photometric::Monochrome1), draw(Photometric::Monochrome2));
            for i in 0..=1000 {
                let value = i as f32 / 1000.0;
                assert_eq!(
                    one.stored(value) + two.stored(value),
                    two.largest(),
                    "{two:?} {value}"
                );
                let back = f32::from(two.shown(two.stored(value))) / 65535.0;
                assert!((back - value).abs() < 0.011, "{two:?} {value} {back}");
                assert_eq!(one.shown(one.stored(value)), two.shown(two.stored(value)));
            }
        }
    }
}
