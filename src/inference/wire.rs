//! The protobuf wire format, read field by field from a slice that is already in memory. It allocates nothing and follows
//! no length past the end of its slice.

/// A field as it lies on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'a> {
    pub number: u32,
    pub value: Value<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
}

/// Why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the message ends inside a field")]
    Truncated,
    #[error("a number is longer than 10 bytes")]
    LongVarint,
    #[error("field {field} claims {length} bytes, {left} are left")]
    Length { field: u32, length: u64, left: usize },
    #[error("field {field} has wire type {kind}, which proto3 does not use")]
    WireType { field: u64, kind: u8 },
    #[error("field number {0} is outside 1 to 536870911")]
    FieldNumber(u64),
    #[error("field {field} is not of the type that its message says")]
    WrongType { field: u32 },
}

/// Yields the fields of one message; stops after the first error.
pub struct Reader<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            failed: false,
        }
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for n in 0..10 {
            let (&byte, rest) = self.rest.split_first().ok_or(WireError::Truncated)?;
            self.rest = rest;
            // The tenth byte holds one bit of a 64-bit number.
            if n == 9 && byte > 1 {
                return Err(WireError::LongVarint);
            }
            value |= u64::from(byte & 0x7f) << (7 * n);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::LongVarint)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (value, rest) = self.rest.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*value)
    }

    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let key = self.varint()?;
        let number = match u32::try_from(key >> 3) {
            Ok(number @ 1..=536_870_911) => number,
            Ok(_) | Err(_) => return Err(WireError::FieldNumber(key >> 3)),
        };
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.fixed()?),
            2 => Value::Bytes(self.bytes(number)?),
            5 => Value::Fixed32(self.fixed()?),
            kind => {
                return Err(WireError::WireType {
                    field: key >> 3,
                    kind: kind as u8,
                });
            }
        };
        Ok(Field { number, value })
    }

    fn bytes(&mut self, field: u32) -> Result<&'a [u8], WireError> {
        let length = self.varint()?;
        let left = self.rest.len();
        let taken = usize::try_from(length)
            .ok()
            .and_then(|n| self.rest.split_at_checked(n));
        let (value, rest) = taken.ok_or(WireError::Length { field, length, left })?;
        self.rest = rest;
        Ok(value)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.failed {
            return None;
        }
        let field = self.field();
        self.failed = field.is_err();
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_read_as_written() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 1, 2, 3, 4];
        let fields: Result<Vec<_>, _> = Reader::new(&bytes).collect();
        assert_eq!(
            fields,
            Ok(vec![
                Field {
                    number: 1,
                    value: Value::Varint(150)
                },
                Field {
                    number: 2,
                    value: Value::Bytes(b"hi")
                },
                Field {
                    number: 3,
                    value: Value::Fixed32([1, 2, 3, 4])
                },
            ])
        );
    }

    #[test]
    fn a_length_beyond_the_end_is_an_error_and_ends_the_message() {
        let mut reader = Reader::new(&[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]);
        let error = WireError::Length {
            field: 2,
            length: 0xffff_ffff,
            left: 1,
        };
        assert_eq!(reader.next(), Some(Err(error)));
        assert_eq!(reader.next(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let fields = Reader::new(&bytes).count();
            prop_assert!(fields <= bytes.len());
        }
    }
}
