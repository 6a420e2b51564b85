//! The world on virtual time: what happens, in order, and the process in it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use bemo_sync::codec::{Cause, Patch};
use bemo_sync::engine::{
    self, CellId, Change, Effect, Engine, Event, Heirs, Keeping, LinkId, Mark, Origin, PeerId,
    Rejection, Standing, Time, Unplaced,
};
use fastrand::Rng;

use crate::adversary::{Fault, Faults, Sabotage};
use crate::air::{Air, CENTRALS, Central};
use crate::bus::{Broker, Bus, Down, Packet, Payload, Topic};
use crate::declaration::*;
use crate::disk::Disk;
use crate::oracle::Oracle;
use crate::programs::Owner;
use crate::store::Store;
use crate::trace::Trace;

/// One simulated hour, the first part of it with faults.
const FAULTY: u64 = 50 * 60_000;
/// From the end of the faults: others say how things stand, centrals write for the last time, all is silent.
const SAY: u64 = 30_000;
const WRITE: u64 = 70_000;
const SILENT: u64 = 400_000;
const END: u64 = 600_000;

#[macro_export]
macro_rules! log {
    ($world:expr, $($said:tt)*) => {
        $world.trace.line($world.now, format_args!($($said)*))
    };
}

#[derive(Clone, Debug)]
pub enum Happening {
    Start,
    Wake {
        life: u32,
        link: usize,
    },
    Tick {
        life: u32,
    },
    ResponseIsDue {
        life: u32,
        id: u64,
    },
    Connect {
        life: u32,
    },
    ToBroker {
        connection: u64,
        packet: Packet,
    },
    ToBus {
        connection: u64,
        down: Down,
    },
    BrokerNotices {
        connection: u64,
    },
    BrokerUp,
    BrokerSaves,
    ToPrograms {
        topic: Topic,
        payload: Payload,
    },
    OwnerDecides {
        cell: usize,
        truth: i64,
    },
    OwnerMoves,
    Beats {
        cell: usize,
    },
    Answers {
        number: i64,
    },
    Command,
    AdapterComes,
    CentralActs {
        central: usize,
    },
    Notify {
        central: usize,
        connection: u64,
        cell: usize,
    },
    Written {
        life: u32,
    },
    StoreDue {
        life: u32,
    },
    DiskHasRoom,
    Ticks {
        life: u32,
    },
    Succession,
    Fault,
    FaultOf {
        fault: Fault,
    },
    Calm,
    CalmStep {
        step: usize,
    },
    Silent,
    End,
}

#[derive(Clone, Copy, Debug)]
pub enum Asked {
    Set(i64),
    Step(i64),
}

/// A process at work.
#[derive(Debug)]
pub struct Life {
    engine: Engine,
    number: u32,
    born: u64,
    is_woken: [bool; LINKS],
    tick_at: Option<u64>,
    in_flight: [[Option<u64>; CELLS]; LINKS],
    bus: Bus,
    air: Air,
    store: Store,
}

#[derive(Debug)]
struct Scheduled(u64, u64, Happening);

pub struct World {
    pub rng: Rng,
    /// When the next succession is.
    succession: Rng,
    pub now: u64,
    queue: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    pub trace: Trace,
    pub faults: Faults,
    pub sabotage: Option<Sabotage>,
    pub is_faulty: bool,
    pub calm_since: Option<u64>,
    pub wall_offset: i64,
    pub declaration: Declaration,
    pub life: Option<Life>,
    pub lives: u32,
    pub broker: Broker,
    pub owners: Vec<Owner>,
    pub centrals: Vec<Central>,
    pub adapter_is_up: bool,
    pub disk: Disk,
    pub oracle: Oracle,
    pub numbers: i64,
    pub connections: u64,
    pub promise_ids: u64,
    pub failure: Option<String>,
    written_in_peace: Vec<usize>,
    silent_since: Option<([u64; LINKS], u64, u64)>,
    is_over: bool,
}

