//! What one group of statements comes to: a finding with what is said of it. Whatever is not known is named, with its place.

use super::equivalents::{self, usual};
use super::meaning::Meaning;
use super::product::Product;
use super::units;
use super::{Group, Said, Value};
use crate::code::Code;
use crate::finding::{Evaluation, Measurement, Presence};
use crate::ids::Uid;

/// Characters of a sender's words that are repeated.
const SHOWN: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct Part {
    pub meaning: Meaning,
    /// What the finding's own code says of its place.
    pub place: Option<Code>,
    pub presence: Option<Presence>,
    pub score: Option<f64>,
    pub measurements: Vec<Measurement>,
    pub evaluations: Vec<Evaluation>,
    pub site: Option<Code>,
    pub laterality: Option<Code>,
    pub is_region: bool,
    pub images: Vec<Uid>,
}

/// `None` for a group that is about no finding that we know; `missed` then says which it is about, if it is about one.
pub(super) fn of(group: &Group, product: &Product, missed: &mut Vec<String>) -> Option<Part> {
    let Some((code, meaning)) = finding_of(group, product) else {
        missed.extend(unmapped(group, product));
        return None;
    };
    let mut part = Part {
        meaning,
        place: equivalents::place(code),
        presence: None,
        score: None,
        measurements: Vec::new(),
        evaluations: Vec::new(),
        site: group.site.as_ref().map(usual),
        laterality: group.laterality.as_ref().map(usual),
        is_region: group.is_region,
        images: group.images.clone(),
    };
    for said in &group.said {
        if let Err(why) = part.take(said, product) {
            missed.push(format!("{}: {why} ({})", named(&said.concept), group.place));
        }
    }
    Some(part)
}

/// The group's own finding, else the first statement about one.
fn finding_of<'g>(group: &'g Group, product: &Product) -> Option<(&'g Code, Meaning)> {
    let known = |code: &'g Code| {
        let meaning = product.meaning(code)?;
        meaning.finding().map(|_| (code, meaning))
    };
    match &group.finding {
        Some(code) => known(code),
        None => group.said.iter().find_map(|said| known(&said.concept)),
    }
}

/// A finding whose code nobody has mapped.
fn unmapped(group: &Group, product: &Product) -> Option<String> {
    let speaks_of_presence = |said: &&Said| {
        let coded = match &said.value {
            Value::Coded(value) => presence(value, product).is_some(),
            Value::Text(_) | Value::Number { .. } | Value::Nothing => false,
        };
        product.meaning(&said.concept).is_none() && (coded || equivalents::flag(&said.flag).is_some())
    };
    let stated = || {
        group
            .said
            .iter()
            .find(speaks_of_presence)
            .map(|said| &said.concept)
    };
    let ignored = |code: &&Code| product.meaning(code) != Some(Meaning::Ignored);
    let code = group.finding.as_ref().or_else(stated).filter(ignored)?;
    Some(format!(
        "finding code {} of scheme {} ({}) is not mapped ({})",
        short(&code.code),
        short(&code.system),
        short(&code.display),
        group.place
    ))
}

impl Part {
    fn take(&mut self, said: &Said, product: &Product) -> Result<(), &'static str> {
        let Some(meaning) = product.meaning(&said.concept) else {
            return self.keep(said);
        };
        if meaning.finding().is_some() {
            if meaning != self.meaning {
                return Err("another finding than the group's");
            }
            self.place = self.place.take().or_else(|| equivalents::place(&said.concept));
            return self.asserted(said, product);
        }
        if let Some((code, unit)) = meaning.measurement() {
            return self.measured(said, code, unit);
        }
        if meaning == Meaning::Presence {
            return self.asserted(said, product);
        }
        if meaning == Meaning::Score {
            return self.scored(&said.value);
        }
        Ok(())
    }

    /// A word on the finding itself: coded, in words, as a score, or by its flag.
    fn asserted(&mut self, said: &Said, product: &Product) -> Result<(), &'static str> {
        let word = match &said.value {
            Value::Coded(value) => presence(value, product),
            Value::Text(text) => equivalents::word(text).and_then(Meaning::presence),
            Value::Number { .. } => {
                self.scored(&said.value)?;
                None
            }
            Value::Nothing => None,
        };
        let flagged = equivalents::flag(&said.flag).and_then(Meaning::presence);
        self.presence = self.presence.or(word).or(flagged);
        self.score = self.score.or(said.probability);
        let told = matches!(said.value, Value::Number { .. } | Value::Nothing);
        match word.or(flagged).is_some() || told {
            true => Ok(()),
            false => Err("neither present nor absent nor undetermined"),
        }
    }

    fn scored(&mut self, value: &Value) -> Result<(), &'static str> {
        let Value::Number { value, unit } = value else {
            return Err("expected a number");
        };
        let score = units::score(*value, unit.as_ref());
        self.score = Some(score.ok_or("expected a score in percent, or from 0 to 1 without a unit")?);
        Ok(())
    }

    fn measured(&mut self, said: &Said, code: Code, unit: Code) -> Result<(), &'static str> {
        let Value::Number { value, unit: from } = &said.value else {
            return Err("expected a number");
        };
        let value =
            units::convert(*value, from.as_ref(), &unit).ok_or("a unit that does not measure this")?;
        self.measurements.push(Measurement { code, value, unit });
        Ok(())
    }

    /// What we have no word for is kept under the sender's own.
    fn keep(&mut self, said: &Said) -> Result<(), &'static str> {
        let code = usual(&said.concept);
        match &said.value {
            Value::Number {
                value,
                unit: Some(unit),
            } => self.measurements.push(Measurement {
                code,
                value: *value,
                unit: usual(unit),
            }),
            Value::Number { unit: None, .. } => return Err("a number without a unit"),
            Value::Coded(value) => self.evaluations.push(Evaluation {
                code,
                value: usual(value),
            }),
            // Words are for people, who find them in the document.
            Value::Text(_) | Value::Nothing => {}
        }
        Ok(())
    }
}

fn presence(value: &Code, product: &Product) -> Option<Presence> {
    let coded = product.meaning(value).and_then(Meaning::presence);
    let in_words = || equivalents::word(&value.code).or_else(|| equivalents::word(&value.display));
    coded.or_else(|| in_words().and_then(Meaning::presence))
}

fn named(code: &Code) -> String {
    format!(
        "{} {} ({})",
        short(&code.system),
        short(&code.code),
        short(&code.display)
    )
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
