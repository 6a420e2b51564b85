//! The device, made of what is declared and of what carries it.

use super::current::Current;
use super::health::adapter;
use super::model::{
    Answer, Broker, Characteristic, Descriptor, Device, Holder, Level, Security, Service, Topic,
};
use super::shape::{self, shape};
use crate::engine::{Ack, CellId, Owner};
use crate::gatt::assigned::{
    BtUuid, CHARACTERISTIC_PRESENTATION_FORMAT, CHARACTERISTIC_USER_DESCRIPTION,
    CLIENT_CHARACTERISTIC_CONFIGURATION,
};
use crate::gatt::server::{DiscoveredCharacteristic, DiscoveredService, GattServer};
use crate::gatt::{self, Access, SecurityLevel};
use crate::plugin::{Direction, TopicDoc};

/// All that is said of the device.
pub(super) fn device(current: &Current, read_only: bool) -> Device {
    let catalogue = current.catalogue();
    let server = current.port.offered_now::<GattServer>();
    let discovered = server.as_ref().map(|server| server.discovered());
    let services = catalogue.services.iter().enumerate();
    let services = services.map(|(index, service)| {
        let seen = discovered.as_ref().and_then(|all| all.get(index));
        of_service(current, read_only, (index, service), seen)
    });
    let broker = catalogue.brokers.first().map(|broker| Broker {
        address: broker.address.clone(),
        encrypted: broker.is_encrypted,
        client_id: broker.client_id.clone(),
        username: broker.username.clone(),
    });
    Device {
        name: current.port.device_name().to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        generation: current.generation,
        read_only,
        adapter: adapter(current),
        services: services.collect(),
        topics: catalogue
            .topics
            .iter()
            .map(|it| topic(current, it))
            .collect(),
        broker,
    }
}

fn of_service(
    current: &Current,
    read_only: bool,
    (index, service): (usize, &gatt::Service),
    seen: Option<&DiscoveredService>,
) -> Service {
    let all = service.characteristics.iter().enumerate();
    let characteristics = all.map(|(number, it)| {
        let id = current.names.characteristic(index, number);
        let seen = seen.and_then(|seen| seen.characteristics.get(number));
        of_characteristic(current, read_only, id, it, seen)
    });
    Service {
        name: service.name.clone(),
        uuid: service.uuid.to_string(),
        handle: seen.map(|seen| seen.handle),
        advertised: service.advertise,
        characteristics: characteristics.collect(),
    }
}

fn of_characteristic(
    current: &Current,
    read_only: bool,
    id: &str,
    it: &gatt::Characteristic,
    seen: Option<&DiscoveredCharacteristic>,
) -> Characteristic {
    let cell = &current.catalogue().cells[it.cell.index()];
    let shown = |spec, unit, withheld| match withheld {
        true => shape::withheld(spec),
        false => shape(spec, unit),
    };
    let answer = it.told.as_ref().map(|(told, spec)| Answer {
        id: current.names.id(*told).to_owned(),
        value: shown(spec, 0, current.is_withheld(*told)),
        topics: topics_of(current, *told),
        withheld: current.is_withheld(*told),
    });
    Characteristic {
        id: id.to_owned(),
        name: it.name.clone(),
        uuid: it.uuid.to_string(),
        handle: seen.map(|seen| seen.handle - 1),
        value_handle: seen.map(|seen| seen.handle),
        properties: properties(it.access),
        security: Security {
            read: level(it.security.read),
            write: level(it.security.write),
            notify: level(it.security.notify),
        },
        descriptors: descriptors(it, cell.withheld, seen),
        value: shown(&it.spec, it.presentation.unit, cell.withheld),
        owner: match cell.owner {
            Owner::Here => Holder::Here,
            Owner::Remote(_) => Holder::Remote,
        },
        ack: match cell.ack {
            Ack::Accepted => "accepted",
            Ack::Journaled => "journaled",
            Ack::Published => "published",
            Ack::Confirmed => "confirmed",
        },
        delivery: match cell.delivery.is_every() {
            true => "every",
            false => "latest",
        },
        constant: cell.constant,
        settable: !read_only && current.is_settable(it.cell),
        topics: topics_of(current, it.cell),
        withheld: cell.withheld,
        answer,
    }
}

fn topics_of(current: &Current, cell: CellId) -> Vec<Topic> {
    let all = current.catalogue().topics.iter();
    let own = all.filter(|doc| doc.cells.contains(&cell));
    own.map(|doc| topic(current, doc)).collect()
}

fn topic(current: &Current, doc: &TopicDoc) -> Topic {
    let is_remote = |cell: &CellId| match current.catalogue().cells[cell.index()].owner {
        Owner::Here => false,
        Owner::Remote(_) => true,
    };
    let role = match (doc.cells.first().map(is_remote), doc.direction) {
        (None, _) => "other",
        (Some(false), Direction::Publish) | (Some(true), Direction::Subscribe) => "state",
        (Some(false), Direction::Subscribe) | (Some(true), Direction::Publish) => "command",
    };
    let values = doc
        .cells
        .iter()
        .map(|cell| current.names.id(*cell).to_owned());
    Topic {
        topic: doc.topic.clone(),
        role,
        direction: match doc.direction {
            Direction::Publish => "out",
            Direction::Subscribe => "in",
        },
        qos: doc.qos,
        retain: doc.retain,
        description: doc.description.clone(),
        values: values.collect(),
    }
}

fn descriptors(
    it: &gatt::Characteristic,
    withheld: bool,
    seen: Option<&DiscoveredCharacteristic>,
) -> Vec<Descriptor> {
    let configuration = it.access.can_subscribe();
    let configuration = configuration.then_some((CLIENT_CHARACTERISTIC_CONFIGURATION, None));
    let fixed = it.descriptors().into_iter();
    let fixed = fixed.map(|it| {
        // The unit and the exponent are of what the value may be.
        let is_shown = !withheld || it.uuid != CHARACTERISTIC_PRESENTATION_FORMAT;
        (it.uuid, is_shown.then(|| super::words::hex(&it.value)))
    });
    let all = configuration.into_iter().chain(fixed).enumerate();
    let all = all.map(|(index, (uuid, hex))| Descriptor {
        name: descriptor_name(uuid),
        uuid: uuid.to_string(),
        handle: seen.and_then(|seen| Some(seen.descriptors.get(index)?.handle)),
        hex,
    });
    all.collect()
}

fn descriptor_name(uuid: BtUuid) -> &'static str {
    match uuid {
        CLIENT_CHARACTERISTIC_CONFIGURATION => "Client Characteristic Configuration",
        CHARACTERISTIC_USER_DESCRIPTION => "Characteristic User Description",
        CHARACTERISTIC_PRESENTATION_FORMAT => "Characteristic Presentation Format",
        BtUuid(_) => "Descriptor",
    }
}

fn properties(access: Access) -> Vec<&'static str> {
    let words = [
        (access.read, "read"),
        (access.write, "write"),
        (access.write_without_response, "write_without_response"),
        (access.notify, "notify"),
        (access.indicate, "indicate"),
    ];
    let declared = words.into_iter().filter(|(has, _)| *has);
    declared.map(|(_, word)| word).collect()
}

fn level(level: SecurityLevel) -> Level {
    match level {
        SecurityLevel::Open => Level::Open,
        SecurityLevel::Encrypted => Level::Encrypted,
        SecurityLevel::Authenticated => Level::Authenticated,
    }
}
