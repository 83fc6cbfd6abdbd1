//! What one round has shown so far, and whether that is everything: a pure judgement over what the API, the RIS, the
//! archive, the mailbox and the phone have seen. It looks nothing up.

use serde_json::Value;

use super::archive::{self, Kept};
use super::on_call::Page;
use super::outcome::{Check, Kind, Place, text};
use super::ris::Heard;
use super::visit::Visit;

/// How far a measured volume may be from the phantom's, as a part of it. The model's card has the accuracy; this tells a
/// measurement from a mistake.
const VOLUME_TOLERANCE: f64 = 0.5;

/// One study, as far as it has come.
pub struct Case {
    pub kind: Kind,
    pub visit: Visit,
    pub truth_ml: f64,
    pub images: usize,
    pub order_answer: String,
    /// As `GET /api/v1/studies/{id}` answered last; null before the first image.
    pub study: Value,
    /// While both studies were on the worklist and the models were done.
    pub place: Option<Place>,
}

/// What happened to the page when its link was opened and when the button was pressed.
#[derive(Clone, Debug, Default)]
pub struct Pressed {
    pub opened: u16,
    pub acknowledged_after_opening: bool,
    pub posted: u16,
}

/// Everything that was seen.
pub struct Evidence {
    pub positive: Case,
    pub negative: Case,
    pub heard: Vec<Heard>,
    pub kept: Vec<Kept>,
    pub pages: Vec<Page>,
    pub pressed: Option<Pressed>,
    /// `Ok` with what the walk said.
    pub audit: Option<Result<String, String>>,
}

impl Evidence {
    /// What must hold before the studies are reported.
    pub fn unread(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        for case in [&self.positive, &self.negative] {
            checks.extend(self.both(case));
        }
        checks.extend(self.of_positive());
        checks.extend(self.of_negative());
        checks
    }

    /// All of it.
    pub fn all(&self) -> Vec<Check> {
        let mut checks = self.unread();
        for case in [&self.positive, &self.negative] {
            let status = text(&case.study["report_status"]);
            checks.push(check(
                case,
                "the radiologist's report is filed",
                status == "final",
                status,
            ));
        }
        let audit = match &self.audit {
            Some(Ok(said)) => (true, said.clone()),
            Some(Err(said)) => (false, said.clone()),
            None => (false, "not walked yet".to_owned()),
        };
        checks.push(Check {
            name: "the audit chain is whole".to_owned(),
            ok: audit.0,
            detail: audit.1,
        });
        checks
    }

    fn both(&self, case: &Case) -> Vec<Check> {
        let link = text(&case.study["link"]);
        let state = states(case);
        let wanted = match case.kind {
            Kind::Positive => "flagged",
            Kind::Negative => "not_flagged",
        };
        let images = case.study["images"].as_u64().unwrap_or_default();
        let result = self.heard_about(case).filter(|heard| heard.is_result()).count();
        let confirmed = delivery(case, "result_message");
        let report = self.kept(case, archive::Kind::StructuredReport);
        vec![
            check(
                case,
                "the order is accepted",
                case.order_answer == "AA",
                case.order_answer.clone(),
            ),
            check(
                case,
                "every image is stored",
                images > 0 && images == case.images as u64,
                format!("{images} of {}", case.images),
            ),
            check(
                case,
                "the order is linked",
                link == "linked",
                format!("{link} {}", text(&case.study["link_detail"])),
            ),
            check(case, &format!("the model says {wanted}"), state == wanted, state),
            check(
                case,
                "the RIS has the result and its answer is kept",
                result > 0 && confirmed == "confirmed",
                format!("{result} ORU^R01 received, delivery {confirmed}"),
            ),
            check(
                case,
                "the archive has the structured report",
                report > 0,
                format!("{report} received"),
            ),
        ]
    }

    fn of_positive(&self) -> Vec<Check> {
        let case = &self.positive;
        let volume = volume(case);
        let near = volume.is_some_and(|v| (v - case.truth_ml).abs() <= VOLUME_TOLERANCE * case.truth_ml);
        let changes: Vec<_> = self
            .heard_about(case)
            .filter(|heard| heard.is_priority_change())
            .collect();
        let priority = changes.last().map_or("none", |heard| heard.priority.as_str());
        let confirmed = delivery(case, "priority_change");
        let images = self.kept(case, archive::Kind::KeyImage);
        let mut checks = vec![
            check(
                case,
                "the volume is measured",
                near,
                format!(
                    "{} mL measured, {:.1} mL in the phantom",
                    volume.map_or("no".to_owned(), |v| format!("{v:.1}")),
                    case.truth_ml
                ),
            ),
            check(
                case,
                "it is first on the worklist, and would not be without AI",
                case.place
                    .is_some_and(|place| place.rank == 1 && place.rank_without_ai > 1),
                case.place.map_or("not seen there yet".to_owned(), |place| {
                    format!("rank {}, without AI {}", place.rank, place.rank_without_ai)
                }),
            ),
            check(
                case,
                "the RIS has the new priority and its answer is kept",
                priority == "S" && confirmed == "confirmed",
                format!(
                    "{} changes received, priority {priority}, delivery {confirmed}",
                    changes.len()
                ),
            ),
            check(
                case,
                "the archive has the key image",
                images > 0,
                format!("{images} received"),
            ),
        ];
        checks.extend(self.of_page());
        checks
    }

