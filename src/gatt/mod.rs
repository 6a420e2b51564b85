//! The GATT server that is declared, whatever serves it: the tree, and what a read or a write of it
//! means. Every adapter, real or virtual, answers with these.

mod address;
pub mod advertising;
pub mod assigned;
mod att;
pub mod pairing;
pub mod section;
mod security;
pub mod server;
pub mod structure;
mod tree;
pub mod window;

pub use address::Address;
pub use att::{AttError, Requester, encode, read, write};
pub use security::{Security, SecurityLevel};
pub use tree::{Access, Characteristic, Descriptor, Service};
