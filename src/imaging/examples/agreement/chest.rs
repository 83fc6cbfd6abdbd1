//! Synthetic chest radiographs: pleural distances and sizes, tension, diameters and zones of nodules.

use tocsin_domain::code;
use tocsin_domain::ids::Uid;
use tocsin_domain::quantify::chest::Chest;
use tocsin_domain::quantify::components::components;
use tocsin_domain::quantify::nodule::{diameters, zone};
use tocsin_domain::quantify::pneumothorax::{Wanted, pneumothorax};
use tocsin_domain::quantify::reading::Reading;
use tocsin_domain::volume::{Geometry, Mask};
use tocsin_imaging::phantom::chest_xray::{
    ChestSide, ChestXray, ChestXraySpec, LUNG_FIELD, NODULE, NoduleSpec, PLEURAL_AIR, PneumothoraxSpec,
    PneumothoraxTruth, Zone, chest_xray,
};

use crate::pe::told;
use crate::table::{Bound, Table};

const ALL: Wanted = Wanted {
    distances: true,
    collins: true,
    light: true,
    tension: true,
};

pub fn geometry(image: &ChestXray) -> Option<Geometry> {
    Some(Geometry {
        slices: 1,
        rows: image.rows,
        columns: image.columns,
        pixel_spacing: image.truth.pixel_spacing_mm,
        offsets: vec![0.0],
        orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        origins: vec![[0.0; 3]],
        instance_uids: vec![Uid::parse("1.2").ok()?],
    })
}

fn part(image: &ChestXray, bit: u8) -> Mask {
    Mask {
        voxels: image.mask.iter().map(|v| u8::from(v & bit != 0)).collect(),
    }
}

fn side(side: ChestSide) -> &'static str {
    match side {
        ChestSide::Right => "Right",
        ChestSide::Left => "Left",
    }
}

/// Sizes from 0.6 to 6 cm at the apex, every fourth under tension.
pub fn ptx(seed: u64, table: &mut Table) {
    let mut spec = ChestXraySpec::new(seed);
    let mut wanted = PneumothoraxSpec::new(0.6 + 0.6 * (seed % 10) as f64);
    wanted.tension = seed.is_multiple_of(4);
    spec.pneumothorax = Some(wanted);
    let image = chest_xray(&spec);
    let (Some(truth), Some(g)) = (image.truth.pneumothorax, geometry(&image)) else {
        return;
    };
    let reading = Chest::find(&g, &part(&image, LUNG_FIELD), Some(&part(&image, PLEURAL_AIR)))
        .map_or_else(|_| Reading::default(), |chest| pneumothorax(&g, &chest, ALL));
    let length = Bound::Within((2.0 * g.pixel_spacing[0]).max(1.5));
    for (name, truth, code) in [
        ("Apex, mm", 10.0 * truth.apex_cm, code::PLEURAL_DISTANCE_APEX),
        (
            "Upper half, mm",
            10.0 * truth.mid_upper_cm,
            code::PLEURAL_DISTANCE_UPPER,
        ),
        (
            "Lower half, mm",
            10.0 * truth.mid_lower_cm,
            code::PLEURAL_DISTANCE_LOWER,
        ),
    ] {
        table.number(name, length, seed, truth, reading.number(&code));
    }
    table.number(
        "Collins, points of %",
        Bound::Within(3.0),
        seed,
        truth.collins_percent,
        reading.number(&code::COLLINS),
    );
    table.number(
        "Light, points of %",
        Bound::Within(3.0),
        seed,
        truth.light_percent,
        reading.number(&code::LIGHT),
    );
    table.word("Side", seed, side(truth.side), &told(&reading, &code::LATERALITY));
    tension(seed, &truth, &reading, table);
}

fn tension(seed: u64, truth: &PneumothoraxTruth, reading: &Reading, table: &mut Table) {
    let signs = told(reading, &code::TENSION_SIGN);
    let shift = if signs.contains("shift") { "shift" } else { "none" };
    table.word(
        "Mediastinal shift",
        seed,
        if truth.tension { "shift" } else { "none" },
        shift,
    );
    let low = if signs.contains("diaphragm") {
        "depressed"
    } else {
        "not"
    };
    table.word(
        "Hemidiaphragm",
        seed,
        if truth.tension { "depressed" } else { "not" },
        low,
    );
    for line in &reading.lines {
        eprintln!(
            "ptx {seed} {} {:?} {:?}",
            line.code.code, line.from_px, line.to_px
        );
    }
    let show = |code| reading.number(&code).unwrap_or(f64::NAN);
    eprintln!(
        "ptx {seed} {:?} tension {} shift {:.1} (drawn {:.1}) drop {:.1}",
        truth.side,
        truth.tension,
        show(code::MEDIASTINAL_SHIFT),
        truth.mediastinal_shift_mm,
        show(code::DIAPHRAGM_DROP)
    );
}

/// Diameters from 6 to 33 mm.
pub fn nodule(seed: u64, table: &mut Table) {
    let mut spec = ChestXraySpec::new(seed);
    spec.nodule = Some(NoduleSpec::new(6.0 + 3.0 * (seed % 10) as f64));
    let image = chest_xray(&spec);
    let (Some(truth), Some(g)) = (image.truth.nodule, geometry(&image)) else {
        return;
    };
    let found = components(&g, &part(&image, NODULE)).unwrap_or_default();
    let Some(largest) = found.first() else { return };
    let length = Bound::Within((2.0 * g.pixel_spacing[0]).max(1.5));
    let axes = diameters(&g, largest);
    table.number(
        "Long axis, mm",
        length,
        seed,
        truth.diameter_mm,
        axes.first().map(|m| m.value),
    );
    // The disc of the same area.
    let mean = 2.0 * (truth.area_mm2 / std::f64::consts::PI).sqrt();
    table.number(
        "Mean diameter, mm",
        length,
        seed,
        mean,
        axes.last().map(|m| m.value),
    );
    let chest = Chest::find(&g, &part(&image, LUNG_FIELD), None);
    let place = chest.ok().and_then(|chest| zone(&chest, largest));
    let (said, third) = place.map_or((String::new(), String::new()), |(side, zone)| {
        (side.code().display.to_string(), zone.code().display.to_string())
    });
    table.word("Side", seed, side(truth.side), &said);
    let drawn = match truth.zone {
        Zone::Upper => "Upper zone of lung",
        Zone::Middle => "Middle zone of lung",
        Zone::Lower => "Lower zone of lung",
    };
    table.word("Zone", seed, drawn, &third);
}
