//! Pure: from a thing and its topics to the entity that Home Assistant makes of it.

use serde_json::{Map, Value as Json, json};

use super::Shown;
use super::flow::{Flow, Missing, State};
use super::shape::{Number, Shape};
use super::template::{VALUE, quoted};
use super::units;
use crate::codec::document;
use crate::plugins::mqtt::config::home_assistant::ComponentConfig;

/// An entity: what kind it is, and what is said of it.
#[derive(Clone, Debug)]
pub(super) struct Entity {
    pub(super) component: ComponentConfig,
    pub(super) body: Map<String, Json>,
}

/// What a thing can become, the most natural first.
pub(super) fn possible(flow: &Flow<'_>, shape: &Shape, is_event: bool) -> Vec<ComponentConfig> {
    use ComponentConfig::{BinarySensor, Button, Event, Number, Select, Sensor, Switch, Text};
    let mut all = Vec::new();
    let is_changed = flow.command.is_some() && flow.read_only.is_none();
    let is_single = matches!(shape, Shape::Choice(options) if options.len() == 1);
    match shape {
        Shape::OnOff(_) if is_changed => all.push(Switch),
        Shape::Choice(_) if is_changed && is_single && flow.state.is_none() => {
            all.extend([Button, Select]);
        }
        Shape::Choice(_) if is_changed => all.push(Select),
        Shape::Number(_) if is_changed => all.push(Number),
        Shape::Text { .. } if is_changed => all.push(Text),
        Shape::OnOff(_) | Shape::Choice(_) | Shape::Number(_) | Shape::Text { .. } => {}
    }
    if flow.state.is_some() {
        match shape {
            Shape::OnOff(_) | Shape::Choice(_) if is_event => all.push(Event),
            Shape::OnOff(_) => all.push(BinarySensor),
            Shape::Choice(_) | Shape::Number(_) | Shape::Text { .. } => {}
        }
        match shape {
            Shape::OnOff(_) => {}
            Shape::Choice(_) | Shape::Number(_) | Shape::Text { .. } => all.push(Sensor),
        }
    }
    if is_changed && matches!(shape, Shape::OnOff(_)) {
        all.push(Button);
    }
    all
}

/// What a thing becomes as that component.
pub(super) fn entity(
    flow: &Flow<'_>,
    shape: &Shape,
    component: ComponentConfig,
    shown: &Shown<'_>,
) -> Entity {
    let mut body = Map::new();
    let mut put = |key: &str, value: Json| drop(body.insert(key.to_owned(), value));
    let reads = !matches!(component, ComponentConfig::Button);
    if let (Some(state), true) = (&flow.state, reads) {
        put("stat_t", state.topic.name.as_str().into());
        if let Some(template) = value_template(state, shape, component) {
            put("val_tpl", template.into());
        }
    }
    let changes = !matches!(
        component,
        ComponentConfig::BinarySensor | ComponentConfig::Sensor | ComponentConfig::Event
    );
    if let (Some(command), true) = (&flow.command, changes) {
        put("cmd_t", command.topic.into());
    }
    match (shape, component) {
        (Shape::OnOff(words), ComponentConfig::Switch | ComponentConfig::BinarySensor) => {
            let texts = words.each_ref().map(|word| rendered(word, flow));
            let payloads = words.each_ref().map(|word| payload(word, flow));
            let [off, on] = match component {
                ComponentConfig::Switch => {
                    let [off, on] = payloads;
                    put("pl_off", off.into());
                    put("pl_on", on.into());
                    ["stat_off", "stat_on"]
                }
                _ => ["pl_off", "pl_on"],
            };
            if flow.state.is_some() {
                put(off, texts[0].as_str().into());
                put(on, texts[1].as_str().into());
            }
        }
        (Shape::OnOff(words), ComponentConfig::Button) => {
            put("pl_prs", payload(&words[1], flow).into());
        }
        (Shape::Choice(options), ComponentConfig::Button) => {
            if let Some(option) = options.first() {
                put("pl_prs", payload(option, flow).into());
            }
        }
        (Shape::Choice(options), ComponentConfig::Event) => put("evt_typ", texts(options)),
        (Shape::OnOff(_), ComponentConfig::Event) => put("evt_typ", json!(["off", "on"])),
        (Shape::Choice(options), ComponentConfig::Select) => {
            put("ops", texts(options));
            let is_text = options.iter().all(Json::is_string);
            let value = if is_text { "value | to_json" } else { "value" };
            if let Some(template) = command_template(flow, value) {
                put("cmd_tpl", template.into());
            }
        }
        (Shape::Choice(options), ComponentConfig::Sensor) => {
            put("dev_cla", "enum".into());
            put("ops", texts(options));
        }
        (Shape::Number(number), ComponentConfig::Number) => {
            put("min", number.min.clone());
            put("max", number.max.clone());
            put("step", plain(number.step));
            put("mode", number.mode().into());
            let value = number.rounded("value");
            if let Some(template) = command_template(flow, &value) {
                put("cmd_tpl", template.into());
            } else {
                put("cmd_tpl", format!("{{{{ {value} }}}}").into());
            }
            measured(&mut put, number, flow, shown, component);
        }
        (Shape::Number(number), ComponentConfig::Sensor) => {
            put("stat_cla", "measurement".into());
            measured(&mut put, number, flow, shown, component);
        }
        (Shape::Text { min, max, pattern }, ComponentConfig::Text) => {
            put("min", json!(min));
            put("max", json!(max));
            if let Some(pattern) = pattern {
                put("ptrn", whole(pattern).into());
            }
            if let Some(template) = command_template(flow, "value | to_json") {
                put("cmd_tpl", template.into());
            }
        }
        _ => {}
    }
    if let (Some(valid_for), ComponentConfig::Sensor | ComponentConfig::BinarySensor) =
        (shown.valid_for, component)
    {
        put("exp_aft", json!(valid_for.as_secs().max(1)));
    }
    Entity { component, body }
}

