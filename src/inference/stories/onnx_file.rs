//! A writer of small ONNX files: the fields of `onnx.proto3` that a handful of nodes needs, and no others. A package for this
//! would be a larger dependency than what it writes.

/// Operator set of the files: in it axes of `ReduceMax` and `ReduceMean` are attributes.
const OPSET: u64 = 17;
const IR_VERSION: u64 = 8;

/// `TensorProto.DataType`.
#[derive(Clone, Copy)]
pub enum Type {
    F32 = 1,
    I64 = 7,
}

/// A graph in the making.
#[derive(Clone, Default)]
pub struct Graph(Vec<u8>);

/// An attribute of a node.
pub struct Attribute(Vec<u8>);

impl Graph {
    /// An input of 32-bit floats; `None` is a free axis.
    pub fn input(self, name: &str, axes: &[Option<usize>]) -> Self {
        self.with(11, &value(name, Type::F32, axes))
    }

    pub fn output(self, name: &str, of: Type, axes: &[Option<usize>]) -> Self {
        self.with(12, &value(name, of, axes))
    }

    pub fn node(self, op: &str, inputs: &[&str], output: &str, attributes: &[Attribute]) -> Self {
        let mut node = Vec::new();
        inputs
            .iter()
            .for_each(|input| node.extend(bytes(1, input.as_bytes())));
        node.extend([bytes(2, output.as_bytes()), bytes(4, op.as_bytes())].concat());
        attributes
            .iter()
            .for_each(|attribute| node.extend(bytes(5, &attribute.0)));
        self.with(1, &node)
    }

    pub fn floats(self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with(5, &tensor(name, Type::F32, shape, &raw))
    }

    pub fn integers(self, name: &str, shape: &[usize], values: &[i64]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with(5, &tensor(name, Type::I64, shape, &raw))
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let opset = [bytes(1, b""), number(2, OPSET)].concat();
        let graph = [self.0.clone(), bytes(2, b"story")].concat();
        [number(1, IR_VERSION), bytes(8, &opset), bytes(7, &graph)].concat()
    }

    fn with(mut self, field: u64, message: &[u8]) -> Self {
        self.0.extend(bytes(field, message));
        self
    }
}

pub fn int(name: &str, value: i64) -> Attribute {
    Attribute([bytes(1, name.as_bytes()), number(3, value as u64), number(20, 2)].concat())
}

pub fn ints(name: &str, values: &[i64]) -> Attribute {
    let list: Vec<u8> = values.iter().flat_map(|value| number(8, *value as u64)).collect();
    Attribute([bytes(1, name.as_bytes()), list, number(20, 7)].concat())
}

fn value(name: &str, of: Type, axes: &[Option<usize>]) -> Vec<u8> {
    let axis = |(n, axis): (usize, &Option<usize>)| match axis {
        Some(side) => bytes(1, &number(1, *side as u64)),
        None => bytes(1, &bytes(2, format!("free{n}").as_bytes())),
    };
    let shape: Vec<u8> = axes.iter().enumerate().flat_map(axis).collect();
    let tensor = [number(1, of as u64), bytes(2, &shape)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}

fn tensor(name: &str, of: Type, shape: &[usize], raw: &[u8]) -> Vec<u8> {
    let sides: Vec<u8> = shape.iter().flat_map(|side| number(1, *side as u64)).collect();
    [
        sides,
        number(2, of as u64),
        bytes(8, name.as_bytes()),
        bytes(9, raw),
    ]
    .concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    [
        varint(field << 3 | 2),
        varint(content.len() as u64),
        content.to_vec(),
    ]
    .concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
