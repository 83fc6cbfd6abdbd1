//! Looks through the bytes of an ONNX file before ONNX Runtime sees them: no tensor may point outside the file, no node may
//! ask for an operator that is not ONNX's own. A bounded walk over the wire format; it builds nothing and reads no file.
//!
//! Field numbers are those of `onnx.proto3`. What is not known is skipped, never guessed.

use super::wire::{Field, Reader, Value, WireError};

/// Graphs inside attributes inside graphs: no model of ours or of the ONNX zoo comes near.
const MAX_DEPTH: usize = 64;
/// Operator domains that the runtime implements from the published standard.
const KNOWN_DOMAINS: [&str; 4] = ["", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview.training"];
/// Bound on what is kept of a name for an error.
const NAME_SHOWN: usize = 60;

/// Why a model file is refused, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreflightError {
    #[error("{place}: the tensor keeps its data outside the file (external data)")]
    ExternalData { place: String },
    #[error("{place}: a node of type EPContext carries a compiled blob for one execution provider")]
    EpContext { place: String },
    #[error("{place}: operator domain `{domain}` is not one of ONNX's own")]
    UnknownDomain { place: String, domain: String },
    #[error("{place}: nested deeper than {MAX_DEPTH} levels")]
    TooDeep { place: String },
    #[error("{place}: not a well-formed protobuf")]
    Malformed {
        place: String,
        #[source]
        source: WireError,
    },
    #[error("the file holds no graph: not an ONNX model")]
    NoGraph,
    #[error(
        "the file is in ONNX Runtime's own format (ORTM), which this check cannot look into; export it as ONNX"
    )]
    OrtFormat,
}

/// What the walk saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    pub graphs: u64,
    pub nodes: u64,
    pub tensors: u64,
    /// Highest version asked of the default operator set.
    pub opset: u64,
}

/// The messages of `onnx.proto3` that can hold a tensor, a node or a graph somewhere below them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Model,
    OperatorSet,
    TrainingInfo,
    Graph,
    Function,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
}

impl Message {
    fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::OperatorSet => "opset_import",
            Self::TrainingInfo => "training_info",
            Self::Graph => "graph",
            Self::Function => "function",
            Self::Node => "node",
            Self::Attribute => "attribute",
            Self::Tensor => "tensor",
            Self::SparseTensor => "sparse_tensor",
        }
    }

    /// The message that a field of this one holds, if it can lead to a tensor or a domain.
    fn child(self, field: u32) -> Option<Message> {
        match (self, field) {
            (Self::Model, 7) => Some(Self::Graph),
            (Self::Model, 8) => Some(Self::OperatorSet),
            (Self::Model, 20) => Some(Self::TrainingInfo),
            (Self::Model, 25) => Some(Self::Function),
            (Self::TrainingInfo, 1 | 2) => Some(Self::Graph),
            (Self::Graph, 1) => Some(Self::Node),
            (Self::Graph, 5) => Some(Self::Tensor),
            (Self::Graph, 15) => Some(Self::SparseTensor),
            (Self::Function, 7) => Some(Self::Node),
            (Self::Function, 9) => Some(Self::OperatorSet),
            (Self::Function, 11) => Some(Self::Attribute),
            (Self::Node, 5) => Some(Self::Attribute),
            (Self::Attribute, 5 | 10) => Some(Self::Tensor),
            (Self::Attribute, 6 | 11) => Some(Self::Graph),
            (Self::Attribute, 22 | 23) => Some(Self::SparseTensor),
            (Self::SparseTensor, 1 | 2) => Some(Self::Tensor),
            _ => None,
        }
    }
}

/// Walks the whole file.
///
/// # Errors
/// The first thing that makes the file unfit to be loaded, with its place as a path of message names.
pub fn inspect(model: &[u8]) -> Result<Census, PreflightError> {
    // ONNX Runtime tells its own format by these four bytes alone, and a protobuf can be made to hold them there.
    if model.get(4..8) == Some(b"ORTM") {
        return Err(PreflightError::OrtFormat);
    }
    let mut walk = Walk::default();
    walk.message(Message::Model, model, 0)?;
    if walk.census.graphs == 0 {
        return Err(PreflightError::NoGraph);
    }
    Ok(walk.census)
}