/// The unit of a number and what it measures, unless something else is declared.
fn measured(
    put: &mut impl FnMut(&str, Json),
    number: &Number,
    flow: &Flow<'_>,
    shown: &Shown<'_>,
    component: ComponentConfig,
) {
    let known = units::unit(flow.leaf.unit);
    let unit = shown.asked.unit.as_deref().or(known.map(|it| it.text));
    let Some(unit) = unit else { return };
    put("unit_of_meas", unit.into());
    let is_known = known.is_some_and(|known| known.text == unit);
    let short = shown.short.filter(|_| flow.leaf.path.is_empty());
    let class = short.and_then(units::class_of);
    let class = class.or(known.filter(|_| is_known).and_then(|it| it.class));
    if let Some(class) = class {
        put("dev_cla", class.into());
    }
    if component == ComponentConfig::Sensor {
        if let Some(known) = known.filter(|_| is_known) {
            put("stat_cla", known.state_class.into());
        }
        if let Some(decimals) = number.decimals.filter(|decimals| *decimals > 0) {
            put("sug_dsp_prc", json!(decimals));
        }
    }
}

/// `None` where the payload is what Home Assistant wants.
fn value_template(state: &State<'_>, shape: &Shape, component: ComponentConfig) -> Option<String> {
    let State {
        expression,
        missing,
        ..
    } = state;
    let is_plain = expression == "value";
    if component == ComponentConfig::Event {
        let types = match shape {
            Shape::OnOff(words) => {
                let on = if is_plain {
                    unquoted(&words[1])
                } else {
                    String::new()
                };
                match (&words[1], is_plain) {
                    (Json::String(word), _) => {
                        format!("'on' if {expression} == {} else 'off'", quoted(word))
                    }
                    (_, true) => format!("'on' if {expression} == {} else 'off'", quoted(&on)),
                    (_, false) => format!("'on' if {expression} else 'off'"),
                }
            }
            _ => format!("{expression} | string"),
        };
        return Some(format!("{{\"event_type\": {{{{ ({types}) | to_json }}}}}}"));
    }
    if is_plain {
        let may_be_null = matches!(shape, Shape::Number(_));
        return may_be_null.then(|| "{{ 'None' if value == 'null' else value }}".to_owned());
    }
    let is_kept = matches!(shape, Shape::Text { .. })
        || (component == ComponentConfig::Sensor && matches!(shape, Shape::Choice(_)));
    Some(match missing {
        Missing::Never => format!("{{{{ {expression} }}}}"),
        Missing::Gone => format!("{{{{ {expression} | default(None) }}}}"),
        // An empty text would be a value.
        Missing::Kept if is_kept => format!("{{{{ {expression} | default(this.state) }}}}"),
        Missing::Kept => format!("{{{{ {expression} | default('') }}}}"),
    })
}

/// The template of a command; `None` where the payload is the value as it is.
fn command_template(flow: &Flow<'_>, value: &str) -> Option<String> {
    let frame = flow.command.as_ref()?.frame.as_ref()?;
    Some(frame.template(&[(VALUE, value)]))
}

/// A payload that says this of the thing.
pub(super) fn payload(value: &Json, flow: &Flow<'_>) -> String {
    match flow.command.as_ref().and_then(|it| it.frame.as_ref()) {
        Some(frame) => frame.with(value),
        None => unquoted(value),
    }
}

/// What the template of a state makes of a value.
fn rendered(value: &Json, flow: &Flow<'_>) -> String {
    let is_plain = flow
        .state
        .as_ref()
        .is_some_and(|it| it.expression == "value");
    match value {
        Json::Bool(true) if !is_plain => "True".to_owned(),
        Json::Bool(false) if !is_plain => "False".to_owned(),
        _ => unquoted(value),
    }
}

fn texts(options: &[Json]) -> Json {
    options.iter().map(unquoted).collect()
}

fn unquoted(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        _ => document::render(json),
    }
}

/// A whole number without a point.
pub(super) fn plain(number: f64) -> Json {
    match number.fract() == 0.0 && number.abs() < 1e15 {
        true => json!(number as i64),
        false => json!(number),
    }
}

/// A pattern that is found somewhere, as one for the whole text, which is what Home Assistant asks.
fn whole(pattern: &str) -> String {
    let is_whole = pattern.starts_with('^') && pattern.ends_with('$') && !pattern.contains('|');
    match is_whole {
        true => pattern.to_owned(),
        false => format!("^.*(?:{pattern}).*$"),
    }
}
