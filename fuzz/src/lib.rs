//! What is done with bytes that anybody may send: one file for each way in. A panic says that something is wrong.
//!
//! The fuzzer's targets call these, and so does `tests/fuzz_corpus.rs` with every file that is committed.

pub mod att;
pub mod journal;
pub mod payloads;
mod world;
pub mod yaml;

/// The ways in, by the names of the folders with what is tried on them.
pub const ALL: [(&str, fn(&[u8])); 4] = [
    ("att", att::run),
    ("journal", journal::run),
    ("payloads", payloads::run),
    ("yaml", yaml::run),
];
