//! Requests of two centrals at any offset and of any length, on a value of every type: beside the server runs a model of what
//! each read has to give.
//!
//! The bytes are a programme: an operation, the characteristic (a letter from `A` on), and what that takes. See [`OPERATIONS`].

use bemo_sync::codec::MAX_LENGTH;
use bemo_sync::engine::Owner;
use bemo_sync::gatt::server::{Central, RequestError, Subscribed};
use bemo_sync::gatt::{AttError, Characteristic, SecurityLevel};

use super::world::{self, World, assert_valid, encode, kept, rest};

const CONFIGURATION: &str = include_str!("att.yaml");

/// read, blob, write, long write, command, prepare, execute, forget, MTU, subscribe, unsubscribe, take a notification,
/// confirm, disconnect and connect, pair, let the other central go on, publish on the topics, nothing for a while.
const OPERATIONS: &[u8] = b"rbwlopxfmsunkdetq.";
const STEPS_MAX: usize = 200;

pub fn run(bytes: &[u8]) {
    let loaded = world::load(CONFIGURATION).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let is_ours = |cell: usize| loaded.plan.cells[cell].owner == Owner::Here;
    let ours: Vec<bool> = (0..loaded.plan.cells.len()).map(is_ours).collect();
    world::run(async {
        let world = World::of(loaded.plan).await;
        let server = world.server.clone().expect("it is on the air");
        let phones = [server.connect(), server.connect()];
        let reader = server.connect();
        reader.exchange_mtu(517).expect("it is connected");
        reader
            .secure(SecurityLevel::Authenticated)
            .expect("it is connected");
        let all = world.characteristics(&reader);
        let mut play = Play {
            model: all
                .iter()
                .map(|(handle, _)| reader.read_long(*handle).ok())
                .collect(),
            seen: vec![None; all.len()],
            is_modelled: all
                .iter()
                .map(|(_, it)| ours[it.cell.index()] && it.access.read)
                .collect(),
            all,
            world: &world,
            reader,
            phones,
            prepared: [Vec::new(), Vec::new()],
            active: 0,
        };
        let mut programme = Programme(bytes);
        for _ in 0..STEPS_MAX {
            let Some(operation) = programme.operation() else {
                break;
            };
            play.step(operation, &mut programme).await;
            play.check();
        }
        drop(play);
        world.runtime.stop().await;
    });
}

struct Programme<'a>(&'a [u8]);

impl Programme<'_> {
    fn operation(&mut self) -> Option<u8> {
        let byte = self.next()?;
        let is_known = OPERATIONS.contains(&byte);
        Some(if is_known {
            byte
        } else {
            OPERATIONS[usize::from(byte) % OPERATIONS.len()]
        })
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn small(&mut self) -> usize {
        usize::from(self.next().unwrap_or_default())
    }

    /// 0 to 255, or from 0x80 on in steps of five: up to 640, which is more than a value has.
    fn offset(&mut self) -> usize {
        match self.small() {
            small @ 0..0x80 => small,
            large => (large - 0x7F) * 5,
        }
    }

    /// A length and so many octets, again and again until it is reached: long ones need few bytes.
    fn octets(&mut self) -> Vec<u8> {
        let length = self.offset();
        let given = self.0.len().min(length).min(16);
        let (pattern, rest) = self.0.split_at(given);
        self.0 = rest;
        let pattern: &[u8] = if pattern.is_empty() { &[0] } else { pattern };
        pattern.iter().copied().cycle().take(length).collect()
    }
}

/// A part of a long write, or several that follow each other.
struct Prepared {
    index: usize,
    offset: usize,
    octets: Vec<u8>,
}

struct Play<'a> {
    world: &'a World,
    all: Vec<(u16, Characteristic)>,
    /// Sees everything, does nothing.
    reader: Central,
    phones: [Central; 2],
    prepared: [Vec<Prepared>; 2],
    active: usize,
    /// What each value is on the air.
    model: Vec<Option<Vec<u8>>>,
    /// What has been looked at before.
    seen: Vec<Option<Vec<u8>>>,
    /// Nobody else changes it, and it can be seen.
    is_modelled: Vec<bool>,
}

