//! The head as a grid of one millimetre, free of noise: density, and share of what the mask marks. Anatomy first, with
//! what changes its tissue in place; then bleeds into the places that they rank first. Knows nothing of the scanner.

use super::super::ct::{Body, interpolated};
use super::super::shape::{V3, mix, smooth};
use super::anatomy::{Anatomy, Class, Tissue};
use super::bleed::{Bleed, Place};
use super::effect::Effect;

/// Half extents of the grid, mm; the scalp of the largest head fits.
const HALF: [usize; 3] = [98, 118, 100];
pub const SIZE: [usize; 3] = [2 * HALF[0] + 1, 2 * HALF[1] + 1, 2 * HALF[2] + 1];
const PLANE: usize = SIZE[0] * SIZE[1];

/// Density in HU and share of what the mask marks in 1/255, `[z][y][x]`.
pub struct Model {
    hu: Vec<i16>,
    marked: Vec<u8>,
}

/// What the bleed is told of each voxel.
struct Layers {
    depth: Vec<i8>,
    class: Vec<Class>,
    fluid: Vec<u8>,
}

fn place(index: usize) -> V3 {
    let (z, rest) = (index / PLANE, index % PLANE);
    let (y, x) = (rest / SIZE[0], rest % SIZE[0]);
    [
        x as f32 - HALF[0] as f32,
        y as f32 - HALF[1] as f32,
        z as f32 - HALF[2] as f32,
    ]
}

impl Model {
    pub fn build(anatomy: &Anatomy, effect: &Effect, bleeds: &[Bleed], threads: usize) -> Self {
        let keep = !bleeds.is_empty();
        let (mut model, layers) = Self::paint(anatomy, effect, keep, threads, &|_, t: &Tissue| (t.hu, 0.0));
        for bleed in bleeds {
            model.bleed(bleed, anatomy, &layers);
        }
        model
    }

    /// A head whose tissue a lesion changes: `lesion` is told the anatomical place and its tissue, and gives the density
    /// and the share, 0..1, that the mask marks.
    pub fn with_lesion<L>(anatomy: &Anatomy, effect: &Effect, threads: usize, lesion: &L) -> Self
    where
        L: Fn(V3, &Tissue) -> (f32, f32) + Sync,
    {
        Self::paint(anatomy, effect, false, threads, lesion).0
    }

    fn paint<L>(anatomy: &Anatomy, effect: &Effect, keep: bool, threads: usize, lesion: &L) -> (Self, Layers)
    where
        L: Fn(V3, &Tissue) -> (f32, f32) + Sync,
    {
        let len = SIZE[2] * PLANE;
        let mut model = Self {
            hu: vec![0; len],
            marked: vec![0; len],
        };
        let kept = if keep { len } else { 0 };
        let mut layers = Layers {
            depth: vec![i8::MIN; kept],
            class: vec![Class::Outside; kept],
            fluid: vec![0; kept],
        };
        let slab = SIZE[2].div_ceil(threads.max(1)) * PLANE;
        std::thread::scope(|scope| {
            let mut depths = layers.depth.chunks_mut(slab);
            let mut classes = layers.class.chunks_mut(slab);
            let mut fluids = layers.fluid.chunks_mut(slab);
            let parts = model.hu.chunks_mut(slab).zip(model.marked.chunks_mut(slab));
            for (n, (hu, marked)) in parts.enumerate() {
                let (depth, class, fluid) = (depths.next(), classes.next(), fluids.next());
                scope.spawn(move || {
                    let mut kept = depth.zip(class).zip(fluid);
                    for (i, (value, marked)) in hu.iter_mut().zip(marked).enumerate() {
                        let x = place(n * slab + i);
                        let from = effect.before(x);
                        let tissue = anatomy.tissue(x, from);
                        let (density, share) = lesion(from, &tissue);
                        *value = density as i16;
                        *marked = (share * 255.0) as u8;
                        if let Some(((depth, class), fluid)) = &mut kept {
                            depth[i] = (tissue.depth * 2.0).clamp(-127.0, 127.0) as i8;
                            class[i] = if tissue.depth > -0.5 {
                                tissue.class
                            } else {
                                Class::Outside
                            };
                            fluid[i] = (tissue.cisternal * 255.0) as u8;
                        }
                    }
                });
            }
        });
        (model, layers)
    }

    /// Fills the places ranked first until the volume is reached, and thins the tissue around by oedema.
    fn bleed(&mut self, bleed: &Bleed, anatomy: &Anatomy, layers: &Layers) {
        let rank = |i: usize| {
            let at = Place {
                at: place(i),
                depth: f32::from(layers.depth[i]) / 2.0,
                class: layers.class[i],
            };
            bleed.rank(&at, anatomy)
        };
        let inside = |i: &usize| layers.class[*i] != Class::Outside;
        let mut ranked: Vec<(u32, f32, f32)> = (0..layers.class.len())
            .filter(inside)
            .filter_map(|i| rank(i).map(|(p, mm)| (i as u32, p, mm)))
            .collect();
        if ranked.is_empty() {
            return;
        }
        let wanted = ((bleed.volume_ml * 1000.0) as usize).clamp(1, ranked.len());
        let level = ranked
            .select_nth_unstable_by(wanted - 1, |a, b| a.1.total_cmp(&b.1))
            .1
            .1;
        for (i, p, mm) in ranked {
            let i = i as usize;
            let x = place(i);
            let out = (p - level) * mm;
            let mut share = (0.5 - out).clamp(0.0, 1.0);
            if bleed.in_fluid() {
                share *= (f32::from(layers.fluid[i]) / 255.0 * 1.7).min(1.0);
            }
            let before = f32::from(self.hu[i]);
            let swollen = if bleed.rim > 0.0 && out > 0.0 && layers.class[i] != Class::Subarachnoid {
                mix(
                    before,
                    17.0_f32.min(before),
                    0.8 * smooth(bleed.rim, 0.3 * bleed.rim, out),
                )
            } else {
                before
            };
            self.hu[i] = mix(swollen, bleed.density(x), share) as i16;
            self.marked[i] = self.marked[i].max((share * 255.0) as u8);
        }
    }
}

impl Body for Model {
    /// Interpolated between voxels; air outside the grid.
    fn at(&self, p: V3) -> (f32, f32) {
        let g = [
            p[0] + HALF[0] as f32,
            p[1] + HALF[1] as f32,
            p[2] + HALF[2] as f32,
        ];
        interpolated(&self.hu, &self.marked, SIZE, g)
    }
}
