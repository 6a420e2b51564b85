//! A fleet that loses its broker, in virtual time: every box is the program's own `Retry`, or one of
//! those that it is compared with.
//!
//! The broker is a kernel's queue of connections that are complete and not yet looked at, and behind it somebody who
//! makes so many of them into MQTT connections each second, one after the other. While the queue is full a SYN is
//! dropped, and the client's kernel sends it again after 1 s, 2 s, 4 s. Whoever has given up stands in the
//! queue all the same, and costs what everybody costs: TLS has signed before it notices.

// A test and the tables each use a part of this.
#![allow(dead_code)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use bemo_sync::plugins::mqtt::retry::{After, Retry};

/// Microseconds since the broker was lost.
pub type At = u64;
pub const SECOND: At = 1_000_000;
/// What an answer takes to come, and a refusal.
const ROUND_TRIP: At = 2_000;
/// The busiest of these is the peak.
const BUCKET: At = SECOND / 10;

/// Who the boxes are.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// This program.
    Ours {
        retry_within: u64,
        answer_within: u64,
    },
    /// The same without chance.
    WithoutChance,
    /// Pauses that double from 0.25 s to 4 s, each cut to between half and all by chance, as libraries have them; an attempt
    /// that took its time has waited already.
    Doubling,
    /// The same pause every time, in seconds, as in a loop around `connect`.
    Fixed(u64),
}

#[derive(Clone, Debug)]
pub struct Broker {
    pub nodes: usize,
    /// Connections that each node makes in a second.
    pub rate: u64,
    /// As many wait at each node.
    pub backlog: usize,
    /// When which node goes, and when it is there again.
    pub outages: Vec<(usize, At, At)>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    pub boxes: usize,
    /// When an attempt was made, in buckets of 0.1 s.
    pub attempts: Vec<u32>,
    pub attempts_of: Vec<u32>,
    /// When each box was back for the last time.
    pub back: Vec<Option<At>>,
    /// Connections that the broker worked on after whoever wanted them had given up.
    pub in_vain: u64,
    pub losses: u64,
}

impl Outcome {
    /// Attempts each second in the busiest tenth of one, from some time on.
    pub fn peak_from(&self, from: At) -> u32 {
        let from = usize::try_from(from / BUCKET).expect("it is short");
        self.attempts
            .iter()
            .skip(from)
            .max()
            .map_or(0, |it| it * 10)
    }

    /// The same, in the mean over these times.
    pub fn mean(&self, from: At, to: At) -> f64 {
        let bucket = |at: At| usize::try_from(at / BUCKET).expect("it is short");
        let all = &self.attempts[bucket(from)..bucket(to).min(self.attempts.len())];
        f64::from(all.iter().sum::<u32>()) / all.len() as f64 * 10.0
    }

    pub fn mean_attempts(&self) -> f64 {
        f64::from(self.attempts_of.iter().sum::<u32>()) / self.boxes as f64
    }

    pub fn most_attempts(&self) -> u32 {
        self.attempts_of.iter().copied().max().unwrap_or(0)
    }

    /// When so many percent were back.
    pub fn back_at(&self, percent: usize) -> Option<At> {
        let mut back: Vec<At> = self.back.iter().flatten().copied().collect();
        back.sort_unstable();
        back.get((self.boxes * percent).div_ceil(100) - 1).copied()
    }

