//! What is measured, in one place for whoever measures it: criterion (times), callgrind (instructions) and dhat
//! (allocations).
//!
//! **An event** is one call of `Engine::handle`, with the pulls that it leads to: a request, a report, or that
//! something is delivered. So a write by a central is five events, where a phone, a broker and the journal hear of
//! it: the request, three deliveries, and when the broker has it, one more to the journal, that nothing is owed any
//! longer. A [`Workload`] does one round of such, again and again; `events` says how many they are. What is no event,
//! as a payload that is read, counts as one.

// Each of those who measure uses a part of this.
#![allow(dead_code)]

pub mod payload;
pub mod port;
pub mod table;

/// One thing that is done again and again.
pub struct Workload {
    /// What it is called in figures that are committed.
    pub name: &'static str,
    /// How many events one round is.
    pub events: u64,
    /// How often a round allocates, once everything has been done for the first time.
    pub allocations: u64,
    /// Makes it, on a table of so many values; each call of what comes back is one round.
    pub on: fn(values: usize) -> Round,
}

/// Does one round.
pub type Round = Box<dyn FnMut()>;

/// Of the engine alone.
pub static ENGINE: [Workload; 7] = [
    Workload {
        name: "engine: a write that changes",
        events: 5,
        allocations: 0,
        on: table::write,
    },
    Workload {
        name: "engine: a write that changes nothing",
        events: 2,
        allocations: 0,
        on: table::same_write,
    },
    Workload {
        name: "engine: a command that changes nothing",
        events: 1,
        allocations: 0,
        on: table::same_command,
    },
    Workload {
        name: "engine: a refusal",
        events: 1,
        // A sentence says what is wrong.
        allocations: 4,
        on: table::refusal,
    },
    Workload {
        name: "engine: a report",
        events: 3,
        allocations: 0,
        on: table::report,
    },
    Workload {
        name: "engine: a write that its owner confirms",
        events: 6,
        allocations: 0,
        on: table::confirmed,
    },
    Workload {
        name: "engine: a change that has to wait its time",
        events: 3,
        allocations: 0,
        on: table::paced,
    },
];

/// Of payloads and octets.
pub static PAYLOADS: [Workload; 7] = [
    Workload {
        name: "JSON in",
        events: 1,
        allocations: 0,
        on: payload::read,
    },
    Workload {
        name: "JSON in, one key of many",
        events: 1,
        allocations: 0,
        on: payload::read_nested,
    },
    Workload {
        name: "JSON out",
        events: 1,
        // The payload itself.
        allocations: 1,
        on: payload::write,
    },
    Workload {
        name: "JSON out, a scaled number",
        events: 1,
        allocations: 1,
        on: payload::write_scaled,
    },
    Workload {
        name: "JSON in, to the cell, and JSON out",
        events: 1,
        allocations: 1,
        on: payload::through,
    },
    Workload {
        name: "ATT in",
        events: 1,
        allocations: 0,
        on: payload::decode,
    },
    Workload {
        name: "ATT out",
        events: 1,
        allocations: 0,
        on: payload::encode,
    },
];

/// Of what links have of all that: the engine with its lock, its clock and all who are woken, observed by nobody.
pub static PORT: [Workload; 3] = [
    Workload {
        name: "port: a write that changes",
        events: 5,
        allocations: 0,
        on: port::write,
    },
    Workload {
        name: "port: a command that changes nothing",
        events: 1,
        allocations: 0,
        on: port::same_command,
    },
    Workload {
        name: "port: a report",
        events: 3,
        allocations: 0,
        on: port::report,
    },
];
