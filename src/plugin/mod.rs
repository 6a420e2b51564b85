//! The contract between the engine and everything that touches the world.
//!
//! A [`Plugin`] is a kind of thing that can be declared: it says where in the YAML it has its say and
//! what may stand there, and makes a [`Link`] of what it finds. A link owns its I/O and knows the
//! rest of the program only through its [`Port`].

mod beginning;
mod catalogue;
mod configure;
mod finding;
mod flow;
mod health;
mod hooks;
mod names;
mod notice;
mod observe;
mod observer;
mod place;
mod port;
mod promise;
mod receipt;
mod record;
mod registry;
mod served;
mod shared;
pub mod stage;
mod topic;
mod view;
mod wake;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use schemars::{JsonSchema, Schema, SchemaGenerator};

pub use beginning::Beginning;
pub use catalogue::{Catalogue, CellEntry};
pub(crate) use configure::Keys;
pub use configure::{Configure, Declared};
pub use finding::{Examination, Finding, Level};
pub use flow::{Came, Flow, Kind, Note, Seen, Shown, Step, What};
pub use health::{CentralHealth, Health, How, LinkHealth, State, Subscriber, Verdict};
pub use notice::{Announce, Heard, Notice, Notices, Payload, Sender};
pub(crate) use observe::{Observatory, Observed};
pub use observer::Observer;
pub use port::{Offer, Port};
pub use promise::{NotKept, Promise};
pub use receipt::Receipt;
pub use registry::registry;
pub use served::{Page, Served};
pub use shared::Ending;
pub(crate) use shared::{Before, Shared, Stopping, SucceededBy};
pub use stage::Stage;
pub use topic::{BrokerDoc, Direction, DiscoveryDoc, TopicDoc, WillDoc};
pub use view::{By, Counters, LinkCounters, Rejected, View};

/// A future on the heap: what lets links of different kinds stand in one list.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A kind of link.
pub trait Plugin: Send + Sync {
    /// What it is called in logs.
    fn name(&self) -> &'static str;

    /// The keys in the YAML that belong to it, and the schema of what may stand behind each. Plugins
    /// that share a section are alternatives: the first of them that is available at run time serves.
    fn places(&self) -> Vec<Place>;

    /// Whether a text is a secret where it stands behind a key, wherever that is: then it is not shown
    /// with a mistake. The key may be misspelt. With an empty text: whether whatever stands there is.
    /// `Some(false)` says that it is none even within a secret; `None`, that nothing is known.
    fn secrecy(&self, _key: &str, _text: &str) -> Option<bool> {
        None
    }

    /// Whether it connects values to the world, or only serves those that do.
    fn connects(&self) -> bool {
        true
    }

    /// Whether what its link has delivered is safe with somebody else, as with a broker. Then what a central
    /// writes is owed to it, and survives this process until it has it.
    fn acknowledges(&self) -> bool {
        false
    }

    /// The OpenAPI document of the HTTP API that its link serves, whatever is declared.
    fn api(&self) -> Option<serde_json::Value> {
        None
    }

    /// Makes a link of what is declared, and says what it carries. `None` when nothing is declared
    /// for it, or something wrong, which is then among the diagnostics.
    fn configure(&self, declared: &mut Configure<'_>) -> Option<Box<dyn Link>>;
}

/// A key in the YAML that a plugin brings.
#[derive(Clone, Copy)]
pub struct Place {
    pub kind: PlaceKind,
    pub key: &'static str,
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Place {
    /// A section at the top level.
    pub fn section<T: JsonSchema>(key: &'static str) -> Self {
        Self::new::<T>(PlaceKind::Section, key)
    }

    /// A key in a characteristic.
    pub fn characteristic<T: JsonSchema>(key: &'static str) -> Self {
        Self::new::<T>(PlaceKind::Characteristic, key)
    }

    /// A key in a characteristic that has no meaning in the value of its response.
    pub fn characteristic_only<T: JsonSchema>(key: &'static str) -> Self {
        Self::new::<T>(PlaceKind::CharacteristicOnly, key)
    }

    /// A source of values.
    pub fn source<T: JsonSchema>(key: &'static str) -> Self {
        Self::new::<T>(PlaceKind::Source, key)
    }

    fn new<T: JsonSchema>(kind: PlaceKind, key: &'static str) -> Self {
        Self {
            kind,
            key,
            schema: |generator| generator.subschema_for::<T>(),
        }
    }
}

/// Where a plugin can bring a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// At the top level.
    Section,
    /// In a characteristic, and beside the value of its own that its response brings.
    Characteristic,
    /// In a characteristic alone.
    CharacteristicOnly,
    /// Under `source` in a characteristic.
    Source,
}

/// A plugin at work: it connects cells to the world.
pub trait Link: Any + Send {
    /// What it is called in logs.
    fn name(&self) -> &'static str;

