//! The life of a connection: made, used, lost, made anew.
//!
//! Nothing of a connection outlives it but the suspicion that a message breaks it (`caution`): the engine
//! knows what is still to be sent.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use super::Settings;
use super::binding::Message;
use super::caution::Caution;
use super::dial::{Accepted, CHUNK, Socket, dial};
#[cfg(feature = "broker")]
use super::embedded::{Next, StandIn};
use super::exchange::Standing;
use super::packet::Inbox;
use super::retry::{After, Retry};
use super::session::{Said, Session};
use super::trouble::{Fault, Trouble};
use crate::plugin::{Ending, State};

/// A connection that lasted longer was a good one. Longer than the longest pause between two attempts,
/// so that two clients that drive each other away are recognised.
const GOOD: Duration = Duration::from_secs(60);
/// After so many connections in a row that were no good ones, nothing heals by itself.
const HOPELESS: u32 = 6;
/// What the broker has sent before it broke a connection is still read, for so long at most.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// After so many packets others have their turn.
const A_LOT: usize = 8;
/// When the link stops, this is what each of three steps may take: what is pending, the will's message
/// and the disconnection.
const STEP_OF_STOPPING: Duration = Duration::from_millis(300);

/// What one link leaves to the next, which connects to the same broker as the same client.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) line: Option<Line>,
    caution: Caution,
    #[cfg(feature = "broker")]
    stand_in: Option<StandIn>,
}

/// An open connection.
pub(super) struct Line {
    said: Said,
    inbox: Inbox,
    reader: ReadHalf<Box<dyn Socket>>,
    writer: WriteHalf<Box<dyn Socket>>,
}

impl Kept {
    /// What of it is of use to somebody who connects in another way: the broker that stands in, if both want one.
    pub(super) fn for_another(mut self) -> Self {
        self.line = None;
        self.caution = Caution::default();
        self
    }
}

/// Keeps a connection for as long as the program runs. Goes on with what has been `kept`, and at the end keeps
/// what somebody else can go on with.
pub(super) async fn run(settings: &Settings, standing: &Standing<'_>, kept: &mut Kept) {
    let port = standing.port;
    let mut diary = Diary::new(settings);
    let mut retry = Retry::new(settings.retry_within, settings.answer_within);
    let Kept {
        line,
        caution,
        #[cfg(feature = "broker")]
        stand_in,
    } = kept;
    #[cfg(feature = "broker")]
    match settings.auto {
        true => drop(stand_in.get_or_insert_with(|| StandIn::new(settings.address.port))),
        false => *stand_in = None,
    }
    loop {
        let attempt = Instant::now();
        let result = match line.take() {
            Some(line) => Ok(Begun::Resumed(Box::new(line))),
            None => tokio::select! {
                result = dial(settings, retry.answer_within(), standing.longest()) => result.map(Begun::Accepted),
                _ = port.stopped() => return,
            },
        };
        let (trouble, after, took) = match result {
            Err(fault) => {
                let trouble = Trouble::while_connecting(&fault, settings);
                #[cfg(feature = "broker")]
                match stand_in.as_mut().map(|it| it.failed(trouble.is_nobody)) {
                    Some(Next::AtOnce) => continue,
                    Some(Next::Soon(pause)) => {
                        tokio::select! {
                            () = sleep_until(Instant::now() + pause) => continue,
                            _ = port.stopped() => return,
                        }
                    }
                    Some(Next::Later) | None => {}
                }
                diary.failed(&trouble);
                let is_silence = matches!(fault, Fault::Unanswered);
                let after = if is_silence {
                    After::Silence
                } else {
                    After::Failure
                };
                (trouble, after, attempt.elapsed())
            }
            Ok(begun) => {
                let is_resumed = matches!(begun, Begun::Resumed(_));
                #[cfg(feature = "broker")]
                if let Some(stand_in) = stand_in.as_mut().filter(|_| !is_resumed) {
                    stand_in.connected();
                    let embedded = stand_in.serves().then(|| "yes".to_owned());
                    port.detail("embedded", embedded);
                }
                port.state(State::Up);
                retry.connected();
                if !is_resumed && diary.connected() {
                    retry.reset();
                }
                let begin = Instant::now();
                let mut connection = Connection::new(settings, standing, caution, begun);
                let fault = match connection.last(settings, standing).await {
                    Ended::Left => return,
                    Ended::Kept => {
                        *line = Some(connection.leave(settings, standing));
                        return;
                    }
                    Ended::Lost(fault) => fault,
                };
                let end = Instant::now();
                let lasted = end - begin;
                if lasted >= GOOD {
                    // However often it failed before: that is over.
                    retry.reset();
                }
                let trouble = Trouble::of(&fault, settings);
                diary.lost(&trouble, lasted);
                let mut after = After::Loss;
                if connection.session.lost(&fault, lasted < GOOD, end) {
                    // That is soon over, and the way to the broker is as good as ever.
                    diary.short_lived = 0;
                    retry.reset();
                    after = After::Blame;
                }
                (trouble, after, Duration::ZERO)
            }
        };
        let heals = trouble.heals && diary.short_lived < HOPELESS;
        let after = if heals { after } else { After::Refusal };
        let pause = retry.pause(after, took, fastrand::f64());
        let again = Instant::now() + pause;
        let address = &settings.address;
        let why = format!("no connection to the MQTT broker at {address}: {trouble}");
        port.waits(why, Some(pause));
        tokio::select! {
            () = sleep_until(again) => {}
            _ = port.stopped() => return,
        }
    }
}

