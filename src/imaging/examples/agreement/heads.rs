//! Synthetic heads: hemorrhage with midline shift, occluded arteries, early ischaemia.

use tocsin_domain::code::{self, Code};
use tocsin_domain::quantify::aspects::{Region, aspects, covers};
use tocsin_domain::quantify::brain::BrainFrame;
use tocsin_domain::quantify::components::components;
use tocsin_domain::quantify::head::Head;
use tocsin_domain::quantify::occlusion::{middle, occlusions};
use tocsin_domain::quantify::{OperatingPoint, hemorrhage};
use tocsin_domain::volume::{Geometry, Mask};
use tocsin_imaging::phantom::cta_head::Segment;
use tocsin_imaging::phantom::{
    CtaFinding, CtaHeadSpec, HeadCtSpec, HeadFinding, IschaemiaFinding, IschaemiaSpec, Side, cta_head,
    head_ct, ischaemia as ischaemic,
};

use crate::MATRIX;
use crate::pe::told;
use crate::table::{Bound, Table};

fn side(side: Option<Side>) -> String {
    let code: Option<Code> = side.map(|side| match side {
        Side::Left => code::LEFT,
        Side::Right => code::RIGHT,
        Side::Bilateral => code::BILATERAL,
    });
    code.map_or_else(String::new, |code| code.display.to_string())
}

/// Volume and midline shift; the other places are tested with the model.
pub fn ich(seed: u64, table: &mut Table) {
    let ct = head_ct(&HeadCtSpec {
        matrix: MATRIX,
        ..HeadCtSpec::new(seed, HeadFinding::Any)
    });
    let point = OperatingPoint {
        min_total_ml: 1.0,
        min_component_ml: 0.5,
        undetermined_from_ml: None,
    };
    let reading = hemorrhage(&ct.volume, &ct.mask, &point);
    let value = |code: &Code| reading.finding.measurement(code).map(|m| m.value);
    table.number(
        "Volume, mL",
        Bound::Percent(10.0),
        seed,
        ct.truth.volume_ml,
        value(&code::VOLUME),
    );
    if let Some([a, b, c]) = ct
        .truth
        .abc_mm
        .filter(|_| ct.truth.finding == HeadFinding::Intraparenchymal)
    {
        let truth = a * b * c / 2000.0;
        table.number(
            "ABC/2 (parenchymal), mL",
            Bound::Percent(10.0),
            seed,
            truth,
            value(&code::VOLUME_ABC2),
        );
    }
    let shift = value(&code::MIDLINE_SHIFT);
    table.number(
        "Midline shift, mm",
        Bound::Within(1.5),
        seed,
        ct.truth.midline_shift_mm,
        shift,
    );
    if let Some(shift) = shift {
        let large = |mm: f64| if mm > 5.0 { "more than 5 mm" } else { "less" };
        table.word(
            "Shift above 5 mm",
            seed,
            large(ct.truth.midline_shift_mm),
            large(shift),
        );
    }
}

/// Side and segment of a ball of 6 mm at the occlusion.
pub fn lvo(seed: u64, table: &mut Table) {
    let ct = cta_head(&CtaHeadSpec {
        matrix: MATRIX,
        ..CtaHeadSpec::new(seed, CtaFinding::Any)
    });
    let Some((at, segment)) = ct.truth.occlusion_mm.zip(ct.truth.segment) else {
        return;
    };
    let g = &ct.volume.geometry;
    let Ok(found) = components(g, &ball(g, at, 6.0)) else {
        return;
    };
    let reading = occlusions(&ct.volume, &found, &code::BRAIN);
    let truth = match segment {
        Segment::IcaTerminus => code::TERMINAL_CAROTID,
        Segment::M1Proximal | Segment::M1Distal => code::M1_SEGMENT,
        Segment::M2Upper | Segment::M2Lower => code::M2_SEGMENT,
    };
    table.word(
        "Segment",
        seed,
        &truth.display,
        &told(&reading, &code::OCCLUDED_SEGMENT),
    );
    table.word(
        "Side",
        seed,
        &side(ct.truth.side),
        &told(&reading, &code::LATERALITY),
    );
    if let Ok(head) = Head::find(&ct.volume)
        && let (Ok(frame), Some(mark)) = (BrainFrame::find(&head, g), found.first())
    {
        let place = middle(&head, &frame, g, mark);
        eprintln!(
            "lvo {seed} {segment:?} {:.1} {:.1} {:.1}",
            place.left, place.back, place.up
        );
    }
}

fn ball(g: &Geometry, at: [f64; 3], radius: f64) -> Mask {
    let mut voxels = Vec::with_capacity(g.len());
    for k in 0..g.slices {
        for r in 0..g.rows {
            voxels.extend((0..g.columns).map(|c| {
                let p = g.patient(k, r as f64, c as f64);
                let far: f64 = (0..3).map(|a| (p[a] - at[a]).powi(2)).sum();
                u8::from(far <= radius * radius)
            }));
        }
    }
    Mask { voxels }
}

pub fn ischaemia(seed: u64, table: &mut Table) {
    let mut spec = IschaemiaSpec::new(seed, IschaemiaFinding::Early);
    spec.head.matrix = MATRIX;
    let ct = ischaemic(&spec);
    let Ok(reading) = aspects(&ct.volume, &ct.mask) else {
        return;
    };
    table.number(
        "Volume, mL",
        Bound::Percent(10.0),
        seed,
        ct.truth.volume_ml,
        reading.number(&code::VOLUME),
    );
    table.number(
        "ASPECTS, points",
        Bound::Within(1.0),
        seed,
        f64::from(ct.truth.aspects),
        reading.number(&code::ASPECTS),
    );
    table.word(
        "Side",
        seed,
        &side(ct.truth.side),
        &told(&reading, &code::LATERALITY),
    );
    let names = ["C", "L", "IC", "I", "M1", "M2", "M3", "M4", "M5", "M6"];
    let truly: Vec<String> = ct
        .truth
        .regions
        .iter()
        .map(|r| format!("{r:?}").to_uppercase())
        .collect();
    let said = reading
        .evaluations
        .iter()
        .filter(|told| told.code.is(&code::ASPECTS_REGION));
    let said: Vec<Code> = said.map(|told| told.value.clone()).collect();
    for (region, name) in Region::ALL.iter().zip(names) {
        let affected = |yes: bool| format!("{name} {}", if yes { "affected" } else { "spared" });
        let truth = affected(truly.iter().any(|t| t == name));
        table.word(
            "Regions",
            seed,
            &truth,
            &affected(said.iter().any(|c| c.is(&region.code()))),
        );
    }
    if let Ok(head) = Head::find(&ct.volume)
        && let Ok(frame) = BrainFrame::find(&head, &ct.volume.geometry)
    {
        // With the nod that was found, and without, to show what it is worth.
        for pitch in [frame.pitch, 0.0] {
            let mut frame = frame;
            frame.pitch = pitch;
            let covers = covers(&ct.volume.geometry, &ct.mask, (&head, &frame));
            let cover = &covers[usize::from(ct.truth.side == Some(Side::Left))];
            let each = cover.iter().zip(names).map(|(c, name)| {
                let mark = if truly.iter().any(|t| t == name) { "*" } else { "" };
                format!("{name}{mark} {:.2}", c.share())
            });
            eprintln!(
                "ischaemia {seed} {pitch:.3} {}",
                each.collect::<Vec<_>>().join(" ")
            );
        }
    }
}
