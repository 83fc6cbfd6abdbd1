//! Single images of a series, each for itself: radiographs, which have no place along a normal and may not even state the
//! distance of their pixels. Pure; nothing is resampled.

use tocsin_domain::volume::{Geometry, Volume};

use super::decode::Slice;
use super::series::{MAX_VOXELS, SeriesError, doubtful, is_pixel_distance};

/// One image as a volume of one slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Still {
    /// Low values are dark. Of the orientation only its first number means something: negative where the image is mirrored. The
    /// origin means nothing.
    pub volume: Volume,
    /// Whether the header states the distance of pixels; else 1 stands in `pixel_spacing`.
    pub scaled: bool,
}

/// The images in the order given. MONOCHROME1 is turned: least + greatest value of the image − value.
pub fn stills<'s>(slices: impl IntoIterator<Item = &'s Slice>) -> Result<Vec<Still>, SeriesError> {
    let slices: Vec<&Slice> = slices.into_iter().collect();
    let first = *slices.first().ok_or(SeriesError::Empty)?;
    let pixels: usize = slices.iter().map(|slice| slice.values.len()).sum();
    if pixels > MAX_VOXELS {
        return Err(SeriesError::TooLarge {
            slices: slices.len(),
            rows: first.rows,
            columns: first.columns,
        });
    }
    if let Some((slice, doubt)) = slices.iter().find_map(|slice| Some((slice, slice.doubt?))) {
        return Err(doubtful(slice, doubt));
    }
    Ok(slices.into_iter().map(still).collect())
}

fn still(slice: &Slice) -> Still {
    let spacing = slice
        .spacing
        .filter(|spacing| spacing.iter().all(|mm| is_pixel_distance(*mm)));
    Still {
        volume: Volume {
            geometry: Geometry {
                slices: 1,
                rows: slice.rows,
                columns: slice.columns,
                pixel_spacing: spacing.unwrap_or([1.0, 1.0]),
                offsets: vec![0.0],
                orientation: [if slice.mirrored { -1.0 } else { 1.0 }, 0.0, 0.0, 0.0, 1.0, 0.0],
                origins: vec![[0.0; 3]],
                instance_uids: vec![slice.instance_uid.clone()],
            },
            voxels: if slice.inverted {
                turned(&slice.values)
            } else {
                slice.values.clone()
            },
        },
        scaled: spacing.is_some(),
    }
}

/// Neither end leaves the range: the sum lies between least and greatest again.
fn turned(values: &[i16]) -> Vec<i16> {
    let widen = |(low, high): (i16, i16), value: &i16| (low.min(*value), high.max(*value));
    let (low, high) = values.iter().fold((i16::MAX, i16::MIN), widen);
    let sum = i32::from(low) + i32::from(high);
    values
        .iter()
        .map(|value| (sum - i32::from(*value)) as i16)
        .collect()
}

#[cfg(test)]
mod tests {
    use tocsin_domain::ids::Uid;

    use super::*;
    use crate::decode::Doubt;

    fn image(inverted: bool, spacing: Option<[f64; 2]>) -> Slice {
        Slice {
            instance_uid: Uid::parse("1.2").expect("uid"),
            frame: 0,
            rows: 1,
            columns: 3,
            values: vec![0, 1000, 4095],
            inverted,
            spacing,
            position: None,
            orientation: None,
            mirrored: false,
            window: None,
            doubt: None,
        }
    }

    #[test]
    fn images_need_no_place_and_are_bright_where_they_are_dense() {
        let images = [image(false, Some([0.2, 0.2])), image(true, None)];
        let stills = stills(&images).expect("images");
        assert_eq!(stills[0].volume.voxels, [0, 1000, 4095]);
        assert_eq!(stills[1].volume.voxels, [4095, 3095, 0]);
        let scales = stills
            .iter()
            .map(|s| (s.scaled, s.volume.geometry.pixel_spacing[0]));
        assert_eq!(scales.collect::<Vec<_>>(), [(true, 0.2), (false, 1.0)]);
    }

    #[test]
    fn an_image_whose_values_do_not_fit_is_named() {
        let wide = Slice {
            doubt: Some(Doubt::BeyondRange),
            ..image(false, None)
        };
        let said = stills(&[image(false, None), wide]).map_err(|error| error.to_string());
        assert_eq!(
            said,
            Err("instance 1.2, frame 0: values beyond 16 bits with sign do not fit".into())
        );
    }

    #[test]
    fn no_image_is_no_exam() {
        assert!(matches!(stills(&[]), Err(SeriesError::Empty)));
    }
}
