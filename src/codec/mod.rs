//! Pure: what a value is, its bytes on the air and its JSON on a topic. No I/O, no clock, no async.
//!
//! One [`Spec`] says everything about a value, and everything else is derived from it: the ATT bytes
//! ([`att`]), the JSON ([`json`], [`Template`]), the range check ([`Spec::admit`]) and the
//! presentation format descriptor ([`presentation`]).

pub mod att;
pub mod json;
mod patch;
pub mod presentation;
mod spec;
mod template;
mod value;
mod violation;

pub use patch::Patch;
pub use spec::{Admitted, ByteOrder, FloatWidth, IntWidth, MAX_LENGTH, Overflow, Spec};
pub use template::{PLACEHOLDER, Template, TemplateError};
pub use value::Value;
pub use violation::{Cause, Violation};