#[derive(Default)]
struct Walk {
    census: Census,
    path: Vec<(Message, u64)>,
}

impl Walk {
    fn message(&mut self, message: Message, bytes: &[u8], index: u64) -> Result<(), PreflightError> {
        self.path.push((message, index));
        if self.path.len() > MAX_DEPTH {
            return Err(PreflightError::TooDeep { place: self.place() });
        }
        self.count(message);
        let mut seen = [0u64; 32];
        for field in Reader::new(bytes) {
            let field = field.map_err(|source| PreflightError::Malformed {
                place: self.place(),
                source,
            })?;
            self.judge(message, &field)?;
            if let Some(child) = message.child(field.number) {
                let Value::Bytes(inner) = field.value else {
                    return Err(self.wrong_type(field.number));
                };
                // Every field that has a child has a number below 32.
                let nth = &mut seen[field.number as usize % 32];
                *nth += 1;
                let index = *nth - 1;
                self.message(child, inner, index)?;
            }
        }
        self.path.pop();
        Ok(())
    }

    fn count(&mut self, message: Message) {
        match message {
            Message::Graph => self.census.graphs += 1,
            Message::Node => self.census.nodes += 1,
            Message::Tensor => self.census.tensors += 1,
            Message::Model
            | Message::OperatorSet
            | Message::TrainingInfo
            | Message::Function
            | Message::Attribute
            | Message::SparseTensor => {}
        }
    }

    /// Refuses what a single field gives away.
    fn judge(&mut self, message: Message, field: &Field<'_>) -> Result<(), PreflightError> {
        match (message, field.number, field.value) {
            // TensorProto.external_data; TensorProto.data_location other than DEFAULT.
            (Message::Tensor, 13, _) => Err(PreflightError::ExternalData { place: self.place() }),
            (Message::Tensor, 14, Value::Varint(0)) => Ok(()),
            (Message::Tensor, 14, _) => Err(PreflightError::ExternalData { place: self.place() }),
            (Message::Node, 4, Value::Bytes(b"EPContext")) => {
                Err(PreflightError::EpContext { place: self.place() })
            }
            (Message::Node, 4, Value::Bytes(_)) => Ok(()),
            (Message::Node, 7, Value::Bytes(domain)) | (Message::OperatorSet, 1, Value::Bytes(domain)) => {
                self.domain(domain)
            }
            (Message::OperatorSet, 2, Value::Varint(version)) => {
                self.census.opset = self.census.opset.max(version);
                Ok(())
            }
            (Message::Node, 4 | 7, _) | (Message::OperatorSet, 1 | 2, _) => {
                Err(self.wrong_type(field.number))
            }
            _ => Ok(()),
        }
    }

    fn domain(&self, domain: &[u8]) -> Result<(), PreflightError> {
        let domain = String::from_utf8_lossy(domain);
        if KNOWN_DOMAINS.contains(&domain.as_ref()) {
            return Ok(());
        }
        Err(PreflightError::UnknownDomain {
            place: self.place(),
            domain: domain.chars().take(NAME_SHOWN).collect(),
        })
    }

    fn wrong_type(&self, field: u32) -> PreflightError {
        PreflightError::Malformed {
            place: self.place(),
            source: WireError::WrongType { field },
        }
    }

