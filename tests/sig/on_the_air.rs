//! The bytes are those of the specifications.

use bemo_sync::codec::att;
use serde_json::{Value as Json, json};

use crate::{bytes, named, of_json};

/// Name, JSON, and the octets on the air.
type Example = (&'static str, fn() -> Json, &'static [u8]);

/// Values and their bytes. GSS is the GATT Specification Supplement, in the section of the name.
const EXAMPLES: &[Example] = &[
    // GSS: an unsigned octet in percent; 100 is fully charged.
    ("battery_level", || json!(100), &[0x64]),
    // GSS: 0.01 °C, -273.15 the lowest; 0x8000 is not known.
    ("temperature", || json!(27), &[0x8C, 0x0A]),
    ("temperature", || json!(-273.15), &[0x4D, 0x95]),
    ("temperature", || json!(null), &[0x00, 0x80]),
    // GSS: 0.01 percent, to 100.00; 0xFFFF is not known.
    ("humidity", || json!(100), &[0x10, 0x27]),
    ("humidity", || json!(null), &[0xFF, 0xFF]),
    // GSS: 0.1 Pa in 32 bits: 101 325.0 Pa is 1 013 250.
    ("pressure", || json!(101325), &[0x02, 0x76, 0x0F, 0x00]),
    // GSS: 0.01 m in 24 bits, signed: -1.00 m is -100.
    ("elevation", || json!(-1), &[0x9C, 0xFF, 0xFF]),
    // GSS: to 359.99 degrees in steps of 0.01.
    ("true_wind_direction", || json!(359.99), &[0x9F, 0x8C]),
    // GSS: 0xFFFF is not known, and 65533 the most.
    ("co2_concentration", || json!(65533), &[0xFD, 0xFF]),
    ("co2_concentration", || json!(null), &[0xFF, 0xFF]),
    // GSS: half a percent; 0xFF is not known.
    ("percentage_8", || json!(100), &[0xC8]),
    ("percentage_8", || json!(null), &[0xFF]),
    // GSS: 1/64 V, to 1022.0 V.
    ("voltage", || json!(1022), &[0x80, 0xFF]),
    ("voltage", || json!(0.015625), &[0x01, 0x00]),
    // GSS: half a degree, -64.0 to 63.0; 0x7F is not known.
    ("temperature_8", || json!(-64), &[0x80]),
    ("temperature_8", || json!(63), &[0x7E]),
    ("temperature_8", || json!(null), &[0x7F]),
    // GSS: thousands of lumen hours, to 16 777 214 000.
    (
        "luminous_energy",
        || json!(16_777_214_000_u64),
        &[0xFE, 0xFF, 0xFF],
    ),
    // GSS: 0x02 is the wrist.
    ("body_sensor_location", || json!("wrist"), &[0x02]),
    // GSS: 0x02 is a high alert.
    ("alert_level", || json!("high_alert"), &[0x02]),
    // GSS: bit 0 clear is 8 bits, set is 16 bits, bit 4 is RR-intervals in 1/1024 s.
    (
        "heart_rate_measurement",
        || json!({ "flags": {}, "heart_rate": 60 }),
        &[0x00, 0x3C],
    ),
    (
        "heart_rate_measurement",
        || json!({ "flags": {}, "heart_rate": 300 }),
        &[0x01, 0x2C, 0x01],
    ),
    (
        "heart_rate_measurement",
        || {
            json!({
                "flags": { "sensor_contact_detected": true, "sensor_contact_supported": true },
                "heart_rate": 60, "energy_expended": 258, "rr_intervals": [1.0, 0.5],
            })
        },
        &[0x1E, 0x3C, 0x02, 0x01, 0x00, 0x04, 0x00, 0x02],
    ),
    // IEEE 11073-20601, 36.4 as a FLOAT: exponent -1, mantissa 364. GSS: bit 0 is Fahrenheit, bit 1 a
    // time stamp, bit 2 a type; 6 is the mouth.
    (
        "temperature_measurement",
        || json!({ "celsius": 36.4 }),
        &[0x00, 0x6C, 0x01, 0x00, 0xFF],
    ),
    (
        "temperature_measurement",
        || json!({ "fahrenheit": 97.5 }),
        &[0x01, 0xCF, 0x03, 0x00, 0xFF],
    ),
    (
        "temperature_measurement",
        || {
            json!({
                "celsius": 36.4,
                "time_stamp": { "year": 2012, "month": 12, "day": 5, "hours": 11, "minutes": 50, "seconds": 27 },
                "temperature_type": "mouth",
            })
        },
        &[
            0x06, 0x6C, 0x01, 0x00, 0xFF, 0xDC, 0x07, 12, 5, 11, 50, 27, 6,
        ],
    ),
    // GSS: systolic, diastolic and mean as SFLOAT in mmHg, then the pulse with bit 2.
    (
        "blood_pressure_measurement",
        || json!({ "systolic": 121, "diastolic": 81, "mean_arterial_pressure": 93, "pulse_rate": 72 }),
        &[0x04, 0x79, 0x00, 0x51, 0x00, 0x5D, 0x00, 0x48, 0x00],
    ),
    // GSS: 0.005 kg, then BMI in 0.1 and height in 0.001 m with bit 3.
    (
        "weight_measurement",
        || json!({ "weight": 70, "bmi": 22.9, "height": 1.75 }),
        &[0x08, 0xB0, 0x36, 0xE5, 0x00, 0xD6, 0x06],
    ),
    // Pulse Oximeter Service: SpO2 and the pulse as SFLOAT.
    (
        "plx_continuous_measurement",
        || json!({ "spo2": 97, "pulse_rate": 64 }),
        &[0x00, 0x61, 0x00, 0x40, 0x00],
    ),
    // GSS: wheel revolutions in 32 bits and 1/1024 s with bit 0, cranks in 16 bits with bit 1.
    (
        "csc_measurement",
        || {
            json!({
                "cumulative_wheel_revolutions": 1, "last_wheel_event_time": 1.0,
                "cumulative_crank_revolutions": 2, "last_crank_event_time": 0.5,
            })
        },
        &[0x03, 1, 0, 0, 0, 0x00, 0x04, 2, 0, 0x00, 0x02],
    ),
    // GSS: 1/256 m/s; bit 2 is running.
    (
        "rsc_measurement",
        || json!({ "flags": { "running": true }, "instantaneous_speed": 2.5, "instantaneous_cadence": 180 }),
        &[0x04, 0x80, 0x02, 0xB4],
    ),
    // GSS, Extreme Angles: a maximum of 0xABC and a minimum of 0x123 are 0x123ABC.
    (
        "cycling_power_measurement",
        || {
            json!({
                "flags": {
                    "pedal_power_balance_is_left": false,
                    "accumulated_torque_is_crank_based": false,
                    "offset_compensation": false,
                },
                "instantaneous_power": 250, "extreme_angles": 0x123ABC,
            })
        },
        &[0x00, 0x01, 0xFA, 0x00, 0xBC, 0x3A, 0x12],
    ),
    // GSS: with bit 0 (More Data) clear the speed is there, in 0.01 km/h; bit 6 is the power.
    (
        "indoor_bike_data",
        || json!({ "instantaneous_speed": 25.5, "instantaneous_power": 200 }),
        &[0x40, 0x00, 0xF6, 0x09, 0xC8, 0x00],
    ),
    // Fitness Machine Service 1.0, 4.4.1.5: an inclination that is not available is 0x7FFF.
    (
        "treadmill_data",
        || json!({ "instantaneous_speed": 10, "inclination": null, "ramp_angle_setting": 1.5 }),
        &[0x08, 0x00, 0xE8, 0x03, 0xFF, 0x7F, 0x0F, 0x00],
    ),
    // Fitness Machine Service 1.0, tables 4.3 and 4.4: bits 1 and 14; bits 3 and 13.
    (
        "fitness_machine_feature",
        || {
            json!({
                "features": { "cadence": true, "power_measurement": true },
                "target_settings": { "power": true, "indoor_bike_simulation": true },
            })
        },
        &[0x02, 0x40, 0x00, 0x00, 0x08, 0x20, 0x00, 0x00],
    ),
    // Fitness Machine Service 1.0, 4.16: op code 0x05 with the power as a signed 16 bit integer.
    (
        "fitness_machine_control_point",
        || json!({ "op_code": "set_target_power", "parameter": "c800" }),
        &[0x05, 0xC8, 0x00],
    ),
    // GSS: the least year is 1582, and 0 is not known.
    (
        "date_time",
        || json!({ "year": 1582, "month": 10, "day": 15, "hours": 23, "minutes": 59, "seconds": 0 }),
        &[0x2E, 0x06, 10, 15, 23, 59, 0],
    ),
    // GSS: Exact Time 256 and the reason; 1 is Monday, bit 1 an external reference.
    (
        "current_time",
        || {
            json!({
                "year": 2024, "month": 1, "day": 1, "hours": 12, "minutes": 0, "seconds": 0,
                "day_of_week": "monday", "fractions256": 128,
                "adjust_reason": { "external_reference_time_update": true },
            })
        },
        &[0xE8, 0x07, 1, 1, 12, 0, 0, 1, 128, 0x02],
    ),
    // GSS: steps of 15 minutes from -48 to +56; -128 is not known. 4 is daylight time.
    (
        "local_time_information",
        || json!({ "time_zone": 1.0, "dst_offset": "daylight_time" }),
        &[0x04, 0x04],
    ),
    ("time_zone", || json!(-12), &[0xD0]),
    ("time_zone", || json!(14), &[0x38]),
    ("time_zone", || json!(null), &[0x80]),
    // GSS: 1/8 s; 253 is 31.625 s, 255 is not known.
    ("time_accuracy", || json!(31.625), &[0xFD]),
    ("time_accuracy", || json!(null), &[0xFF]),
    // GSS: source 2 is the USB Implementer's Forum, then three integers of 16 bits.
    (
        "pnp_id",
        || {
            json!({
                "vendor_id_source": "usb_implementers_forum", "vendor_id": 0x1D6B,
                "product_id": 0x0246, "product_version": 0x0213,
            })
        },
        &[0x02, 0x6B, 0x1D, 0x46, 0x02, 0x13, 0x02],
    ),
    // Bluetooth SIG, definition of System ID of 2011, its example: OUI 0x123456 and 0x9ABCDE are 0x123456FFFE9ABCDE.
    (
        "system_id",
        || json!("debc9afeff563412"),
        &[0xDE, 0xBC, 0x9A, 0xFE, 0xFF, 0x56, 0x34, 0x12],
    ),
];

#[test]
fn the_bytes_are_those_of_the_specifications() {
    for (name, shown, octets) in EXAMPLES {
        let spec = named(name).spec;
        let value = of_json(&spec, &shown());
        assert_eq!(bytes(&spec, &value), *octets, "{name}: {}", shown());
        assert_eq!(
            att::decode(&spec, octets),
            Ok(value),
            "{name}: {octets:02x?}"
        );
    }
}
