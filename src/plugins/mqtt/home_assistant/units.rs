//! What Home Assistant calls the units of the Bluetooth SIG, and what is measured in them.

/// A unit, as Home Assistant writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) text: &'static str,
    /// What is measured in it, where that is one thing.
    pub(super) class: Option<&'static str>,
    /// The state class that goes with it.
    pub(super) state_class: &'static str,
}

const MEASUREMENT: &str = "measurement";

/// Number (Assigned Numbers, 3.5), Home Assistant's unit, its device class.
const UNITS: &[(u16, &str, Option<&str>)] = &[
    (0x2701, "m", Some("distance")),
    (0x2702, "kg", Some("weight")),
    (0x2703, "s", Some("duration")),
    (0x2704, "A", Some("current")),
    (0x2705, "K", Some("temperature")),
    (0x2706, "mol", None),
    (0x2707, "cd", None),
    (0x2710, "m²", Some("area")),
    (0x2711, "m³", Some("volume_storage")),
    (0x2712, "m/s", Some("speed")),
    (0x2713, "m/s²", None),
    (0x2720, "rad", None),
    (0x2722, "Hz", Some("frequency")),
    (0x2723, "N", None),
    (0x2724, "Pa", Some("pressure")),
    (0x2725, "J", None),
    (0x2726, "W", Some("power")),
    (0x2727, "C", None),
    (0x2728, "V", Some("voltage")),
    (0x2729, "F", None),
    (0x272A, "Ω", None),
    (0x272B, "S", None),
    (0x272D, "T", None),
    (0x272F, "°C", Some("temperature")),
    (0x2730, "lm", None),
    (0x2731, "lx", Some("illuminance")),
    (0x2734, "Sv", None),
    (0x2741, "N⋅m", None),
    (0x2743, "rad/s", None),
    (0x2760, "min", Some("duration")),
    (0x2761, "h", Some("duration")),
    (0x2762, "d", Some("duration")),
    (0x2763, "°", None),
    (0x2767, "L", Some("volume_storage")),
    (0x2780, "bar", Some("pressure")),
    (0x2781, "mmHg", Some("pressure")),
    (0x2783, "nmi", Some("distance")),
    (0x2785, "kn", Some("speed")),
    (0x27A0, "yd", Some("distance")),
    (0x27A2, "in", Some("distance")),
    (0x27A3, "ft", Some("distance")),
    (0x27A4, "mi", Some("distance")),
    (0x27A5, "psi", Some("pressure")),
    (0x27A6, "km/h", Some("speed")),
    (0x27A7, "mph", Some("speed")),
    (0x27A8, "rpm", None),
    (0x27A9, "cal", None),
    (0x27AA, "kcal", None),
    (0x27AB, "kWh", Some("energy")),
    (0x27AC, "°F", Some("temperature")),
    (0x27AD, "%", None),
    (0x27AE, "‰", None),
    (0x27AF, "bpm", None),
    (0x27B0, "Ah", None),
    (0x27B1, "mg/dL", Some("blood_glucose_concentration")),
    (0x27B2, "mmol/L", Some("blood_glucose_concentration")),
    (0x27B6, "W/m²", Some("irradiance")),
    (0x27B8, "lb", Some("weight")),
    (0x27C2, "L/s", Some("volume_flow_rate")),
    (0x27C3, "dB", Some("sound_pressure")),
    (0x27C4, "ppm", None),
    (0x27C5, "ppb", None),
    (0x27C8, "VA", Some("apparent_power")),
];

/// Characteristics of the SIG that measure one thing only, whatever else has their unit.
const CHARACTERISTICS: &[(u32, &str)] = &[
    (0x2A19, "battery"),
    (0x2A6D, "atmospheric_pressure"),
    (0x2A6F, "humidity"),
    (0x2A70, "wind_speed"),
    (0x2A72, "wind_speed"),
    (0x2A7B, "temperature"),
    (0x2B8C, "carbon_dioxide"),
];

/// The unit of a number, if it has one.
pub(super) fn unit(number: u16) -> Option<Unit> {
    let (_, text, class) = UNITS.iter().find(|(known, _, _)| *known == number)?;
    let state_class = match class {
        Some("energy") => "total_increasing",
        Some(_) | None => MEASUREMENT,
    };
    Some(Unit {
        text,
        class: *class,
        state_class,
    })
}

/// What a characteristic of the SIG measures.
pub(super) fn class_of(short: u32) -> Option<&'static str> {
    let found = CHARACTERISTICS.iter().find(|(known, _)| *known == short);
    found.map(|(_, class)| *class)
}

/// All units that are known here, with their device classes.
pub fn units() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    UNITS.iter().map(|(_, text, class)| (*text, *class))
}
