//! What runs for every image, message and look at the worklist, each alone: `cargo bench`. How long the whole way takes is
//! measured against real peers by `tests/peers/bench_*.py`.

use std::hint::black_box;
use std::path::Path;

use chrono::TimeDelta;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tocsin::app::packs;
use tocsin::imaging::mask_codec;
use tocsin::inference::grid::Grid;
use tocsin::inference::manifest::Manifest;
use tocsin::inference::recipe::Recipe;
use tocsin::ingest::hl7::Reading;
use tocsin::ingest::hl7::event::open;
use tocsin::report::site_profile::{DEFAULT_251, SiteProfile};
use tocsin_domain::clock::Timestamp;
use tocsin_domain::ids::{StudyId, Uid};
use tocsin_domain::quantify::components::components;
use tocsin_domain::triage::{CaseFacts, evaluate};
use tocsin_domain::volume::{Geometry, Mask, Volume};
use tocsin_domain::worklist::{Band, Item, WaitCaps, rank};
use uuid::Uuid;

const SLICES: usize = 320;
const MATRIX: usize = 512;
const THREADS: usize = 2;

/// A ball of soft tissue in air, and a smaller one of blood in it.
fn head() -> (Volume, Mask) {
    let plane = MATRIX * MATRIX;
    let mut volume = Volume {
        geometry: geometry(),
        voxels: vec![-1000; SLICES * plane],
    };
    let mut mask = Mask {
        voxels: vec![0; SLICES * plane],
    };
    for (at, voxel) in volume.voxels.iter_mut().enumerate() {
        let (slice, row, column) = (at / plane, at / MATRIX % MATRIX, at % MATRIX);
        let square = |value: usize, middle: usize| value.abs_diff(middle).pow(2);
        let distance = square(slice, SLICES / 2) + square(row, MATRIX / 2) + square(column, MATRIX / 2);
        if distance < 150 * 150 {
            *voxel = 35;
        }
        if distance < 30 * 30 {
            (*voxel, mask.voxels[at]) = (65, 1);
        }
    }
    (volume, mask)
}

fn geometry() -> Geometry {
    let offsets: Vec<f64> = (0..SLICES).map(|slice| slice as f64 * 0.5).collect();
    Geometry {
        slices: SLICES,
        rows: MATRIX,
        columns: MATRIX,
        pixel_spacing: [0.45, 0.45],
        orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        origins: offsets.iter().map(|z| [0.0, 0.0, *z]).collect(),
        instance_uids: vec![Uid::parse("1.2.3").expect("a UID"); SLICES],
        offsets,
    }
}

fn volumes(c: &mut Criterion) {
    let text = include_str!("../models/ich/manifest.toml");
    let manifest = Manifest::parse(text, "ich").expect("the shipped manifest");
    let recipe = Recipe::of(&manifest.input.operations).expect("the shipped operations");
    let (volume, mask) = head();
    let grid = Grid::plan(&volume, &recipe.grid, THREADS);
    let scores = vec![0.0f32; grid.slabs.len() * grid.plane()];
    let mut group = c.benchmark_group("volume of 320 slices of 512²");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(SLICES as u64));
    group.bench_function("plan the grid", |b| {
        b.iter(|| Grid::plan(black_box(&volume), &recipe.grid, THREADS))
    });
    group.bench_function("to the model's grid", |b| {
        b.iter(|| grid.sample(black_box(&volume), &recipe, THREADS))
    });
    group.bench_function("an empty answer back to the series", |b| {
        b.iter(|| grid.mask(black_box(&scores), 0.5, THREADS))
    });
    group.bench_function("components of a mask", |b| {
        b.iter(|| components(&volume.geometry, black_box(&mask)))
    });
    group.bench_function("a mask to its stored form", |b| {
        b.iter(|| mask_codec::encode(black_box(&mask), &volume.geometry))
    });
    group.finish();
}

fn messages(c: &mut Criterion) {
    let profile = SiteProfile::parse(DEFAULT_251).expect("the shipped profile");
    let ids = ["P".to_owned()];
    let reading = Reading {
        profile: &profile.read,
        zone: chrono_tz::Europe::Berlin,
        processing_ids: &ids,
        ai_senders: &[],
        received_at: Timestamp::UNIX_EPOCH,
    };
    let order = "MSH|^~\\&|RIS|EGH|TOCSIN|EGH|20260314092805+0000||OMI^O23^OMI_O23|C1|P|2.5.1||||||UNICODE UTF-8\r\
                 PID|1||4711^^^EGH^MR||Doe^Jane||19560101|F\rPV1|1|E|ER^1^2\r\
                 ORC|NW|P1^RIS|F1^RIS||||1^^^20260314^^S\rTQ1|1||||||||S\r\
                 OBR|1|P1^RIS|F1^RIS|CTHEAD^CT head^L||||||||||||||||||||CT\r\
                 IPC|ACC1|RP1|1.2.3.4|SPS1|CT\r";
    c.bench_function("read an order", |b| {
        b.iter(|| open(black_box(order.as_bytes())).map(|message| message.event(&reading)))
    });
}

fn decisions(c: &mut Criterion) {
    let pack = packs::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/head-ct")));
    let pack = pack.expect("readable").expect("the shipped pack");
    let facts = CaseFacts::blank(Uid::parse("1.2.3").expect("a UID"));
    c.bench_function("run the head CT rules over a study", |b| {
        b.iter(|| evaluate(black_box(&pack), &facts))
    });
    let items: Vec<Item> = (0..10_000).map(item).collect();
    let now = Timestamp::UNIX_EPOCH + TimeDelta::hours(8);
    let caps = WaitCaps {
        critical: TimeDelta::minutes(10),
        urgent: TimeDelta::hours(1),
        routine: TimeDelta::hours(24),
    };
    c.bench_function("order a worklist of 10,000", |b| {
        b.iter_batched(
            || items.clone(),
            |items| rank(items, &caps, now),
            BatchSize::LargeInput,
        )
    });
}

fn item(number: u32) -> Item {
    let band = Band::ALL[number as usize % 3];
    Item {
        study: StudyId(Uuid::from_u128(u128::from(number))),
        band,
        human_band: Band::Routine,
        score: f64::from(number % 97),
        human_score: 0.0,
        arrived_at: Timestamp::UNIX_EPOCH + TimeDelta::seconds(i64::from(number.wrapping_mul(7919) % 28_800)),
    }
}

criterion_group!(hot_paths, volumes, messages, decisions);
criterion_main!(hot_paths);
