//! What stands beside a name, and what is said of mistakes there.

use bemo_sync::codec::Value;
use bemo_sync::config::schema::services_schema;
use bemo_sync::gatt::assigned::BtUuid;
use serde_json::{Value as Json, json};

use crate::{bytes, load, load_all, of_json, resolved};

#[test]
fn what_stands_beside_a_name_wins() {
    let brought = resolved("{ uuid: battery_level, access: [read] }");
    assert_eq!(brought.name, "Battery Level");
    let own = resolved(
        "{ name: Akku, uuid: battery_level, access: [read], value: { max: 50, constant: 12 } }",
    );
    assert_eq!(own.name, "Akku");
    assert_eq!(own.uuid, brought.uuid);
    assert_eq!(own.presentation, brought.presentation);
    assert!(own.spec.admit(Value::Int(50)).is_ok());
    assert!(own.spec.admit(Value::Int(51)).is_err());
}

#[test]
fn a_value_of_another_type_is_all_its_own() {
    let own = resolved("{ uuid: battery_level, access: [read], value: { type: u16 } }");
    assert!(
        own.spec.admit(Value::Int(65535)).is_ok(),
        "the percent are gone"
    );
}

/// Degrees Fahrenheit in JSON: the least of them is not -273.15, nor is the unit Celsius.
#[test]
fn an_own_scale_takes_the_place_of_all_that_is_said_in_its_unit() {
    let own = resolved(
        "{ uuid: temperature, access: [read], value: { scale: { by: 0.018, offset: 32, decimals: 1 } } }",
    );
    assert_eq!(
        bytes(&own.spec, &of_json(&own.spec, &json!(212))),
        [0x10, 0x27]
    );
    assert_eq!(
        bytes(&own.spec, &of_json(&own.spec, &json!(-459.6))),
        [0x51, 0x95]
    );
    assert_eq!(
        own.presentation,
        bemo_sync::codec::presentation::Presentation::default()
    );
}

#[test]
fn fields_are_met_by_their_names_and_stay_in_their_order() {
    let own = resolved(
        "{ uuid: csc_measurement, access: [read], value: { fields: [ { name: \
         last_crank_event_time, json: /crank/at }, { name: cumulative_crank_revolutions, json: \
         /crank/turns } ] } }",
    );
    let shown = json!({ "crank": { "turns": 2, "at": 0.5 } });
    let value = of_json(&own.spec, &shown);
    assert_eq!(bytes(&own.spec, &value), [0x02, 2, 0, 0x00, 0x02]);
}

#[test]
fn a_field_that_the_characteristic_has_not_is_refused() {
    let said = load(
        "{ uuid: csc_measurement, access: [read], value: { fields: [ { name: \
         last_crank_event_tim, json: /at } ] } }",
    );
    let said = said.err().expect("there is no such field");
    assert!(
        said.contains("the value has no field `last_crank_event_tim`"),
        "{said}"
    );
    assert!(
        said.contains("did you mean `last_crank_event_time`?"),
        "{said}"
    );
}

#[test]
fn a_field_that_is_none_is_one_mistake() {
    for field in [
        "{ name: wheels, json: /at }",
        "{ name: last_crank_event_tim, json: /at }",
        "{ name: wheels, when: nothing, min: 3 }",
        "{ name: last_crank_event_time }, { name: last_crank_event_tim, scale: 7 }",
    ] {
        let said = load(&format!(
            "{{ uuid: csc_measurement, access: [read], value: {{ fields: [ {field} ] }} }}"
        ));
        let said = said.err().expect("there is no such field");
        assert!(!said.contains("no field `…`"), "{said}");
        assert!(
            said.ends_with("1 mistake; nothing was started"),
            "{field}: {said}"
        );
    }
}

