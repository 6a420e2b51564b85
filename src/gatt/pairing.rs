//! How centrals pair, and which, for whichever adapter serves.

use std::time::Duration;

use schemars::JsonSchema;

use super::window::Rule;
use super::{Address, Characteristic, SecurityLevel};
use crate::codec::Spec;
use crate::config::{Interval, Lenient, NodeId, Spanned};
use crate::engine::{Carries, CellId};
use crate::plugin::Configure;

/// What BlueZ can count, and what is still a while and not a state.
const LASTS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);

/// How centrals pair. Without it they can as soon as a characteristic wants an encrypted link, with
/// `no_input_no_output`.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairingConfig {
    /// What this machine can do so that both sides know each other. Without it, `no_input_no_output`.
    /// While this program runs it is the one that bluetoothd asks, not the desktop or `bluetoothctl`.
    #[serde(default)]
    #[schemars(extend("default" = "no_input_no_output"))]
    pub agent: Option<Spanned<AgentConfig>>,
    /// Whether a central that is not paired yet can pair. Those that are stay so in any case. Without
    /// it, `true`; with the agent `none`, as the adapter is set. `false` holds while this program runs,
    /// whoever else says otherwise. At the end the adapter is set as it was before. A process that is
    /// killed cannot do that.
    #[serde(default)]
    pub pairable: Option<bool>,
    /// How long a central can pair after the start, and whenever the `window` is opened: whole seconds,
    /// 24h at most. It is measured from when centrals can connect for the first time; a bluetoothd that
    /// comes back goes on with what is left. With `pairable: false`, only the `window` opens it. BlueZ
    /// counts too, so it ends also when this process is killed.
    #[serde(default)]
    pub pairable_for: Option<Spanned<Lenient<Interval>>>,
    /// The name of a characteristic with a boolean, owned `here`, that says whether centrals can pair:
    /// whoever sets it, over MQTT for example, opens and closes the window. It shows the truth: it is
    /// `true` as long as centrals can pair.
    #[serde(default)]
    pub window: Option<Spanned<String>>,
    /// The only devices that may pair, and use what is not `open`: their addresses, as `bluetoothctl
    /// devices` shows them when they are paired. Any other one that is paired with this machine is
    /// disconnected when it connects, whatever it is paired for. An address is no secret: whoever claims
    /// one of these can pair while pairing is possible.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1), extend("items" = { "type": "string", "pattern": ADDRESS }))]
    pub allow: Option<Spanned<Vec<Spanned<String>>>>,
}

const ADDRESS: &str = "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$";

/// What a machine can do so that both sides of a pairing know each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentConfig {
    /// Pairing is none of this program's business: the desktop, `bluetoothctl` or another program is
    /// asked.
    None,
    /// Nothing: whoever is in reach pairs ("just works"). The link is encrypted, not `authenticated`.
    NoInputNoOutput,
    /// It shows a number, in the log, that is typed into the phone: the link is `authenticated`.
    DisplayOnly,
}

/// Who is asked when a central pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    NoInputNoOutput,
    DisplayOnly,
}

/// How centrals pair, and which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairing {
    /// `None` leaves it to whoever else there is.
    pub agent: Option<Agent>,
    /// When they can.
    pub rule: Rule,
    /// A characteristic wants it, and nobody has said how.
    pub is_implied: bool,
    /// The devices that may; `None` is any.
    pub allowed: Option<Allowed>,
}

/// The devices that may pair, and use what is not open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Vec<Address>);

impl FromIterator<Address> for Allowed {
    fn from_iter<T: IntoIterator<Item = Address>>(addresses: T) -> Self {
        Self(addresses.into_iter().collect())
    }
}

impl Allowed {
    pub fn has(&self, address: Address) -> bool {
        self.0.contains(&address)
    }
}

impl Pairing {
    /// What is declared, and what follows from the characteristics where nothing is.
    pub(super) fn declare(
        declared: &mut Configure<'_>,
        section: NodeId,
        config: Option<&Spanned<PairingConfig>>,
    ) -> Self {
        let all = declared.characteristics_of_plan();
        let highest = all.iter().map(|it| it.security.highest()).max();
        if config.is_none() && highest.unwrap_or_default() == SecurityLevel::Open {
            return Self::default();
        }
        let word = config.and_then(|config| config.agent.as_ref());
        let agent = match word.map(|word| word.value) {
            None | Some(AgentConfig::NoInputNoOutput) => Some(Agent::NoInputNoOutput),
            Some(AgentConfig::DisplayOnly) => Some(Agent::DisplayOnly),
            Some(AgentConfig::None) => None,
        };
        let wants = |it: &&Characteristic| it.security.highest() == SecurityLevel::Authenticated;
        if agent == Some(Agent::NoInputNoOutput)
            && let Some(wanting) = all.iter().find(wants)
        {
            let message = format!(
                "nobody can be authenticated by an agent without input and output, but {:?} wants that",
                wanting.name
            );
            let help = "`pairing: { agent: display_only }` shows a number in the log, to be typed \
                into the phone; or let the characteristic want `encrypted`";
            declared.mistake(word.map_or(section, |word| word.at), message, help);
        }
        let said = config.and_then(|config| config.pairable);
        let pairable = said.or(agent.map(|_| true));
        Self {
            agent,
            rule: config.map_or(Rule::of(pairable), |config| {
                rule(declared, config, pairable, &all)
            }),
            is_implied: config.is_none(),
            allowed: config.and_then(|config| allowed(declared, config, highest)),
        }
    }
}

