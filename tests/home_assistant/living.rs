//! Home Assistant itself, this program and a broker: what it shows is what is so, and what it asks for is done.

use bemo_sync::codec::Value;
use serde_json::json;

use super::assistant::Assistant;
use super::bemo::Bemo;
use super::mosquitto::Mosquitto;
use super::tap::Tap;
use super::{installed, told};

const ON: usize = 0;
const BRIGHTNESS: usize = 1;
const COLOUR: usize = 2;
const SPEED: usize = 3;
const MODE: usize = 4;
const LOCK: usize = 5;
const LABEL: usize = 6;
const BUTTON: usize = 7;

pub fn waits(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + super::mosquitto::PATIENCE;
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
}

/// `examples/home-assistant.yaml`, each of its entities, both ways.
#[test]
fn home_assistant_shows_what_is_so_and_what_it_asks_for_is_done() {
    let Some(python) = installed() else { return };
    let broker = Mosquitto::start();
    let mut assistant = Assistant::start(&python, broker.port);
    let bemo = Bemo::connected(&told("examples/home-assistant.yaml", broker.port));
    let mut air = Tap::connect(broker.port, "air");

    // What there is from the start.
    let speed = assistant.wait_for("number.desk_speed", "0");
    assert_eq!(
        [&speed["min"], &speed["max"], &speed["step"], &speed["mode"]],
        [&json!(0.0), &json!(100.0), &json!(5.0), &json!("slider")]
    );
    assert_eq!(speed["unit_of_measurement"], "%");
    assistant.wait_for("light.desk_lamp", "off");
    let mode = assistant.wait_for("select.desk_mode", "steady");
    assert_eq!(mode["options"], json!(["steady", "breeze", "night"]));
    assistant.wait_for("switch.desk_child_lock", "off");
    assistant.wait_for("text.desk_label", "Desk");
    assistant.wait_for("event.desk_button", "unknown");
    assistant.wait_for("sensor.desk_pressure", "unknown");
    assert_eq!(assistant.entities().len(), 9);
    assert_eq!(assistant.entities()[0]["device"], "Desk");

    // What a phone does is seen there.
    bemo.write(ON, Value::Bool(true)).unwrap();
    assistant.wait_for("light.desk_lamp", "on");
    bemo.write(BRIGHTNESS, Value::Int(51)).unwrap();
    assistant.wait_for_attribute("light.desk_lamp", "brightness", &json!(51));
    bemo.write(
        COLOUR,
        Value::List([Value::Int(128), Value::Int(255)].into()),
    )
    .unwrap();
    assistant.wait_for_attribute("light.desk_lamp", "hs_color", &json!([180.0, 100.0]));
    bemo.write(SPEED, Value::Int(35)).unwrap();
    assistant.wait_for("number.desk_speed", "35");
    bemo.write(MODE, Value::Int(1)).unwrap();
    assistant.wait_for("select.desk_mode", "breeze");
    bemo.write(BUTTON, Value::Int(2)).unwrap();
    assistant.wait_for_attribute("event.desk_button", "event_type", &json!("double"));

    // What a sensor says on MQTT, and that it knows nothing.
    air.publish("desk/air", r#"{"temperature": 21.53}"#);
    let temperature = assistant.wait_for("sensor.desk_temperature", "21.53");
    assert_eq!(temperature["unit_of_measurement"], "°C");
    assert_eq!(temperature["device_class"], "temperature");
    air.publish("desk/air/humidity", "null");
    assistant.wait_for("sensor.desk_humidity", "unknown");
    air.publish("desk/air/pressure", "1013.2");
    let pressure = assistant.wait_for("sensor.desk_pressure", "1013.2");
    assert_eq!(pressure["unit_of_measurement"], "hPa");

    // What it asks for.
    assistant.call(
        "number",
        "set_value",
        json!({ "entity_id": "number.desk_speed", "value": 55 }),
    );
    waits("the speed", || bemo.value(SPEED) == Some(Value::Int(55)));
    assistant.wait_for("number.desk_speed", "55");
    let night = json!({ "entity_id": "select.desk_mode", "option": "night" });
    assistant.call("select", "select_option", night);
    waits("the mode", || bemo.value(MODE) == Some(Value::Int(2)));
    assistant.call(
        "switch",
        "turn_on",
        json!({ "entity_id": "switch.desk_child_lock" }),
    );
    waits("the lock", || bemo.value(LOCK) == Some(Value::Bool(true)));
    assistant.wait_for("switch.desk_child_lock", "on");
    let label = "it's \"{{ 1 }}\"";
    assistant.call(
        "text",
        "set_value",
        json!({ "entity_id": "text.desk_label", "value": label }),
    );
    waits("the label", || {
        bemo.value(LABEL) == Some(Value::Text(label.into()))
    });
    assistant.wait_for("text.desk_label", label);
    let green = json!({ "entity_id": "light.desk_lamp", "brightness": 128, "hs_color": [120, 50] });
    assistant.call("light", "turn_on", green);
    // 0.33 of 255, 0.5 of 255: what JSON shows of them has two decimals.
    let colour = Value::List([Value::Int(84), Value::Int(128)].into());
    waits("the colour", || bemo.value(COLOUR) == Some(colour.clone()));
    waits("the brightness", || {
        bemo.value(BRIGHTNESS) == Some(Value::Int(128))
    });
    assistant.call(
        "light",
        "turn_off",
        json!({ "entity_id": "light.desk_lamp" }),
    );
    waits("the light", || bemo.value(ON) == Some(Value::Bool(false)));
    assistant.wait_for("light.desk_lamp", "off");

    // That it is gone.
    bemo.abort();
    assistant.wait_for("light.desk_lamp", "unavailable");
    assert_eq!(assistant.complaints(), [""; 0]);
}

/// `examples/lampi.yaml`: the lamp's own program decides, and hears Home Assistant as it hears a phone.
#[test]
fn a_lamp_that_another_program_owns_is_a_light() {
    let Some(python) = installed() else { return };
    let broker = Mosquitto::start();
    let mut owner = Tap::connect(broker.port, "owner");
    owner.subscribe("lamp/set_config");
    let says =
        r#"{"color": {"h": 0.5, "s": 1.0}, "brightness": 0.2, "on": true, "client": "lamp_ui"}"#;
    owner.publish_retained("lamp/changed", says);
    let mut assistant = Assistant::start(&python, broker.port);
    let bemo = Bemo::connected(&told("examples/lampi.yaml", broker.port));
    let light = "light.lampi_lamp_service";
    let shown = assistant.wait_for(light, "on");
    assert_eq!(shown["supported_color_modes"], json!(["hs"]));
    assistant.wait_for_attribute(light, "brightness", &json!(51));
    assistant.wait_for_attribute(light, "hs_color", &json!([180.0, 100.0]));
    assert_eq!(assistant.entities().len(), 1);

    // Its owner is asked with another mark than ours, or we would take its answer for an echo.
    assistant.call("light", "turn_off", json!({ "entity_id": light }));
    let asked = owner.next_on("lamp/set_config");
    assert_eq!(asked, r#"{"on": false, "client": "home_assistant"}"#);
    owner.publish_retained("lamp/changed", says.replace("true", "false"));
    assistant.wait_for(light, "off");
    waits("the phone's view", || {
        bemo.value(2) == Some(Value::Bool(false))
    });

    // Whoever says only a part has said nothing of the rest.
    owner.publish_retained(
        "lamp/changed",
        r#"{"brightness": 1.0, "client": "lamp_ui"}"#,
    );
    owner.publish_retained("lamp/changed", r#"{"on": true, "client": "lamp_ui"}"#);
    assistant.wait_for(light, "on");
    assistant.wait_for_attribute(light, "brightness", &json!(255));
    assistant.wait_for_attribute(light, "hs_color", &json!([180.0, 100.0]));
    let red = json!({ "entity_id": light, "hs_color": [0, 100] });
    assistant.call("light", "turn_on", red);
    let asked = owner.next_on("lamp/set_config");
    let expected = r#"{"color": {"h": 0.0, "s": 1.0}, "client": "home_assistant"}"#;
    assert_eq!(asked, expected);
    assert_eq!(assistant.complaints(), [""; 0]);
}
