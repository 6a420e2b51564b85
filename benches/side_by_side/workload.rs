//! What a contender has to do, and what is measured meanwhile.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::time::{interval, sleep, timeout};
use uuid::{Uuid, uuid};

use crate::Result;
use crate::air::{Air, Central, now};
use crate::broker::Broker;
use crate::contender::{Contender, Process};
use crate::figures::Figures;
use crate::publisher::Publisher;
use crate::usage::{Memory, Usage};

const NUMBER: Uuid = uuid!("7a4b0001-999f-4717-b63a-066e06971f59");
const TOPIC: &str = "number/set";
/// The last value of a burst, which none before it has.
const LAST: u8 = 255;

/// `ble`, `mqtt` and `ticker`. The console has nothing to do as long as nobody looks at it.
const LINKS_AT_REST: u32 = 3;

/// How much of it. The lab is slow: it takes less.
#[derive(Clone)]
pub struct Load {
    pub repository: PathBuf,
    pub writes: usize,
    /// A phone's connection interval is 7.5 ms or longer: a write finds the last one done with.
    pub writes_every: Duration,
    pub updates: usize,
    pub updates_every: Duration,
    pub burst: usize,
    pub bursts: usize,
    pub rest: Duration,
    /// Whoever takes longer does not get there.
    pub patience: Duration,
}

/// A contender with a broker of its own and a central that has connected to it.
pub struct Session<'a> {
    contender: Contender,
    load: &'a Load,
    air: &'a Air,
    process: Process,
    central: Central,
    publisher: Option<Publisher>,
    /// The last number that it was given. The same once more would be no change.
    number: u8,
    _broker: Broker,
}

/// One round of one contender.
pub async fn measure(
    contender: Contender,
    air: &Air,
    load: &Load,
    figures: &mut Figures,
) -> Result<()> {
    let mut session = Session::start(contender, air, load, figures).await?;
    match contender {
        Contender::BemoTicker => session.rest(figures).await?,
        Contender::BridgeEvery | Contender::BemoEvery => {
            session.memory("at rest", figures)?;
            session.subscribe().await?;
            session.bursts(figures).await?;
            session.memory("after", figures)?;
        }
        _ => {
            session.memory("at rest", figures)?;
            session.writes(figures).await?;
            session.subscribe().await?;
            session.updates(load.updates, figures).await?;
            session.bursts(figures).await?;
            session.memory("after", figures)?;
        }
    }
    session.stop().await
}

impl<'a> Session<'a> {
    pub async fn start(
        contender: Contender,
        air: &'a Air,
        load: &'a Load,
        figures: &mut Figures,
    ) -> Result<Self> {
        let broker = Broker::start().await?;
        let publisher = Publisher::connect(broker.port, TOPIC)?;
        let mut process =
            Process::start(contender, &load.repository, air.bus_address(), broker.port)?;
        let registered = match timeout(load.patience, air.registered()).await {
            Ok(registered) => registered,
            Err(_) => {
                let ended = process.ended().unwrap_or_else(|| "it runs".to_owned());
                return Err(format!("{} has not registered: {ended}", contender.name()).into());
            }
        };
        crate::start::note(contender, process.started, &registered, figures);
        let mut session = Self {
            contender,
            load,
            air,
            process,
            central: air.connect(NUMBER).await?,
            publisher: Some(publisher),
            number: 0,
            _broker: broker,
        };
        session.until_it_follows().await?;
        Ok(session)
    }

    /// It may advertise before it has subscribed at the broker.
    async fn until_it_follows(&mut self) -> Result<()> {
        if self.contender == Contender::BemoTicker {
            sleep(Duration::from_secs(2)).await;
            return Ok(());
        }
        let patience = self.load.patience;
        let follows = async {
            loop {
                let number = self.next_number();
                self.publisher()?.publish(number)?;
                sleep(Duration::from_millis(20)).await;
                if self.central.read().await? == [number] {
                    break;
                }
            }
            // What has piled up is dealt with.
            sleep(Duration::from_millis(300)).await;
            Ok(())
        };
        timeout(patience, follows).await?
    }

    fn next_number(&mut self) -> u8 {
        self.number = (self.number + 1) % LAST;
        self.number
    }

