//! What carries ATT between the measuring central and the program that is measured: either a stand-in for
//! bluetoothd on a message bus of its own, or the real one with two virtual controllers. A measurement does not
//! see which.

// Each program that has this uses what it needs.
#![allow(dead_code)]

mod att;
mod bus;
mod stand_in;
mod timeline;

use std::time::Instant;

use uuid::Uuid;

pub use att::AttError;
pub use stand_in::StandIn;
#[allow(unused_imports)]
pub use timeline::{Registered, Span};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The MTU that both kinds of central ask for and get: a value of 512 octets and what goes with it.
pub const MTU: u16 = 517;

/// Where a program is measured.
pub enum Air {
    StandIn(StandIn),
}

impl Air {
    /// A private dbus-daemon, and on it a stand-in for bluetoothd 5.66.
    pub async fn stand_in() -> Result<Self> {
        Ok(Self::StandIn(StandIn::start().await?))
    }

    /// For `DBUS_SYSTEM_BUS_ADDRESS` of the program that is measured.
    pub fn bus_address(&self) -> &str {
        match self {
            Self::StandIn(air) => air.bus_address(),
        }
    }

    /// Resolves when an application and an advertisement are registered, with when that happened.
    pub async fn registered(&self) -> Registered {
        match self {
            Self::StandIn(air) => air.registered().await,
        }
    }

    /// A central that has connected and knows the characteristic. Waits until that is registered.
    pub async fn connect(&self, characteristic: Uuid) -> Result<Central> {
        match self {
            Self::StandIn(air) => Ok(Central::StandIn(air.connect(characteristic).await?)),
        }
    }

    /// Resolves when the application has left the bus. The next one can be started after that.
    pub async fn gone(&self) {
        match self {
            Self::StandIn(air) => air.gone().await,
        }
    }
}

/// A central, as far as one characteristic is concerned. It disconnects when it is dropped.
pub enum Central {
    StandIn(stand_in::Central),
}

impl Central {
    /// A write request: resolves at the response.
    pub async fn write(&mut self, octets: &[u8]) -> std::result::Result<(), AttError> {
        self.write_timed(octets).await.result
    }

    /// The same, with the times at which the request left and the response came, without what waking up the
    /// caller takes.
    pub async fn write_timed(&mut self, octets: &[u8]) -> Written {
        match self {
            Self::StandIn(central) => central.write(octets).await,
        }
    }

    /// A read request.
    pub async fn read(&mut self) -> std::result::Result<Vec<u8>, AttError> {
        self.read_at(0).await
    }

    /// A read request, or where the offset is not 0 a read blob request.
    pub async fn read_at(&mut self, offset: u16) -> std::result::Result<Vec<u8>, AttError> {
        match self {
            Self::StandIn(central) => central.read(offset).await,
        }
    }

    /// Switches notifications on, or where there are none indications, which are confirmed.
    pub async fn subscribe(&mut self) -> std::result::Result<(), AttError> {
        match self {
            Self::StandIn(central) => central.subscribe().await,
        }
    }

    /// Switches them off.
    pub async fn unsubscribe(&mut self) -> std::result::Result<(), AttError> {
        match self {
            Self::StandIn(central) => central.unsubscribe().await,
        }
    }

    /// The next notification, and when it came. None is lost, and they come in order.
    pub async fn notification(&mut self) -> (Instant, Vec<u8>) {
        let received = match self {
            Self::StandIn(central) => central.notifications().recv().await,
        };
        received.expect("the central itself keeps a sender")
    }

    /// The same, if one has come already.
    pub fn try_notification(&mut self) -> Option<(Instant, Vec<u8>)> {
        match self {
            Self::StandIn(central) => central.notifications().try_recv().ok(),
        }
    }
}

/// What came of a write request.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub sent: Instant,
    pub answered: Instant,
    pub result: std::result::Result<(), AttError>,
}

/// The time, which nobody has paused here.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
