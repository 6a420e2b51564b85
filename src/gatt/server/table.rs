//! The attribute table: what stands at which handle (Core Spec 5.4, Vol 3, Part G, 3).

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::engine::CellId;
use crate::gatt::assigned::{BtUuid, CLIENT_CHARACTERISTIC_CONFIGURATION};
use crate::gatt::structure::Shape;
use crate::gatt::{AttError, Characteristic, Service};

/// A service as a central discovers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredService {
    pub uuid: BtUuid,
    pub handle: u16,
    /// The last handle that belongs to it.
    pub end_handle: u16,
    pub characteristics: Vec<DiscoveredCharacteristic>,
}

/// A characteristic as a central discovers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredCharacteristic {
    pub uuid: BtUuid,
    /// Of the value; the declaration is the one before.
    pub handle: u16,
    /// The bits of Core Spec 5.4, Vol 3, Part G, 3.3.1.1.
    pub properties: u8,
    pub descriptors: Vec<DiscoveredDescriptor>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoveredDescriptor {
    pub uuid: BtUuid,
    pub handle: u16,
}

/// What stands at a handle. Indexes are those of the characteristics, counted through all services.
pub(super) enum Attribute {
    /// A declaration or a descriptor: the same for everybody, for ever.
    Fixed(Vec<u8>),
    Value(usize),
    /// The client configuration of a characteristic, which every central has of its own.
    Configuration(usize),
}

pub(super) struct Table {
    /// The first has handle 1.
    attributes: Vec<Attribute>,
    characteristics: Vec<(u16, Characteristic)>,
    services: Arc<[DiscoveredService]>,
    shapes: Vec<Shape>,
}

impl Table {
    pub(super) fn new(services: &[Service]) -> Self {
        let mut table = Self {
            attributes: Vec::new(),
            characteristics: Vec::new(),
            services: Arc::new([]),
            shapes: services.iter().map(Shape::of).collect(),
        };
        let mut all = Vec::new();
        for service in services {
            let handle = table.put(Attribute::Fixed(service.uuid.octets()));
            let characteristics = service.characteristics.iter();
            let characteristics = characteristics.map(|it| table.characteristic(it)).collect();
            let discovered = DiscoveredService {
                uuid: service.uuid,
                handle,
                end_handle: table.last_handle(),
                characteristics,
            };
            all.push(discovered);
        }
        table.services = all.into();
        table
    }

    pub(super) fn services(&self) -> &Arc<[DiscoveredService]> {
        &self.services
    }

    /// By characteristic, which one of another table is the same to a central: all of its service is, and at the
    /// same handles.
    pub(super) fn heirs(&self, next: &Self) -> Vec<Option<usize>> {
        let mut heirs = vec![None; self.characteristics.len()];
        for service in self.same(next) {
            for it in &service.characteristics {
                let of = |table: &Self| {
                    let all = &table.characteristics;
                    all.binary_search_by_key(&it.handle, |(handle, _)| *handle)
                };
                if let Ok(index) = of(self) {
                    heirs[index] = of(next).ok();
                }
            }
        }
        heirs
    }

    /// The handles from the first at which another table has something else to the last; `None` if it has not.
    pub(super) fn changed(&self, next: &Self) -> Option<RangeInclusive<u16>> {
        let kept: Vec<u16> = self.same(next).map(|it| it.handle).collect();
        let all = self.services.iter().chain(&*next.services);
        let changed = all.filter(|it| !kept.contains(&it.handle));
        let ranges: Vec<_> = changed.map(|it| (it.handle, it.end_handle)).collect();
        let first = ranges.iter().map(|(first, _)| *first).min()?;
        let last = ranges.iter().map(|(_, last)| *last).max()?;
        Some(first..=last)
    }

    fn same<'a>(&'a self, next: &'a Self) -> impl Iterator<Item = &'a DiscoveredService> {
        let all = self.services.iter().zip(&self.shapes);
        let is_same = |(service, shape): &(&DiscoveredService, &Shape)| {
            let others = &next.services;
            let other = others.binary_search_by_key(&service.handle, |it| it.handle);
            other.is_ok_and(|it| others[it] == **service && next.shapes[it] == **shape)
        };
        all.filter(is_same).map(|(service, _)| service)
    }

    pub(super) fn attribute(&self, handle: u16) -> Result<&Attribute, AttError> {
        usize::from(handle)
            .checked_sub(1)
            .and_then(|index| self.attributes.get(index))
            .ok_or(AttError::InvalidHandle)
    }

    pub(super) fn characteristic_at(&self, index: usize) -> &Characteristic {
        &self.characteristics[index].1
    }

    pub(super) fn value_handle(&self, index: usize) -> u16 {
        self.characteristics[index].0
    }

    /// The characteristics that tell of a cell.
    pub(super) fn told_of(&self, cell: CellId) -> impl Iterator<Item = (usize, &Characteristic)> {
        let all = self.characteristics.iter().enumerate();
        all.filter(move |(_, (_, characteristic))| characteristic.tells().0 == cell)
            .map(|(index, (_, characteristic))| (index, characteristic))
    }

    fn characteristic(&mut self, characteristic: &Characteristic) -> DiscoveredCharacteristic {
        let properties = characteristic.access.properties();
        let handle = self.last_handle() + 2;
        let mut declaration = vec![properties];
        declaration.extend(handle.to_le_bytes());
        declaration.extend(characteristic.uuid.octets());
        self.put(Attribute::Fixed(declaration));

        let index = self.characteristics.len();
        self.characteristics.push((handle, characteristic.clone()));
        self.put(Attribute::Value(index));

        let mut descriptors = Vec::new();
        if characteristic.access.can_subscribe() {
            descriptors.push(DiscoveredDescriptor {
                uuid: CLIENT_CHARACTERISTIC_CONFIGURATION,
                handle: self.put(Attribute::Configuration(index)),
            });
        }
        for descriptor in characteristic.descriptors() {
            descriptors.push(DiscoveredDescriptor {
                uuid: descriptor.uuid,
                handle: self.put(Attribute::Fixed(descriptor.value)),
            });
        }
        DiscoveredCharacteristic {
            uuid: characteristic.uuid,
            handle,
            properties,
            descriptors,
        }
    }

    fn put(&mut self, attribute: Attribute) -> u16 {
        self.attributes.push(attribute);
        self.last_handle()
    }

    fn last_handle(&self) -> u16 {
        u16::try_from(self.attributes.len())
            .expect("a configuration with more attributes than handles is refused")
    }
}
