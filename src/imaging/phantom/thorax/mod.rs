//! A synthetic CT pulmonary angiogram.

mod airways;
mod arteries;
mod bones;
mod clot;
mod confounder;
mod contrast;
mod frame;
mod great;
mod grid;
mod heart;
pub mod model;
pub mod spec;
mod tree;
mod veins;
mod wall;
pub fn look(seed: u64, finding: spec::PeFinding) -> model::Thorax {
    let mut s = spec::CtpaSpec::new(seed, finding);
    if let Ok(d) = std::env::var("DIS") { s.distractors = if d == "0" { spec::Distractors::None } else { spec::Distractors::Many }; }
    let plan = spec::Plan::draw(&s);
    model::Thorax::build(&s, &plan)
}
