//! The life of a connection: made, used, lost, made anew.
//!
//! Every connection has an event loop of its own. One that is used again keeps what it had queued,
//! and a packet id that its broker never acknowledges can block it for good; the engine knows better
//! what is still to be sent.

use std::pin::Pin;
use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, Incoming, LastWill, MqttOptions,
    NetworkOptions, TlsConfiguration, Transport,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::Settings;
use super::binding::Message;
#[cfg(feature = "broker")]
use super::embedded::{Next, StandIn};
use super::exchange::Standing;
use super::session::Session;
use super::trouble::Trouble;
use crate::runtime::Backoff;

/// The largest packet that the protocol knows (MQTT 3.1.1, 2.2.3). A lower limit would not protect
/// from a large message: it would break the connection, again and again when the message is retained.
const MAX_PACKET: usize = 268_435_455 + 5;
/// Messages that wait for an acknowledgement at once. More than brokers usually allow.
const MAX_IN_FLIGHT: u16 = 1000;
/// A connection that lasted longer was a good one. Longer than the longest pause between two attempts,
/// so that two clients that drive each other away are recognised.
const GOOD: Duration = Duration::from_secs(60);
/// When the link stops, this is what each of three steps may take: what is pending, the will's message
/// and the disconnection.
const STEP_OF_STOPPING: Duration = Duration::from_millis(300);

/// Keeps a connection for as long as the program runs.
pub(super) async fn run(settings: &Settings, standing: &Standing<'_>) {
    let port = standing.port;
    let mut diary = Diary::new(settings);
    let mut backoff = Backoff::default();
    #[cfg(feature = "broker")]
    let mut stand_in = settings.auto.then(|| StandIn::new(settings.address.port));
    loop {
        match connect(settings, standing).await {
            Outcome::Stopped => return,
            Outcome::Failed(trouble) => {
                #[cfg(feature = "broker")]
                match stand_in.as_mut().map(|it| it.failed(trouble.is_nobody)) {
                    Some(Next::AtOnce) => continue,
                    Some(Next::Soon(pause)) => {
                        tokio::select! {
                            () = sleep(pause) => continue,
                            () = port.stopped() => return,
                        }
                    }
                    Some(Next::Later) | None => {}
                }
                diary.failed(&trouble);
            }
            Outcome::Connected(mut connection) => {
                #[cfg(feature = "broker")]
                if let Some(stand_in) = &mut stand_in {
                    stand_in.connected();
                }
                if diary.connected() {
                    backoff.reset();
                }
                let since = Instant::now();
                match connection.last(settings, standing).await {
                    None => return,
                    Some(error) => {
                        let lasted = since.elapsed();
                        if lasted >= GOOD {
                            // However often it failed before: that is over.
                            backoff.reset();
                        }
                        diary.lost(&Trouble::of(&error, settings), lasted);
                    }
                }
            }
        }
        tokio::select! {
            () = sleep(backoff.next_pause()) => {}
            () = port.stopped() => return,
        }
    }
}

/// What became of an attempt to connect.
enum Outcome<'a> {
    Connected(Box<Connection<'a>>),
    Failed(Trouble),
    Stopped,
}

async fn connect<'a>(settings: &Settings, standing: &'a Standing<'a>) -> Outcome<'a> {
    let port = standing.port;
    let capacity = Session::capacity(standing.bindings);
    let (client, mut event_loop) = AsyncClient::new(options(settings), capacity);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    event_loop.set_network_options(network);
    let first = tokio::select! {
        first = event_loop.poll() => first,
        () = port.stopped() => return Outcome::Stopped,
    };
    let session_present = match first {
        Ok(Event::Incoming(Incoming::ConnAck(accepted))) => accepted.session_present,
        // Nothing else can come first; if it does, the next attempt begins from scratch.
        Ok(_) => false,
        Err(error) => return Outcome::Failed(Trouble::while_connecting(&error, settings)),
    };
    let (events, arriving) = mpsc::channel(32);
    let mut connection = Connection {
        session: Session::new(client, standing),
        driver: Box::pin(drive(event_loop, events)),
        arriving,
    };
    let birth = settings.birth.as_ref();
    connection.session.begin(birth, session_present);
    Outcome::Connected(Box::new(connection))
}

/// A connection that the broker has accepted.
struct Connection<'a> {
    session: Session<'a>,
    /// Never dropped before the connection is: rumqttc does not say what a poll that is given up
    /// leaves behind.
    driver: Pin<Box<dyn Future<Output = ConnectionError> + Send>>,
    arriving: mpsc::Receiver<Event>,
}

async fn drive(mut event_loop: EventLoop, events: mpsc::Sender<Event>) -> ConnectionError {
    loop {
        match event_loop.poll().await {
            // The receiver lives as long as this future does.
            Ok(event) => drop(events.send(event).await),
            Err(error) => return error,
        }
    }
}

