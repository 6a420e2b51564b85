//! One test, played: the real runtime on a clock that only moves when all is idle, a broker in memory,
//! a virtual adapter, and centrals that are function calls away.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::info_span;

use super::came::{Came, Ears, Pending, What, matches};
use super::model::BrokerWord;
use super::report::{self, Failed};
use super::rest::{ROUND, Restless, rest};
use super::story::{Act, Expected, Payload, Step, Story, Test};
use super::values;
use crate::config::load_with;
use crate::gatt::server::{Central, GattServer, MTU_MAX};
use crate::plugin::Stage;
use crate::runtime::Runtime;

/// More messages than this in one instant are no story but a circle.
const FLOOD: usize = 10_000;
/// More than this in all would not fit into the memory of a small machine.
const MOST: usize = 1_000_000;

/// Plays a test from the start of the process to its end.
///
/// # Errors
/// What was not as the test says.
pub(super) fn play(story: &Story, test: &Test) -> Result<(), Failed> {
    // Whatever is left to chance is the same chance every time.
    fastrand::seed(0);
    let tokio = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .event_interval(ROUND)
        .build()
        .map_err(|problem| Failed::new(test.at, format!("no runtime could be built: {problem}")))?;
    let _span = info_span!("test", name = test.name).entered();
    tokio.block_on(async {
        let mut play = Play::start(story, test).await?;
        let result = play.all(test).await;
        play.runtime.stop().await;
        result
    })
}

pub(super) struct Play<'a> {
    pub(super) story: &'a Story,
    runtime: Runtime,
    stage: Stage,
    started: Instant,
    pub(super) centrals: Vec<Option<Connected>>,
    ears: Ears,
    pub(super) pending: Pending,
}

/// A central that is connected.
pub(super) struct Connected {
    pub(super) central: Arc<Central>,
    /// The handles of the characteristics, in the order of the story.
    pub(super) handles: Arc<[u16]>,
    listens: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.listens.abort();
    }
}

impl<'a> Play<'a> {
    async fn start(story: &'a Story, test: &Test) -> Result<Self, Failed> {
        let environment = |name: &str| story.environment.get(name).cloned();
        // It has been loaded before, so it can only have been changed in between.
        let loaded = load_with(&story.config, &environment, story.host.clone())
            .map_err(|mistakes| Failed::new(test.at, mistakes.to_string()))?;
        let stage = Stage::new();
        for message in &test.retained {
            stage.publish(&message.topic, message.payload.clone(), true);
        }
        let ears = Ears::default();
        let play = Self {
            story,
            runtime: Runtime::rehearse(loaded.plan, stage.clone()),
            stage: stage.clone(),
            started: Instant::now(),
            centrals: story.centrals.iter().map(|_| None).collect(),
            ears: ears.clone(),
            pending: Pending::new(stage, ears),
        };
        play.rest(test.at).await?;
        Ok(play)
    }

    async fn all(&mut self, test: &Test) -> Result<(), Failed> {
        self.pending.look();
        for step in &test.steps {
            self.step(step, test).await?;
            self.rest(step.at).await?;
            self.pending.look();
        }
        let unexpected = self.unexpected(test);
        if unexpected.is_empty() {
            return Ok(());
        }
        let title = "when the test was over, something had come that no step expects";
        Err(Failed::new(test.at, title).lines(report::came(self.story, &unexpected)))
    }

    async fn step(&mut self, step: &Step, test: &Test) -> Result<(), Failed> {
        match &step.act {
            Act::Publish { message, retain } => {
                let payload = message.payload.clone();
                self.stage.publish(&message.topic, payload, *retain);
                Ok(())
            }
            Act::Wait(length) => self.wait(step, *length).await,
            Act::Broker(word) => {
                match word {
                    BrokerWord::Lost => self.stage.take_away(),
                    BrokerWord::Back => self.stage.bring_back(true),
                    BrokerWord::BackWithoutSession => self.stage.bring_back(false),
                }
                Ok(())
            }
            Act::Expect(expected) => self.expect(step, test, expected),
            Act::ExpectNothing => {
                let unexpected = self.unexpected(test);
                if unexpected.is_empty() {
                    return Ok(());
                }
                let lines = report::came(self.story, &unexpected);
                Err(Failed::new(step.at, "something came that no step expects").lines(lines))
            }
            Act::Central { central, act } => self.central(step, test, *central, act).await,
        }
    }

    /// Time passes, and everything that is due in it happens.
    async fn wait(&self, step: &Step, length: Duration) -> Result<(), Failed> {
        tokio::select! {
            biased;
            () = self.flood() => Err(flood(step.at)),
            () = sleep_until(Instant::now() + length) => Ok(()),
        }
    }

