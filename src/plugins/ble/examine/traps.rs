//! Pure: what is known of the versions of BlueZ, and matters to what is declared.

use crate::gatt::assigned::BtUuid;
use crate::gatt::section::Peripheral;
use crate::gatt::{Characteristic, SecurityLevel, Service};
use crate::plugin::Level;

/// Something that a version of BlueZ does, and that one may not expect.
pub(super) struct Trap {
    /// It is so from this version on, and before the other: 0x0542 is 5.66.
    from: u32,
    before: u32,
    /// Whether what is declared meets it.
    concerns: fn(&Declared<'_>) -> bool,
    pub(super) level: Level,
    pub(super) says: &'static str,
    pub(super) fix: Option<&'static str>,
    /// Where that is known from.
    #[cfg_attr(not(test), expect(dead_code, reason = "for who reads the table"))]
    source: &'static str,
}

/// What is declared, as far as traps go.
pub(super) struct Declared<'a> {
    pub(super) peripheral: &'a Peripheral,
    pub(super) services: &'a [Service],
}

const EVER: u32 = u32::MAX;

const TRAPS: &[Trap] = &[
    Trap {
        from: 0,
        before: 0x0538,
        concerns: |it| {
            it.any(|it| it.access.can_subscribe() && it.security.notify > SecurityLevel::Open)
        },
        level: Level::Fail,
        says: "it cannot keep centrals from subscribing to what is not open, so nothing is served",
        fix: Some(
            "upgrade to BlueZ 5.56, or write `security: { notify: open }` where that is right",
        ),
        source: "BlueZ doc/gatt-api.txt: encrypt-notify and its like from 5.56 on; src/plugins/ble/serving.rs",
    },
    Trap {
        from: 0,
        before: 0x054E,
        concerns: |it| it.peripheral.advertisement.interval.is_some(),
        level: Level::Warn,
        says: "it passes over the `interval` of the advertisement",
        fix: Some(
            "write `Experimental = true` under [General] in /etc/bluetooth/main.conf; sudo systemctl restart bluetooth",
        ),
        source: "BlueZ src/advertising.c: experimental before 5.78; docs/decisions/0004-bluez-methods.md",
    },
    Trap {
        from: 0,
        before: 0x0545,
        concerns: |it| it.any(|it| it.access.can_subscribe()),
        level: Level::Ok,
        says: "it tells of the first subscriber of a characteristic and of no other: events name only that one",
        fix: None,
        source: "seen with 5.66; sockets for each subscriber from 5.69 on: docs/decisions/0004-bluez-methods.md",
    },
    Trap {
        from: 0,
        before: 0x054C,
        concerns: |it| it.any(|it| it.access.can_subscribe() && it.access.write),
        level: Level::Ok,
        says: "it notifies all subscribers at once, also the one that has written the value",
        fix: None,
        source: "directed delivery from 5.76 on: docs/decisions/0004-bluez-methods.md",
    },
    Trap {
        from: 0,
        before: EVER,
        concerns: |it| it.any(|it| it.access.write && it.access.write_without_response),
        level: Level::Ok,
        says: "beside `write_without_response` it answers a write before this program sees it: a wrong one looks right to \
            the central",
        fix: None,
        source: "BlueZ src/gatt-database.c; seen with 5.66 and 5.82",
    },
    Trap {
        from: 0,
        before: EVER,
        concerns: |it| {
            it.services
                .iter()
                .any(|it| it.uuid == BtUuid::short(0x180A))
        },
        level: Level::Ok,
        says: "it shows a Device Information service of its own beside the declared one: phones see two",
        fix: None,
        source: "BlueZ src/gatt-database.c (PnP ID); seen with 5.66 and 5.82",
    },
];

/// What this version does and the declaration meets.
pub(super) fn met<'a>(
    version: u32,
    declared: &'a Declared<'a>,
) -> impl Iterator<Item = &'static Trap> + 'a {
    let traps = TRAPS.iter();
    traps.filter(move |it| (it.from..it.before).contains(&version) && (it.concerns)(declared))
}

impl Declared<'_> {
    fn any(&self, is_one: impl Fn(&Characteristic) -> bool) -> bool {
        self.services
            .iter()
            .flat_map(|it| &it.characteristics)
            .any(is_one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trap_says_where_it_is_known_from() {
        assert!(
            TRAPS
                .iter()
                .all(|it| !it.source.is_empty() && it.from < it.before)
        );
    }
}
