//! Synthetic chest radiograph: `chest_xray` makes an image, its mask and the truth about it from a seed alone; the same seed
//! gives the same bytes. Paths of rays through simple shapes stand for the thorax, Beer-Lambert for the beam. For tests,
//! demonstrations and training; never a substitute for images of people.

mod anatomy;
mod blur;
mod body;
mod bones;
mod collapse;
mod device;
mod dicom;
mod exposure;
mod finding;
mod header;
mod hemithorax;
mod lungs;
mod mediastinum;
mod mimic;
mod nodule;
mod plane;
mod pose;
mod processing;
mod ribs;
mod scene;
mod spec;
mod storage;
mod truth;
mod vessels;

use super::dice::Dice;
use super::shape::Field;

use anatomy::Anatomy;
use body::Body;
use bones::Shoulders;
use collapse::Collapse;
use exposure::Maps;
use lungs::Lungs;
use mediastinum::Mediastinum;
use nodule::Nodule;
use plane::{Grid, Knot, Plane, round};
use pose::Pose;
use processing::Processing;
use scene::Scene;
use spec::Plan;
use truth::Half;
use vessels::Vessels;

pub use dicom::{ChestXrayWriteError, chest_xray_identity, dicom_image, write_dicom, write_dump};
pub use finding::{ChestSide, Distractor, NoduleEdge, NoduleSpec, PneumothoraxSpec, Zone};
pub use lungs::{LUNG_FIELD, NODULE, PLEURAL_AIR};
pub use pose::View;
pub use spec::ChestXraySpec;
pub use storage::{ImageClass, Photometric, Storage, Window};
pub use truth::{ChestXrayTruth, NoduleTruth, PneumothoraxTruth};

/// A chest radiograph: stored values, the mask on the same grid, and what is true of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ChestXray {
    pub rows: usize,
    pub columns: usize,
    /// As `header` describes them, row by row.
    pub pixels: Vec<u16>,
    /// Bits `PLEURAL_AIR`, `NODULE` and `LUNG_FIELD`, row by row.
    pub mask: Vec<u8>,
    pub truth: ChestXrayTruth,
    pub header: Storage,
}

impl ChestXray {
    /// What a reader is shown: 0 black, 65535 white, whatever the polarity of what is stored.
    pub fn shown(&self) -> Vec<u16> {
        self.pixels.iter().map(|v| self.header.shown(*v)).collect()
    }

    /// What a model reads: the stored values before any window, turned where low ones are white.
    pub fn dark_low(&self) -> Vec<u16> {
        self.pixels.iter().map(|v| self.header.polarised(*v)).collect()
    }
}

/// Makes a chest radiograph. Pure: the specification decides every pixel.
pub fn chest_xray(spec: &ChestXraySpec) -> ChestXray {
    let plan = Plan::draw(spec);
    let patient = |stream| Dice::new(spec.patient(), stream);
    let image = |stream| Dice::new(spec.seed, stream);
    let anatomy = Anatomy::draw(&mut patient(110)).inspired(plan.inspiration);
    let grid = grid(&plan, &anatomy);
    let pose = Pose::draw(
        &mut image(111),
        plan.view,
        grid,
        (plan.rotation, plan.shift),
        (anatomy.body, 0.47 * anatomy.height),
    );
    let magnification = pose.magnification(0.0);
    let collapse = spec
        .pneumothorax
        .as_ref()
        .map(|p| Collapse::draw(&mut image(112), p, magnification));
    let shift = collapse.map_or(0.0, |c| -c.side.sign() * c.shift);
    let mediastinum = Mediastinum::draw(&mut patient(113), &anatomy, shift);
    let texture = Field::new(&mut patient(114));
    let lungs = Lungs::new(&anatomy, collapse, (&mediastinum, &pose), texture);
    let vessels = Vessels::draw(&mut patient(115), &anatomy);
    let body = Body::draw(&mut image(116), &anatomy, abduction(&plan));
    let nodule = spec
        .nodule
        .as_ref()
        .map(|n| Nodule::place(&mut patient(117), n, &lungs));
    let mut maps = maps(spec, grid, (&lungs, &vessels, &body, &anatomy));
    if let Some(nodule) = &nodule {
        nodule.lay(&mut maps.tissue);
    }
    bones::lay(
        &mut maps.bone,
        &anatomy,
        &body,
        &pose,
        shoulders(&plan, &mut image(118)),
    );
    ribs::lay(&mut maps.bone, &anatomy, &pose);
    device::side_marker(&mut maps.metal, &mut image(119));
    let mut scene = Scene {
        maps: &mut maps,
        lungs: &lungs,
        anatomy: &anatomy,
    };
    for distractor in &plan.distractors {
        let mut dice = image(130 + *distractor as u64);
        device::lay(*distractor, &mut scene, &mut dice);
        mimic::lay(*distractor, &mut scene, &mut dice);
    }
    let mask = mask(grid, &lungs, nodule.as_ref());
    let signal = exposure::exposed(&maps, plan.view, plan.dose, &mut image(120));
    let shown = Processing::draw(&mut image(121), plan.bias).present(signal, &mask, &maps.tissue);
    let header = Storage::draw(&mut image(122), spec.class, spec.photometric);
    ChestXray {
        rows: grid.rows,
        columns: grid.columns,
        pixels: shown.values.iter().map(|v| header.stored(*v)).collect(),
        truth: tell(spec, &plan, (grid, &mask), (&lungs, nodule.as_ref()), &header),
        mask,
        header,
    }
}