/// How a connection begins.
enum Begun {
    Accepted(Accepted),
    Resumed(Box<Line>),
}

/// How it ends for this link.
enum Ended {
    Lost(Fault),
    /// In good order.
    Left,
    /// It is open, for another link.
    Kept,
}

/// A connection that the broker has accepted.
struct Connection<'a> {
    session: Session<'a>,
    inbox: Inbox,
    reader: ReadHalf<Box<dyn Socket>>,
    writer: WriteHalf<Box<dyn Socket>>,
    alarm: Alarm,
}

/// Rings when something is due, or before that: what is due moves away with each packet, and to set a clock anew
/// for each costs more than to look in vain now and then.
struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    fn new(now: Instant) -> Self {
        Self(Box::pin(sleep_until(now)))
    }

    async fn rings(&mut self, due: Instant) {
        if due < self.0.deadline() || self.0.is_elapsed() {
            self.0.as_mut().reset(due);
        }
        self.0.as_mut().await;
    }
}

impl<'a> Connection<'a> {
    fn new(
        settings: &Settings,
        standing: &'a Standing<'a>,
        caution: &'a mut Caution,
        begun: Begun,
    ) -> Self {
        let now = Instant::now();
        let mut session = Session::new(settings, standing, caution, now);
        let birth = settings.birth.as_ref();
        let alarm = Alarm::new(now);
        match begun {
            Begun::Accepted(accepted) => {
                debug!(accepted.session_present, "the broker has accepted");
                let (reader, writer) = tokio::io::split(accepted.socket);
                session.begin(birth, now);
                Self {
                    session,
                    inbox: accepted.inbox,
                    reader,
                    writer,
                    alarm,
                }
            }
            Begun::Resumed(line) => {
                let Line {
                    said,
                    mut inbox,
                    reader,
                    writer,
                } = *line;
                inbox.admit(standing.longest());
                session.resume(said, standing, birth, now);
                Self {
                    session,
                    inbox,
                    reader,
                    writer,
                    alarm,
                }
            }
        }
    }

    /// The connection, for somebody else to go on with.
    fn leave(self, settings: &Settings, standing: &Standing<'_>) -> Line {
        let Self {
            session,
            inbox,
            reader,
            writer,
            ..
        } = self;
        Line {
            said: session.leave(standing, settings.birth.as_ref()),
            inbox,
            reader,
            writer,
        }
    }

    /// Serves until the connection is lost, or until it is time to stop.
    async fn last(&mut self, settings: &Settings, standing: &Standing<'_>) -> Ended {
        let port = standing.port;
        let mut stopped = pin!(port.stopped());
        // Some of it may have come with the acceptance.
        if let Err(fault) = self.take_in(Instant::now()) {
            return Ended::Lost(fault);
        }
        let mut came = 0;
        loop {
            let now = Instant::now();
            self.session.pump(now);
            if let Err(fault) = self.write_at_once(now).await {
                return Ended::Lost(fault);
            }
            // What has come is for others too: who floods us keeps nobody from their turn.
            if came >= A_LOT {
                came = 0;
                yield_now().await;
            }
            let has_room = self.session.has_room();
            let moved = tokio::select! {
                biased;
                ending = &mut stopped => return match ending {
                    Ending::ForGood => {
                        self.finish(settings.will.as_ref()).await;
                        Ended::Left
                    }
                    Ending::Succeeded => {
                        self.deliver().await;
                        Ended::Kept
                    }
                },
                moved = self.move_on() => moved,
                () = port.changed(), if has_room => continue,
                () = standing.tidings.arrived(), if has_room => continue,
            };
            match self.has_moved(moved).await {
                Ok(count) => came += count,
                Err(fault) => return Ended::Lost(fault),
            }
        }
    }

    /// Reads or writes what can be, or waits until something else is due.
    async fn step(&mut self) -> Result<(), Fault> {
        let moved = self.move_on().await;
        self.has_moved(moved).await.map(drop)
    }