/// When centrals can pair.
fn rule(
    declared: &mut Configure<'_>,
    config: &Spanned<PairingConfig>,
    pairable: Option<bool>,
    all: &[Characteristic],
) -> Rule {
    let cell = config.window.as_ref().map(|it| window(declared, it, all));
    let lasts = match (&config.pairable_for, &config.window) {
        (Some(lasts), _) => lasting(declared, lasts),
        (None, Some(window)) => {
            let message = "it is not said for how long this opens";
            declared.mistake(window.at, message, "add `pairable_for: 120s` beside it");
            None
        }
        (None, None) => return Rule::of(pairable),
    };
    if let (Some(false), Some(lasts), None) =
        (config.pairable, &config.pairable_for, &config.window)
    {
        let message = "this time never begins: with `pairable: false` only a `window` opens it";
        let help =
            "remove `pairable: false`, or name the characteristic that opens it: `window: …`";
        declared.mistake(lasts.at, message, help);
    }
    Rule::Window {
        // Where it is wrong, nothing is started.
        lasts: lasts.unwrap_or_default(),
        at_start: config.pairable != Some(false),
        cell: cell.flatten(),
    }
}

fn lasting(
    declared: &mut Configure<'_>,
    Spanned { at, value }: &Spanned<Lenient<Interval>>,
) -> Option<Duration> {
    let help = "whole seconds, as in `120s` or `2min`; 24h at most";
    match &value.0 {
        Ok(Interval(lasts)) if LASTS.contains(lasts) && lasts.subsec_nanos() == 0 => {
            return Some(*lasts);
        }
        Ok(Interval(_)) => declared.mistake(*at, "pairing cannot be open for so long", help),
        Err(problem) => declared.mistake(*at, problem, help),
    }
    None
}

/// The value that opens the window.
fn window(
    declared: &mut Configure<'_>,
    name: &Spanned<String>,
    all: &[Characteristic],
) -> Option<CellId> {
    let mut named = all.iter().filter(|it| it.name == name.value);
    let (characteristic, another) = (named.next(), named.next());
    let Some(characteristic) = characteristic else {
        let message = format!("no characteristic is called {:?}", name.value);
        declared.mistake(
            name.at,
            message,
            "the name of one with `value: { type: bool }`",
        );
        return None;
    };
    let cell = characteristic.cell;
    let (message, help) = if another.is_some() {
        let message = format!("more than one characteristic is called {:?}", name.value);
        (message, "give one of them another name")
    } else if !matches!(characteristic.spec, Spec::Bool(_)) {
        let message = format!(
            "a window is open or not, and {:?} is no boolean",
            name.value
        );
        (message, "name one with `value: { type: bool }`")
    } else if declared.cell(cell).constant {
        let message = format!("{:?} is constant, so the window never opens", name.value);
        (message, "write `initial: false` instead of `constant`")
    } else if characteristic.access.is_writable()
        && characteristic.security.write == SecurityLevel::Open
    {
        let message = format!(
            "every central in reach can write {:?}, and open the window",
            name.value
        );
        (
            message,
            "`access: [read]` leaves it to MQTT; or `security: encrypted` to paired centrals",
        )
    } else {
        // It is closed at some time without anybody's doing.
        declared.feeds(cell);
        declared.subscribe(cell, Carries::State);
        return Some(cell);
    };
    declared.mistake(name.at, message, help);
    None
}

fn allowed(
    declared: &mut Configure<'_>,
    config: &PairingConfig,
    highest: Option<SecurityLevel>,
) -> Option<Allowed> {
    let list = config.allow.as_ref()?;
    if list.is_empty() {
        let message = "nobody is on this list, so nobody could use what is not open";
        declared.mistake(list.at, message, "add an address, or remove `allow`");
    } else if highest.unwrap_or_default() == SecurityLevel::Open {
        let message = "this keeps nobody out: every characteristic is open";
        let help = "add `security: encrypted` to those that only these devices may use";
        declared.mistake(list.at, message, help);
    }
    let mut addresses = Vec::new();
    for text in &list.value {
        match text.parse() {
            Err(_) => {
                let message = format!("`{}` is no address of a device", text.value);
                declared.mistake(text.at, message, "six bytes, as in `AA:BB:CC:DD:EE:FF`");
            }
            Ok(address) if addresses.contains(&address) => {
                declared.mistake(text.at, "this stands here a second time", "keep one");
            }
            Ok(address) => addresses.push(address),
        }
    }
    Some(Allowed(addresses))
}
