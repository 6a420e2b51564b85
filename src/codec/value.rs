//! A typed datum. What it may be is said by its [`Spec`](super::Spec), never by the value itself.

use std::fmt;
use std::sync::Arc;

/// One datum, in the form in which constraints and comparisons are defined on it.
///
/// Cloning never allocates. Floats are finite: neither JSON nor a range check has a place for NaN or
/// an infinity, so none gets as far as here ([`Spec::admit`](super::Spec::admit)).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Unknown, or a field that is not there.
    Null,
    Bool(bool),
    /// Any integer type, signed or not; `i128` holds all of `u64` and of `i64`.
    Int(i128),
    Float(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    /// The fields of a struct in their order, or the items of an array.
    List(Arc<[Value]>),
}

impl fmt::Display for Value {
    /// As a person reads it in a log line: numbers plain, text quoted, bytes in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
        }
    }
}