/// One node in several places is one node: what is filled in at one must not be found at the other.
#[test]
fn what_an_alias_shares_is_not_filled_in_for_both() {
    let loaded = load_all(
        "version: 1\nble: { adapter: virtual }\nservices:\n  - uuid: environmental_sensing\n    \
         characteristics:\n      - { uuid: temperature, access: [read], value: &v { initial: 1 } }\n      \
         - { uuid: humidity, access: [read], value: *v }\n      - { name: &u battery_level, uuid: \
         *u, access: [read] }\n",
    );
    let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let service = &loaded.plan.services[0];
    assert_eq!(
        (service.uuid, &*service.name),
        (BtUuid::short(0x181A), "Environmental Sensing")
    );
    let [temperature, humidity, battery] = &service.characteristics[..] else {
        panic!("three are declared");
    };
    assert_eq!(bytes(&temperature.spec, &Value::Int(-1)).len(), 2);
    assert!(temperature.spec.admit(Value::Int(-1)).is_ok());
    assert!(humidity.spec.admit(Value::Int(-1)).is_err());
    assert_eq!(
        (battery.uuid, &*battery.name),
        (BtUuid::short(0x2A19), "battery_level")
    );
}

#[test]
fn a_misspelt_name_is_one_mistake_that_says_what_is_meant() {
    let said = load("{ uuid: batery_level, access: [read] }")
        .err()
        .expect("there is no such name");
    assert!(said.contains("`batery_level` is no UUID"), "{said}");
    assert!(said.contains("did you mean `battery_level`?"), "{said}");
    assert!(said.contains("4 or 8 hexadecimal digits"), "{said}");
    let service = load_all(
        "version: 1\nble: { adapter: virtual }\nservices:\n  - uuid: batery_service\n    \
         characteristics: [ { uuid: battery_level, access: [read] } ]\n",
    );
    let said_of_service = service.err().expect("there is no such name");
    assert!(
        said_of_service.contains("did you mean `battery_service`?"),
        "{said_of_service}"
    );
    for said in [said, said_of_service] {
        assert!(said.ends_with("1 mistake; nothing was started"), "{said}");
    }
}

/// A name is a few letters, and brings hundreds of values.
#[test]
fn names_do_not_make_a_file_grow_without_bound() {
    let mut source = String::from(
        "version: 1\nble: { adapter: virtual }\nservices:\n  - uuid: fitness_machine\n    \
         characteristics:\n",
    );
    for _ in 0..10_000 {
        source.push_str("      - { uuid: treadmill_data, access: [read] }\n");
    }
    let said = load_all(&source).err().expect("it is too large");
    assert!(
        said.contains("more than a million values"),
        "{}",
        &said[..400]
    );
}

/// Whoever wrote `uuid: alert_level` has not written the access that does not fit.
#[test]
fn a_mistake_in_what_a_name_brings_is_shown_at_the_name() {
    let said = load("{ uuid: fitness_machine_control_point, value: { constant: 1 } }");
    let said = said.err().expect("a constant cannot be written");
    let at = format!("sig.yaml:7:{}", "      - { uuid: ".len() + 1);
    assert!(said.contains(&at), "{said}");
}

#[test]
fn the_schema_takes_a_name_alone_and_a_number_with_all_that_belongs_to_it() {
    let schema = services_schema();
    let validator = jsonschema::draft202012::new(schema.as_value()).expect("it is a schema");
    let valid = |service: Json| {
        let config = json!({ "version": 1, "services": [service] });
        validator.is_valid(&config)
    };
    let service = |characteristic: Json| json!({ "uuid": "battery_service", "characteristics": [characteristic] });
    let level = json!({ "uuid": "battery_level" });
    assert!(valid(service(level.clone())));
    assert!(valid(service(
        json!({ "uuid": "battery_level", "value": { "constant": 3 } })
    )));
    assert!(!valid(service(json!({ "uuid": "batery_level" }))));
    assert!(!valid(service(json!({ "uuid": "2A19" }))));
    let whole =
        json!({ "name": "B", "uuid": "2A19", "access": ["read"], "value": { "type": "u8" } });
    assert!(valid(service(whole.clone())));
    let untyped = json!({ "name": "B", "uuid": "2A19", "access": ["read"], "value": { "max": 8 } });
    assert!(!valid(service(untyped)));
    assert!(!valid(
        json!({ "uuid": "180F", "characteristics": [level.clone()] })
    ));
    assert!(valid(
        json!({ "name": "S", "uuid": "180F", "characteristics": [level] })
    ));
    assert!(!valid(
        json!({ "uuid": "battery_level", "characteristics": [whole] })
    ));
}
