//! What is done with bytes that anybody may send: one file for each way in. A panic says that something is wrong.
//!
//! The fuzzer's targets call these, and so does `tests/fuzz_corpus.rs` with every file that is committed.

pub mod att;
pub mod journal;
pub mod payloads;
mod world;
pub mod yaml;

/// The name of a folder with what is tried, and what is done with each file of it.
pub type WayIn = (&'static str, fn(&[u8]));

pub const ALL: [WayIn; 4] = [
    ("att", att::run),
    ("journal", journal::run),
    ("payloads", payloads::run),
    ("yaml", yaml::run),
];
