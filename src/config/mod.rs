//! The YAML: what may stand in it ([`model`]), how it is read without giving up at the first mistake
//! ([`tree`], [`read`]), what a well-known name stands for ([`sig`]), and what is made of it all
//! ([`resolve`]).

mod diagnose;
mod interpolate;
mod load;
pub mod model;
mod outline;
mod placeholders;
mod read;
mod resolve;
pub mod schema;
pub mod security;
pub mod sig;
mod tree;
mod value;
pub mod value_schema;
mod veil;

pub use diagnose::{Diagnostic, Span, nearest, render};
pub(crate) use interpolate::Environment;
pub use load::{Loaded, Mistakes, load, load_str, load_text};
pub(crate) use load::{load_with, read_file};
pub use model::{Interval, Lenient};
pub use outline::Outline;
pub use placeholders::Placeholders;
pub use read::{HELP, Literal, Raw, Spanned, read};
pub(crate) use tree::Kind;
pub use tree::{NodeId, Tree};
pub use value::{step_of, value_of};
pub use value_schema::value_schema;