impl World {
    pub fn new(seed: u64, faults: Faults, sabotage: Option<Sabotage>, is_kept: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let declaration = Declaration::new(&mut rng);
        let mut world = Self {
            rng,
            succession: Rng::with_seed(!seed),
            now: 0,
            queue: BinaryHeap::new(),
            scheduled: 0,
            trace: Trace::new(is_kept),
            faults,
            sabotage,
            is_faulty: true,
            calm_since: None,
            wall_offset: 0,
            declaration,
            life: None,
            lives: 0,
            broker: Broker::default(),
            owners: (0..CELLS).map(|_| Owner::default()).collect(),
            centrals: (0..CENTRALS).map(|_| Central::default()).collect(),
            adapter_is_up: true,
            disk: Disk::default(),
            oracle: Oracle::new(),
            numbers: 1_000,
            connections: 0,
            promise_ids: 0,
            failure: None,
            written_in_peace: Vec::new(),
            silent_since: None,
            is_over: false,
        };
        if world.trace.lines.is_some() {
            let cells = world.declaration.cells.clone();
            for (index, cell) in cells.iter().enumerate() {
                log!(world, "{index}: {cell:?}");
            }
        }
        for cell in [LAMP, MODE, BELL] {
            world.owners[cell].truth = Some(1);
        }
        // A bell that says how it stands rings.
        for cell in [LAMP, MODE] {
            let first = world.rng.u64(1_000..20_000);
            world.at(first, Happening::Beats { cell });
        }
        world.broker.is_up = true;
        world.at(0, Happening::Start);
        world.at(5_000, Happening::Fault);
        world.at(3_000, Happening::Command);
        world.at(4_000, Happening::OwnerMoves);
        world.at(60_000, Happening::BrokerSaves);
        for central in 0..CENTRALS {
            world.at(1_000, Happening::CentralActs { central });
        }
        world.at(FAULTY, Happening::Calm);
        if faults.has(Fault::Succession) {
            world.at(7_000, Happening::Succession);
        }
        world
    }

    /// Until the end, or the first failure.
    pub fn run(&mut self) {
        while self.failure.is_none() && !self.is_over {
            let Some(Reverse(Scheduled(at, _, happening))) = self.queue.pop() else {
                return self.fail("nothing happens any more".to_owned());
            };
            self.now = self.now.max(at);
            self.happens(happening);
        }
    }

    pub fn fail(&mut self, problem: String) {
        log!(self, "FAILS: {problem}");
        self.failure.get_or_insert(problem);
    }

    pub fn at(&mut self, at: u64, happening: Happening) {
        self.scheduled += 1;
        let next = Scheduled(at.max(self.now), self.scheduled, happening);
        self.queue.push(Reverse(next));
    }

    pub fn after(&mut self, millis: u64, happening: Happening) {
        self.at(self.now + millis, happening);
    }

