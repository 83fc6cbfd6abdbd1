//! One thorax put together: wall, bones, heart, vessels, airways, clots and distractors, each laid over the former. The
//! order is the anatomy's: what is painted later lies within or before what was painted earlier.

use super::arteries::Arteries;
use super::clot::{self, Clot};
use super::confounder::{self, Distractor};
use super::contrast::{Contrast, PLAIN};
use super::frame::Frame;
use super::free::Free;
use super::great::{self, Calibres};
use super::grid::{Grid, Line};
use super::heart::{CHAMBERS, Chamber, Heart};
use super::spec::{CtpaSpec, Level, Plan};
use super::{airways, bones, veins, wall};
use crate::phantom::dice::Dice;
use crate::phantom::shape::{V3, ramp, smooth};

/// Fat around the great vessels, mm.
const SHEATH: f32 = 3.5;
const SHEATH_HU: f32 = -92.0;
const WALL_HU: f32 = 46.0;
const AIRWAY_HU: f32 = -985.0;
const CARTILAGE_HU: f32 = 42.0;
/// Distance of the points that arteries and veins must reach, mm.
const REACH: usize = 8;

/// A thorax, ready to be scanned.
pub struct Thorax {
    pub grid: Grid,
    pub heart: Heart,
    pub arteries: Arteries,
    pub clots: Vec<Clot>,
    pub distractors: Vec<Distractor>,
    pub calibres: Calibres,
    /// Course of the aorta, which covers the base of the ventricles.
    pub aorta: Line,
}

/// What is drawn of a thorax before it is painted.
struct Person {
    frame: Frame,
    heart: Heart,
    calibres: Calibres,
    contrast: Contrast,
    distractors: Vec<Distractor>,
    bronchi: Vec<Line>,
    seed: u64,
}

impl Person {
    fn has(&self, distractor: Distractor) -> bool {
        self.distractors.contains(&distractor)
    }

    /// An independent stream of chance for one purpose.
    fn dice(&self, stream: u64) -> Dice {
        Dice::new(self.seed, stream)
    }
}

impl Thorax {
    pub fn build(spec: &CtpaSpec, plan: &Plan) -> Self {
        let mut dice = Dice::new(spec.seed, 2);
        let frame = Frame::draw(&mut dice);
        let person = Person {
            heart: Heart::draw(&mut Dice::new(spec.seed, 3), &frame, plan.rv_lv),
            calibres: Calibres::draw(&mut dice, plan.strain()),
            contrast: Contrast::draw(&mut Dice::new(spec.seed, 4), plan.trunk_hu),
            distractors: confounder::draw(spec.distractors, &mut Dice::new(spec.seed, 5)),
            bronchi: great::bronchi(&frame),
            seed: spec.seed,
            frame,
        };
        let lung_hu = dice.between(-875.0, -825.0);
        person.paint(plan.level, spec.threads, lung_hu)
    }
}

impl Person {
    fn paint(mut self, level: Option<Level>, threads: usize, lung_hu: f32) -> Thorax {
        let mut grid = Grid::fill(threads, |p| wall::tissue(&self.frame, lung_hu, p));
        bones::paint(&mut grid, &self.frame);
        if self.has(Distractor::PleuralEffusion) {
            confounder::effusion(&mut grid, &self.frame, &mut self.dice(20));
        }
        self.mediastinum(&mut grid);
        let points = lung_points(&grid, &self.frame, &mut self.dice(6));
        let mut arteries = Arteries::grow(&self.frame, &self.calibres, &points.0, &mut self.dice(7));
        let free = Free {
            frame: &self.frame,
            heart: &self.heart,
        };
        arteries
            .0
            .iter_mut()
            .filter(|a| a.level > Level::Lobar)
            .for_each(|a| free.clear(&mut a.line));
        let mut dice = self.dice(8);
        let clots = level.map_or_else(Vec::new, |level| clot::draw_all(level, &mut arteries, &mut dice));
        self.disturb_lung(&mut grid, &points.0);
        self.disturb_hila(&mut grid, &arteries);
        let branches = self.veins(&points.1);
        self.airways(&mut grid, &arteries);
        for line in &branches {
            let seen = faintness(line);
            grid.along(line, 1.0, |_, d, mut cell| {
                cell.lay(self.contrast.pulmonary_veins, ramp(d) * seen)
            });
        }
        self.arteries(&mut grid, &arteries);
        clots
            .iter()
            .for_each(|clot| clot.paint(&mut grid, &self.frame.grain));
        self.disturb_image(&mut grid);
        Thorax {
            aorta: great::aorta(&self.frame, &self.calibres),
            grid,
            heart: self.heart,
            arteries,
            clots,
            distractors: self.distractors,
            calibres: self.calibres,
        }
    }

    fn veins(&self, points: &[V3]) -> Vec<Line> {
        let free = Free {
            frame: &self.frame,
            heart: &self.heart,
        };
        let (trunks, mut branches) = veins::grow_all(&self.frame, points, &mut self.dice(9));
        branches.iter_mut().for_each(|line| free.clear(line));
        trunks.into_iter().chain(branches).collect()
    }