    fn place(&self) -> String {
        let part = |(message, index): &(Message, u64)| format!("{}[{index}]", message.name());
        self.path.iter().map(part).collect::<Vec<_>>().join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field that holds bytes.
    fn field(number: u8, inner: &[u8]) -> Vec<u8> {
        assert!(number < 32 && inner.len() < 16384);
        let key = (u16::from(number) << 3) | 2;
        let mut bytes = if key < 128 {
            vec![key as u8]
        } else {
            vec![(key & 0x7f) as u8 | 0x80, (key >> 7) as u8]
        };
        bytes.extend([(inner.len() & 0x7f) as u8 | 0x80, (inner.len() >> 7) as u8]);
        bytes.extend(inner);
        bytes
    }

    fn join(parts: &[Vec<u8>]) -> Vec<u8> {
        parts.concat()
    }

    fn node(parts: &[Vec<u8>]) -> Vec<u8> {
        field(7, &field(1, &join(parts)))
    }

    fn check(model: &[u8], says: &str) {
        let said = match inspect(model) {
            Ok(census) => format!("accepted: {census:?}"),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(says), "{said}, not {says}");
    }

    #[test]
    fn a_plain_model_is_counted() {
        let opset = field(8, &[0x10, 17]);
        let graph = field(
            7,
            &join(&[field(1, &field(4, b"Relu")), field(5, &field(9, &[0; 8]))]),
        );
        let census = inspect(&join(&[opset, graph])).expect("plain");
        assert_eq!(
            census,
            Census {
                graphs: 1,
                nodes: 1,
                tensors: 1,
                opset: 17
            }
        );
    }

    #[test]
    fn external_data_is_found_wherever_it_hides() {
        let outside = field(13, &field(1, b"location"));
        let located = vec![0x70, 1];
        let tensor_in_node = field(5, &field(5, &outside));
        let branch = field(6, &field(5, &outside));
        let sparse = field(22, &field(1, &located));
        for (model, place) in [
            (
                field(7, &field(5, &outside)),
                "model[0]/graph[0]/tensor[0]: the tensor keeps its data outside",
            ),
            (field(7, &field(5, &located)), "outside the file"),
            (
                field(7, &field(15, &field(2, &located))),
                "graph[0]/sparse_tensor[0]/tensor[0]",
            ),
            (node(&[tensor_in_node]), "node[0]/attribute[0]/tensor[0]"),
            (node(&[field(5, &branch)]), "attribute[0]/graph[0]/tensor[0]"),
            (
                node(&[field(5, &sparse)]),
                "attribute[0]/sparse_tensor[0]/tensor[0]",
            ),
            (
                field(25, &field(7, &field(5, &field(5, &outside)))),
                "model[0]/function[0]/node[0]",
            ),
            (
                field(25, &field(11, &field(5, &outside))),
                "function[0]/attribute[0]/tensor[0]",
            ),
            (
                field(20, &field(1, &field(5, &outside))),
                "training_info[0]/graph[0]",
            ),
            (
                field(20, &field(2, &field(5, &outside))),
                "training_info[0]/graph[0]",
            ),
        ] {
            check(&model, place);
        }
    }

    #[test]
    fn foreign_operators_and_compiled_blobs_are_refused() {
        check(
            &node(&[field(7, b"com.microsoft")]),
            "node[0]: operator domain `com.microsoft` is not one of",
        );
        check(
            &field(8, &field(1, b"evil.ops")),
            "opset_import[0]: operator domain `evil.ops`",
        );
        check(&node(&[field(4, b"EPContext")]), "EPContext");
    }

    #[test]
    fn what_is_not_a_model_is_said_to_be_none() {
        check(b"", "no graph");
        check(b"\x12\x10xxORTMxxxxxxxxxx", "ORTM");
        check(
            &field(7, &[0x0a, 0x7f, 0]),
            "graph[0]: not a well-formed protobuf",
        );
        check(&[0x3b], "model[0]: not a well-formed protobuf");
        check(&[0x38, 1], "not a well-formed protobuf");
    }

    #[test]
    fn nesting_is_bounded() {
        let mut graph = field(5, &[]);
        for _ in 0..MAX_DEPTH {
            graph = field(1, &field(5, &field(6, &graph)));
        }
        check(&field(7, &graph), "nested deeper than 64");
    }
}
