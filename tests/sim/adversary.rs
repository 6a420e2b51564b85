//! What goes wrong, by the seed.

use crate::declaration::*;
use crate::world::{Happening, World};

macro_rules! faults {
    ($($name:ident: $what:literal),* $(,)?) => {
        /// A kind of fault. Each can be left out, to see which a failure needs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($name),* }

        impl Fault {
            pub const ALL: &[(Self, &str)] = &[$((Self::$name, $what)),*];
        }
    };
}

faults! {
    Drop: "drop",
    Duplicate: "duplicate",
    Reorder: "reorder",
    Delay: "delay",
    Stall: "stall",
    BrokerCrash: "broker-crash",
    StaleRetained: "stale-retained",
    // A broker that has forgotten what it acknowledged and says that it has the session breaks its own promise:
    // only when asked for.
    Amnesia: "amnesia",
    Kill: "kill",
    PowerCut: "power-cut",
    Reload: "reload",
    SlowDisk: "slow-disk",
    FullDisk: "full-disk",
    WallClock: "wall-clock",
    Sleep: "sleep",
    Adapter: "adapter",
    SlowAir: "slow-air",
    Owner: "owner",
    Garbage: "garbage",
    // The last has a time and numbers of its own: what the seeds from before it do is as it was.
    Succession: "succession",
}

/// A mistake in a link, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The store says that something is kept which is not on the disk.
    AcknowledgesBeforeSync,
    /// What is owed is taken up twice.
    RestoresTwice,
    /// When another engine takes its place, an engine forgets the versions of what it has been promised.
    ForgetsAtSuccession,
    /// The bus says that its session is still there.
    ClaimsTheSession,
    /// Once in a while the bus takes for delivered what it has not sent.
    DeliversUnsent,
    /// What a connection left unacknowledged goes out on the next, behind what is newer.
    SendsOldAgain,
}

/// Which faults there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults(u32);

impl Faults {
    pub fn usual() -> Self {
        let all = Fault::ALL
            .iter()
            .fold(0, |all, (fault, _)| all | Self::bit(*fault));
        Self(all).without(Fault::Amnesia)
    }

    pub fn without(self, fault: Fault) -> Self {
        Self(self.0 & !Self::bit(fault))
    }

    pub fn with(self, fault: Fault) -> Self {
        Self(self.0 | Self::bit(fault))
    }

    pub fn has(self, fault: Fault) -> bool {
        self.0 & Self::bit(fault) != 0
    }

    fn bit(fault: Fault) -> u32 {
        1 << fault as u32
    }
}

impl World {
    pub fn is_on(&self, fault: Fault) -> bool {
        self.is_faulty && self.faults.has(fault)
    }

    /// Whether a fault happens that does so once in a while.
    pub fn strikes(&mut self, fault: Fault, once_in: u64) -> bool {
        self.is_on(fault) && self.rng.u64(..once_in) == 0
    }

    /// How long something takes on its way.
    pub fn latency(&mut self) -> u64 {
        match self.strikes(Fault::Delay, 12) {
            true => self.rng.u64(50..3_000),
            false => self.rng.u64(1..30),
        }
    }

    pub fn something_goes_wrong(&mut self) {
        if !self.is_faulty {
            return;
        }
        let next = self.rng.u64(2_000..120_000);
        self.after(next, Happening::Fault);
        let (fault, name) = Fault::ALL[self.rng.usize(..Fault::ALL.len() - 1)];
        if !self.faults.has(fault) {
            return;
        }
        // The worst moment is one in which much is under way.
        if self.rng.bool() {
            let (first, more) = (self.rng.usize(..3), self.rng.usize(1..10));
            for act in 0..more {
                let central = (first + act) % 3;
                self.central_acts(central);
            }
            let soon = self.rng.u64(..1_500);
            return self.after(soon, Happening::FaultOf { fault });
        }
        crate::log!(self, "fault: {name}");
        self.goes_wrong(fault);
    }

    pub fn goes_wrong(&mut self, fault: Fault) {
        if !self.is_faulty {
            return;
        }
        crate::log!(self, "now: {fault:?}");
        match fault {
            Fault::Drop => self.lose_connection(),
            Fault::Stall => {
                let until = self.now + self.rng.u64(1_000..90_000);
                self.broker.stalled_until = until;
            }
            Fault::BrokerCrash if self.broker.is_up => self.broker_crashes(),
            Fault::Kill => self.crashes(false),
            Fault::PowerCut => self.crashes(true),
            Fault::Reload => self.reloads(),

            Fault::FullDisk => {
                self.disk.is_full = true;
                let until = self.rng.u64(500..30_000);
                self.after(until, Happening::DiskHasRoom);
            }
            Fault::WallClock => self.wall_clock_jumps(),
            Fault::Sleep => self.sleeps(),
            Fault::Adapter => {
                self.adapter_goes();
                let back = self.rng.u64(200..40_000);
                self.after(back, Happening::AdapterComes);
            }
            // These happen to single messages.
            Fault::BrokerCrash
            | Fault::Duplicate
            | Fault::Reorder
            | Fault::Delay
            | Fault::StaleRetained
            | Fault::Amnesia
            | Fault::SlowDisk
            | Fault::SlowAir
            | Fault::Owner
            | Fault::Garbage
            // These have a time of their own.
            | Fault::Succession => {}
        }
    }

    pub fn crashes(&mut self, power: bool) {
        if self.life.is_none() {
            return;
        }
        crate::log!(self, "crash, with the power: {power}");
        match power {
            true => self.disk.cut(&mut self.rng),
            false => self.disk.kill(&mut self.rng),
        }
        self.ends();
    }

    /// An orderly stop, and a start with another declaration.
    fn reloads(&mut self) {
        if self.life.is_none() {
            return;
        }
        let well = self.stopped_well();
        self.oracle.stops(well);
        self.ends();
        self.declaration = match self.rng.bool() {
            true => self.declaration.reloaded(&mut self.rng),
            false => self.declaration.clone(),
        };
        crate::log!(
            self,
            "reloaded: dial up to {}",
            self.declaration.cells[DIAL].max
        );
    }

    fn stopped_well(&mut self) -> bool {
        if self.life.is_some() {
            self.bus().connection = None;
        }
        self.store_ends()
    }

    /// The process is no more.
    fn ends(&mut self) {
        self.oracle_life_ends();
        self.life = None;
        self.lose_connection();
        (0..crate::air::CENTRALS).for_each(|central| self.central_leaves(central));
        let back = self.rng.u64(50..20_000);
        self.after(back, Happening::Start);
    }

    fn wall_clock_jumps(&mut self) {
        let hours = self.rng.i64(-5_000_000..5_000_000);
        self.wall_offset += hours;
        self.oracle.time_is_unsure();
    }

    /// The machine sleeps: nothing happens, and then all that was due at once.
    fn sleeps(&mut self) {
        self.now += self.rng.u64(1_000..300_000);
        self.oracle.time_is_unsure();
    }
}
