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

    /// Puts the values of a frame where its words are; and whether some of these mean more than a value can hold, and were kept at
    /// the end of its range.
    pub fn apply(&self, frame: &mut [i16]) -> Option<Doubt> {
        let lost = match self.shift() {
            Some(shift) if self.layout.signed => shift.apply::<true>(frame),
            Some(shift) => shift.apply::<false>(frame),
            None => self.look_up(frame),
        };
        lost.then_some(Doubt::BeyondRange)
    }

    fn look_up(&self, frame: &mut [i16]) -> bool {
        let [least, greatest] = self.layout.extremes();
        let range = f64::from(i16::MIN)..=f64::from(i16::MAX);
        let is_lost =
            |stored: i32| !self.is_padding(stored) && !range.contains(&self.rescaled(stored).round());
        // A padding value at an end hides nothing: what lies beside it is looked at then.
        let possible = self.padding.is_some() || is_lost(least) || is_lost(greatest);
        let stored = |word: i16| self.layout.resolve(word.cast_unsigned());
        let lost = possible && frame.iter().any(|word| is_lost(stored(*word)));
        let table: Vec<i16> = (least..=greatest).map(|stored| self.value(stored)).collect();
        frame
            .iter_mut()
            .for_each(|word| *word = table[(stored(*word) - least) as usize]);
        lost
    }

    /// The way through 16 bits, where adding a whole intercept is all there is to do and that suffices.
    fn shift(&self) -> Option<Shift> {
        let is_whole = self.slope == 1.0 && self.intercept.fract() == 0.0 && self.intercept.abs() < 1e6;
        if !is_whole {
            return None;
        }
        let is_full = self.layout.stored == 16 && !self.layout.signed;
        // Half of what 16 bits hold without sign: what is stored then fits with one.
        let bias = if is_full { 1 << 15 } else { 0 };
        let offset = i16::try_from(self.intercept as i32 + bias).ok()?;
        let [low, high] = self
            .padding
            .map_or([1, 0], |ends| ends.map(|end| end.saturating_sub(bias)));
        let [least, greatest] = [i16::MIN, i16::MAX].map(i32::from);
        let padding = match low <= high && low <= greatest && high >= least {
            true => [low.max(least) as i16, high.min(greatest) as i16],
            false => [i16::MAX, i16::MIN],
        };
        Some(Shift {
            up: 15 - u32::from(self.layout.high),
            down: 16 - u32::from(self.layout.stored),
            bias: bias as u16,
            offset,
            padding,
            floor: self.floor,
        })
    }
}

/// Words to values in 16 bits, without a branch on the values and without a check that cannot fail, so that a processor does it for
/// eight at once.
struct Shift {
    /// Brings the highest stored bit to the top.
    up: u32,
    /// Brings the lowest one to the bottom.
    down: u32,
    bias: u16,
    /// The intercept, and the bias again.
    offset: i16,
    /// Of stored values less the bias; none where the first is greater.
    padding: [i16; 2],
    floor: i16,
}

impl Shift {
    /// Whether some values did not fit.
    fn apply<const SIGNED: bool>(&self, frame: &mut [i16]) -> bool {
        let [low, high] = self.padding;
        let mut lost = 0u16;
        for word in frame {
            let top = word.cast_unsigned().wrapping_shl(self.up);
            let stored = match SIGNED {
                true => top.cast_signed().wrapping_shr(self.down),
                false => (top.wrapping_shr(self.down) ^ self.bias).cast_signed(),
            };
            let is_padding = (stored >= low) & (stored <= high);
            let value = stored.saturating_add(self.offset);
            lost |= u16::from((value != stored.wrapping_add(self.offset)) & !is_padding);
            *word = if is_padding { AIR } else { value }.max(self.floor);
        }
        lost != 0
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
        let mut frame: Vec<i16> = words.iter().map(|word| word.cast_signed()).collect();
        let _ = mapping.apply(&mut frame);
        frame
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
            (layout(16, false), [1.0, -32768.0], Some([0, 32767]), false),
            (layout(16, false), [1.0, -65000.0], Some([40_000, 65_535]), true),
            (
                layout(16, false),
                [1.0, -1e300],
                Some([i32::MIN, i32::MAX]),
                false,
            ),
            (layout(16, false), [1.0, -1024.0], Some([i32::MIN, -5_000]), true),
            (layout(13, true), [1.0, 24.0], Some([-4096, -4000]), true),
            (layout(16, true), [1.0, 32_767.0], Some([30_000, 70_000]), false),
            (
                Layout {
                    high: 13,
                    ..layout(12, true)
                },
                [1.0, -7.0],
                None,
                true,
            ),
            (
                Layout {
                    high: 15,
                    ..layout(10, false)
                },
                [1.0, 3.0],
                Some([5, 5]),
                false,
            ),
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
        let doubt = |mapping: &Mapping, words: &[u16]| {
            mapping.apply(&mut words.iter().map(|word| word.cast_signed()).collect::<Vec<_>>())
        };
        let wide = Mapping::new(layout(16, false), [1.0, 0.0], None, false);
        assert_eq!(doubt(&wide, &[0, 32767]), None);
        assert_eq!(doubt(&wide, &[0, 32768]), Some(Doubt::BeyondRange));
        let padded = Mapping::new(layout(16, false), [1.0, 0.0], Some([65535, 65535]), false);
        assert_eq!(doubt(&padded, &[65535, 7]), None);
        let low = Mapping::new(layout(16, true), [1.0, -1024.0], None, true);
        assert_eq!(doubt(&low, &[0x8000]), Some(Doubt::BeyondRange));
        assert_eq!(doubt(&low, &[0x8400, 0x7FFF]), None);
        let marked = Mapping::new(layout(16, true), [1.0, -1024.0], Some([-32768, -32768]), true);
        assert_eq!(doubt(&marked, &[0x8000]), None);
        let steep = Mapping::new(layout(12, false), [16.5, 0.0], None, false);
        assert_eq!(doubt(&steep, &[0, 1900]), None);
        assert_eq!(doubt(&steep, &[0, 2000]), Some(Doubt::BeyondRange));
    }
}
