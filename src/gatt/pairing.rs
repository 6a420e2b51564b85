//! How centrals pair, for whichever adapter serves.

use schemars::JsonSchema;

use super::SecurityLevel;
use crate::config::{NodeId, Spanned};
use crate::plugin::Configure;

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
    /// it, `true`; with the agent `none`, as the adapter is set. At the end the adapter is set as it was
    /// before. A process that is killed cannot do that: then it stays so, also after the next run.
    #[serde(default)]
    pub pairable: Option<bool>,
}

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

/// How centrals pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairing {
    /// `None` leaves it to whoever else there is.
    pub agent: Option<Agent>,
    /// `None` leaves the adapter as it is.
    pub pairable: Option<bool>,
    /// A characteristic wants it, and nobody has said how.
    pub is_implied: bool,
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
        let wants = |it: &&crate::gatt::Characteristic| {
            it.security.highest() == SecurityLevel::Authenticated
        };
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
        Self {
            agent,
            pairable: said.or(agent.map(|_| true)),
            is_implied: config.is_none(),
        }
    }
}