    fn of_page(&self) -> Vec<Check> {
        let case = &self.positive;
        let pages: Vec<_> = self.pages.iter().filter(|page| is_about(page, case)).collect();
        let who = &case.visit.identity;
        let words = who.patient_name.split('^').chain([who.patient_id.as_str()]);
        let named = words
            .clone()
            .any(|word| pages.iter().any(|page| page.mail.contains(word)));
        let pressed = self.pressed.clone().unwrap_or_default();
        let by = text(
            &alerts(case)
                .first()
                .map_or(Value::Null, |alert| alert["acknowledged_by"].clone()),
        );
        vec![
            check(
                case,
                "a page came by mail",
                !pages.is_empty(),
                pages
                    .iter()
                    .map(|page| format!("to {}", page.to))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            check(
                case,
                "the page names no patient",
                !pages.is_empty() && !named,
                format!("{} pages looked through", pages.len()),
            ),
            check(
                case,
                "opening the link does not acknowledge",
                pressed.opened == 200 && !pressed.acknowledged_after_opening,
                format!("GET answered {}", pressed.opened),
            ),
            check(
                case,
                "pressing the button acknowledges",
                pressed.posted == 200 && !by.is_empty(),
                format!("POST answered {}, acknowledged by {by}", pressed.posted),
            ),
        ]
    }

    fn of_negative(&self) -> Vec<Check> {
        let case = &self.negative;
        let known = !case.study.is_null();
        let paged = alerts(case).len()
            + self
                .pages
                .iter()
                .filter(|page| !is_about(page, &self.positive))
                .count();
        // A rule about emergency patients may raise it; only a finding may make it the most urgent.
        let asked: Vec<&str> = self
            .heard_about(case)
            .filter(|heard| heard.is_priority_change())
            .map(|heard| heard.priority.as_str())
            .collect();
        vec![
            check(
                case,
                "nobody is paged",
                known && paged == 0,
                format!("{paged} alerts and pages"),
            ),
            check(
                case,
                "the RIS is not asked to make it critical",
                known && !asked.contains(&"S"),
                format!(
                    "priorities asked for: {}",
                    if asked.is_empty() {
                        "none".to_owned()
                    } else {
                        asked.join(", ")
                    }
                ),
            ),
        ]
    }

    fn heard_about<'a>(&'a self, case: &'a Case) -> impl Iterator<Item = &'a Heard> {
        self.heard
            .iter()
            .filter(|heard| heard.is_about(case.visit.accession()))
    }

    fn kept(&self, case: &Case, kind: archive::Kind) -> usize {
        let study = &case.visit.identity.study_uid;
        let mine = |kept: &&Kept| kept.study_uid == *study && kept.kind == kind;
        self.kept.iter().filter(mine).count()
    }
}

fn check(case: &Case, name: &str, ok: bool, detail: impl Into<String>) -> Check {
    Check {
        name: format!("{}: {name}", case.kind.text()),
        ok,
        detail: detail.into().trim().to_owned(),
    }
}

fn states(case: &Case) -> String {
    let models = case.study["ai"].as_array().into_iter().flatten();
    let states: Vec<String> = models.map(|ai| text(&ai["state"])).collect();
    states.join(", ")
}

/// The state of the study's deliveries of one kind: the worst of them, `none` without any.
fn delivery(case: &Case, kind: &str) -> String {
    let all = case.study["deliveries"].as_array().into_iter().flatten();
    let states: Vec<String> = all
        .filter(|delivery| delivery["kind"] == kind)
        .map(|delivery| text(&delivery["state"]))
        .collect();
    let open = states.iter().find(|state| *state != "confirmed");
    open.or(states.first())
        .cloned()
        .unwrap_or_else(|| "none".to_owned())
}

/// The volume in mL among the measurements of flagged findings.
fn volume(case: &Case) -> Option<f64> {
    let models = case.study["ai"].as_array()?.iter();
    models
        .flat_map(|ai| ai["findings"].as_array().into_iter().flatten())
        .filter(|finding| finding["flagged"] == true)
        .flat_map(|finding| finding["measurements"].as_array().into_iter().flatten())
        .find(|measurement| measurement["unit"] == "mL")
        .and_then(|measurement| measurement["value"].as_f64())
}

pub fn alerts(case: &Case) -> Vec<Value> {
    case.study["alerts"].as_array().cloned().unwrap_or_default()
}

pub fn is_about(page: &Page, case: &Case) -> bool {
    let alerts = alerts(case);
    alerts
        .iter()
        .any(|alert| text(&alert["id"]).replace('-', "") == page.alert)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tocsin_domain::clock::from_micros;

    use super::super::exam::Exam;
    use super::*;
    use crate::cli::demo::visit::Priority;
    use crate::imaging::phantom::HeadFinding;

    fn case(kind: Kind, seed: u64, study: Value) -> Case {
        Case {
            kind,
            visit: Visit::new(
                seed,
                Exam::head_ct(HeadFinding::None),
                Priority::Routine,
                from_micros(0),
            ),
            truth_ml: 30.0,
            images: 3,
            order_answer: "AA".into(),
            study,
            place: Some(Place {
                rank: 1,
                rank_without_ai: 2,
            }),
        }
    }

    fn whole() -> Evidence {
        let (flagged, clear) = (
            json!([{ "state": "flagged", "findings": [{ "flagged": true,
            "measurements": [{ "unit": "mL", "value": 31.0 }] }] }]),
            json!([{ "state": "not_flagged" }]),
        );
        let study = |ai: Value, alerts: Value, kinds: &[&str]| {
            let deliveries: Vec<_> = kinds
                .iter()
                .map(|k| json!({ "kind": k, "state": "confirmed" }))
                .collect();
            json!({ "ai": ai, "alerts": alerts, "deliveries": deliveries, "images": 3, "link": "linked",
                "report_status": "final" })
        };
        let alert = json!([{ "id": "0a-1b", "acknowledged_by": "stroke-team" }]);
        let positive = case(
            Kind::Positive,
            1,
            study(flagged, alert, &["priority_change", "result_message"]),
        );
        let negative = case(Kind::Negative, 2, study(clear, json!([]), &["result_message"]));
        let heard = |case: &Case, kind: &str, control: &str| Heard {
            kind: kind.into(),
            control: control.into(),
            priority: "S".into(),
            text: case.visit.accession().into(),
        };
        let kept = |case: &Case, kind| Kept {
            kind,
            study_uid: case.visit.identity.study_uid.clone(),
        };
        Evidence {
            heard: vec![
                heard(&positive, "OMI^O23", "XO"),
                heard(&positive, "ORU^R01", "RE"),
                heard(&negative, "ORU^R01", "RE"),
            ],
            kept: vec![
                kept(&positive, archive::Kind::StructuredReport),
                kept(&positive, archive::Kind::KeyImage),
                kept(&negative, archive::Kind::StructuredReport),
            ],
            pages: vec![Page {
                to: "stroke@x".into(),
                path: "/a/0a1b-1".into(),
                alert: "0a1b".into(),
                mail: "a finding".into(),
            }],
            pressed: Some(Pressed {
                opened: 200,
                acknowledged_after_opening: false,
                posted: 200,
            }),
            audit: Some(Ok("9 entries".into())),
            positive,
            negative,
        }
    }

    fn missing(change: impl FnOnce(&mut Evidence)) -> Vec<String> {
        let mut evidence = whole();
        change(&mut evidence);
        let checks = evidence.all().into_iter();
        checks.filter(|check| !check.ok).map(|check| check.name).collect()
    }

    #[test]
    fn each_thing_that_does_not_happen_is_named() {
        assert_eq!(missing(|_| {}), Vec::<String>::new());
        type Spoiled = (fn(&mut Evidence), &'static str);
        let table: [Spoiled; 10] = [
            (|e| e.heard.clear(), "positive: the RIS has the result"),
            (
                |e| e.heard[0].priority = "R".into(),
                "positive: the RIS has the new priority",
            ),
            (|e| e.kept.truncate(1), "positive: the archive has the key image"),
            (|e| e.pages.clear(), "positive: a page came by mail"),
            (
                |e| e.pages[0].mail = "PHANTOM".into(),
                "positive: the page names no patient",
            ),
            (|e| e.pages[0].alert = "ff".into(), "negative: nobody is paged"),
            (
                |e| {
                    e.pressed = Some(Pressed {
                        acknowledged_after_opening: true,
                        ..e.pressed.clone().unwrap()
                    })
                },
                "positive: opening the link",
            ),
            (|e| e.positive.place = None, "positive: it is first"),
            (
                |e| {
                    let accession = e.negative.visit.accession().to_owned();
                    e.heard[0].text.push_str(&accession);
                },
                "negative: the RIS is not asked",
            ),
            (|e| e.audit = Some(Err("entry 3".into())), "the audit chain"),
        ];
        for (change, expected) in table {
            let found = missing(change);
            assert!(
                found.iter().any(|name| name.starts_with(expected)),
                "{expected}: {found:?}"
            );
        }
        let silent = missing(|e| e.positive.study = Value::Null);
        assert!(
            silent
                .iter()
                .any(|name| name == "positive: every image is stored"),
            "{silent:?}"
        );
    }
}