/// The image holds the chest with the margins that radiographers leave.
fn grid(plan: &Plan, anatomy: &Anatomy) -> Grid {
    const ENLARGED: f32 = 1.1;
    let wide = 2.0 * anatomy.width * ENLARGED / plan.fills;
    let tall = anatomy.height * ENLARGED * 1.22;
    let mm = wide.max(tall) / plan.matrix as f32;
    Grid {
        rows: plan.matrix,
        columns: plan.matrix,
        mm: (mm * 10_000.0).round() / 10_000.0,
    }
}

fn abduction(plan: &Plan) -> f32 {
    match plan.view {
        View::Pa => 0.9,
        View::Ap => 0.5,
        View::PortableAp => 0.25,
    }
}

fn shoulders(plan: &Plan, dice: &mut Dice) -> Shoulders {
    let over = dice.between(24.0, 36.0);
    let inward = match plan.view {
        View::Pa => dice.between(-14.0, 0.0),
        View::Ap => dice.between(-4.0, 10.0),
        View::PortableAp => dice.between(0.0, 14.0),
    };
    Shoulders {
        inward: if plan.distractors.contains(&Distractor::ScapularEdge) {
            over
        } else {
            inward
        },
        raised: match plan.view {
            View::Pa => dice.between(-6.0, 8.0),
            View::Ap | View::PortableAp => dice.between(4.0, 22.0),
        },
    }
}

/// Paths through the tissue of a chest without bones.
fn maps(
    spec: &ChestXraySpec,
    grid: Grid,
    (lungs, vessels, body, anatomy): (&Lungs, &Vessels, &Body, &Anatomy),
) -> Maps {
    let pose = lungs.pose;
    let air = Plane::computed(grid, spec.threads, |at| lungs.air(at));
    let mut within = Plane::zeros(grid);
    vessels.lay(&mut within, lungs);
    within.tube(&pleura(lungs), 1.0, round);
    let mut tissue = Plane::computed(grid, spec.threads, |at| body.path(pose.thorax(at, 0.0)));
    for ((t, air), inside) in tissue.values.iter_mut().zip(&air.values).zip(&within.values) {
        // What lies in a lung displaces air, and is not seen where there is none.
        *t = (*t - air).max(0.15 * *t) + inside * (air / 45.0).min(1.0);
    }
    lungs.mediastinum.lay(&mut tissue, pose, anatomy.height);
    if anatomy.gastric_gas {
        stomach(&mut tissue, anatomy, pose);
    }
    Maps {
        tissue,
        bone: Plane::zeros(grid),
        metal: Plane::zeros(grid),
    }
}

/// The thin line that the visceral pleura makes.
fn pleura(lungs: &Lungs) -> Vec<Knot> {
    let knot = |[x, y]: [f32; 2]| Knot {
        at: lungs.pose.project([x, y, 0.0]),
        radius: 0.65,
        depth: 8.0,
    };
    lungs.pleura().into_iter().map(knot).collect()
}

/// Gas under the left dome.
fn stomach(tissue: &mut Plane, anatomy: &Anatomy, pose: &Pose) {
    let dome = anatomy.height * anatomy.domes[1];
    let at = pose.project([0.45 * anatomy.width, dome + 30.0, 20.0]);
    let (wide, tall) = (30.0 * anatomy.scale, 17.0 * anatomy.scale);
    tissue.spot(at, wide, |[x, y]| {
        let q = (x / wide).hypot(y / if y > 0.0 { 0.7 * tall } else { tall });
        -42.0 * round(q)
    });
}

fn mask(grid: Grid, lungs: &Lungs, nodule: Option<&Nodule>) -> Vec<u8> {
    let at = |i: usize| grid.at(i / grid.columns, i % grid.columns);
    let mut mask: Vec<u8> = (0..grid.len()).map(|i| lungs.region(at(i))).collect();
    if let Some(nodule) = nodule {
        nodule.mark(&mut mask, grid);
    }
    mask
}

fn tell(
    spec: &ChestXraySpec,
    plan: &Plan,
    (grid, mask): (Grid, &[u8]),
    (lungs, nodule): (&Lungs, Option<&Nodule>),
    header: &Storage,
) -> ChestXrayTruth {
    let pneumothorax = lungs.collapse.and_then(|c| {
        // Between the lungs runs the mediastinum, wherever it was pushed.
        let middle = -c.side.sign() * 0.7 * c.shift;
        let border = |row: usize| {
            let [_, y] = lungs.pose.thorax(grid.at(row, grid.columns / 2), 0.0);
            (lungs.pose.project([middle, y, 0.0])[0] / grid.mm).max(0.0) as usize
        };
        let half = Half {
            mask,
            grid,
            side: c.side,
            border: &border,
        };
        half.pneumothorax(c.shift > 0.0, c.shift)
    });
    let nodule = nodule.and_then(|n| {
        let (diameter_mm, area_mm2, centre_pixel) = truth::nodule_measures(mask, grid)?;
        Some(NoduleTruth {
            side: n.side,
            zone: n.zone,
            edge: n.edge,
            diameter_mm,
            area_mm2,
            centre_pixel,
        })
    });
    ChestXrayTruth {
        schema: 1,
        synthetic: true,
        kind: "chest-xray".to_owned(),
        seed: spec.seed,
        patient_seed: spec.patient(),
        finding_present: pneumothorax.is_some() || nodule.is_some(),
        pneumothorax,
        nodule,
        distractors: plan.distractors.clone(),
        view: plan.view,
        rows: grid.rows,
        columns: grid.columns,
        pixel_spacing_mm: [grid.spacing_mm(); 2],
        class: header.class,
        bits_stored: header.bits,
        photometric: header.photometric,
        mask_file: None,
    }
}

#[cfg(test)]
mod tests;
