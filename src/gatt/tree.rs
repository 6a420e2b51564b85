//! Services and characteristics in the order of their handles.

use super::Security;
use super::assigned::{
    BtUuid, CHARACTERISTIC_PRESENTATION_FORMAT, CHARACTERISTIC_USER_DESCRIPTION,
};
use crate::codec::presentation::Presentation;
use crate::codec::{Spec, presentation};
use crate::engine::{CellId, Pace};

#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub uuid: BtUuid,
    /// Whether its UUID is part of the advertisement.
    pub advertise: bool,
    pub characteristics: Vec<Characteristic>,
}

#[derive(Clone, Debug)]
pub struct Characteristic {
    pub name: String,
    pub uuid: BtUuid,
    pub access: Access,
    pub security: Security,
    pub spec: Spec,
    pub presentation: Presentation,
    /// What is read and written.
    pub cell: CellId,
    /// What is notified and indicated, if that is something else.
    pub told: Option<(CellId, Spec)>,
    /// How often subscribers hear.
    pub pace: Pace,
}

/// Characteristic properties (Core Spec 5.4, Vol 3, Part G, 3.3.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    pub read: bool,
    pub write: bool,
    pub write_without_response: bool,
    pub notify: bool,
    pub indicate: bool,
}

/// A descriptor that is derived from the declaration; read-only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    pub uuid: BtUuid,
    pub value: Vec<u8>,
}

impl Access {
    pub fn is_writable(self) -> bool {
        self.write || self.write_without_response
    }

    pub fn can_subscribe(self) -> bool {
        self.notify || self.indicate
    }

    /// The bits in the declaration of the characteristic.
    pub fn properties(self) -> u8 {
        [
            (self.read, 0x02),
            (self.write_without_response, 0x04),
            (self.write, 0x08),
            (self.notify, 0x10),
            (self.indicate, 0x20),
        ]
        .into_iter()
        .filter_map(|(allowed, bit)| allowed.then_some(bit))
        .sum()
    }
}

impl Service {
    /// How many attributes, and with that handles, it takes.
    pub fn attributes(&self) -> usize {
        1 + self
            .characteristics
            .iter()
            .map(Characteristic::attributes)
            .sum::<usize>()
    }
}

impl Characteristic {
    /// What is notified and indicated.
    pub fn tells(&self) -> (CellId, &Spec) {
        match &self.told {
            Some((cell, spec)) => (*cell, spec),
            None => (self.cell, &self.spec),
        }
    }

    fn attributes(&self) -> usize {
        // BlueZ 5.66 puts extended properties (0x2900) beside a value that wants an encrypted link;
        // later versions do not. There is room for them in any case.
        let extended = self.security != Security::default();
        let subscribable = self.access.can_subscribe();
        2 + usize::from(subscribable) + usize::from(extended) + self.descriptors().len()
    }

    /// The user description (0x2901), and the presentation format (0x2904) where the type has one.
    /// The client configuration (0x2902) is not here: it belongs to each central.
    pub fn descriptors(&self) -> Vec<Descriptor> {
        let description = Descriptor {
            uuid: CHARACTERISTIC_USER_DESCRIPTION,
            value: self.name.as_bytes().to_vec(),
        };
        let format = presentation::format(&self.spec, self.presentation).map(|format| Descriptor {
            uuid: CHARACTERISTIC_PRESENTATION_FORMAT,
            value: format.to_vec(),
        });
        std::iter::once(description).chain(format).collect()
    }
}
