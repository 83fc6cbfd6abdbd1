//! The mean waits of all groups as bars, without models and with them, each with its 95 % interval. An SVG that needs nothing beside it.

use std::fmt::Write;

use tocsin_domain::simulate::Simulation;
use tocsin_domain::simulate::outcome::Waits;
use tocsin_domain::simulate::scenario::Scenario;

use super::table::name;

const LABELS: f64 = 210.0;
const BARS: f64 = 520.0;
const ROW: f64 = 38.0;
const BAR: f64 = 13.0;
const TOP: f64 = 64.0;
/// Told apart by lightness too.
const WITHOUT: &str = "#9aa5b1";
const WITH: &str = "#1f5fa8";

pub fn svg(scenario: &Scenario, simulation: &Simulation) -> String {
    let rows = &simulation.rows;
    let bound = |waits: &Waits| waits.mean + 2.0 * finite(waits.standard_error);
    let highest = rows
        .iter()
        .map(|row| bound(&row.row.without_models).max(bound(&row.row.with_models)));
    let scale = BARS / highest.fold(1e-9, f64::max);
    let height = TOP + ROW * rows.len() as f64 + 12.0;
    let width = LABELS + BARS + 90.0;
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>Mean waits of {title}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"15\">{title}: mean wait, minutes, with 95 % intervals</text>\n\
         <rect x=\"12\" y=\"34\" width=\"12\" height=\"12\" fill=\"{WITHOUT}\"/><text x=\"30\" y=\"44\">without models</text>\n\
         <rect x=\"142\" y=\"34\" width=\"12\" height=\"12\" fill=\"{WITH}\"/><text x=\"160\" y=\"44\">with models</text>",
        title = escaped(&scenario.name),
    );
    for (at, row) in rows.iter().enumerate() {
        let top = TOP + ROW * at as f64;
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LABELS - 8.0,
            top + 18.0,
            escaped(&name(&row.row.group))
        );
        bar(&mut out, top, scale, &row.row.without_models, WITHOUT);
        bar(&mut out, top + BAR + 1.0, scale, &row.row.with_models, WITH);
    }
    out.push_str("</svg>\n");
    out
}

fn bar(out: &mut String, top: f64, scale: f64, waits: &Waits, colour: &str) {
    let length = waits.mean * scale;
    let error = 2.0 * finite(waits.standard_error) * scale;
    let (end, middle) = (LABELS + length, top + BAR / 2.0);
    let _ = writeln!(
        out,
        "<rect x=\"{LABELS}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
         <path d=\"M{:.1} {middle:.1}H{:.1}\" stroke=\"black\"/><text x=\"{:.1}\" y=\"{:.1}\">{:.1}</text>",
        (end - error).max(LABELS),
        end + error,
        end + error + 5.0,
        top + BAR - 2.0,
        waits.mean
    );
}

/// A group of few studies has no interval.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