impl Connection<'_> {
    /// Serves until the connection is lost, or until it is time to stop (`None`).
    async fn last(
        &mut self,
        settings: &Settings,
        standing: &Standing<'_>,
    ) -> Option<ConnectionError> {
        let port = standing.port;
        loop {
            tokio::select! {
                result = self.step() => match result {
                    // What was acknowledged has made room.
                    Ok(()) => self.session.pump(),
                    Err(error) => return Some(error),
                },
                () = port.changed() => self.session.pump(),
                () = standing.tidings.arrived() => self.session.pump(),
                () = port.stopped() => {
                    self.finish(settings.will.as_ref()).await;
                    return None;
                }
            }
        }
    }

    /// Handles the next event. Can be given up at any time.
    async fn step(&mut self) -> Result<(), ConnectionError> {
        tokio::select! {
            biased;
            Some(event) = self.arriving.recv() => {
                self.session.handle(event);
                Ok(())
            }
            error = &mut self.driver => {
                while let Ok(event) = self.arriving.try_recv() {
                    self.session.handle(event);
                }
                Err(error)
            }
        }
    }

    /// Leaves in good order: what is pending is delivered, then the will's message, because the broker
    /// keeps it to itself when a client disconnects, and those who follow it have to know.
    async fn finish(&mut self, will: Option<&Message>) {
        self.session.pump();
        let pending = self.until(|session| {
            session.pump();
            session.is_idle()
        });
        if !pending.await {
            debug!("some messages were not acknowledged in time");
        }
        if let Some(will) = will {
            self.session.notify(will);
            self.until(|session| {
                session.pump_unsent();
                session.is_idle()
            })
            .await;
        }
        self.session.disconnect();
        self.until(|session| session.has_disconnected).await;
    }

    /// Goes on until something is so; `false` if it does not come about in time.
    async fn until(&mut self, mut is_so: impl FnMut(&mut Session<'_>) -> bool) -> bool {
        let wait = async {
            while !is_so(&mut self.session) {
                if self.step().await.is_err() {
                    return false;
                }
            }
            true
        };
        timeout(STEP_OF_STOPPING, wait).await.unwrap_or(false)
    }
}

fn options(settings: &Settings) -> MqttOptions {
    let address = &settings.address;
    let mut options = MqttOptions::new(&settings.client_id, &address.host, address.port);
    options
        .set_keep_alive(settings.keep_alive)
        .set_clean_session(settings.clean_session)
        .set_max_packet_size(MAX_PACKET, MAX_PACKET)
        .set_inflight(MAX_IN_FLIGHT);
    if let Some((username, password)) = &settings.credentials {
        options.set_credentials(username, password.expose());
    }
    if let Some(tls) = &settings.tls {
        let tls = TlsConfiguration::Rustls(tls.clone());
        options.set_transport(Transport::tls_with_config(tls));
    }
    if let Some(will) = &settings.will {
        let qos = will.qos.into();
        let will = LastWill::new(&will.topic, will.payload.as_slice(), qos, will.retain);
        options.set_last_will(will);
    }
    options
}

/// What an operator reads: each thing once, not at every attempt.
struct Diary<'a> {
    settings: &'a Settings,
    said: Option<Trouble>,
    /// Connections in a row that the broker has closed soon.
    short_lived: u32,
}

impl<'a> Diary<'a> {
    fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            said: None,
            short_lived: 0,
        }
    }

    /// Whether the connection promises to be a good one.
    fn connected(&mut self) -> bool {
        let Settings {
            address, client_id, ..
        } = self.settings;
        info!("connected to the MQTT broker at {address} as `{client_id}`");
        self.said = None;
        self.short_lived == 0
    }

    fn failed(&mut self, trouble: &Trouble) {
        let address = &self.settings.address;
        self.short_lived = 0;
        if self.said.as_ref().is_some_and(|said| said.is_like(trouble)) {
            debug!("still no connection to the MQTT broker at {address}: {trouble}");
            return;
        }
        self.said = Some(trouble.clone());
        let no_stand_in = match self.settings.auto && cfg!(not(feature = "broker")) {
            true => " (this build has no embedded one)",
            false => "",
        };
        warn!(
            "no connection to the MQTT broker at {address}: {trouble}; trying until there is \
             one{no_stand_in}"
        );
    }

    fn lost(&mut self, trouble: &Trouble, lasted: Duration) {
        let Settings {
            address, client_id, ..
        } = self.settings;
        self.said = Some(trouble.clone());
        self.short_lived = match lasted < GOOD {
            true => self.short_lived + 1,
            false => 0,
        };
        if self.short_lived < 2 {
            warn!("lost the connection to the MQTT broker at {address}: {trouble}; trying again");
        } else {
            warn!(
                "lost the connection to the MQTT broker at {address} soon again: {trouble}; does \
                 another client have the client id `{client_id}`? A broker drops one for the other"
            );
        }
    }
}
