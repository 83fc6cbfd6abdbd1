//! Stored values to Hounsfield units, or to the values that the header's slope and intercept make of them. Pure. One value at a time it
//! is a few operations in double precision; frames go through integers where slope 1 and a whole intercept allow it, else through a table.

use super::Doubt;
use super::layout::Layout;

/// What lies outside the circle of reconstruction counts as air, HU.
const AIR: i16 = -1024;
/// A padding value that reads as tissue is left alone: it may be tissue.
const PADDING_BELOW: f64 = -900.0;
const PADDING_ABOVE: f64 = 3071.0;

/// How words become values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mapping {
    layout: Layout,
    slope: f64,
    intercept: f64,
    /// Stored values that mean "outside the image" (PS3.3 C.7.5.1.1.2).
    padding: Option<[i32; 2]>,
    /// Nothing is thinner than air: what CT headers put below it marks the outside, exactly or after lossy compression.
    floor: i16,
}

impl Mapping {
    /// `slope` and `intercept` are finite. `padding` is what the header names, lower end first.
    pub fn new(layout: Layout, [slope, intercept]: [f64; 2], padding: Option<[i32; 2]>, is_ct: bool) -> Self {
        let plain = Self {
            layout,
            slope,
            intercept,
            padding: None,
            floor: if is_ct { AIR } else { i16::MIN },
        };
        let outside = |value: &i32| !(PADDING_BELOW..=PADDING_ABOVE).contains(&plain.rescaled(*value));
        Self {
            padding: padding.filter(|ends| ends.iter().all(outside)),
            ..plain
        }
    }

    fn rescaled(&self, stored: i32) -> f64 {
        f64::from(stored) * self.slope + self.intercept
    }

    fn is_padding(&self, stored: i32) -> bool {
        self.padding
            .is_some_and(|[low, high]| (low..=high).contains(&stored))
    }

    /// The value of a stored value, to the nearest whole number.
    fn value(&self, stored: i32) -> i16 {
        if self.is_padding(stored) {
            return AIR;
        }
        (self.rescaled(stored).round() as i16).max(self.floor)
    }

    /// The values of a frame, in the order of its words.
    pub fn write(&self, words: impl Iterator<Item = u16>, out: &mut [i16]) {
        match self.whole_intercept() {
            Some(intercept) => self.shift(words, intercept, out),
            None => self.look_up(words, out),
        }
    }

    /// The intercept where adding it is all there is to do, and cannot overflow.
    fn whole_intercept(&self) -> Option<i32> {
        let whole = self.slope == 1.0 && self.intercept.fract() == 0.0 && self.intercept.abs() < 1e6;
        whole.then_some(self.intercept as i32)
    }

    /// Without a branch on the values, so that it is done for several at once.
    fn shift(&self, words: impl Iterator<Item = u16>, intercept: i32, out: &mut [i16]) {
        let (layout, floor) = (self.layout, i32::from(self.floor));
        let [low, high] = self.padding.unwrap_or([i32::MAX, i32::MIN]);
        let value = |word: u16| {
            let stored = layout.resolve(word);
            let inside = (stored < low) | (stored > high);
            let value = (stored + intercept).clamp(i32::from(i16::MIN), i32::from(i16::MAX));
            let value = value.max(floor);
            (if inside { value } else { i32::from(AIR) }) as i16
        };
        out.iter_mut()
            .zip(words)
            .for_each(|(out, word)| *out = value(word));
    }

    fn look_up(&self, words: impl Iterator<Item = u16>, out: &mut [i16]) {
        let [least, greatest] = self.layout.extremes();
        let table: Vec<i16> = (least..=greatest).map(|stored| self.value(stored)).collect();
        let value = |word: u16| table[(self.layout.resolve(word) - least) as usize];
        out.iter_mut()
            .zip(words)
            .for_each(|(out, word)| *out = value(word));
    }

    /// Whether some of these words mean more than a value can hold, and were kept at the end of its range.
    pub fn doubt(&self, mut words: impl Iterator<Item = u16>) -> Option<Doubt> {
        let range = f64::from(i16::MIN)..=f64::from(i16::MAX);
        let beyond = |stored: i32| !range.contains(&self.rescaled(stored).round());
        let possible = self.layout.extremes().iter().any(|end| beyond(*end));
        let is_lost = |word: u16| {
            let stored = self.layout.resolve(word);
            !self.is_padding(stored) && beyond(stored)
        };
        (possible && words.any(is_lost)).then_some(Doubt::BeyondRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(stored: u16, signed: bool) -> Layout {
        Layout {
            rows: 1,
            columns: 1,
            frames: 1,
            allocated: 16,
            stored,
            high: stored - 1,
            signed,
        }
    }

    fn values(mapping: &Mapping, words: &[u16]) -> Vec<i16> {
        let mut out = vec![0; words.len()];
        mapping.write(words.iter().copied(), &mut out);
        out
    }

    /// Every way to the values gives what one value at a time gives, for each word there is.
    #[test]
    fn frames_and_single_values_agree() {
        let words: Vec<u16> = (0..=u16::MAX).collect();
        for (layout, map, padding, is_ct) in [
            (layout(12, false), [1.0, -1024.0], None, true),
            (layout(16, true), [1.0, 0.0], Some([-2000, -2000]), true),
            (layout(16, false), [1.0, -1000.0], Some([63536, 65535]), true),
            (layout(16, false), [1.0, 0.0], None, false),
            (layout(12, false), [0.5, -100.25], None, false),
            (layout(16, true), [-3.0, 7.0], Some([5, 9]), true),
            (layout(8, false), [257.0, 0.5], None, false),
        ] {
            let mapping = Mapping::new(layout, map, padding, is_ct);
            let single: Vec<i16> = words.iter().map(|w| mapping.value(layout.resolve(*w))).collect();
            assert_eq!(values(&mapping, &words), single, "{mapping:?}");
        }
    }

    #[test]
    fn padding_is_air_unless_it_reads_as_tissue_and_nothing_is_thinner_than_air() {
        let of = |padding| Mapping::new(layout(16, true), [1.0, 0.0], padding, true);
        assert_eq!(values(&of(Some([3500, 3500])), &[3500, 40]), [AIR, 40]);
        assert_eq!(values(&of(Some([0, 0])), &[0]), [0]);
        let below = (-3000i16) as u16;
        assert_eq!(values(&of(None), &[below]), [AIR]);
    }

    #[test]
    fn values_that_do_not_fit_are_noticed() {
        let doubt = |mapping: &Mapping, words: &[u16]| mapping.doubt(words.iter().copied());
        let wide = Mapping::new(layout(16, false), [1.0, 0.0], None, false);
        assert_eq!(doubt(&wide, &[0, 32767]), None);
        assert_eq!(doubt(&wide, &[0, 32768]), Some(Doubt::BeyondRange));
        let padded = Mapping::new(layout(16, false), [1.0, 0.0], Some([65535, 65535]), false);
        assert_eq!(doubt(&padded, &[65535, 7]), None);
    }
}
