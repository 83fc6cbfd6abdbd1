use tocsin_domain::ids::Uid;
use tocsin_domain::quantify::head::Head;
use tocsin_domain::volume::*;
pub fn load(seed: u64) -> Option<(serde_json::Value, Volume, Mask)> {
    let j: serde_json::Value =
        serde_json::from_slice(&std::fs::read(format!("/tmp/ph/{seed:04}.json")).ok()?).ok()?;
    let b = std::fs::read(format!("/tmp/ph/{seed:04}.bin")).ok()?;
    let t = &j["truth"]["geometry"];
    let u = |v: &serde_json::Value| v.as_u64().unwrap() as usize;
    let (s, r, c) = (u(&t["slices"]), u(&t["rows"]), u(&t["columns"]));
    let n = s * r * c;
    let f = |v: &serde_json::Value| {
        v.as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap())
            .collect::<Vec<_>>()
    };
    let o = f(&t["orientation"]);
    let sp = f(&t["pixel_spacing_mm"]);
    let g = Geometry {
        slices: s,
        rows: r,
        columns: c,
        pixel_spacing: [sp[0], sp[1]],
        offsets: f(&j["offsets"]),
        orientation: [o[0], o[1], o[2], o[3], o[4], o[5]],
        origins: j["origins"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| {
                let v = f(v);
                [v[0], v[1], v[2]]
            })
            .collect(),
        instance_uids: (0..s)
            .map(|k| Uid::parse(&format!("1.2.{}", k + 1)).unwrap())
            .collect(),
    };
    let voxels = b[..2 * n]
        .chunks_exact(2)
        .map(|x| i16::from_le_bytes([x[0], x[1]]))
        .collect();
    Some((
        j,
        Volume { geometry: g, voxels },
        Mask {
            voxels: b[2 * n..].to_vec(),
        },
    ))
}
fn main() {
    let only = std::env::args().nth(1).map(|s| s.parse::<u64>().unwrap());
    let mut errs = vec![];
    for seed in 1..300 {
        if only.is_some_and(|o| o != seed) {
            continue;
        }
        let Some((j, v, _)) = load(seed) else { continue };
        let truth = j["truth"]["midline_shift_mm"].as_f64().unwrap();
        let head = Head::find(&v).unwrap();
        match tocsin_domain::quantify::midline::midline_shift(&head) {
            Ok(s) => {
                let e = s.mm.abs() - truth;
                errs.push(e);
                println!(
                    "{seed} {} truth {truth:.1} got {:.1} {} err {e:.1} d {:.0}",
                    j["truth"]["finding"],
                    s.mm,
                    j["truth"]["side"],
                    head.top - s.z
                )
            }
            Err(e) => println!("{seed} {} truth {truth:.1} {e}", j["truth"]["finding"]),
        }
    }
    errs.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = errs.len();
    println!(
        "n {n} median {:.2} p90 {:.2} max {:.2} mean {:.2}",
        errs[n / 2].abs(),
        errs[n * 9 / 10].abs(),
        errs[n - 1].abs(),
        errs.iter().sum::<f64>() / n as f64
    );
}
