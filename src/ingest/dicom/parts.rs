//! DICOM files as parts of a body, taken in as they come (PS3.18 10.4 and 10.5): once the file meta group is there, the data set goes the
//! way of everything that is received. A part that is no DICOM file is passed over, and bounded.

use tocsin_domain::dimse::{self, Head};
use tocsin_domain::part10::FileMeta;

use super::intake::{Endless, Intake, Kept, NotKept, Origin, Taking};
use super::negotiate::{TRANSFER_SYNTAXES, is_storage};

/// Preamble and file meta group, before the data set begins.
const MAX_META_BYTES: usize = 64 * 1024;

/// A part on its way in.
pub enum Part {
    /// The file's head, not yet complete.
    Head(Vec<u8>),
    Instance(Box<Taking>),
    /// What is not taken, whatever follows; with the bytes of it that came.
    Refused {
        head: Option<Head>,
        why: NotKept,
        passed: u64,
    },
}

/// What became of a part.
pub struct Ended {
    /// What it says that it is, where it is a DICOM file.
    pub head: Option<Head>,
    pub outcome: Result<Kept, NotKept>,
}

impl Part {
    pub fn begin() -> Self {
        Self::Head(Vec::new())
    }

    /// # Errors
    /// So much came that only closing the connection will end it.
    pub async fn push(self, piece: &[u8], intake: &Intake, origin: &Origin) -> Result<Self, Endless> {
        match self {
            Self::Head(mut head) => {
                head.extend_from_slice(piece);
                opened(head, intake, origin).await
            }
            Self::Instance(mut taking) => {
                taking.push(piece).await?;
                Ok(Self::Instance(taking))
            }
            Self::Refused { head, why, passed } => {
                let passed = passed.saturating_add(piece.len() as u64);
                match passed > intake.limits.instance_bytes {
                    true => Err(Endless),
                    false => Ok(Self::Refused { head, why, passed }),
                }
            }
        }
    }

    /// Its last piece has come: on stable storage and filed, or not kept.
    pub async fn end(self, intake: &Intake, origin: &Origin) -> Ended {
        match self {
            Self::Instance(taking) => Ended {
                head: Some(taking.head().clone()),
                outcome: intake.finish(origin, *taking).await,
            },
            Self::Refused { head, why, .. } => Ended {
                head,
                outcome: Err(why),
            },
            Self::Head(_) => Ended {
                head: None,
                outcome: Err(not_a_file()),
            },
        }
    }
}

async fn opened(bytes: Vec<u8>, intake: &Intake, origin: &Origin) -> Result<Part, Endless> {
    let Ok((meta, start)) = FileMeta::read(&bytes) else {
        return Ok(match bytes.len() > MAX_META_BYTES {
            true => Part::Refused {
                head: None,
                why: not_a_file(),
                passed: 0,
            },
            false => Part::Head(bytes),
        });
    };
    let head = Head {
        command_field: 0,
        message_id: 0,
        sop_class: meta.sop_class.to_string(),
        sop_instance: meta.sop_instance.to_string(),
        has_data_set: true,
    };
    if let Some(why) = objection(&meta) {
        return Ok(Part::Refused {
            head: Some(head),
            why,
            passed: 0,
        });
    }
    let mut taking = intake.begin(origin, head, meta.transfer_syntax.as_str());
    taking.push(&bytes[start..]).await?;
    Ok(Part::Instance(Box::new(taking)))
}

/// What an association would not have negotiated.
fn objection(meta: &FileMeta) -> Option<NotKept> {
    if !is_storage(meta.sop_class.as_str()) {
        return Some(NotKept {
            status: dimse::STATUS_SOP_CLASS_NOT_SUPPORTED,
            reason: "no SOP class for storage".to_owned(),
        });
    }
    let known = TRANSFER_SYNTAXES.contains(&meta.transfer_syntax.as_str());
    (!known).then(|| NotKept {
        status: dimse::STATUS_TRANSFER_SYNTAX_NOT_SUPPORTED,
        reason: "no transfer syntax that is taken".to_owned(),
    })
}

fn not_a_file() -> NotKept {
    NotKept {
        status: dimse::STATUS_CANNOT_UNDERSTAND,
        reason: "a part that is not a DICOM file".to_owned(),
    }
}