    /// Whether its part of the world is there. Asked only where there is an alternative.
    fn available(&mut self) -> BoxFuture<'_, Availability> {
        Box::pin(async { Availability::Ready })
    }

    /// Another configuration takes the place of one at work, and this link that of `before`, a link of the same
    /// name that has run and has been told [`Ending::Succeeded`]. What that has left in the world can be taken
    /// from it; what is not goes when it is dropped, right after this and before [`Link::prepare`].
    fn take_over(&mut self, _before: &mut dyn Link) -> Succession {
        Succession::Anew
    }

    /// The values have gone over, and nothing else has happened since: whoever asks this link for something, by
    /// what it has taken over, is served by the new configuration from here on. It must not wait. Called after
    /// [`Link::take_over`] and [`Link::prepare`], before [`Link::run`], with the port that it runs with.
    fn goes_on(&mut self, _port: &Port) {}

    /// It has taken over, and an alternative runs in its place: what it has taken goes.
    fn let_go(&mut self) {}

    /// Says what values begin with. Asked once, before any link works and before anything can have
    /// changed, so that whatever they say at the start is that already. Never asked in a rehearsal.
    fn prepare(&mut self, _beginning: &mut Beginning<'_>) {}

    /// Works until [`Port::stopped`], then leaves the world as it should be and returns. It may be
    /// dropped at any await instead, when an alternative takes over.
    ///
    /// # Errors
    /// A [`Failure`] when it cannot go on: it is then logged and run again, after a pause. Whatever
    /// only needs patience (no adapter yet, no broker) is no failure and stays inside.
    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>>;

    /// Whether what happens while it does not run, because it has failed and pauses, is still told
    /// afterwards: somebody on the other side waits for it. By default that is so, and events queue. Where
    /// nobody can be listening meanwhile, what has happened is over.
    fn carries_over(&self) -> bool {
        true
    }

    /// Whether it says itself how it is ([`Port::state`]), because it waits for the world. Otherwise it is up
    /// while it runs.
    fn tells_state(&self) -> bool {
        false
    }

    /// Whether it is to stop only after the others have: what comes of their end is to be kept.
    fn stops_last(&self) -> bool {
        false
    }

    /// Whether it can be rehearsed at all. Where it cannot, an alternative that can takes its place;
    /// without one, nothing does.
    fn can_rehearse(&self) -> bool {
        true
    }

    /// Works as [`Link::run`] does, in a test: nothing of the world is touched, and time passes only when
    /// everybody waits. What goes through a broker otherwise goes through the stage.
    ///
    /// # Errors
    /// As for [`Link::run`].
    fn rehearse(&mut self, port: Port, stage: Stage) -> BoxFuture<'_, Result<(), Failure>> {
        drop(stage);
        self.run(port)
    }

    /// Whether it shows somebody what all links do: then there is [`Port::catalogue`].
    fn shows_catalogue(&self) -> bool {
        false
    }

    /// The topics that it publishes on and subscribes to, in their order.
    fn topics(&self) -> Vec<TopicDoc> {
        Vec::new()
    }

    /// What it serves and where, for whoever starts the program: asked once, before it runs.
    fn serves(&self) -> Vec<Served> {
        Vec::new()
    }

    /// Looks at the part of the world that it needs, and says what is wrong with it. It takes no more than a minute, and
    /// nothing that it does may be heard by others, or change anything, unless the examination says that it may.
    fn examine<'a>(&'a mut self, about: Examination<'a>) -> BoxFuture<'a, Vec<Finding>> {
        let _ = about;
        Box::pin(async { Vec::new() })
    }

    /// What it tells Home Assistant, if it does.
    fn discovery(&self) -> Option<DiscoveryDoc> {
        None
    }

    /// Where these topics are.
    fn broker(&self) -> Option<BrokerDoc> {
        None
    }
}

/// What becomes of those on the other side when one link takes over from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Succession {
    /// It begins as at the start: they are told how everything stands.
    #[default]
    Anew,
    /// They do not notice: they are told what they have not been told. What is under way to them still is, and
    /// whoever has it says to the port of before that it is delivered. What is not any more, the link asks for with
    /// [`Port::link_up`].
    Unnoticed,
    /// What they see has changed, and that has to be granted by somebody: the link says what came of it with
    /// [`Port::settle`]. Whoever sees the same as before does not notice, as with [`Succession::Unnoticed`];
    /// where nobody does, the link begins anew by itself, with [`Port::link_up`].
    Asks,
}

/// Whether a link could work now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    Ready,
    /// It could not, and why, in words for a log.
    Absent(String),
}

/// Why a link could not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

impl Failure {
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
