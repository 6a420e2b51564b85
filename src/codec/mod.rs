//! Pure: what a value is, its bytes on the air and its JSON on a topic. No I/O, no clock, no async.
//!
//! One [`Spec`] says everything about a value, and everything else is derived from it: the ATT bytes
//! ([`att`]), the JSON ([`json`], [`Template`], [`document`]), the range check ([`Spec::admit`]) and the
//! presentation format descriptor ([`presentation`]).

mod array;
pub mod att;
pub mod decimal;
pub mod document;
mod float;
pub mod ieee11073;
mod int;
pub mod json;
mod patch;
mod pointer;
mod presence;
pub mod presentation;
pub mod scale;
mod spec;
mod structure;
mod template;
mod text;
mod value;
mod violation;

pub use array::ArraySpec;
pub use float::{FloatFormat, FloatSpec};
pub use int::{Flag, IntSpec, IntWidth, Shown, Word};
pub use patch::Patch;
pub use pointer::Pointer;
pub use scale::Scale;
pub use spec::{Admitted, BoolSpec, ByteOrder, MAX_LENGTH, Overflow, Spec};
pub use structure::{Field, StructSpec, When};
pub use template::{PLACEHOLDER, Template, TemplateError};
pub use text::{BytesSpec, JsonSpec, Pattern, TextSpec};
pub use value::Value;
pub use violation::{Cause, Violation};
