//! Synthetic CT pulmonary angiograms: volume, most proximal vessel, sides, widths of the ventricles.

use tocsin_domain::code::{self, Code};
use tocsin_domain::quantify::components::components;
use tocsin_domain::quantify::embolism::{clots, strain};
use tocsin_domain::quantify::reading::Reading;
use tocsin_domain::volume::Mask;
use tocsin_imaging::phantom::{
    ARTERIES, CLOT, Ctpa, CtpaSpec, LEFT_VENTRICLE, Level, PeFinding, RIGHT_VENTRICLE, Side, ctpa,
};

use crate::MATRIX;
use crate::table::{Bound, Table};

pub fn pe(seed: u64, table: &mut Table) {
    let ct = ctpa(&CtpaSpec {
        matrix: MATRIX,
        ..CtpaSpec::new(seed, PeFinding::Any)
    });
    let part = |bit: u8| Mask {
        voxels: ct.mask.voxels.iter().map(|v| u8::from(v & bit != 0)).collect(),
    };
    let g = &ct.volume.geometry;
    let heart = strain(g, &part(RIGHT_VENTRICLE), &part(LEFT_VENTRICLE));
    for line in &heart.lines {
        let slice = g.instance_uids.iter().position(|uid| *uid == line.instance);
        eprintln!(
            "pe {seed} {} {slice:?} {:?} {:?}",
            line.code.code, line.from_px, line.to_px
        );
    }
    let two_pixels = 2.0 * g.pixel_spacing[0];
    let length = Bound::Within(two_pixels.max(1.5));
    table.number(
        "RV width, mm",
        length,
        seed,
        ct.truth.rv_mm,
        heart.number(&code::RIGHT_VENTRICLE_WIDTH),
    );
    table.number(
        "LV width, mm",
        length,
        seed,
        ct.truth.lv_mm,
        heart.number(&code::LEFT_VENTRICLE_WIDTH),
    );
    table.number(
        "RV/LV ratio",
        Bound::Within(0.1),
        seed,
        ct.truth.rv_lv_ratio,
        heart.number(&code::RV_LV_RATIO),
    );
    let truth = if ct.truth.rv_lv_ratio >= 1.0 {
        "dilated"
    } else {
        "not dilated"
    };
    let dilated = told(&heart, &code::RIGHT_HEART_STRAIN) == "Present";
    table.word(
        "RV/LV of 1.0 or more",
        seed,
        truth,
        if dilated { "dilated" } else { "not dilated" },
    );
    vessels(seed, &ct, &part, table);
}

fn vessels(seed: u64, ct: &Ctpa, part: &impl Fn(u8) -> Mask, table: &mut Table) {
    let g = &ct.volume.geometry;
    let (Some(level), Some(side)) = (ct.truth.level, ct.truth.side) else {
        return;
    };
    let Ok(found) = components(g, &part(CLOT)) else {
        return;
    };
    let reading = clots(g, &found, Some(&part(ARTERIES)), &code::CENTRAL_PULMONARY_ARTERY);
    table.number(
        "Clot volume, mL",
        Bound::Percent(10.0),
        seed,
        ct.truth.volume_ml,
        reading.number(&code::VOLUME),
    );
    let true_level = match level {
        Level::Saddle | Level::Main => code::CENTRAL_PULMONARY_ARTERY,
        Level::Lobar => code::LOBAR_PULMONARY_ARTERY,
        Level::Segmental => code::SEGMENTAL_PULMONARY_ARTERY,
        Level::Subsegmental => code::SUBSEGMENTAL_PULMONARY_ARTERY,
    };
    table.word(
        "Most proximal vessel",
        seed,
        &true_level.display,
        &told(&reading, &code::MOST_PROXIMAL_VESSEL),
    );
    let true_side = match side {
        Side::Left => code::LEFT,
        Side::Right => code::RIGHT,
        Side::Bilateral => code::BILATERAL,
    };
    table.word(
        "Side",
        seed,
        &true_side.display,
        &told(&reading, &code::LATERALITY),
    );
}

pub fn told(reading: &Reading, code: &Code) -> String {
    let all = reading.evaluations.iter().filter(|told| told.code.is(code));
    all.map(|told| told.value.display.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}
