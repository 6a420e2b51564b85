//! The declared tree as bluer wants it: reads and writes are answered from the engine at once.

use std::future::ready;

use bluer::Address;
use bluer::gatt::local as bluez;
use bluer::gatt::local::ReqError;
use tracing::debug;

use super::notify::{Notifier, Outlets};
use crate::engine::PeerId;
use crate::gatt::{AttError, Characteristic, Descriptor, Service, read, write};
use crate::plugin::Port;

/// The application to register, and the outlets through which its subscribers hear of changes.
pub(super) fn application(port: &Port, notifier: &Notifier) -> (bluez::Application, Outlets) {
    let mut outlets = Outlets::default();
    let services = in_order_of_handles(port.services().iter().map(|declared| {
        let characteristics = declared.characteristics.iter();
        service(
            declared,
            characteristics
                .map(|it| characteristic(port, it, notifier, &mut outlets))
                .collect(),
        )
    }));
    let application = bluez::Application {
        services,
        ..bluez::Application::default()
    };
    (application, outlets)
}

/// Who a central is to the engine.
pub(super) fn peer(address: Address) -> PeerId {
    let octets = address.0.into_iter();
    PeerId(octets.fold(0, |number, octet| number << 8 | u64::from(octet)))
}

/// BlueZ hands out handles in the order of the object paths, and bluer numbers these: the eleventh,
/// `char10`, would come before `char2`. So each goes to the place whose number sorts as declared.
fn in_order_of_handles<T>(declared: impl Iterator<Item = T>) -> Vec<T> {
    let declared: Vec<T> = declared.collect();
    let mut places: Vec<usize> = (0..declared.len()).collect();
    places.sort_by_key(usize::to_string);
    let mut placed: Vec<_> = places.into_iter().zip(declared).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, item)| item).collect()
}

fn service(declared: &Service, characteristics: Vec<bluez::Characteristic>) -> bluez::Service {
    bluez::Service {
        uuid: declared.uuid.0,
        primary: true,
        characteristics: in_order_of_handles(characteristics.into_iter()),
        ..bluez::Service::default()
    }
}

fn characteristic(
    port: &Port,
    declared: &Characteristic,
    notifier: &Notifier,
    outlets: &mut Outlets,
) -> bluez::Characteristic {
    let access = declared.access;
    let mut characteristic = bluez::Characteristic {
        uuid: declared.uuid.0,
        descriptors: declared.descriptors().into_iter().map(descriptor).collect(),
        read: access.read.then(|| reads(port, declared)),
        write: access.is_writable().then(|| writes(port, declared)),
        ..bluez::Characteristic::default()
    };
    if access.can_subscribe() {
        notifier.equip(declared, &mut characteristic, outlets);
    }
    characteristic
}

fn reads(port: &Port, declared: &Characteristic) -> bluez::CharacteristicRead {
    let (port, declared) = (port.clone(), declared.clone());
    bluez::CharacteristicRead {
        read: true,
        fun: Box::new(move |request| {
            let octets = read(&port, &declared, request.offset.into());
            let (central, offset) = (request.device_address, request.offset);
            debug!(%central, value = declared.name, offset, ?octets, "read");
            Box::pin(ready(octets.map_err(answer)))
        }),
        ..bluez::CharacteristicRead::default()
    }
}

/// By function, never by socket: only a function can refuse.
fn writes(port: &Port, declared: &Characteristic) -> bluez::CharacteristicWrite {
    let (port, declared) = (port.clone(), declared.clone());
    let access = declared.access;
    let write = move |octets: Vec<u8>, request: bluez::CharacteristicWriteRequest| {
        let (central, offset) = (request.device_address, request.offset);
        let result = write(&port, &declared, peer(central), offset.into(), &octets);
        debug!(%central, value = declared.name, offset, ?octets, ?result, "write");
        result.map_err(answer)
    };
    bluez::CharacteristicWrite {
        write: access.write,
        write_without_response: access.write_without_response,
        method: bluez::CharacteristicWriteMethod::Fun(Box::new(move |octets, request| {
            Box::pin(ready(write(octets, request)))
        })),
        ..bluez::CharacteristicWrite::default()
    }
}

fn descriptor(declared: Descriptor) -> bluez::Descriptor {
    let value = declared.value;
    bluez::Descriptor {
        uuid: declared.uuid.0,
        read: Some(bluez::DescriptorRead {
            read: true,
            fun: Box::new(move |request| {
                let octets = value.get(usize::from(request.offset)..);
                Box::pin(ready(
                    octets.map(<[u8]>::to_vec).ok_or(ReqError::InvalidOffset),
                ))
            }),
            ..bluez::DescriptorRead::default()
        }),
        ..bluez::Descriptor::default()
    }
}

/// BlueZ makes the ATT error of it again; `Failed` is 0x80.
fn answer(error: AttError) -> ReqError {
    match error {
        AttError::InvalidOffset => ReqError::InvalidOffset,
        AttError::InvalidAttributeValueLength => ReqError::InvalidValueLength,
        AttError::ReadNotPermitted | AttError::WriteNotPermitted => ReqError::NotPermitted,
        AttError::RequestNotSupported => ReqError::NotSupported,
        AttError::InvalidHandle
        | AttError::AttributeNotFound
        | AttError::PrepareQueueFull
        | AttError::Refused => ReqError::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_paths_sort_as_declared() {
        let placed = in_order_of_handles(0..12);
        let mut paths: Vec<_> = placed
            .into_iter()
            .enumerate()
            .map(|(place, item)| (format!("char{place}"), item))
            .collect();
        paths.sort();
        let items: Vec<i32> = paths.into_iter().map(|(_, item)| item).collect();
        assert_eq!(items, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn a_central_is_known_by_its_whole_address() {
        assert_eq!(peer(Address([1, 2, 3, 4, 5, 6])), PeerId(0x0102_0304_0506));
    }
}