    /// Milliseconds since 1970, by a clock that may be wrong.
    pub fn wall(&self) -> u64 {
        (1_800_000_000_000 + self.now).saturating_add_signed(self.wall_offset)
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Wake { life, .. }
            | Happening::Tick { life }
            | Happening::ResponseIsDue { life, .. }
            | Happening::Connect { life }
            | Happening::Written { life }
            | Happening::StoreDue { life }
            | Happening::Ticks { life }
                if self.life.as_ref().is_none_or(|it| it.number != life) => {}
            Happening::Start => self.starts(),
            Happening::Wake { link, .. } => self.woken(link),
            Happening::Tick { .. } => self.time_has_come(),
            Happening::ResponseIsDue { id, .. } => self.response_is_due(id),
            Happening::Connect { .. } => self.bus_connects(),
            Happening::ToBroker { connection, packet } => self.broker_gets(connection, packet),
            Happening::ToBus { connection, down } => self.bus_hears(connection, down),
            Happening::BrokerNotices { connection } => {
                if self.broker.connection == Some(connection) {
                    self.close_at_broker();
                }
            }
            Happening::BrokerUp => self.broker.is_up = true,
            Happening::BrokerSaves => {
                self.broker_saves();
                let next = self.rng.u64(60_000..600_000);
                self.after(next, Happening::BrokerSaves);
            }
            Happening::ToPrograms { topic, payload } => self.programs_hear(topic, payload),
            Happening::OwnerDecides { cell, truth } => self.owner_decides(cell, truth),
            Happening::OwnerMoves => {
                if self.is_faulty {
                    self.owner_moves();
                    let next = self.rng.u64(2_000..90_000);
                    self.after(next, Happening::OwnerMoves);
                }
            }
            Happening::Beats { cell } => self.beats(cell),
            Happening::Answers { number } => self.program_answers(number),
            Happening::Command => {
                if self.is_faulty {
                    self.somebody_commands();
                    let next = self.rng.u64(500..60_000);
                    self.after(next, Happening::Command);
                }
            }
            Happening::AdapterComes => self.adapter_comes(),
            Happening::CentralActs { central } => {
                if self.is_faulty {
                    self.central_acts(central);
                    let next = match self.rng.u8(..3) {
                        0 => self.rng.u64(..500),
                        _ => self.rng.u64(500..60_000),
                    };
                    self.after(next, Happening::CentralActs { central });
                }
            }
            Happening::Notify {
                central,
                connection,
                cell,
            } => self.notify(central, connection, cell),
            Happening::Written { .. } => self.store_has_written(),
            Happening::StoreDue { .. } => self.store_is_due(),
            Happening::DiskHasRoom => self.disk.is_full = false,
            Happening::Ticks { .. } => {
                if self
                    .calm_since
                    .is_none_or(|since| self.now < since + SILENT / 2)
                {
                    self.ticks();
                }
            }
            Happening::Succession => {
                if self.is_on(Fault::Succession) {
                    log!(self, "another engine takes the place of this one");
                    self.is_succeeded();
                    let next = self.succession.u64(1_000..120_000);
                    self.after(next, Happening::Succession);
                }
            }
            Happening::Fault => self.something_goes_wrong(),
            Happening::FaultOf { fault } => self.goes_wrong(fault),
            Happening::Calm => self.calms(),
            Happening::CalmStep { step } => self.calm_step(step),
            Happening::Silent => {
                let counts = (self.oracle.handed_out, self.oracle.published, self.writes());
                self.silent_since = Some(counts);
                self.after(END - SILENT, Happening::End);
            }
            Happening::End => self.is_at_its_end(),
        }
    }

    // ── the process ──────────────────────────────────────────────────────────────────────────────

    fn starts(&mut self) {
        if self.life.is_some() {
            return;
        }
        self.lives += 1;
        let (journal, begins) = self.restore();
        let specs = self.declaration.specs(begins);
        let engine = Engine::new(specs, LINKS, &self.declaration.subscriptions());
        self.life = Some(Life {
            engine,
            number: self.lives,
            born: self.now,
            is_woken: [false; LINKS],
            tick_at: None,
            in_flight: [[None; CELLS]; LINKS],
            bus: Bus::default(),
            air: Air::default(),
            store: Store::begin(journal, self.now),
        });
        log!(self, "life {} begins", self.lives);
        let owed: Vec<Vec<i64>> = (0..CELLS)
            .map(|cell| {
                let unpaid = self.keeping(cell).unpaid.into_iter();
                unpaid.map(|it| number(&it.owed.value)).collect()
            })
            .collect();
        self.oracle_life_begins(&owed);
        let life = self.lives;
        self.after(0, Happening::StoreDue { life });
        self.after(self.declaration.step_every, Happening::Ticks { life });
        let soon = self.rng.u64(1..500);
        self.bus_connects_in(soon);
        self.look_around();
    }

    /// The configuration is read again while all goes on: another engine takes the place of this one, and every
    /// link has under way what it had.
    pub fn is_succeeded(&mut self) {
        let Some(now) = self.engine_now() else {
            return;
        };
        let begins = vec![(None, Vec::new()); CELLS];
        let specs = self.declaration.specs(begins);
        let next = Engine::new_at(now, specs, LINKS, &self.declaration.subscriptions());
        let heirs = match self.sabotage {
            Some(Sabotage::ForgetsAtSuccession) => Heirs::default(),
            Some(_) | None => Heirs {
                cells: (0..CELLS).map(|cell| Some(CellId::new(cell))).collect(),
                links: (0..LINKS).map(|link| Some(LinkId::new(link))).collect(),
                go_on: (0..LINKS).map(LinkId::new).collect(),
            },
        };
        let life = self.life_mut();
        let before = std::mem::replace(&mut life.engine, next);
        let unplaced = life.engine.succeed(now, before, &heirs);
        life.tick_at = None;
        if unplaced != Unplaced::default() {
            self.fail(format!("the same declaration has no place: {unplaced:?}"));
        }
        self.look_around();
    }

    fn woken(&mut self, link: usize) {
        self.life_mut().is_woken[link] = false;
        match link {
            AIR => self.air_pulls(),
            BUS => self.bus_pulls(),
            STORE => self.store_pulls(),
            _ => {
                while let Some(effect) = self.pull(TICKER) {
                    self.tell(Event::Delivered {
                        link: LinkId::new(TICKER),
                        cell: effect.cell,
                        ticket: effect.ticket,
                    });
                }
            }
        }
        self.look_around();
    }

    /// Takes one event in; `None` without a process.
    pub fn tell(&mut self, event: Event) -> Option<Result<engine::Accepted, Rejection>> {
        let now = self.engine_now()?;
        let may_keep = !matches!(event, Event::Request { .. } | Event::Refused { .. });
        let life = self.life_mut();
        match event {
            Event::Delivered { link, cell, ticket } | Event::Undelivered { link, cell, ticket } => {
                life.in_flight[link.index()][cell.index()].take_if(|it| *it == ticket);
            }
            Event::LinkUp { link, .. } => life.in_flight[link.index()] = [None; CELLS],
            Event::Request { .. }
            | Event::Report { .. }
            | Event::Refused { .. }
            | Event::Restate { .. }
            | Event::Tick => {}
        }
        let result = life.engine.handle(now, event);
        if may_keep {
            self.promises_stand();
        }
        self.look_around();
        Some(result)
    }

    /// Wakes the links that have something to pull, and asks for the next tick.
    fn look_around(&mut self) {
        for link in 0..LINKS {
            let life = self.life_mut();
            let waits = life.engine.has_effects(LinkId::new(link));
            // A bus without a connection pulls when it has one.
            let listens = link != BUS || life.bus.connection.is_some();
            if waits && listens && !life.is_woken[link] {
                self.wake(link, 1);
            }
        }
        let life = self.life_mut();
        if let Some(deadline) = life.engine.poll_deadline() {
            let at = life.born + u64::try_from(deadline.0.as_millis()).expect("not that late");
            if life.tick_at.is_none_or(|before| at < before) {
                life.tick_at = Some(at);
                let life = life.number;
                self.at(at, Happening::Tick { life });
            }
        }
    }

    pub fn wake(&mut self, link: usize, at_least: u64) {
        let takes = match self.strikes(Fault::Delay, 20) {
            true => self.rng.u64(20..2_000),
            false => at_least + self.rng.u64(..5),
        };
        let life = self.life_mut();
        life.is_woken[link] = true;
        let life = life.number;
        self.after(takes, Happening::Wake { life, link });
    }

    fn time_has_come(&mut self) {
        let now = self.engine_now();
        let life = self.life_mut();
        life.tick_at = None;
        if life.engine.poll_deadline() > now || life.engine.poll_deadline().is_none() {
            return self.look_around();
        }
        let versions: Vec<u64> = (0..CELLS).map(|cell| self.version(cell)).collect();
        self.tell(Event::Tick);
        let mut unanswered = 0;
        for (cell, before) in versions.into_iter().enumerate() {
            let more = self.version(cell) - before;
            if more == 0 {
                continue;
            }
            let is_remote = self.declaration.cells[cell].is_remote;
            if let Some(value) = self.value(cell) {
                self.oracle_accepts(cell, value, None, false);
                log!(self, "time makes {cell} {value}");
            }
            self.grant(AIR, cell);
            if !is_remote {
                self.grant(BUS, cell);
            }
            if cell == ANSWER {
                unanswered = more;
            }
        }
        self.oracle_unanswered(unanswered);
        if self.deadline() <= self.engine_now() && self.deadline().is_some() {
            self.fail("a tick leaves something that is due".to_owned());
        }
    }

    /// Somebody asks for a change.
    pub fn request(
        &mut self,
        cell: usize,
        asked: Asked,
        link: usize,
        central: Option<usize>,
    ) -> Option<Result<engine::Accepted, Rejection>> {
        self.life.as_ref()?;
        let before = self.value(cell);
        let declared = self.declaration.cells[cell].clone();
        let (wanted, change) = match asked {
            Asked::Set(wanted) => (wanted, Change::Set(value(wanted))),
            Asked::Step(step) => (before? + step, Change::Step(value(step))),
        };
        let expected = declared.admit(wanted);
        let origin = Origin {
            link: LinkId::new(link),
            peer: central.map(|central| PeerId(central as u64)),
        };
        let failures = self.disk.failures;
        let result = self.tell(Event::Request {
            cell: CellId::new(cell),
            change,
            origin,
        })?;
        let name = declared.name;
        log!(
            self,
            "{name}: {central:?} asks {link} for {wanted}: {}",
            result.is_ok()
        );
        match (&result, expected) {
            (Ok(_), Some(expected)) => {
                let changed = before != Some(expected);
                let adjusted = expected != wanted;
                if self.value(cell) != Some(expected) {
                    self.fail(format!(
                        "{name} = {expected} is accepted, and is not the value"
                    ));
                }
                let happens = changed || declared.is_every() || cell == ANSWER;
                if happens || declared.is_remote {
                    self.oracle_accepts(cell, expected, central, true);
                    self.grant(BUS, cell);
                }
                if happens {
                    self.grant(AIR, cell);
                    // What came from itself it hears only where it believes something else.
                    if link != TICKER || adjusted || self.is_in_flight(TICKER, cell) {
                        self.grant(TICKER, cell);
                    }
                } else if adjusted {
                    self.grant(link, cell);
                }
            }
            (Ok(_), None) => self.fail(format!("{name} = {wanted} is accepted")),
            (Err(rejection), _) => {
                if self.value(cell) != before {
                    self.fail(format!(
                        "{name} = {wanted} is refused, and changes something"
                    ));
                }
                if let Some(expected) = expected {
                    self.oracle_refuses(cell, expected);
                }
                let may = match rejection.violation.cause {
                    Cause::OutOfRange => expected.is_none(),
                    Cause::QueueFull => declared.is_every() && (cell == ASK || self.is_early()),
                    Cause::NotKept => failures > 0 && self.is_early(),
                    Cause::Unasked => cell == ANSWER,
                    _ => false,
                };
                if !may {
                    self.fail(format!(
                        "{name} = {wanted} is refused: {:?}",
                        rejection.violation
                    ));
                }
            }
        }
        Some(result)
    }

    /// What can go wrong may still be seen.
    fn is_early(&self) -> bool {
        self.calm_since.is_none_or(|since| self.now < since + SAY)
    }

    /// The owner of a value says what it is.
    pub fn report(&mut self, cell: usize, said: i64) {
        let before = self.value(cell);
        let declared = self.declaration.cells[cell].clone();
        let link = LinkId::new(BUS);
        let result = self.tell(Event::Report {
            cell: CellId::new(cell),
            patch: Patch::Set(value(said)),
            mark: Mark::Foreign,
            origin: Origin { link, peer: None },
        });
        let Some(result) = result else {
            return;
        };
        let is_event = result.is_ok() && declared.is_every();
        let after = self.value(cell);
        if after != before || is_event {
            if let Some(value) = after {
                self.oracle_accepts(cell, value, None, false);
            }
            self.grant(AIR, cell);
        }
    }

    // ── what a link sees of it ───────────────────────────────────────────────────────────────────

    pub fn pull(&mut self, link: usize) -> Option<Effect> {
        let now = self.engine_now()?;
        let effect = self.life_mut().engine.poll_effect(now, LinkId::new(link))?;
        let cell = effect.cell.index();
        let before = self.life_mut().in_flight[link][cell].replace(effect.ticket);
        if before.is_some() {
            self.fail(format!("link {link} is handed {cell} with one under way"));
        }
        if link != STORE {
            let told = number(&effect.value);
            log!(self, "link {link} is handed {cell}: {told}");
            self.oracle_shown(cell, told, "what a link is handed");
        }
        self.spend(link, cell);
        Some(effect)
    }

    pub fn is_in_flight(&self, link: usize, cell: usize) -> bool {
        let life = self.life.as_ref();
        life.is_some_and(|life| life.in_flight[link][cell].is_some())
    }

    pub fn engine_now(&self) -> Option<Time> {
        let life = self.life.as_ref()?;
        Some(Time(Duration::from_millis(self.now - life.born)))
    }

    pub fn deadline(&self) -> Option<Time> {
        self.life.as_ref()?.engine.poll_deadline()
    }

    pub fn value(&self, cell: usize) -> Option<i64> {
        let life = self.life.as_ref()?;
        life.engine.cell(CellId::new(cell)).value.map(number)
    }

    pub fn version(&self, cell: usize) -> u64 {
        let life = self.life.as_ref();
        life.map_or(0, |life| life.engine.cell(CellId::new(cell)).version)
    }

    pub fn standing(&self, cell: usize, version: u64) -> Standing {
        match &self.life {
            Some(life) => life.engine.standing(CellId::new(cell), version),
            None => Standing::Waits,
        }
    }

    pub fn keeping(&self, cell: usize) -> Keeping {
        let life = self.life.as_ref().expect("only a process keeps");
        let now = self.engine_now().expect("there is one");
        life.engine.keeping(now, CellId::new(cell))
    }

    /// By link and cell: the events that have given way.
    pub fn dropped(&self) -> Vec<(usize, usize, u64)> {
        let dropped = self.life.iter().flat_map(|life| life.engine.dropped());
        let dropped = dropped.map(|(link, cell, count)| (link.index(), cell.index(), count));
        dropped.collect()
    }

    pub fn is_periodic(&self) -> bool {
        self.declaration.cells[CLOCK].air_pace != engine::Pace::OnChange
    }

    fn writes(&self) -> u64 {
        self.life.as_ref().map_or(0, |life| life.store.writes)
    }

    fn life_mut(&mut self) -> &mut Life {
        self.life.as_mut().expect("only a process does this")
    }

    pub fn life_number(&self) -> u32 {
        self.lives
    }

    pub fn store(&mut self) -> &mut Store {
        &mut self.life_mut().store
    }

    pub fn bus(&mut self) -> &mut Bus {
        &mut self.life_mut().bus
    }

    pub fn air(&mut self) -> &mut Air {
        &mut self.life_mut().air
    }

    // ── the second phase ─────────────────────────────────────────────────────────────────────────

    fn calms(&mut self) {
        log!(self, "nothing goes wrong from here on");
        self.is_faulty = false;
        self.calm_since = Some(self.now);
        self.written_in_peace = (0..CELLS).filter(|_| self.rng.bool()).collect();
        self.disk.is_full = false;
        if self.broker.stalled_until > self.now {
            // Whoever waits for a broker that says nothing gives it up.
            self.lose_connection();
        }
        self.broker.stalled_until = 0;
        self.broker.is_up = true;
        self.adapter_is_up = true;
        self.after(0, Happening::Start);
        self.after(SAY, Happening::CalmStep { step: 0 });
        self.after(SILENT, Happening::Silent);
    }

    fn calm_step(&mut self, step: usize) {
        if step == 0 {
            for cell in [LAMP, MODE, BELL] {
                self.owner_says(cell);
            }
            for central in 0..CENTRALS {
                if self.centrals[central].connection.is_none() {
                    self.central_connects(central);
                }
            }
            return self.after(WRITE - SAY, Happening::CalmStep { step: 1 });
        }
        let cells = [
            DIAL, KNOB, PRESS, LOG, LAMP, MODE, BELL, ASK, COUNTER, CLOCK,
        ];
        let (central, cell) = ((step - 1) % CENTRALS, cells[(step - 1) / CENTRALS]);
        let wanted = self.wanted(cell);
        // What nobody writes has to come right by itself.
        if self.written_in_peace.contains(&cell) {
            self.central_writes(central, cell, wanted);
        }
        if step < cells.len() * CENTRALS {
            let next = match cell {
                // So that they cross what is under way.
                DIAL | KNOB | LOG => self.rng.u64(..60),
                // No faster than the slowest pace, where there is room for one.
                _ => self.rng.u64(3_500..9_000),
            };
            self.after(next, Happening::CalmStep { step: step + 1 });
        }
    }

    fn is_at_its_end(&mut self) {
        self.is_over = true;
        let Some((handed_out, published, writes)) = self.silent_since else {
            return;
        };
        if (self.oracle.handed_out, self.oracle.published, self.writes())
            != (handed_out, published, writes)
        {
            self.fail(format!(
                "nothing happens outside, and there is no silence: {handed_out:?} effects became {:?}, \
                {published} messages {}, {writes} writes {}",
                self.oracle.handed_out,
                self.oracle.published,
                self.writes()
            ));
        }
        self.judges_the_end();
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}
