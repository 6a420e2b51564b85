//! What is advertised, for whichever adapter serves.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::assigned::BtUuid;
use crate::config::model::Form;
use crate::config::{Interval, Lenient, Literal, NodeId, Spanned};
use crate::plugin::Configure;

/// An advertisement, and a scan response, each (Core Spec 5.4, Vol 6, Part B, 2.3.1).
const PACKET_MAX: usize = 31;
/// Of every field: its length and its type (Vol 3, Part C, 11).
const FIELD: usize = 2;
/// That the device can be discovered and that it speaks LE.
const FLAGS: usize = FIELD + 1;
/// What an advertiser may take between two packets (Vol 6, Part B, 4.4.2.2.1).
const INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(20)..=Duration::from_millis(10_240);
/// What BlueZ can count: 16 bits of seconds.
const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(65_535);

/// What the advertisement says besides the UUIDs of services, and how often. It has 31 bytes, of which
/// 3 are flags. The name has 31 of its own, in the scan response.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvertiseConfig {
    /// The name: a text of 29 bytes at most (`{hostname}`, `{machine_id}` and `{device_name}` are
    /// filled in), `true` for the device's name, or `false` for none. Without it, `true`.
    #[serde(default)]
    #[schemars(with = "Option<NameSchema>")]
    pub name: Option<Spanned<Literal>>,
    /// How much time passes between two packets, 20ms … 10.24s; or the least and the most,
    /// `[100ms, 150ms]`. Short ones are found sooner and take more power. Without it, as the system
    /// has it, mostly 1.28s. BlueZ before 5.78 (without
    /// `--experimental`) and Linux before 5.11 keep to that.
    #[serde(default)]
    pub interval: Option<Spanned<IntervalRange>>,
    /// After this time it ends, until the next start: whole seconds, 65535s at most. Without it, never.
    #[serde(default)]
    pub timeout: Option<Spanned<Lenient<Interval>>>,
    /// Data of services: the UUID, and the bytes in hexadecimal.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "180F": "64" }]))]
    pub service_data: Option<BTreeMap<String, Spanned<Literal>>>,
    /// Data of manufacturers: the company identifier (`0xFFFF` for tests), and the bytes in
    /// hexadecimal.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "0xFFFF": "0102" }]))]
    pub manufacturer_data: Option<BTreeMap<String, Spanned<Literal>>>,
}

/// The least and the most time between two packets; one interval is both.
#[derive(Debug)]
pub struct IntervalRange(Vec<Lenient<Interval>>);

/// What is advertised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertisement {
    /// In the scan response.
    pub name: Option<String>,
    pub services: Vec<BtUuid>,
    pub service_data: Vec<(BtUuid, Vec<u8>)>,
    /// By company identifier.
    pub manufacturer_data: Vec<(u16, Vec<u8>)>,
    /// The least and the most; `None` leaves it to the system.
    pub interval: Option<(Duration, Duration)>,
    /// `None` is for ever.
    pub timeout: Option<Duration>,
}

impl Advertisement {
    pub(super) fn declare(
        declared: &mut Configure<'_>,
        config: Option<&Spanned<AdvertiseConfig>>,
    ) -> Self {
        let services = declared.services().iter().filter(|it| it.advertise);
        let mut services: Vec<BtUuid> = services.map(|service| service.uuid).collect();
        services.sort_by_key(|uuid| uuid.as_short().map_or(u32::MAX, |short| short.max(0xFFFF)));
        services.dedup();
        let device_name = declared.device_name().to_owned();
        let Some(Spanned { at, value: config }) = config else {
            return Self {
                name: Some(device_name),
                services,
                ..Self::default()
            };
        };
        let by_service = entries(declared, config.service_data.as_ref(), |key| {
            key.parse().map_err(|problem: String| {
                (
                    problem,
                    "a UUID, as in `service_data: { \"180F\": \"64\" }`",
                )
            })
        });
        let by_company = entries(declared, config.manufacturer_data.as_ref(), |key| {
            company(key).ok_or_else(|| {
                let help =
                    "four hexadecimal digits, as in `manufacturer_data: { \"0xFFFF\": \"0102\" }`";
                (format!("`{key}` is no company identifier"), help)
            })
        });
        let advertisement = Self {
            name: name(declared, config.name.as_ref(), device_name),
            services,
            service_data: by_service,
            manufacturer_data: by_company,
            interval: config
                .interval
                .as_ref()
                .and_then(|range| range.value.resolve(range.at, declared)),
            timeout: config.timeout.as_ref().and_then(|it| timeout(it, declared)),
        };
        advertisement.check_room(*at, declared);
        advertisement
    }

    /// What is declared here has to fit. Without it, whatever does not fit is left out when the adapter
    /// does not take it.
    fn check_room(&self, at: NodeId, declared: &mut Configure<'_>) {
        if self.service_data.is_empty() && self.manufacturer_data.is_empty() {
            return;
        }
        let parts = self.parts();
        let size: usize = parts.iter().map(|(_, size)| size).sum();
        if size > PACKET_MAX {
            let parts = parts.iter().filter(|(_, size)| *size > 0);
            let parts: Vec<_> = parts.map(|(what, size)| format!("{what} {size}")).collect();
            let message = format!(
                "the advertisement would have {size} bytes, and {PACKET_MAX} is the most: {}",
                parts.join(", ")
            );
            let help = "shorten the data, or let fewer services say `advertise: true`";
            declared.mistake(at, message, help);
        }
    }

