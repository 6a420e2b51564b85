//! Pure: what a thing is for a person, whatever it is on the air: on or off, one of several, a number, a text.

use serde_json::{Value as Json, json};

use super::leaf::Kind;
use crate::codec::{
    BoolSpec, FloatFormat, FloatSpec, IntSpec, Shown, Spec, Value, json as codec_json,
};

/// What Home Assistant has room for in a state.
const TEXT_MAX: usize = 255;
/// It takes no finer steps.
const STEP_MIN: f64 = 0.001;
/// With more steps than these, a number is typed and not slid.
const SLIDER_MAX: f64 = 256.0;

/// What a thing is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Off and on, as they stand in a payload.
    OnOff([Json; 2]),
    Choice(Vec<Json>),
    Number(Number),
    Text {
        min: usize,
        max: usize,
        pattern: Option<String>,
    },
}

/// A number as JSON shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    pub(super) min: Json,
    pub(super) max: Json,
    pub(super) step: f64,
    /// Digits after the point; `None` for as many as there are.
    pub(super) decimals: Option<u8>,
}

impl Number {
    pub(super) fn bounds(&self) -> (f64, f64) {
        let number = |json: &Json| json.as_f64().unwrap_or_default();
        (number(&self.min), number(&self.max))
    }

    /// How Home Assistant is to ask for one.
    pub(super) fn mode(&self) -> &'static str {
        let (min, max) = self.bounds();
        match (max - min) / self.step <= SLIDER_MAX {
            true => "slider",
            false => "box",
        }
    }

    /// A number with so many digits, in Jinja.
    pub(super) fn rounded(&self, expression: &str) -> String {
        match self.decimals {
            None => expression.to_owned(),
            Some(0) => format!("{expression} | round | int"),
            Some(decimals) => format!("{expression} | round({decimals})"),
        }
    }
}