    /// Resolves when messages come without time passing between them, or too many of them.
    async fn flood(&self) {
        let begin = self.stage.published_since(0).len();
        let mut seen = begin;
        loop {
            self.stage.published_more_than(seen + FLOOD).await;
            let fresh = self.stage.published_since(seen);
            seen += fresh.len();
            let is_instant = fresh.first().map(|it| it.at) == fresh.last().map(|it| it.at);
            if is_instant || seen - begin > MOST {
                return;
            }
        }
    }

    /// Everything that can happen without time passing happens.
    pub(super) async fn rest(&self, at: crate::config::Span) -> Result<(), Failed> {
        rest().await.map_err(|Restless| flood(at))
    }

    fn expect(&mut self, step: &Step, test: &Test, expected: &Expected) -> Result<(), Failed> {
        let topic = &expected.topic;
        let came = self.pending.take(|what| match what {
            What::Published(published) => published.topic == *topic,
            What::Notified { .. } => false,
        });
        let Some(came) = came else {
            let title = format!("nothing was published on `{topic}`");
            let lines = report::instead(self.story, &self.unexpected(test));
            return Err(Failed::new(step.at, title).lines(lines));
        };
        let What::Published(published) = &came.what else {
            unreachable!("only what was published was looked for");
        };
        let is_right = match &expected.payload {
            None => true,
            Some(Payload::Bytes(bytes)) => *bytes == published.payload,
            Some(Payload::Json(json)) => {
                parsed(&published.payload).is_some_and(|payload| values::same(&payload, json))
            }
            Some(Payload::AtLeast(json)) => {
                parsed(&published.payload).is_some_and(|payload| values::includes(&payload, json))
            }
        };
        let is_carried_right = expected.qos.is_none_or(|qos| qos == published.qos)
            && expected
                .retain
                .is_none_or(|retain| retain == published.retain);
        if is_right && is_carried_right {
            return Ok(());
        }
        let mut lines = report::publish(expected, published, came.at, is_right);
        lines.extend(report::besides(self.story, &self.unexpected(test)));
        let title = format!("what was published on `{topic}` is not what is expected");
        Err(Failed::new(step.at, title).lines(lines))
    }

    /// What has come and nothing has expected, but for what need not be.
    pub(super) fn unexpected(&self, test: &Test) -> Vec<Came> {
        let is_ignored = |came: &Came| match &came.what {
            What::Published(published) => {
                let mut filters = test.ignore.iter();
                filters.any(|filter| matches(filter, &published.topic))
            }
            What::Notified { .. } => false,
        };
        let all = self.pending.all().iter();
        all.filter(|came| !is_ignored(came)).cloned().collect()
    }

    /// The central of this number, which connects if it is not connected.
    pub(super) async fn connected(
        &mut self,
        step: &Step,
        number: usize,
    ) -> Result<&Connected, Failed> {
        if self.centrals[number].is_none() {
            let server = tokio::select! {
                biased;
                server = self.runtime.offered::<GattServer>() => Some(server),
                () = ready(()) => None,
            };
            let Some(server) = server else {
                let title =
                    "there is nothing to connect to: the configuration puts nothing on the air";
                let help = "a section `ble:` in it does";
                return Err(Failed::new(step.at, title).lines(vec![help.to_owned()]));
            };
            self.centrals[number] = Some(self.connect(&server, number));
            self.rest(step.at).await?;
        }
        let connected = self.centrals[number].as_ref();
        Ok(connected.expect("it has just been made sure"))
    }

    fn connect(&self, server: &Arc<GattServer>, number: usize) -> Connected {
        let address = self.story.centrals[number].parse().ok();
        let central = Arc::new(server.connect_from(address));
        // It fails only when the server has gone, and then so does whatever comes next.
        let _ = central.exchange_mtu(MTU_MAX);
        let services = central.discover();
        let services = services.iter();
        let handles: Arc<[u16]> = services
            .flat_map(|service| service.characteristics.iter().map(|it| it.handle))
            .collect();
        let by_handle = handles.clone();
        let index_of = move |handle| by_handle.iter().position(|known| *known == handle);
        let ears = self.ears.clone();
        let listens = ears.listen(central.clone(), number, self.started, index_of);
        Connected {
            central,
            handles,
            listens: tokio::spawn(listens),
        }
    }
}

fn parsed(payload: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(payload).ok()
}

fn flood(at: crate::config::Span) -> Failed {
    let title = "this never comes to rest, or a million messages come of it";
    Failed::new(at, title)
}