    /// What the packet is made of, with all that goes with it.
    fn parts(&self) -> [(&'static str, usize); 4] {
        // UUIDs of the same length share a field.
        let services: usize = [2, 4, 16]
            .into_iter()
            .map(|length| {
                let of_length = self.services.iter().filter(|it| octets(**it) == length);
                match of_length.count() {
                    0 => 0,
                    count => FIELD + count * length,
                }
            })
            .sum();
        let by_service = self.service_data.iter();
        let by_service = by_service.map(|(uuid, data)| FIELD + octets(*uuid) + data.len());
        let by_company = self.manufacturer_data.iter();
        let by_company = by_company.map(|(_, data)| FIELD + 2 + data.len());
        [
            ("flags", FLAGS),
            ("service UUIDs", services),
            ("service data", by_service.sum()),
            ("manufacturer data", by_company.sum()),
        ]
    }
}

/// In an advertisement, a 32 bit UUID has a form of its own.
fn octets(uuid: BtUuid) -> usize {
    match uuid.as_short() {
        Some(short) if short <= 0xFFFF => 2,
        Some(_) => 4,
        None => 16,
    }
}

fn name(
    declared: &mut Configure<'_>,
    config: Option<&Spanned<Literal>>,
    device_name: String,
) -> Option<String> {
    let Some(config) = config else {
        return Some(device_name);
    };
    match (config.quoted, &*config.text) {
        (false, "true") => return Some(device_name),
        (false, "false") => return None,
        (true | false, _) => {}
    }
    let text = Spanned {
        at: config.at,
        value: config.text.clone(),
    };
    let name = declared.expand(&text, &[])?;
    let room = PACKET_MAX - FIELD;
    if name.is_empty() {
        let help = "write `false` for an advertisement without a name";
        declared.mistake(config.at, "a name has at least one character", help);
    } else if name.len() > room {
        let message = format!(
            "this name has {} bytes, and {room} is the most in an advertisement",
            name.len()
        );
        let help = "shorten it; `device: { name: … }` may be longer, centrals read that";
        declared.mistake(config.at, message, help);
    }
    Some(name)
}

fn entries<K>(
    declared: &mut Configure<'_>,
    config: Option<&BTreeMap<String, Spanned<Literal>>>,
    parse: impl Fn(&str) -> Result<K, (String, &'static str)>,
) -> Vec<(K, Vec<u8>)> {
    let mut entries = Vec::new();
    for (key, data) in config.into_iter().flatten() {
        let key = parse(key).map_err(|(message, help)| declared.mistake(data.at, message, help));
        let octets = hex(&data.text);
        if octets.is_none() {
            let message = format!("`{}` is no hexadecimal", data.text);
            let help = "two digits for each byte, in quotes, as in `\"0102\"`";
            declared.mistake(data.at, message, help);
        }
        if let (Ok(key), Some(octets)) = (key, octets) {
            entries.push((key, octets));
        }
    }
    entries
}

fn company(key: &str) -> Option<u16> {
    let digits = key.strip_prefix("0x").or_else(|| key.strip_prefix("0X"));
    let digits = digits.unwrap_or(key);
    let is_hex = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

fn timeout(
    Spanned { at, value }: &Spanned<Lenient<Interval>>,
    declared: &mut Configure<'_>,
) -> Option<Duration> {
    let help = "whole seconds, as in `180s` or `3min`; 65535s at most";
    match &value.0 {
        Ok(Interval(timeout)) if TIMEOUTS.contains(timeout) && timeout.subsec_nanos() == 0 => {
            return Some(*timeout);
        }
        Ok(Interval(_)) => declared.mistake(*at, "BlueZ cannot count this timeout", help),
        Err(problem) => declared.mistake(*at, problem, help),
    }
    None
}

impl IntervalRange {
    fn resolve(&self, at: NodeId, declared: &mut Configure<'_>) -> Option<(Duration, Duration)> {
        let help = "20ms … 10.24s, as in `100ms`, or `[100ms, 150ms]` for the least and the most";
        let mut ends = Vec::new();
        for end in &self.0 {
            match &end.0 {
                Ok(Interval(end)) if INTERVALS.contains(end) => ends.push(*end),
                Ok(Interval(_)) => {
                    declared.mistake(at, "nobody advertises in this interval", help);
                    return None;
                }
                Err(problem) => {
                    declared.mistake(at, problem, help);
                    return None;
                }
            }
        }
        match ends[..] {
            [both] => Some((both, both)),
            [least, most] if least <= most => Some((least, most)),
            _ => {
                declared.mistake(at, "this is no range of intervals", help);
                None
            }
        }
    }
}

impl<'de> Deserialize<'de> for IntervalRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrTwo;
        impl<'de> Visitor<'de> for OneOrTwo {
            type Value = IntervalRange;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time, or `[100ms, 150ms]`,")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<IntervalRange, E> {
                Ok(IntervalRange(vec![Lenient(Interval::parse(text))]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut ends: A) -> Result<IntervalRange, A::Error> {
                let mut range = Vec::new();
                while let Some(end) = ends.next_element()? {
                    range.push(end);
                }
                Ok(IntervalRange(range))
            }
        }
        deserializer.deserialize_any(OneOrTwo)
    }
}

impl JsonSchema for IntervalRange {
    fn schema_name() -> Cow<'static, str> {
        "IntervalRange".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Interval>();
        json_schema!({
            "description": "A length of time, or the least and the most, as in `[100ms, 150ms]`.",
            "anyOf": [one, { "type": "array", "items": one, "minItems": 2, "maxItems": 2 }],
        })
    }
}

/// Of `name`.
struct NameSchema;

impl JsonSchema for NameSchema {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AdvertisedName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "boolean"] })
    }
}