    /// Waits until something can be read or written, or is due. Can be given up at any time.
    async fn move_on(&mut self) -> Moved {
        let Self {
            session,
            inbox,
            reader,
            writer,
            alarm,
        } = self;
        let (wants_input, has_output) = (session.wants_input(), session.has_output());
        let due = session.due();
        tokio::select! {
            read = reader.read_buf(inbox.room(CHUNK)), if wants_input => Moved::In(read),
            written = write(writer, session.unwritten()), if has_output => Moved::Out(written),
            () = alarm.rings(due) => Moved::Nothing,
        }
    }

    /// What comes of it. Returns how many packets have come.
    async fn has_moved(&mut self, moved: Moved) -> Result<usize, Fault> {
        let now = Instant::now();
        match moved {
            Moved::In(Ok(0)) => return Err(Fault::Closed),
            // A part of a long one counts too.
            Moved::In(Ok(_)) => return Ok(self.take_in(now)?.max(1)),
            Moved::In(Err(error)) => return Err(error.into()),
            Moved::Out(written) => self.has_written(written, now).await?,
            Moved::Nothing if self.session.check(now).is_ok() => {}
            // Unless it was this process that slept, and the answer is there.
            Moved::Nothing => {
                self.look().await?;
                self.session.check(now)?;
            }
        }
        Ok(0)
    }

    async fn has_written(
        &mut self,
        written: std::io::Result<Option<usize>>,
        now: Instant,
    ) -> Result<(), Fault> {
        match written {
            Ok(Some(count)) => self.session.wrote(count, now),
            Ok(None) => self.session.flushed(),
            Err(error) => {
                // What was acknowledged before is not sent again.
                let _ = timeout(LAST_WORDS, self.listen()).await;
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Writes what there is, as far as the socket takes it without waiting.
    async fn write_at_once(&mut self, now: Instant) -> Result<(), Fault> {
        while self.session.has_output() {
            let written = {
                let mut written = pin!(write(&mut self.writer, self.session.unwritten()));
                match poll_fn(|context| Poll::Ready(written.as_mut().poll(context))).await {
                    Poll::Ready(written) => written,
                    Poll::Pending => return Ok(()),
                }
            };
            self.has_written(written, now).await?;
        }
        Ok(())
    }

    /// Takes in what is there, without waiting for any.
    async fn look(&mut self) -> Result<(), Fault> {
        let read = self.reader.read_buf(self.inbox.room(CHUNK));
        match timeout(Duration::ZERO, read).await {
            Ok(Ok(0)) => Err(Fault::Closed),
            Ok(Ok(_)) => self.take_in(Instant::now()).map(drop),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Ok(()),
        }
    }

    /// Hands over every packet that is there, and says how many.
    fn take_in(&mut self, now: Instant) -> Result<usize, Fault> {
        let mut count = 0;
        while let Some(packet) = self.inbox.next()? {
            self.session.handle(packet, now)?;
            count += 1;
        }
        self.session.has_come(count, now);
        Ok(count)
    }

    async fn listen(&mut self) -> Result<(), Fault> {
        while self.reader.read_buf(self.inbox.room(CHUNK)).await? > 0 {
            self.take_in(Instant::now())?;
        }
        Ok(())
    }

    /// Leaves in good order: what is pending is delivered, then the will's message, because the broker
    /// keeps it to itself when a client disconnects, and those who follow it have to know.
    async fn finish(&mut self, will: Option<&Message>) {
        self.deliver().await;
        if let Some(will) = will {
            self.session.notify(will, Instant::now());
            self.until(|session| {
                session.pump_unsent(Instant::now());
                session.is_idle()
            })
            .await;
        }
        self.session.disconnect();
        self.until(|session| !session.has_output()).await;
    }

    /// Delivers what is pending, if that is soon done.
    async fn deliver(&mut self) {
        let pending = self.until(|session| {
            session.pump(Instant::now());
            session.is_idle()
        });
        if !pending.await {
            debug!("some messages were not acknowledged in time");
        }
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

enum Moved {
    In(std::io::Result<usize>),
    Out(std::io::Result<Option<usize>>),
    Nothing,
}

/// Writes some of it; without any, sees to it that everything has gone (`None`).
async fn write(
    writer: &mut WriteHalf<Box<dyn Socket>>,
    bytes: &[u8],
) -> std::io::Result<Option<usize>> {
    if bytes.is_empty() {
        writer.flush().await?;
        return Ok(None);
    }
    match writer.write(bytes).await? {
        0 => Err(std::io::ErrorKind::WriteZero.into()),
        count => Ok(Some(count)),
    }
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
