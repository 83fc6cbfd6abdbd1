use std::io::Write;
use tocsin::imaging::phantom::*;
fn main() {
    let out = std::path::PathBuf::from("/tmp/ph");
    std::fs::create_dir_all(&out).unwrap();
    let from: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let to: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let matrix: usize = std::env::args().nth(3).unwrap().parse().unwrap();
    for seed in from..to {
        let finding = if seed % 8 == 7 {
            HeadFinding::None
        } else {
            HeadFinding::Any
        };
        let big = seed >= 200;
        let finding = if big {
            [
                HeadFinding::Intraparenchymal,
                HeadFinding::Subdural,
                HeadFinding::Epidural,
            ][seed as usize % 3]
        } else {
            finding
        };
        let mut spec = HeadCtSpec::new(seed, finding);
        if big {
            spec.volume_ml = Some(45.0 + (seed % 7) as f64 * 12.0);
        }
        spec.matrix = matrix;
        spec.threads = 1;
        let ct = head_ct(&spec);
        let g = &ct.volume.geometry;
        let mut f =
            std::io::BufWriter::new(std::fs::File::create(out.join(format!("{seed:04}.bin"))).unwrap());
        for v in &ct.volume.voxels {
            f.write_all(&v.to_le_bytes()).unwrap();
        }
        f.write_all(&ct.mask.voxels).unwrap();
        let t = serde_json::json!({"truth": ct.truth, "offsets": g.offsets, "origins": g.origins});
        std::fs::write(out.join(format!("{seed:04}.json")), t.to_string()).unwrap();
        println!(
            "{seed} {:?} {:?} {:.1} shift {:.1} slices {}",
            ct.truth.finding, ct.truth.location, ct.truth.volume_ml, ct.truth.midline_shift_mm, g.slices
        );
    }
}
