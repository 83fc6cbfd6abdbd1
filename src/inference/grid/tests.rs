//! A grid laid over small volumes, and back.

use tocsin_domain::ids::Uid;
use tocsin_domain::volume::Geometry;

use super::*;
use crate::manifest::PlaneResampling;
use crate::recipe::{Channels, SliceStep};

fn volume(
    offsets: &[f64],
    rows: usize,
    columns: usize,
    value: impl Fn(usize, usize, usize) -> i16,
) -> Volume {
    let slices = offsets.len();
    let mut voxels = Vec::new();
    for k in 0..slices {
        for r in 0..rows {
            voxels.extend((0..columns).map(|c| value(k, r, c)));
        }
    }
    let uid = Uid::parse("1.2").expect("uid");
    Volume {
        geometry: Geometry {
            slices,
            rows,
            columns,
            pixel_spacing: [1.0, 1.0],
            offsets: offsets.to_vec(),
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            origins: offsets.iter().map(|z| [0.0, 0.0, *z]).collect(),
            instance_uids: vec![uid; slices],
        },
        voxels,
    }
}

fn recipe(grid: GridSpec) -> Recipe {
    let channels = Channels {
        windows: Vec::new(),
        adjacent: 0,
        copies: 1,
    };
    Recipe {
        clip: Some([-1024.0, 3071.0]),
        grid,
        percentiles: None,
        pixels: Vec::new(),
        channels,
        windows: None,
    }
}

const KEEP: GridSpec = GridSpec {
    slices: SliceStep::Keep,
    scale: Scale::Keep,
    plane: PlaneResampling::Bilinear,
    frame: Frame::Whole,
};

#[test]
fn a_slab_holds_the_mean_of_its_slices() {
    let volume = volume(&[0.0, 2.0, 4.0, 6.0, 8.0], 1, 1, |k, _, _| 10 * k as i16);
    let recipe = recipe(GridSpec {
        slices: SliceStep::Slabs(5.0),
        ..KEEP
    });
    let grid = Grid::plan(&volume, &recipe.grid, 2);
    let values = grid.sample(&volume, &recipe, 2);
    assert_eq!(values.len(), 2);
    assert!(
        (values[0] - 8.0).abs() < 1e-5 && (values[1] - 32.0).abs() < 1e-5,
        "{values:?}"
    );
}

#[test]
fn scores_between_planes_are_blended_before_they_are_compared() {
    let volume = volume(&[0.0, 4.0], 1, 1, |k, _, _| k as i16);
    let recipe = recipe(GridSpec {
        slices: SliceStep::Linear(2.0),
        ..KEEP
    });
    let grid = Grid::plan(&volume, &recipe.grid, 2);
    // Planes at -1, 1, 3 and 5 mm.
    assert_eq!(grid.sample(&volume, &recipe, 2), [0.0, 0.25, 0.75, 1.0]);
    assert_eq!(grid.mask(&[0.9, 0.2, 0.2, 0.7], 0.5, 2).voxels, [1, 0]);
    assert_eq!(grid.mask(&[0.9, 0.2, 0.2, 0.8], 0.5, 2).voxels, [1, 1]);
}

#[test]
fn a_large_pixel_is_the_mean_of_what_it_covers_and_a_letterbox_keeps_the_shape() {
    let volume = volume(&[0.0], 2, 4, |_, r, c| (4 * r + c) as i16);
    let frame = Frame::Image {
        size: [2, 2],
        fill: -10.0,
    };
    let spec = GridSpec {
        scale: Scale::Fill,
        plane: PlaneResampling::Area,
        frame,
        ..KEEP
    };
    let stretched = recipe(spec);
    let grid = Grid::plan(&volume, &stretched.grid, 2);
    assert_eq!(grid.sample(&volume, &stretched, 1), [0.5, 2.5, 4.5, 6.5]);
    // Twice as wide as high: a step of 2 both ways, half a pixel of fill above and half below.
    let inside = recipe(GridSpec {
        scale: Scale::Inside,
        ..spec
    });
    let grid = Grid::plan(&volume, &inside.grid, 2);
    assert_eq!((grid.rows.step, grid.columns.step), (2.0, 2.0));
    assert_eq!(grid.sample(&volume, &inside, 1), [-4.75, -3.75, -2.75, -1.75]);
}

#[test]
fn the_frame_lies_about_the_foreground_and_fades_to_its_fill() {
    let volume = volume(&[0.0], 4, 4, |_, r, c| if r == 1 && c >= 2 { 100 } else { -1000 });
    let frame = Frame::Foreground {
        size: [1, 4],
        fill: 0.0,
        above: -300.0,
    };
    let recipe = recipe(GridSpec { frame, ..KEEP });
    let grid = Grid::plan(&volume, &recipe.grid, 2);
    assert_eq!((grid.rows.centre, grid.columns.centre), (1.0, 2.5));
    assert_eq!(grid.sample(&volume, &recipe, 1), [-1000.0, 100.0, 100.0, 0.0]);
}

#[test]
fn resampling_blends_and_a_mask_comes_back_where_it_was() {
    let volume = volume(&[0.0, 5.0], 8, 8, |k, r, c| {
        if k == 1 && (2..6).contains(&r) && c < 4 {
            100
        } else {
            0
        }
    });
    let recipe = recipe(GridSpec {
        scale: Scale::Spacing([2.0, 2.0]),
        ..KEEP
    });
    let grid = Grid::plan(&volume, &recipe.grid, 2);
    let values = grid.sample(&volume, &recipe, 2);
    assert_eq!(grid.plane(), 16);
    assert_eq!(values[16..20], [0.0; 4]);
    assert_eq!(values[20..24], [100.0, 100.0, 0.0, 0.0]);
    let mask = grid.mask(&values, 50.0, 2);
    for (index, (bit, value)) in mask.voxels.iter().zip(&volume.voxels).enumerate() {
        // Column 0 lies half a grid pixel from the border, where scores fade to nothing.
        if index % 8 != 0 {
            assert_eq!(*bit == 1, *value == 100, "voxel {index}");
        }
    }
}

#[test]
fn an_image_can_fill_a_frame() {
    let volume = volume(&[0.0], 2, 4, |_, _, c| c as i16);
    let frame = Frame::Image {
        size: [1, 2],
        fill: 0.0,
    };
    let recipe = recipe(GridSpec {
        scale: Scale::Fill,
        frame,
        ..KEEP
    });
    assert_eq!(
        Grid::plan(&volume, &recipe.grid, 2).sample(&volume, &recipe, 1),
        [0.5, 2.5]
    );
}
