//! What a model reads at once: a stack of slices, or the images of a series, each for itself. Data only.

use tocsin_domain::ids::Uid;
use tocsin_domain::volume::{Geometry, Volume};

use super::manifest::InputKind;

#[derive(Clone, Debug, PartialEq)]
pub struct Exam {
    pub kind: InputKind,
    /// One for a stack; for images one each, of a single slice.
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub volume: Volume,
    /// Whether a header states the distance of pixels. Without it `pixel_spacing` is 1 and means nothing.
    pub scaled: bool,
}

impl Exam {
    pub fn of_volume(volume: Volume) -> Self {
        Self {
            kind: InputKind::Volume,
            parts: vec![Part { volume, scaled: true }],
        }
    }

    /// Each slice of a volume as an image of its own.
    pub fn of_images(volume: &Volume) -> Self {
        let geometry = &volume.geometry;
        let plane = geometry.rows * geometry.columns;
        let image = |(k, voxels): (usize, &[i16])| Part {
            volume: Volume {
                geometry: Geometry {
                    slices: 1,
                    offsets: vec![geometry.offsets[k]],
                    origins: vec![geometry.origins[k]],
                    instance_uids: vec![geometry.instance_uids[k].clone()],
                    ..geometry.clone()
                },
                voxels: voxels.to_vec(),
            },
            scaled: true,
        };
        Self {
            kind: InputKind::Image,
            parts: volume
                .voxels
                .chunks_exact(plane.max(1))
                .enumerate()
                .map(image)
                .collect(),
        }
    }

    /// The part that holds a slice, counted over all parts, and its number there.
    pub fn part_of(&self, slice: usize) -> Option<(&Part, usize)> {
        let mut left = slice;
        for part in &self.parts {
            if left < part.volume.geometry.slices {
                return Some((part, left));
            }
            left -= part.volume.geometry.slices;
        }
        None
    }

    pub fn geometries(&self) -> impl Iterator<Item = &Geometry> {
        self.parts.iter().map(|part| &part.volume.geometry)
    }

    /// Rows and columns that all parts share, if they do: then marks on them can be kept as one.
    pub fn common_size(&self) -> Option<[usize; 2]> {
        let mut sizes = self
            .geometries()
            .map(|geometry| [geometry.rows, geometry.columns]);
        let first = sizes.next()?;
        sizes.all(|size| size == first).then_some(first)
    }
}

/// A plain axial geometry: slices × rows × columns and their distances, mm; the slices are numbered below a UID that belongs to no one's data.
pub fn plain_geometry(
    [slices, rows, columns]: [usize; 3],
    [slice_mm, row_mm, column_mm]: [f64; 3],
) -> Geometry {
    let offsets: Vec<f64> = (0..slices).map(|k| k as f64 * slice_mm).collect();
    Geometry {
        slices,
        rows,
        columns,
        pixel_spacing: [row_mm, column_mm],
        orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        origins: offsets.iter().map(|z| [0.0, 0.0, *z]).collect(),
        offsets,
        instance_uids: (0..slices)
            .map(|k| Uid::from_uuid(uuid::Uuid::from_u128(k as u128)))
            .collect(),
    }
}