    fn publisher(&mut self) -> Result<&mut Publisher> {
        self.publisher
            .as_mut()
            .ok_or_else(|| "a burst goes on".into())
    }

    pub async fn subscribe(&mut self) -> Result<()> {
        Ok(self.central.subscribe().await?)
    }

    pub fn used_memory(&self) -> Result<Memory> {
        Ok(Memory::of(self.process.pid())?)
    }

    fn memory(&mut self, when: &str, figures: &mut Figures) -> Result<()> {
        if self.process.ended().is_some() {
            return Ok(());
        }
        let memory = self.used_memory()?;
        figures.add(
            self.contender,
            &format!("rss {when}"),
            memory.rss_kib as f64,
        );
        figures.add(
            self.contender,
            &format!("pss {when}"),
            memory.pss_kib as f64,
        );
        Ok(())
    }

    /// Write requests, one after the other.
    async fn writes(&mut self, figures: &mut Figures) -> Result<()> {
        let mut pace = interval(self.load.writes_every);
        let mut latencies = Vec::new();
        let warm_up = self.load.writes / 10;
        let mut before = None;
        for index in 0..warm_up + self.load.writes {
            pace.tick().await;
            if index == warm_up {
                before = Some(Usage::of(self.process.pid())?);
            }
            let number = self.next_number();
            let written = self.central.write_timed(&[number]).await;
            written.result?;
            if index >= warm_up {
                latencies.push(written.answered - written.sent);
            }
            if index % 100 == 99 && self.central.read().await? != [number] {
                return Err(format!("{} has lost a write", self.contender.name()).into());
            }
        }
        if let Some(before) = before {
            let used = Usage::of(self.process.pid())?.since(&before);
            let each = used.cpu_ns as f64 / 1e3 / latencies.len() as f64;
            figures.add(self.contender, "cpu per write", each);
        }
        figures.add_latencies(self.contender, "write", latencies);
        Ok(())
    }

    /// Publishes at an even pace, and how long each takes to be on the air.
    pub async fn updates(&mut self, count: usize, figures: &mut Figures) -> Result<()> {
        self.publish_evenly(count / 10).await?;
        let before = Usage::of(self.process.pid())?;
        let (latencies, passed_over) = self.publish_evenly(count).await?;
        let used = Usage::of(self.process.pid())?.since(&before);
        let updates = count as f64;
        figures.add(
            self.contender,
            "cpu per update",
            used.cpu_ns as f64 / 1e3 / updates,
        );
        figures.add(
            self.contender,
            "wakeups per update",
            used.wakeups as f64 / updates,
        );
        figures.add(self.contender, "update passed over", passed_over as f64);
        figures.add_latencies(self.contender, "update", latencies);
        Ok(())
    }

    async fn publish_evenly(&mut self, updates: usize) -> Result<(Vec<Duration>, usize)> {
        let mut pace = interval(self.load.updates_every);
        let (mut latencies, mut passed_over) = (Vec::new(), 0);
        // What is published and not yet heard of. A value may be passed over, but never overtaken.
        let mut open: VecDeque<(u8, Instant)> = VecDeque::new();
        let mut heard = |open: &mut VecDeque<(u8, Instant)>, at: Instant, octets: Vec<u8>| {
            let place = open.iter().position(|(number, _)| [*number] == octets[..]);
            if let Some(place) = place {
                // With the newest, the central knows of those that were passed over too, and has waited for all of them.
                passed_over += place;
                let known = open.drain(..=place);
                latencies.extend(known.map(|(_, sent)| at.saturating_duration_since(sent)));
            }
        };
        for _ in 0..updates {
            let due = async {
                loop {
                    tokio::select! {
                        _ = pace.tick() => break,
                        (at, octets) = self.central.notification() => heard(&mut open, at, octets),
                    }
                }
            };
            due.await;
            let number = self.next_number();
            let at = self.publisher()?.publish(number)?;
            open.push_back((number, at));
        }
        let rest = async {
            while !open.is_empty() {
                let (at, octets) = self.central.notification().await;
                heard(&mut open, at, octets);
            }
        };
        // The last is never passed over.
        timeout(self.load.patience, rest)
            .await
            .map_err(|_| format!("{} has not told the last value", self.contender.name()))?;
        Ok((latencies, passed_over))
    }