    /// Fat, gullet, heart and the great vessels but the pulmonary arteries.
    fn mediastinum(&self, grid: &mut Grid) {
        let (frame, c) = (&self.frame, &self.calibres);
        let aorta = great::aorta(frame, c);
        let (upper, other) = (
            great::upper_cava(frame, c, self.contrast.arm),
            great::other_vein(frame, self.contrast.arm),
        );
        let (lower, azygos) = (great::lower_cava(frame), great::azygos(frame));
        let (gullet, windpipe) = (great::gullet(frame), great::windpipe(frame));
        let arch = great::arch_branches(frame);
        let inside = |line: &Line| -> Line {
            line.iter()
                .copied()
                .filter(|(p, _)| p[2] > -122.0 && p[2] < 112.0)
                .collect()
        };
        for line in great::cushions(frame) {
            sheath(grid, &line);
        }
        for line in [&aorta, &upper, &lower, &azygos, &gullet, &windpipe]
            .into_iter()
            .chain(&arch)
            .chain(&self.bronchi)
        {
            sheath(grid, &inside(line));
        }
        for stem in super::arteries::stems(frame, c) {
            sheath(grid, &stem.line);
        }
        grid.tube(&gullet, 0.0, 40.0);
        grid.tube(
            &gullet.iter().map(|(p, _)| (*p, 1.6)).collect::<Line>(),
            0.0,
            -420.0,
        );
        self.heart(grid);
        vessel(grid, &aorta, 1.2, self.contrast.systemic);
        arch.iter()
            .for_each(|line| vessel(grid, line, 0.8, self.contrast.systemic));
        for (line, hu) in [
            (&lower, PLAIN + 6.0),
            (&azygos, PLAIN + 4.0),
            (&other, PLAIN + 20.0),
        ] {
            vessel(grid, line, 0.8, hu);
        }
        grid.along(&upper, 1.0, |p, d, mut cell| {
            cell.lay(self.contrast.upper_cava(p), ramp(d))
        });
        grid.tube(&windpipe, 1.6, CARTILAGE_HU);
        self.bronchi
            .iter()
            .for_each(|line| grid.tube(line, 1.2, CARTILAGE_HU));
        grid.tube(&windpipe, 0.0, AIRWAY_HU);
    }

    fn heart(&self, grid: &mut Grid) {
        let (low, high) = self.heart.bounds();
        grid.visit(low, high, |p, mut cell| {
            let muscle = self.heart.muscle(p);
            if muscle > 8.0 {
                return;
            }
            let fat = 3.0 + 3.0 * self.frame.form.mm(p, 28.0);
            cell.lay(48.0, ramp(muscle - fat - 1.6));
            cell.lay(SHEATH_HU, ramp(muscle - fat));
            cell.lay(self.contrast.myocardium, ramp(muscle));
            for chamber in CHAMBERS {
                let share = ramp(self.heart.chamber(chamber, p));
                if share > 0.0 {
                    cell.lay(self.chamber_hu(chamber, p), share);
                }
            }
        });
    }

    fn chamber_hu(&self, chamber: Chamber, p: V3) -> f32 {
        match chamber {
            Chamber::RightAtrium => self.contrast.right_atrium(p, self.heart.inflow(p)),
            Chamber::RightVentricle => self.contrast.right_ventricle(p),
            Chamber::LeftAtrium => self.contrast.systemic * 1.02,
            Chamber::LeftVentricle => self.contrast.systemic,
        }
    }

    fn airways(&self, grid: &mut Grid, arteries: &Arteries) {
        let mut dice = self.dice(10);
        for line in airways::segmental(arteries, &self.bronchi) {
            let plugged = self.has(Distractor::MucusPlug) && dice.chance(0.08);
            if plugged {
                let wide: Line = line.iter().map(|(p, r)| (*p, r * 1.2)).collect();
                grid.tube(&wide, 0.5, dice.between(15.0, 40.0));
            } else {
                small_airway(grid, &line);
            }
        }
        for line in &self.bronchi {
            open_airway(grid, line, 0.0, AIRWAY_HU);
        }
    }

    fn arteries(&self, grid: &mut Grid, arteries: &Arteries) {
        for artery in &arteries.0 {
            if matches!(artery.level, Level::Main | Level::Lobar) {
                wall_of(grid, &artery.line, 0.9);
            }
        }
        for artery in arteries.0.iter().rev() {
            let seen = faintness(&artery.line);
            let large = artery.level <= Level::Segmental;
            grid.along(&artery.line, 1.0, |p, d, mut cell| {
                let share = ramp(d) * seen;
                if large {
                    *cell.lumen = (*cell.lumen).max((ramp(d) * 255.0) as u8);
                }
                if share > 0.0 {
                    cell.lay(self.contrast.arterial(p, artery.fill), share);
                    *cell.artery = (*cell.artery).max((share * 255.0) as u8);
                }
            });
        }
    }

