//! Takes a scan of a head: how it lies, the artefacts it gives, and the slices. What the head holds does not matter here.

use tocsin_domain::volume::{Mask, Volume};

use super::super::ct::{Body, Pose, ScanPlan, Scanner, Sway, Texture, geometry};
use super::super::dice::Dice;
use super::super::identity::series_uid;
use super::super::shape::V3;
use super::super::study::Study;
use super::artefact;

/// How differently heads lie.
const SWAY: Sway = Sway {
    yaw: 4.0,
    pitch: 6.0,
    roll: 3.5,
    across: 5.0,
    height: 6.0,
};

/// What a scan gives.
pub struct Taken {
    pub pose: Pose,
    pub volume: Volume,
    pub mask: Mask,
}

/// What is scanned, beside the body itself.
pub struct Session<'a> {
    pub study: &'a Study,
    pub plan: &'a ScanPlan,
    pub seed: u64,
    pub metal: Option<(V3, f32)>,
    pub threads: usize,
}

/// Scans a head; everything that is drawn comes from the session's seed.
pub fn take<B: Body>(head: &B, session: &Session) -> Taken {
    let plan = session.plan;
    let mut dice = Dice::new(session.seed, 5);
    let pose = Pose::draw(&mut dice, &SWAY);
    let bottom = f64::from(dice.between(-72.0, -58.0));
    let scanner = Scanner {
        body: head,
        pose: &pose,
        plan,
        texture: &Texture::draw(&mut dice, plan.kernel, plan.pixel_mm),
        artefacts: &artefact::draw(&mut dice, session.metal),
        seed: session.seed,
    };
    let series = series_uid(session.study, session.seed);
    let (volume, mask) = scanner.scan(geometry(plan, &series, bottom), session.threads);
    Taken { pose, volume, mask }
}