    pub fn percent_back(&self) -> f64 {
        self.back.iter().flatten().count() as f64 * 100.0 / self.boxes as f64
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Down(usize),
    Up(usize),
    /// By a node, after it has gone so many times.
    Served(usize, u32),
    Attempt(u32),
    /// The n-th SYN of an attempt.
    Syn(u32, u32, u8),
    GivesUp(u32, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Pausing,
    Reaching(usize),
    Queued(usize),
    Connected(usize),
}

struct Client {
    policy: Policy,
    stands: Stands,
    /// Of this attempt, which is the so many-th.
    attempt: u32,
    began: At,
}

enum Policy {
    Ours(Retry, bool),
    /// After so many pauses in a row.
    Doubling(u32),
    Fixed(u64),
}

const PATIENCE: Duration = Duration::from_secs(4);

impl Policy {
    fn of(kind: Kind) -> Self {
        let retry =
            |within, answer| Retry::new(Duration::from_secs(within), Duration::from_secs(answer));
        match kind {
            Kind::Ours {
                retry_within,
                answer_within,
            } => Self::Ours(retry(retry_within, answer_within), true),
            Kind::WithoutChance => Self::Ours(retry(4, 4), false),
            Kind::Doubling => Self::Doubling(0),
            Kind::Fixed(seconds) => Self::Fixed(seconds),
        }
    }

    fn patience(&self) -> At {
        micros(match self {
            Self::Ours(retry, _) => retry.answer_within(),
            Self::Doubling(_) | Self::Fixed(_) => PATIENCE,
        })
    }

    fn connected(&mut self) {
        match self {
            Self::Ours(retry, _) => {
                retry.connected();
                retry.reset();
            }
            Self::Doubling(pauses) => *pauses = 0,
            Self::Fixed(_) => {}
        }
    }

    fn pause(&mut self, after: After, took: At, chance: &mut fastrand::Rng) -> At {
        let took = Duration::from_micros(took);
        micros(match self {
            Self::Ours(retry, true) => retry.pause(after, took, chance.f64()),
            Self::Ours(retry, false) => retry.pause(after, took, 1.0),
            Self::Doubling(pauses) => {
                let pause = Duration::from_millis(250 << (*pauses).min(4));
                *pauses += 1;
                pause.mul_f64(0.5 + chance.f64() / 2.0).saturating_sub(took)
            }
            Self::Fixed(seconds) => Duration::from_secs(*seconds),
        })
    }
}

fn micros(time: Duration) -> At {
    u64::try_from(time.as_micros()).expect("it is short")
}

struct Node {
    is_up: bool,
    went: u32,
    queue: VecDeque<(u32, u32)>,
}

struct Fleet {
    broker: Broker,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    events: BinaryHeap<Reverse<(At, u64, Event)>>,
    count: u64,
    turn: usize,
    chance: fastrand::Rng,
    reach_within: At,
    outcome: Outcome,
}

/// Plays it until everybody is back, `for_as_long` after the last outage at most.
pub fn play(boxes: usize, kind: Kind, broker: Broker, seed: u64, for_as_long: At) -> Outcome {
    let nodes = || {
        (0..broker.nodes).map(|_| Node {
            is_up: true,
            went: 0,
            queue: VecDeque::new(),
        })
    };
    let clients = (0..boxes).map(|index| Client {
        policy: Policy::of(kind),
        stands: Stands::Connected(index % broker.nodes),
        attempt: 0,
        began: 0,
    });
    let mut fleet = Fleet {
        nodes: nodes().collect(),
        clients: clients.collect(),
        events: BinaryHeap::new(),
        count: 0,
        turn: 0,
        chance: fastrand::Rng::with_seed(seed),
        reach_within: match kind {
            Kind::Ours { answer_within, .. } => answer_within * SECOND,
            Kind::WithoutChance | Kind::Doubling | Kind::Fixed(_) => micros(PATIENCE),
        },
        outcome: Outcome {
            boxes,
            attempts_of: vec![0; boxes],
            back: vec![None; boxes],
            ..Outcome::default()
        },
        broker,
    };
    fleet.run(for_as_long);
    fleet.outcome
}

impl Fleet {
    fn run(&mut self, for_as_long: At) {
        let mut last = 0;
        for (node, from, to) in self.broker.outages.clone() {
            self.at(from, Event::Down(node));
            self.at(to, Event::Up(node));
            last = last.max(to);
        }
        while let Some(Reverse((now, _, event))) = self.events.pop() {
            if now > last + for_as_long {
                return;
            }
            self.handle(now, event);
        }
    }

    fn at(&mut self, at: At, event: Event) {
        self.count += 1;
        self.events.push(Reverse((at, self.count, event)));
    }

    fn handle(&mut self, now: At, event: Event) {
        match event {
            Event::Down(node) => self.goes(now, node),
            Event::Up(node) => self.nodes[node].is_up = true,
            Event::Served(node, went) if went == self.nodes[node].went => self.serves(now, node),
            Event::Served(..) => {}
            Event::Attempt(client) => self.tries(now, client),
            Event::Syn(client, attempt, nth) => self.arrives(now, client, attempt, nth),
            Event::GivesUp(client, attempt) => {
                let it = &self.clients[client as usize];
                if it.attempt != attempt {
                    return;
                }
                match it.stands {
                    Stands::Reaching(_) => self.waits(now, client, After::Failure),
                    Stands::Queued(_) => self.waits(now, client, After::Silence),
                    Stands::Pausing | Stands::Connected(_) => {}
                }
            }
        }
    }

    fn goes(&mut self, now: At, node: usize) {
        self.nodes[node].is_up = false;
        self.nodes[node].went += 1;
        self.nodes[node].queue.clear();
        for client in 0..self.clients.len() {
            let after = match self.clients[client].stands {
                Stands::Connected(at) if at == node => After::Loss,
                Stands::Queued(at) | Stands::Reaching(at) if at == node => After::Failure,
                Stands::Connected(_)
                | Stands::Queued(_)
                | Stands::Reaching(_)
                | Stands::Pausing => {
                    continue;
                }
            };
            if after == After::Loss {
                self.outcome.losses += 1;
                self.outcome.back[client] = None;
            }
            self.waits(now, u32::try_from(client).expect("it is a box"), after);
        }
    }

    fn waits(&mut self, now: At, client: u32, after: After) {
        let it = &mut self.clients[client as usize];
        it.stands = Stands::Pausing;
        // Whatever is on the way for this attempt comes too late.
        it.attempt += 1;
        let took = if after == After::Loss {
            0
        } else {
            now - it.began
        };
        let pause = it.policy.pause(after, took, &mut self.chance);
        self.at(now + pause, Event::Attempt(client));
    }

    fn tries(&mut self, now: At, client: u32) {
        let bucket = usize::try_from(now / BUCKET).expect("it is short");
        if self.outcome.attempts.len() <= bucket {
            self.outcome.attempts.resize(bucket + 1, 0);
        }
        self.outcome.attempts[bucket] += 1;
        self.outcome.attempts_of[client as usize] += 1;
        // Whatever balances the load passes over nodes that are away.
        let nodes = self.broker.nodes;
        let up = (0..nodes).map(|index| (self.turn + index) % nodes);
        let node = up.clone().find(|node| self.nodes[*node].is_up);
        let node = node.unwrap_or(self.turn % nodes);
        self.turn = (node + 1) % nodes;
        let it = &mut self.clients[client as usize];
        it.stands = Stands::Reaching(node);
        it.began = now;
        let attempt = it.attempt;
        self.at(now + self.reach_within, Event::GivesUp(client, attempt));
        self.at(now + ROUND_TRIP, Event::Syn(client, attempt, 0));
    }

    fn arrives(&mut self, now: At, client: u32, attempt: u32, nth: u8) {
        let it = &self.clients[client as usize];
        let Stands::Reaching(node) = it.stands else {
            return;
        };
        if it.attempt != attempt {
            return;
        }
        if !self.nodes[node].is_up {
            return self.waits(now, client, After::Failure);
        }
        if self.nodes[node].queue.len() >= self.broker.backlog {
            self.at(now + (SECOND << nth), Event::Syn(client, attempt, nth + 1));
            return;
        }
        let it = &mut self.clients[client as usize];
        it.stands = Stands::Queued(node);
        // The clock for TCP has stopped, the one for the answer begins.
        it.attempt += 1;
        let (attempt, patience) = (it.attempt, it.policy.patience());
        self.at(now + patience, Event::GivesUp(client, attempt));
        self.nodes[node].queue.push_back((client, attempt));
        if self.nodes[node].queue.len() == 1 {
            self.works(now, node);
        }
    }

    /// On the first in its queue.
    fn works(&mut self, now: At, node: usize) {
        let done = Event::Served(node, self.nodes[node].went);
        self.at(now + SECOND / self.broker.rate, done);
    }

    fn serves(&mut self, now: At, node: usize) {
        let first = self.nodes[node].queue.pop_front();
        let (client, attempt) = first.expect("it has worked on somebody");
        let it = &mut self.clients[client as usize];
        if it.attempt == attempt && it.stands == Stands::Queued(node) {
            it.stands = Stands::Connected(node);
            it.attempt += 1;
            it.policy.connected();
            self.outcome.back[client as usize] = Some(now);
        } else {
            self.outcome.in_vain += 1;
        }
        if !self.nodes[node].queue.is_empty() {
            self.works(now, node);
        }
    }
}