    fn disturb_lung(&self, grid: &mut Grid, points: &[V3]) {
        let mut dice = self.dice(21);
        if self.has(Distractor::Consolidation) && !points.is_empty() {
            let at = dice.pick(points);
            confounder::consolidation(grid, &self.frame, at, &mut dice);
        }
        if self.has(Distractor::Atelectasis) {
            confounder::atelectasis(grid, &self.frame, &mut dice);
        }
    }

    /// Nodes beside arteries, and unmixed blood in them.
    fn disturb_hila(&mut self, grid: &mut Grid, arteries: &Arteries) {
        let mut dice = self.dice(22);
        let central: Vec<(V3, f32)> = arteries
            .0
            .iter()
            .filter(|a| a.level == Level::Lobar)
            .flat_map(|a| a.line.clone())
            .collect();
        for kind in [Distractor::LymphNodes, Distractor::CalcifiedNodes] {
            if self.has(kind) {
                for _ in 0..dice.between(2.0, 6.0) as usize {
                    let (p, r) = dice.pick(&central);
                    let turn = dice.between(0.0, 6.3);
                    let off = r + dice.between(3.0, 7.0);
                    let chalk = (kind == Distractor::CalcifiedNodes).then(|| dice.between(350.0, 900.0));
                    confounder::node(
                        grid,
                        [p[0] + off * turn.cos(), p[1] + off * turn.sin(), p[2]],
                        chalk,
                        &mut dice,
                    );
                }
            }
        }
        if self.has(Distractor::MixingArtefact) {
            for _ in 0..dice.between(1.0, 4.0) as usize {
                let (at, r) = dice.pick(&central);
                self.contrast
                    .thin(at, r * dice.between(1.4, 2.6), dice.between(0.25, 0.6));
            }
        }
    }

    fn disturb_image(&self, grid: &mut Grid) {
        let mut dice = self.dice(23);
        if self.has(Distractor::Motion) {
            confounder::motion(grid, &self.frame, dice.between(1.5, 4.5), &mut dice);
        }
        if self.has(Distractor::CavaStreaks) {
            let cava = great::upper_cava(&self.frame, &self.calibres, self.contrast.arm);
            let strength = 34.0 * smooth(250.0, 1300.0, self.contrast.cava);
            confounder::streaks(grid, &cava, strength, &mut dice);
        }
    }
}

fn sheath(grid: &mut Grid, line: &[(V3, f32)]) {
    grid.along(line, SHEATH + 1.0, |_, d, mut cell| {
        if *cell.hu < SHEATH_HU as i16 {
            cell.lay(SHEATH_HU, ramp(d - SHEATH));
        }
    });
}

/// A wall laid around a lumen, never over denser things.
fn wall_of(grid: &mut Grid, line: &[(V3, f32)], thick: f32) {
    grid.along(line, thick + 1.0, |_, d, mut cell| {
        if f32::from(*cell.hu) < WALL_HU {
            cell.lay(WALL_HU, ramp(d - thick));
        }
    });
}

fn vessel(grid: &mut Grid, line: &[(V3, f32)], thick: f32, hu: f32) {
    wall_of(grid, line, thick);
    grid.tube(line, 0.0, hu);
}

/// A bronchus in lung and fat; it gives way to all else.
fn small_airway(grid: &mut Grid, line: &[(V3, f32)]) {
    let thick = (line[line.len() - 1].1 * 0.25).clamp(0.4, 1.0);
    open_airway(grid, line, thick, CARTILAGE_HU);
    open_airway(grid, line, 0.0, AIRWAY_HU);
}

fn open_airway(grid: &mut Grid, line: &[(V3, f32)], wider: f32, hu: f32) {
    grid.along(line, wider + 1.0, |_, d, mut cell| {
        if f32::from(*cell.hu) <= CARTILAGE_HU {
            cell.lay(hu, ramp(d - wider));
        }
    });
}

/// How much of a voxel a vessel thinner than the grid fills.
fn faintness(line: &[(V3, f32)]) -> f32 {
    let thin = line.last().map_or(1.0, |(_, r)| r / 0.8);
    (thin * thin).min(1.0)
}

/// Points within the lungs for arteries and, half a step away, for veins.
fn lung_points(grid: &Grid, frame: &Frame, dice: &mut Dice) -> (Vec<V3>, Vec<V3>) {
    let (mut arteries, mut veins) = (Vec::new(), Vec::new());
    let half = REACH as f32 / 2.0;
    for z in (-170..120).step_by(REACH) {
        for y in (-120..120).step_by(REACH) {
            for x in (-150..150).step_by(REACH) {
                let shaken = [x, y, z].map(|v| v as f32 + dice.between(-2.5, 2.5));
                for (points, by) in [(&mut arteries, 0.0), (&mut veins, half)] {
                    let p = shaken.map(|v| v + by);
                    if Grid::index(p).is_some_and(|i| {
                        grid.hu[i] < confounder::LUNG && frame.pleura(frame.middle(p)) < -3.0
                    }) {
                        points.push(p);
                    }
                }
            }
        }
    }
    (arteries, veins)
}
