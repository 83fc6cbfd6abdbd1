//! One made-up patient with one exam, and the HL7 messages a RIS sends about them. The names say that they are phantoms;
//! nothing here comes from a person. It sends nothing.

use tocsin_domain::clock::Timestamp;

use super::exam::Exam;
use crate::imaging::phantom::PhantomIdentity;

/// Who writes and who is written to: MSH-3 to MSH-6. The facility is also the authority of the patient's number.
const SENDER: &str = "DEMORIS|DEMO";
const RECEIVER: &str = "TOCSIN|DEMO";
pub const AUTHORITY: &str = "DEMO";

/// Priority of an order (HL7 table 0485).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    Routine,
    Asap,
    Stat,
}

impl Priority {
    pub fn code(self) -> &'static str {
        match self {
            Self::Routine => "R",
            Self::Asap => "A",
            Self::Stat => "S",
        }
    }
}

/// A message and its MSH-10.
#[derive(Clone, Debug)]
pub struct Message {
    pub control_id: String,
    pub text: String,
}

/// A patient in the emergency department, and what they come for.
#[derive(Clone, Debug)]
pub struct Visit {
    pub seed: u64,
    pub exam: Exam,
    pub priority: Priority,
    pub identity: PhantomIdentity,
}

impl Visit {
    pub fn new(seed: u64, exam: Exam, priority: Priority, at: Timestamp) -> Self {
        let date = at.format("%Y%m%d").to_string();
        let identity = PhantomIdentity {
            time: at.format("%H%M%S").to_string(),
            date: date.clone(),
            ..exam.identity(seed, &date)
        };
        Self {
            seed,
            exam,
            priority,
            identity,
        }
    }

    pub fn accession(&self) -> &str {
        &self.identity.accession
    }

    /// ADT^A04: the patient is registered.
    pub fn registration(&self, at: Timestamp) -> Message {
        let body = format!("EVN|A04|{}\r{}\r{}\r", stamp(at), self.pid(), self.pv1());
        self.message("ADT^A04^ADT_A01", "A", &body, at)
    }

    /// ORM^O01: a new order, with the conventions of IHE Scheduled Workflow (accession in OBR-18, study UID in ZDS).
    pub fn order(&self, at: Timestamp) -> Message {
        let (placer, filler, now) = (self.placer(), self.filler(), stamp(at));
        let timing = format!("1^^^{now}^^{}", self.priority.code());
        let orc = format!("ORC|NW|{placer}|{filler}||SC||{timing}||{now}|||7001^DEMO^ORDERING");
        let obr = format!(
            "OBR|1|{placer}|{filler}|{procedure}|||||||||{reason}|||7001^DEMO^ORDERING||{accession}|{study}|{study}||||{section}|||{timing}",
            procedure = self.exam.procedure(),
            reason = self.exam.reason(),
            section = self.exam.section(),
            accession = self.accession(),
            study = self.identity.study_id,
        );
        let zds = format!("ZDS|{}^DEMO^Application^DICOM", self.identity.study_uid.as_str());
        let body = format!("{}\r{}\r{orc}\r{obr}\r{zds}\r", self.pid(), self.pv1());
        self.message("ORM^O01^ORM_O01", "O", &body, at)
    }

    /// ORU^R01: the radiologist's final report.
    pub fn report(&self, impression: &str, at: Timestamp) -> Message {
        let (placer, filler, now) = (self.placer(), self.filler(), stamp(at));
        let orc = format!("ORC|RE|{placer}|{filler}||CM");
        let obr = format!(
            "OBR|1|{placer}|{filler}|{procedure}||||||||||||||{accession}||||{now}||{section}|F|||||||7002&DEMO&RADIOLOGIST",
            procedure = self.exam.procedure(),
            section = self.exam.section(),
            accession = self.accession(),
        );
        let obx = format!("OBX|1|TX|19005-8^Impression^LN||{impression}||||||F");
        let body = format!("{}\r{}\r{orc}\r{obr}\r{obx}\r", self.pid(), self.pv1());
        self.message("ORU^R01^ORU_R01", "R", &body, at)
    }

    fn message(&self, kind: &str, letter: &str, body: &str, at: Timestamp) -> Message {
        let control_id = format!("{letter}{}-{}", self.accession(), at.timestamp_micros());
        let head = format!(
            "MSH|^~\\&|{SENDER}|{RECEIVER}|{}||{kind}|{control_id}|P|2.5.1||||||UNICODE UTF-8\r",
            stamp(at)
        );
        Message {
            control_id,
            text: head + body,
        }
    }

    fn pid(&self) -> String {
        let who = &self.identity;
        format!(
            "PID|1||{}^^^{AUTHORITY}^MR||{}||{}|{}",
            who.patient_id, who.patient_name, who.birth_date, who.sex
        )
    }

    /// An emergency patient, with a visit number in PV1-19.
    fn pv1(&self) -> String {
        format!("PV1|1|E|ER^1^1^DEMO{}V{}", "|".repeat(16), self.accession())
    }

    fn placer(&self) -> String {
        format!("P{}^DEMOCIS", self.accession())
    }

    fn filler(&self) -> String {
        format!("F{}^DEMORIS", self.accession())
    }
}

fn stamp(at: Timestamp) -> String {
    at.format("%Y%m%d%H%M%S+0000").to_string()
}

#[cfg(test)]
mod tests {
    use tocsin_domain::clock::from_micros;

    use super::*;
    use crate::imaging::phantom::HeadFinding;

    fn fields(message: &Message, segment: &str) -> Vec<String> {
        let line = message.text.split('\r').find(|line| line.starts_with(segment));
        line.unwrap().split('|').map(str::to_owned).collect()
    }

    #[test]
    fn what_names_the_study_stands_where_a_reader_looks_for_it() {
        let at = from_micros(1_800_000_000_000_000);
        let visit = Visit::new(7, Exam::head_ct(HeadFinding::None), Priority::Asap, at);
        let order = visit.order(at);
        let obr = fields(&order, "OBR");
        assert_eq!(obr[18], visit.accession());
        assert_eq!(obr[24], "CT");
        assert!(obr[27].ends_with("^^A"), "{}", obr[27]);
        assert!(fields(&order, "ORC")[7].ends_with("^^A"));
        assert!(fields(&order, "ZDS")[1].starts_with(visit.identity.study_uid.as_str()));
        assert_eq!(fields(&order, "MSH")[9], order.control_id);
        assert_eq!(fields(&order, "MSH")[17], "UNICODE UTF-8");
        assert_eq!(fields(&order, "PV1")[19], format!("V{}", visit.accession()));
        let report = fields(&visit.report("NONE", at), "OBR");
        assert_eq!(
            (report[18].as_str(), report[25].as_str()),
            (visit.accession(), "F")
        );
        assert_eq!(fields(&visit.registration(at), "EVN")[1], "A04");
    }
}
