//! Pure: things of one service that are a light together: on and off, a brightness, a hue and a saturation.

use serde_json::{Map, Value as Json, json};

use super::Shown;
use super::entity::{Entity, payload, plain};
use super::flow::Flow;
use super::shape::{Number, Shape};
use super::template::quoted;
use crate::plugins::mqtt::config::home_assistant::ComponentConfig;

/// A thing of a service, with all that is known of it.
pub(super) struct Thing<'a> {
    pub(super) flow: Flow<'a>,
    pub(super) shape: Shape,
    pub(super) shown: &'a Shown<'a>,
    /// How many things its characteristic is made of.
    pub(super) siblings: usize,
}

/// Which things of a service are a light, by their numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    pub(super) switch: usize,
    brightness: Option<usize>,
    colour: Option<[usize; 2]>,
}

impl Light {
    /// The light among these, if there is just one.
    pub(super) fn among(things: &[Thing<'_>]) -> Option<Self> {
        let numbers = |names: &[&str]| only(things, |it| it.is_number() && it.is_called(names));
        let switch = only(things, |it| {
            matches!(it.shape, Shape::OnOff(_)) && it.can_be(true) && it.flow.leaf.path.len() < 2
        })?;
        let brightness =
            numbers(&["brightness", "bri", "dimmer"]).filter(|index| things[*index].can_be(true));
        let colour = numbers(&["hue", "h"])
            .zip(numbers(&["saturation", "sat", "s"]))
            .map(|(hue, saturation)| [hue, saturation])
            .filter(|pair| are_together(things, *pair));
        (brightness.is_some() || colour.is_some()).then_some(Self {
            switch,
            brightness,
            colour,
        })
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = usize> + '_ {
        let colour = self.colour.iter().flatten().copied();
        [self.switch]
            .into_iter()
            .chain(self.brightness)
            .chain(colour)
    }

    pub(super) fn entity(&self, things: &[Thing<'_>]) -> Entity {
        let mut body = Map::new();
        let mut put = |key: &str, value: Json| drop(body.insert(key.to_owned(), value));
        let switch = &things[self.switch];
        if let (Some(state), Some(command)) = (&switch.flow.state, &switch.flow.command) {
            let words = match &switch.shape {
                Shape::OnOff(words) => words.clone(),
                _ => [false.into(), true.into()],
            };
            let [off, on] = words.each_ref().map(|word| payload(word, &switch.flow));
            let expression = &state.expression;
            let is_on = match (&words[1], expression.as_str()) {
                (Json::String(word), _) => format!("{expression} == {}", quoted(word)),
                (word, "value") => format!("value == {}", quoted(&word.to_string())),
                _ => expression.clone(),
            };
            let template = format!(
                "{{% if {expression} is defined %}}{{{{ {} if {is_on} else {} }}}}{{% endif %}}",
                quoted(&on),
                quoted(&off)
            );
            put("stat_t", state.topic.name.as_str().into());
            put("stat_val_tpl", template.into());
            put("cmd_t", command.topic.into());
            put("pl_on", on.into());
            put("pl_off", off.into());
        }
        if let Some(index) = self.brightness {
            brightness(&things[index], &mut put);
        }
        if let Some([hue, saturation]) = self.colour {
            colour(&things[hue], &things[saturation], &mut put);
        }
        Entity {
            component: ComponentConfig::Light,
            body,
        }
    }
}

impl Thing<'_> {
    fn is_number(&self) -> bool {
        matches!(self.shape, Shape::Number(_))
    }

    /// Whether it is read and changed; `alone` if it would be changed without what belongs to it.
    fn can_be(&self, alone: bool) -> bool {
        let flow = &self.flow;
        let is_free = !alone || flow.read_only.is_none();
        let is_asked = self
            .shown
            .asked
            .component
            .is_none_or(|it| it.value == ComponentConfig::Light);
        is_asked && is_free && flow.state.is_some() && flow.command.is_some()
    }

    /// Whether it has one of these names: the field, or the place in the payload, or the characteristic.
    fn is_called(&self, names: &[&str]) -> bool {
        let leaf = &self.flow.leaf;
        let place = leaf.at.steps().last().map(|step| step.to_lowercase());
        let name = match leaf.path.last() {
            Some(name) => name.to_lowercase(),
            None => self.shown.name.to_lowercase(),
        };
        names.contains(&name.as_str()) || place.is_some_and(|it| names.contains(&it.as_str()))
    }

    fn number(&self) -> Option<(&Number, &str, &str)> {
        let Shape::Number(number) = &self.shape else {
            return None;
        };
        let state = self.flow.state.as_ref()?;
        Some((number, &state.expression, &state.topic.name))
    }
}

/// The one that is so.
fn only(things: &[Thing<'_>], is_so: impl Fn(&Thing<'_>) -> bool) -> Option<usize> {
    let mut found = things.iter().enumerate().filter(|(_, it)| is_so(it));
    let (index, _) = found.next()?;
    found.next().is_none().then_some(index)
}

/// Whether hue and saturation are read from one message and changed with one.
fn are_together(things: &[Thing<'_>], pair: [usize; 2]) -> bool {
    let [hue, saturation] = pair.map(|index| &things[index]);
    let (Some(one), Some(other)) = (&hue.flow.command, &saturation.flow.command) else {
        return false;
    };
    let topic = |thing: &Thing<'_>| thing.flow.state.as_ref().map(|it| it.topic.name.clone());
    // What else its owner is asked for at once would be missing.
    let is_all = |it: &Thing<'_>| it.flow.read_only.is_none() || it.siblings == 2;
    hue.can_be(false)
        && saturation.can_be(false)
        && is_all(hue)
        && is_all(saturation)
        && one.topic == other.topic
        && one.frame.is_some()
        && other.frame.is_some()
        && topic(hue) == topic(saturation)
}

/// A number in so many parts, from the expression for it.
fn scaled_up(expression: &str, low: f64, factor: f64) -> String {
    let from_zero = match low == 0.0 {
        true => expression.to_owned(),
        false => format!("({expression} - {})", plain(low)),
    };
    match factor == 1.0 {
        true => from_zero,
        false => format!("({from_zero} * {})", plain(factor)),
    }
}

fn scaled_down(expression: &str, low: f64, factor: f64) -> String {
    let scaled = match factor == 1.0 {
        true => expression.to_owned(),
        false => format!("({expression} / {})", plain(factor)),
    };
    match low == 0.0 {
        true => scaled,
        false => format!("({scaled} + {})", plain(low)),
    }
}

fn brightness(thing: &Thing<'_>, put: &mut impl FnMut(&str, Json)) {
    let (Some((number, expression, topic)), Some(command)) = (thing.number(), &thing.flow.command)
    else {
        return;
    };
    let (low, high) = number.bounds();
    // As many parts as the number can show.
    let steps = ((high - low) / number.step).round().clamp(1.0, 65_535.0);
    let factor = steps / (high - low);
    let expression = number_of(expression);
    let up = scaled_up(&expression, low, factor);
    let down = number.rounded(&scaled_down("value", low, factor));
    put("bri_stat_t", topic.into());
    put(
        "bri_val_tpl",
        format!(
            "{{% if {} is number %}}{{{{ {up} | round | int }}}}{{% endif %}}",
            expression
        )
        .into(),
    );
    put("bri_cmd_t", command.topic.into());
    put("bri_scl", json!(steps as i64));
    let template = match &command.frame {
        Some(frame) => frame.template(&[(super::template::VALUE, &down)]),
        None => format!("{{{{ {down} }}}}"),
    };
    put("bri_cmd_tpl", template.into());
}

/// What is no JSON is a number all the same.
fn number_of(expression: &str) -> String {
    match expression {
        "value" => "value_json".to_owned(),
        _ => expression.to_owned(),
    }
}

/// Home Assistant has a hue of 0 to 360 and a saturation of 0 to 100.
fn colour(hue: &Thing<'_>, saturation: &Thing<'_>, put: &mut impl FnMut(&str, Json)) {
    let parts = [(hue, 360.0, "hue"), (saturation, 100.0, "sat")].map(|(thing, span, variable)| {
        let (number, expression, topic) = thing.number()?;
        let (low, high) = number.bounds();
        let factor = span / (high - low);
        let frame = thing.flow.command.as_ref()?.frame.as_ref()?;
        Some((
            format!("({} | round(2))", scaled_up(expression, low, factor)),
            number.rounded(&scaled_down(variable, low, factor)),
            frame.marked_as(&format!("${variable}")),
            expression,
            topic,
        ))
    });
    let ([Some(hue_part), Some(saturation_part)], Some(command)) = (parts, &hue.flow.command)
    else {
        return;
    };
    let (up_hue, down_hue, hue_frame, hue_at, topic) = hue_part;
    let (up_saturation, down_saturation, saturation_frame, saturation_at, _) = saturation_part;
    let frame = hue_frame.joined(&saturation_frame);
    put("hs_stat_t", topic.into());
    put(
        "hs_val_tpl",
        format!(
            "{{% if {hue_at} is number and {saturation_at} is number %}}\
             {{{{ {up_hue} }}}},{{{{ {up_saturation} }}}}{{% endif %}}"
        )
        .into(),
    );
    put("hs_cmd_t", command.topic.into());
    put(
        "hs_cmd_tpl",
        frame
            .template(&[("$hue", &down_hue), ("$sat", &down_saturation)])
            .into(),
    );
}
