//! `tocsin send`: plays RIS and scanner towards any host: an order by HL7, then a phantom or the files of a folder by
//! C-STORE. It prints what was answered and keeps nothing.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::demo::exam::{Exam, Kind};
use super::demo::scanner;
use super::demo::visit::{Message, Priority, Visit};
use super::synth::FindingArg;
use super::{Failure, block_on};
use crate::app::machine;
use crate::deliver::dicom::{self, DicomPeer, StoreStatus, Verdict};
use crate::deliver::mllp::{self, AckOutcome, MllpPeer};

/// Send an order and a phantom, or a folder of DICOM files, to any host
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tocsin send --hl7 127.0.0.1:2575 --dicom 127.0.0.1:11112 --aec TOCSIN --finding iph\n  tocsin send --dicom 127.0.0.1:11112 --aec TOCSIN --dir ./study"
)]
#[command(group = clap::ArgGroup::new("to").required(true).multiple(true).args(["dicom", "hl7"]))]
pub struct Send {
    /// Where to send images
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    dicom: Option<(String, u16)>,
    /// AE title to call
    #[arg(long, default_value = "TOCSIN")]
    aec: String,
    /// AE title to call ourselves
    #[arg(long, default_value = scanner::AE_TITLE)]
    aet: String,
    /// Where to send the order
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    hl7: Option<(String, u16)>,
    /// What is ordered and sent
    #[arg(long, value_enum, default_value_t = ExamArg::HeadCt, conflicts_with = "dir")]
    exam: ExamArg,
    /// Type of hemorrhage in a head CT; of other exams `any` and `none` say whether the phantom has the finding
    #[arg(long, value_enum, default_value_t = FindingArg::Any)]
    finding: FindingArg,
    /// Volume of blood, mL [default: by the seed]
    #[arg(long)]
    volume_ml: Option<f64>,
    /// Decides the phantom and its patient [default: the seconds since 1970]
    #[arg(long)]
    seed: Option<u64>,
    /// Send the DICOM files of this folder, and of those in it, instead of a phantom; no order is sent for them
    #[arg(long, value_name = "DIR", conflicts_with = "hl7")]
    dir: Option<PathBuf>,
}

/// Kinds of exam that `synth` can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExamArg {
    HeadCt,
    Ischaemia,
    CtaHead,
    Ctpa,
    /// A chest radiograph with a pneumothorax, or without
    Pneumothorax,
    /// A chest radiograph with a nodule, or without
    Nodule,
}

impl From<ExamArg> for Kind {
    fn from(exam: ExamArg) -> Self {
        match exam {
            ExamArg::HeadCt => Self::HeadCt,
            ExamArg::Ischaemia => Self::Ischaemia,
            ExamArg::CtaHead => Self::CtaHead,
            ExamArg::Ctpa => Self::Ctpa,
            ExamArg::Pneumothorax => Self::Pneumothorax,
            ExamArg::Nodule => Self::Nodule,
        }
    }
}

fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let expected = || "expected HOST:PORT, such as 127.0.0.1:11112".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let port = port.parse().map_err(|_| expected())?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || port == 0 {
        return Err(expected());
    }
    Ok((host.to_owned(), port))
}

impl Send {
    pub fn run(self) -> Result<(), Failure> {
        block_on(async {
            if let Some(folder) = &self.dir {
                return self.store(&files(folder)?).await;
            }
            let now = machine::clock().now();
            let seed = self.seed.unwrap_or_else(|| now.timestamp().unsigned_abs());
            let visit = Visit::new(seed, self.exam()?, Priority::Routine, now);
            if let Some((host, port)) = &self.hl7 {
                let peer = MllpPeer::new(host, *port);
                tell(&peer, "ADT^A04", &visit.registration(now)).await?;
                tell(&peer, "ORM^O01", &visit.order(now)).await?;
            }
            if self.dicom.is_none() {
                return Ok(());
            }
            let scan = scanner::scan(&visit).await?;
            println!(
                "phantom   seed {seed}, accession {}, {}, {} images",
                visit.accession(),
                scan.holds,
                scan.files.len()
            );
            self.store(&scan.files).await
        })
    }

    fn exam(&self) -> Result<Exam, Failure> {
        let ill = match (self.exam, self.finding) {
            (ExamArg::HeadCt, finding) => {
                return Ok(Exam::HeadCt {
                    finding: finding.into(),
                    volume_ml: self.volume_ml,
                });
            }
            (_, FindingArg::Any) => true,
            (_, FindingArg::None) => false,
            (exam, finding) => {
                return Err(Failure::because(format!(
                    "--finding {finding:?}: of {exam:?} expected any or none; types of hemorrhage are for head-ct"
                )));
            }
        };
        Ok(Exam::of(self.exam.into(), ill))
    }