/// What a thing is.
///
/// # Errors
/// Why there is nothing in Home Assistant that it could be.
pub(super) fn shape(kind: &Kind<'_>) -> Result<Shape, &'static str> {
    let spec = match kind {
        Kind::Flag => return Ok(Shape::OnOff([false.into(), true.into()])),
        Kind::Value(spec) => *spec,
    };
    let all = |values: &mut dyn Iterator<Item = Value>| {
        Shape::Choice(values.map(|it| codec_json::to_json(spec, &it)).collect())
    };
    match spec {
        Spec::Bool(BoolSpec { words: None }) => Ok(Shape::OnOff([false.into(), true.into()])),
        Spec::Bool(BoolSpec { words: Some(words) }) => {
            Ok(Shape::OnOff([json!(*words[0]), json!(*words[1])]))
        }
        Spec::Int(int) => Ok(match (&int.allowed, &int.shown) {
            (Some(allowed), _) => all(&mut allowed.iter().copied().map(Value::Int)),
            (None, Shown::Words(words)) => {
                all(&mut words.iter().map(|(number, _)| Value::Int(*number)))
            }
            (None, Shown::Plain | Shown::Scaled(_) | Shown::Flags(_)) => Shape::Number(whole(int)),
        }),
        Spec::Float(float) => Ok(Shape::Number(with_a_point(float))),
        Spec::Text(text) => Ok(match &text.allowed {
            Some(allowed) => all(&mut allowed.iter().cloned().map(Value::Text)),
            None => Shape::Text {
                min: text.min_length.min(TEXT_MAX),
                max: text.max_length.min(TEXT_MAX),
                pattern: text.pattern.as_ref().map(|it| it.as_str().to_owned()),
            },
        }),
        Spec::Bytes(bytes) => Ok(match &bytes.allowed {
            Some(allowed) => all(&mut allowed.iter().cloned().map(Value::Bytes)),
            None => Shape::Text {
                min: (2 * bytes.min_length).min(TEXT_MAX),
                max: (2 * bytes.max_length).min(TEXT_MAX - 1),
                pattern: Some("^([0-9a-fA-F]{2})*$".to_owned()),
            },
        }),
        Spec::Json(_) => Err("JSON of any shape has no entity of its own"),
        Spec::Array(_) => Err("an array has no entity of its own"),
        Spec::Struct(_) => Err("a struct within an optional place has no entity of its own"),
    }
}

fn whole(spec: &IntSpec) -> Number {
    // What stands for unknown cannot be asked for.
    let min = spec.min + i128::from(spec.unknown == Some(spec.min));
    let max = spec.max - i128::from(spec.unknown == Some(spec.max));
    let show = |raw: i128| -> Json {
        serde_json::from_str(&spec.text(raw)).unwrap_or_else(|_| json!(raw as f64))
    };
    let (low, high) = (show(min), show(max));
    let (decimals, step) = match &spec.shown {
        Shown::Scaled(scale) => {
            let finest = 10f64.powi(-i32::from(scale.decimals()));
            let raw = spec.step.unwrap_or(1);
            let apart = (scale.units(min + raw) - scale.units(min)).unsigned_abs();
            // Where two numbers of the air look the same, every number that can be shown is one.
            let is_even = scale.is_exact(min) && scale.is_exact(min + raw) && apart > 0;
            let step = match is_even {
                true => apart as f64 * finest,
                false => finest,
            };
            (scale.decimals(), step)
        }
        Shown::Plain | Shown::Words(_) | Shown::Flags(_) => (0, spec.step.unwrap_or(1) as f64),
    };
    let is_turned = low.as_f64() > high.as_f64();
    let (min, max) = match is_turned {
        true => (high, low),
        false => (low, high),
    };
    Number {
        min,
        max,
        step: rounded(step.max(STEP_MIN)),
        decimals: Some(decimals),
    }
}

fn with_a_point(spec: &FloatSpec) -> Number {
    let bound = |value: f64| match spec.format {
        // The shortest that reads back as the same: 0.1, not 0.10000000149.
        FloatFormat::F32 => (value as f32).to_string().parse().unwrap_or(value),
        FloatFormat::F64 | FloatFormat::Sfloat | FloatFormat::Float => value,
    };
    let step = spec.decimals.map_or(STEP_MIN, |decimals| {
        10f64.powi(-i32::from(decimals)).max(STEP_MIN)
    });
    Number {
        min: json!(bound(spec.min)),
        max: json!(bound(spec.max)),
        step: rounded(step),
        decimals: spec.decimals.filter(|decimals| *decimals > 0),
    }
}

/// Without what a power of ten leaves behind.
fn rounded(step: f64) -> f64 {
    format!("{step:.9}").parse().unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::decimal::Decimal;
    use crate::codec::{IntWidth, Scale};

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).expect("a number")
    }

    fn number(spec: IntSpec) -> Number {
        match shape(&Kind::Value(&Spec::Int(spec))) {
            Ok(Shape::Number(number)) => number,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_number_has_the_bounds_and_the_steps_that_json_shows() {
        let byte = || IntSpec::new(IntWidth::W8, false);
        let of = |it: &Number| (it.min.clone(), it.max.clone(), it.step, it.decimals);
        assert_eq!(of(&number(byte())), (json!(0), json!(255), 1.0, Some(0)));
        let halves = Scale::linear(decimal("0.5"), decimal("-40"), Some(1)).expect("a scale");
        let spec = IntSpec {
            unknown: Some(255),
            shown: Shown::Scaled(halves),
            ..byte()
        };
        assert_eq!(
            of(&number(spec)),
            (json!(-40.0), json!(87.0), 0.5, Some(1)),
            "what stands for unknown is no bound"
        );
        let unit = Scale::range((0, 255), (decimal("0"), decimal("1")), Some(2));
        let spec = IntSpec {
            shown: Shown::Scaled(unit.expect("a scale")),
            ..byte()
        };
        assert_eq!(
            of(&number(spec)),
            (json!(0.0), json!(1.0), 0.01, Some(2)),
            "255 steps look like 100"
        );
        let falling = Scale::linear(decimal("-1"), decimal("0"), None).expect("a scale");
        let spec = IntSpec {
            shown: Shown::Scaled(falling),
            step: Some(5),
            ..byte()
        };
        assert_eq!(of(&number(spec)), (json!(-255), json!(0), 5.0, Some(0)));
    }
}