/// A characteristic's value, or any other handle.
enum Target {
    Value(usize, u16),
    Other(u16),
}

impl Play<'_> {
    fn target(&self, programme: &mut Programme<'_>) -> Target {
        let which = programme.next().unwrap_or(b'A').wrapping_sub(b'A');
        let handle = match self.all.get(usize::from(which)) {
            Some((handle, _)) => *handle,
            None => programme.small() as u16,
        };
        // That may be a value too.
        match self.all.iter().position(|(known, _)| *known == handle) {
            Some(index) => Target::Value(index, handle),
            None => Target::Other(handle),
        }
    }

    async fn step(&mut self, operation: u8, programme: &mut Programme<'_>) {
        let phone = &self.phones[self.active];
        match operation {
            b'r' | b'b' => {
                let target = self.target(programme);
                let offset = if operation == b'r' {
                    0
                } else {
                    programme.offset()
                };
                self.read(target, offset);
            }
            b'w' | b'l' => {
                let target = self.target(programme);
                let octets = programme.octets();
                self.write(target, &octets, operation == b'l').await;
            }
            b'o' => {
                let target = self.target(programme);
                let octets = programme.octets();
                let (Target::Value(_, handle) | Target::Other(handle)) = target;
                phone.write_without_response(handle, &octets);
            }
            b'p' => {
                let target = self.target(programme);
                let offset = programme.offset();
                let octets = programme.octets();
                self.prepare(target, offset, &octets);
            }
            b'x' => self.execute().await,
            b'f' => {
                phone
                    .execute_write(false)
                    .await
                    .expect("nothing is written");
                self.prepared[self.active].clear();
            }
            b'm' => {
                let wanted = programme.offset();
                let mtu = phone.exchange_mtu(wanted).expect("it is connected");
                assert!((23..=517).contains(&mtu));
            }
            b's' | b'u' => {
                let target = self.target(programme);
                let by = match (operation, programme.small() % 2) {
                    (b'u', _) => None,
                    (_, 0) => Some(Subscribed::Notify),
                    (_, _) => Some(Subscribed::Indicate),
                };
                let (Target::Value(_, handle) | Target::Other(handle)) = target;
                // Errors are answers like any other.
                let _ = phone.subscribe(handle, by);
            }
            b'n' => self.take(),
            b'k' => drop(phone.confirm()),
            b'd' => {
                let server = self.world.server.as_ref().expect("it is on the air");
                self.phones[self.active] = server.connect();
                self.prepared[self.active].clear();
            }
            b'e' => {
                let levels = [
                    SecurityLevel::Open,
                    SecurityLevel::Encrypted,
                    SecurityLevel::Authenticated,
                ];
                let level = levels[programme.small() % levels.len()];
                phone.secure(level).expect("it is connected");
            }
            b't' => self.active = 1 - self.active,
            b'q' => {
                let payload = programme.octets();
                for topic in ["lamp", "here/set"] {
                    self.world.stage.publish(topic, payload.clone(), false);
                }
                rest().await;
                self.look();
            }
            _ => rest().await,
        }
        rest().await;
    }

    fn value(&self, handle: u16) -> Option<Vec<u8>> {
        self.reader.read_long(handle).ok()
    }

    fn look(&mut self) {
        self.model = self
            .all
            .iter()
            .map(|(handle, _)| self.value(*handle))
            .collect();
    }

    /// Every value is one of its type, and as the model has it.
    fn check(&mut self) {
        for (index, (handle, characteristic)) in self.all.iter().enumerate() {
            let octets = self.value(*handle);
            if let Some(octets) = octets.as_ref().filter(|_| octets != self.seen[index]) {
                assert_valid(&characteristic.spec, octets);
            }
            let name = &characteristic.name;
            assert!(
                !self.is_modelled[index] || octets == self.model[index],
                "{name} is {octets:02x?}"
            );
            self.seen[index].clone_from(&octets);
            self.model[index] = octets;
        }
    }

    fn read(&self, target: Target, offset: usize) {
        let phone = &self.phones[self.active];
        let (Target::Value(_, handle) | Target::Other(handle)) = target;
        let answer = phone.read_blob(handle, offset);
        let mtu = phone.mtu().expect("it is connected");
        if let Ok(octets) = &answer {
            assert!(octets.len() < mtu);
        }
        let Target::Value(index, _) = target else {
            return;
        };
        let expected = match (
            &self.model[index],
            answer.is_ok() || is(&answer, AttError::InvalidOffset),
        ) {
            (Some(whole), true) => match whole.get(offset..) {
                Some(rest) => Ok(rest[..rest.len().min(mtu - 1)].to_vec()),
                None => Err(RequestError::Att(AttError::InvalidOffset)),
            },
            // It is not for this central.
            (_, false) => return,
            (None, true) => panic!("{handle} gave {answer:?}"),
        };
        assert_eq!(answer, expected, "at {offset} of {handle}");
    }

    async fn write(&mut self, target: Target, octets: &[u8], is_long: bool) {
        let phone = &self.phones[self.active];
        let (Target::Value(_, handle) | Target::Other(handle)) = target;
        let answer = if is_long {
            // What was prepared before would be written with it.
            phone
                .execute_write(false)
                .await
                .expect("nothing is written");
            self.prepared[self.active].clear();
            phone.begin_write_long(handle, octets)
        } else {
            phone.begin_write(handle, octets)
        };
        let Target::Value(index, _) = target else {
            return;
        };
        let value = kept(&self.all[index].1.spec, octets);
        match answer {
            Ok(_) => {
                let value = value.expect("only a value is accepted");
                self.model[index] = Some(encode(&self.all[index].1.spec, &value));
            }
            Err(RequestError::Att(AttError::Refused)) if self.is_modelled[index] => {
                assert_eq!(value, None, "{octets:02x?} was refused");
            }
            // It was too long, or it is not for this central.
            Err(_) => {}
        }
    }

    fn prepare(&mut self, target: Target, offset: usize, octets: &[u8]) {
        let phone = &self.phones[self.active];
        let (Target::Value(_, handle) | Target::Other(handle)) = target;
        let answer = phone.prepare_write(handle, offset, octets);
        let (Target::Value(index, _), Ok(())) = (target, answer) else {
            return;
        };
        let prepared = &mut self.prepared[self.active];
        match prepared.last_mut() {
            Some(last) if last.index == index && last.offset + last.octets.len() == offset => {
                last.octets.extend(octets);
            }
            _ => prepared.push(Prepared {
                index,
                offset,
                octets: octets.to_vec(),
            }),
        }
        let held: usize = prepared.iter().map(|it| it.octets.len()).sum();
        assert!(held <= 4 * MAX_LENGTH, "{held} octets are kept");
    }

    /// One after the other, up to the first that is none.
    async fn execute(&mut self) {
        let answer = self.phones[self.active].execute_write(true).await;
        for Prepared {
            index,
            offset,
            octets,
        } in std::mem::take(&mut self.prepared[self.active])
        {
            if !self.is_modelled[index] {
                // What it is spliced into is not known, nor whether it was taken.
                return self.look();
            }
            let spec = &self.all[index].1.spec;
            let before = self.model[index].clone().unwrap_or_default();
            let whole = before
                .get(..offset)
                .map(|before| [before, &octets].concat());
            let whole = whole.filter(|whole| whole.len() <= MAX_LENGTH);
            let Some(value) = whole.and_then(|whole| kept(spec, &whole)) else {
                assert!(answer.is_err(), "{octets:02x?} at {offset} was accepted");
                return;
            };
            self.model[index] = Some(encode(spec, &value));
        }
        assert_eq!(answer, Ok(()));
    }

    /// What a central hears is as long as it may be, and if nothing is cut, a value.
    fn take(&self) {
        let phone = &self.phones[self.active];
        let room = phone.mtu().expect("it is connected") - 3;
        while let Some(told) = phone.try_notification().expect("it is connected") {
            assert!(told.value.len() <= room);
            let known = self.all.iter().find(|(handle, _)| *handle == told.handle);
            let (_, characteristic) = known.expect("it was told of a value");
            if told.value.len() < room {
                assert_valid(characteristic.tells().1, &told.value);
            }
        }
    }
}

fn is(answer: &Result<Vec<u8>, RequestError>, error: AttError) -> bool {
    *answer == Err(RequestError::Att(error))
}