    async fn store(&self, files: &[Vec<u8>]) -> Result<(), Failure> {
        let Some((host, port)) = &self.dicom else {
            return Err(Failure::because(
                "--dir: expected --dicom HOST:PORT as well, to send the files to",
            ));
        };
        let peer = DicomPeer {
            ae_title: self.aec.clone(),
            host: host.clone(),
            port: *port,
            our_ae: self.aet.clone(),
            tls: None,
        };
        let statuses = dicom::store(&peer, files).await?;
        for (answer, count) in counted(&statuses) {
            println!("C-STORE   {count} × {answer}");
        }
        let lost = statuses
            .iter()
            .filter(|status| status.verdict() != Verdict::Delivered)
            .count();
        match lost {
            0 => Ok(()),
            _ => Err(Failure::because(format!(
                "{lost} of {} files were not stored",
                statuses.len()
            ))),
        }
    }
}

/// Sends a message and prints the answer; a refusal is a failure.
async fn tell(peer: &MllpPeer, kind: &str, message: &Message) -> Result<(), Failure> {
    let outcome = mllp::send(peer, message.text.as_bytes(), &message.control_id).await?;
    let (code, text) = match &outcome {
        AckOutcome::Accepted { code, text, .. } | AckOutcome::Refused { code, text, .. } => {
            (code.text(), text)
        }
    };
    println!("{kind}   {code} {text}");
    match outcome {
        AckOutcome::Accepted { .. } => Ok(()),
        AckOutcome::Refused { .. } => Err(Failure::because(format!("{kind} was refused"))),
    }
}

/// Each different answer with how often it came, in the order of its first coming.
fn counted(statuses: &[StoreStatus]) -> Vec<(String, usize)> {
    let mut seen: Vec<(String, usize)> = Vec::new();
    for status in statuses {
        let words = words(status);
        match seen.iter_mut().find(|(known, _)| *known == words) {
            Some((_, count)) => *count += 1,
            None => seen.push((words, 1)),
        }
    }
    seen
}

fn words(status: &StoreStatus) -> String {
    match status {
        StoreStatus::Stored => "0x0000 stored".to_owned(),
        StoreStatus::StoredWithWarning { status, comment } => format!("{status:#06x} stored, {comment}"),
        StoreStatus::Refused { status, comment } => format!("{status:#06x} refused, {comment}"),
        StoreStatus::NotAccepted => "no presentation context was accepted".to_owned(),
        StoreStatus::Unknown { reason } => format!("no answer: {reason}"),
    }
}

/// The DICOM files below a folder: those with the prefix of PS3.10 section 7.1. Others are passed over.
fn files(folder: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let read = std::fs::read_dir(&folder)
            .map_err(|error| Failure::because(format!("{} cannot be read: {error}", folder.display())))?;
        let mut paths = read
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()?;
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else {
                found
                    .extend(Some(std::fs::read(&path)?).filter(|bytes| bytes.get(128..132) == Some(b"DICM")));
            }
        }
    }
    if found.is_empty() {
        return Err(Failure::because(format!(
            "{} holds no DICOM file",
            folder.display()
        )));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_host_and_a_port() {
        assert_eq!(host_and_port("ct1:104"), Ok(("ct1".to_owned(), 104)));
        assert_eq!(host_and_port("[::1]:104"), Ok(("::1".to_owned(), 104)));
        for wrong in ["ct1", ":104", "ct1:x", "ct1:0", "ct1:70000"] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn answers_are_counted_in_the_order_of_their_coming() {
        let refused = StoreStatus::Refused {
            status: 0xA700,
            comment: "full".into(),
        };
        let found = counted(&[StoreStatus::Stored, refused.clone(), StoreStatus::Stored, refused]);
        let expected = [
            ("0x0000 stored".to_owned(), 2),
            ("0xa700 refused, full".to_owned(), 2),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn only_dicom_files_are_sent_from_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert!(files(folder.path()).is_err());
        std::fs::create_dir(folder.path().join("series")).unwrap();
        let dicom = [&[0u8; 128][..], b"DICM"].concat();
        std::fs::write(folder.path().join("series/a"), &dicom).unwrap();
        std::fs::write(folder.path().join("truth.json"), "{}").unwrap();
        assert_eq!(files(folder.path()).unwrap(), vec![dicom]);
    }
}
