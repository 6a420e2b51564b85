//! The life of a connection to a stage: what `client` and `session` are for a real broker.

use tokio::time::Instant;
use tracing::debug;

use super::Settings;
use super::binding::Message;
use super::exchange::{Exchange, Standing};
use crate::plugin::State;
use crate::plugin::stage::{Client, Connection, Posted, Stage};

/// Keeps a connection for as long as the rehearsal runs. A lost one is made anew as soon as the broker is
/// back, without a pause: pauses are left to chance, and a rehearsal leaves nothing to it.
pub(super) async fn run(settings: &Settings, standing: &Standing<'_>, stage: &Stage) {
    loop {
        let client = Client {
            client_id: settings.client_id.clone(),
            clean_session: settings.clean_session,
            will: settings.will.as_ref().map(Posted::from),
        };
        let connection = tokio::select! {
            connection = stage.connect(client) => connection,
            _ = standing.port.stopped() => return,
        };
        let play = Play {
            settings,
            standing,
            connection,
            exchange: Exchange::new(standing),
        };
        if play.last().await.is_stopped() {
            return;
        }
        standing.port.waits("the broker has gone", None);
        debug!("the broker has gone");
    }
}

/// Why a connection has ended.
enum End {
    Stopped,
    Lost,
}

impl End {
    fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped)
    }
}

struct Play<'a> {
    settings: &'a Settings,
    standing: &'a Standing<'a>,
    connection: Connection,
    exchange: Exchange<'a>,
}

impl Play<'_> {
    async fn last(mut self) -> End {
        for (topic, _) in self.exchange.subscriptions() {
            self.connection.subscribe(topic);
        }
        if let Some(birth) = &self.settings.birth {
            self.connection.publish(birth.into());
        }
        self.standing.port.state(State::Up);
        self.exchange.begin();
        self.pump();
        loop {
            tokio::select! {
                // The same every time.
                biased;
                arrived = self.connection.next() => match arrived {
                    Some(it) => self.exchange.receive(&it.topic, &it.payload, it.retained, Instant::now()),
                    None => return End::Lost,
                },
                () = self.standing.port.changed() => self.pump(),
                () = self.standing.tidings.arrived() => self.pump(),
                _ = self.standing.port.stopped() => {
                    self.finish();
                    return End::Stopped;
                }
            }
        }
    }

    /// Publishes everything that has not been.
    fn pump(&mut self) {
        while let Some(outgoing) = self.exchange.next(Instant::now()) {
            if self.connection.publish((&outgoing.message).into()) {
                self.exchange.acknowledged(outgoing.receipt);
            }
        }
    }

    fn finish(mut self) {
        self.pump();
        if let Some(will) = &self.settings.will {
            self.connection.publish(will.into());
        }
        self.connection.disconnect();
    }
}

impl From<&Message> for Posted {
    fn from(message: &Message) -> Self {
        Self {
            topic: message.topic.clone(),
            payload: message.payload.clone(),
            qos: message.qos as u8,
            retain: message.retain,
        }
    }
}