    async fn bursts(&mut self, figures: &mut Figures) -> Result<()> {
        for _ in 0..self.load.bursts {
            if !self.burst(figures).await? {
                break;
            }
            // What it still has to publish itself is no part of the next one.
            sleep(Duration::from_millis(300)).await;
        }
        Ok(())
    }

    /// Everything at once. Whether the newest value has come through.
    async fn burst(&mut self, figures: &mut Figures) -> Result<bool> {
        let all: Vec<u8> = (0..self.load.burst - 1)
            .map(|index| (index % usize::from(LAST)) as u8)
            .chain([LAST])
            .collect();
        // What came before is none of it.
        while self.central.try_notification().is_some() {}
        let before = Usage::of(self.process.pid())?;
        let mut publisher = self.publisher.take().ok_or("a burst goes on")?;
        let numbers = all.clone();
        let publishing = tokio::task::spawn_blocking(move || {
            let burst = publisher.burst(numbers.into_iter());
            burst.map(|burst| (publisher, burst))
        });
        let mut notified = Vec::with_capacity(all.len());
        let arrived = self.until(LAST, &mut notified).await;
        let (publisher, burst) = publishing.await??;
        self.publisher = Some(publisher);
        let published = burst.last - burst.first;
        figures.add(
            self.contender,
            "burst published",
            published.as_secs_f64() * 1e3,
        );
        figures.add(self.contender, "burst notified", notified.len() as f64);
        let Some(at) = arrived else {
            figures.add(self.contender, "burst not there", 1.0);
            if self.contender.tells_every() {
                figures.add(self.contender, "every in order", 0.0);
            }
            if let Some((latest, _)) = notified.last() {
                let rate = notified.len() as f64 / (*latest - burst.first).as_secs_f64();
                figures.add(self.contender, "every rate", rate);
            }
            return Ok(false);
        };
        let notified: Vec<u8> = notified.into_iter().map(|(_, number)| number).collect();
        let used = Usage::of(self.process.pid())?.since(&before);
        let each = used.cpu_ns as f64 / 1e3 / all.len() as f64;
        figures.add(self.contender, "burst cpu", each);
        let after_last = at.saturating_duration_since(burst.last);
        figures.add(
            self.contender,
            "burst newest",
            after_last.as_secs_f64() * 1e3,
        );
        if self.contender.tells_every() {
            let rate = all.len() as f64 / (at - burst.first).as_secs_f64();
            figures.add(self.contender, "every rate", rate);
            figures.add(self.contender, "every in order", f64::from(notified == all));
        }
        Ok(true)
    }

    /// When a value has come that comes last; none if the contender has ended or has nothing more to say.
    async fn until(&mut self, last: u8, notified: &mut Vec<(Instant, u8)>) -> Option<Instant> {
        let begin = now();
        loop {
            let next = timeout(Duration::from_millis(500), self.central.notification());
            if let Ok((at, octets)) = next.await {
                notified.extend(octets.iter().map(|octet| (at, *octet)));
                if octets == [last] {
                    return Some(at);
                }
            } else if begin.elapsed() > self.load.patience || self.process.ended().is_some() {
                return None;
            }
        }
    }

    /// Nothing but a ticker, and a central that hears of it.
    async fn rest(&mut self, figures: &mut Figures) -> Result<()> {
        self.subscribe().await?;
        sleep(Duration::from_secs(1)).await;
        let before = Usage::of(self.process.pid())?;
        sleep(self.load.rest).await;
        let used = Usage::of(self.process.pid())?.since(&before);
        let seconds = self.load.rest.as_secs_f64();
        let each = used.wakeups as f64 / seconds / f64::from(LINKS_AT_REST);
        figures.add(self.contender, "wakeups per second and link", each);
        figures.add(
            self.contender,
            "cpu at rest",
            used.cpu_ns as f64 / 1e7 / seconds,
        );
        Ok(())
    }

    pub async fn stop(mut self) -> Result<()> {
        drop(self.central);
        self.process.stop().await?;
        self.air.gone().await;
        Ok(())
    }
}
