//! Virtual centrals: each is a page's own phone, and does what a phone does at the virtual adapter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::current::Current;
use super::model::{CentralEvent, CentralView, How, NotificationView};
use super::problem::Problem;
use super::ring::{Reader, Ring};
use super::state::{Frame, State};
use super::words::{hex, meaning, now};
use crate::gatt::server::{Central, GattServer, MTU_MAX, Notification, Subscribed};

/// So many there are at once.
const CENTRALS_MAX: usize = 32;
/// One without a stream and without a request for so long is disconnected.
const LINGERS: Duration = Duration::from_secs(15);
/// So many notifications of a central are passed on in one slice of time; then the adapter waits, and latest wins.
const PER_SLICE: usize = 40;
const SLICE: Duration = Duration::from_millis(100);
/// So many bytes of them are kept for the streams of a central; what is older gives way.
const TOLD_ROOM: usize = 128 * 1024;

/// All that are open.
#[derive(Default)]
pub(super) struct Centrals {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    opened: u64,
    centrals: BTreeMap<u64, Entry>,
}

struct Entry {
    central: Arc<Central>,
    /// The streams that are bound to it.
    streams: usize,
    used: Instant,
    /// What it is told, for its own streams alone.
    told: Arc<Ring>,
    pump: AbortHandle,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// A stream is bound to a central for as long as this lives.
pub(super) struct Bound {
    state: Arc<State>,
    id: u64,
}

impl Drop for Bound {
    fn drop(&mut self) {
        let mut open = self.state.centrals.open();
        if let Some(entry) = open.centrals.get_mut(&self.id) {
            entry.streams -= 1;
            entry.used = Instant::now();
        }
    }
}

impl Centrals {
    /// A new one.
    ///
    /// # Errors
    /// A [`Problem`] where there is no virtual adapter, or are too many centrals.
    pub(super) fn connect(state: &Arc<State>, current: &Current) -> Result<CentralView, Problem> {
        let Some(server) = current.port.offered_now::<GattServer>() else {
            let detail = "virtual centrals exist on the virtual adapter only (`ble: { adapter: virtual }`); \
                on a real one the page shows what the phones do";
            let title = "no virtual adapter";
            return Err(Problem::new(StatusCode::CONFLICT, title, detail));
        };
        let mut open = state.centrals.open();
        if open.centrals.len() >= CENTRALS_MAX {
            let detail = format!("{CENTRALS_MAX} centrals are open; close a page, or delete one");
            let title = "too many centrals";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, title, detail));
        }
        let central = Arc::new(server.connect());
        // As phones do: what is notified then comes whole.
        let _ = central.exchange_mtu(MTU_MAX);
        open.opened += 1;
        let id = open.opened;
        let told = Ring::new(TOLD_ROOM);
        let pump = tokio::spawn(pump(state.clone(), id, central.clone(), told.clone()));
        let address = central.address().to_owned();
        let entry = Entry {
            central,
            streams: 0,
            used: Instant::now(),
            told,
            pump: pump.abort_handle(),
        };
        open.centrals.insert(id, entry);
        Ok(CentralView { id, address })
    }

    /// One of them, for a request that it makes.
    ///
    /// # Errors
    /// A [`Problem`] if it is gone.
    pub(super) fn get(&self, id: &str) -> Result<Arc<Central>, Problem> {
        let mut open = self.open();
        let entry = id
            .parse()
            .ok()
            .and_then(|id: u64| open.centrals.get_mut(&id));
        let entry = entry.ok_or_else(gone)?;
        entry.used = Instant::now();
        Ok(entry.central.clone())
    }

    /// Disconnects one.
    ///
    /// # Errors
    /// A [`Problem`] if it is gone already.
    pub(super) fn disconnect(&self, id: &str) -> Result<(), Problem> {
        let id = id.parse().map_err(|_| gone())?;
        let entry = self.open().centrals.remove(&id);
        entry.map(drop).ok_or_else(gone)
    }

    pub(super) fn all(&self) -> Vec<CentralView> {
        let open = self.open();
        let all = open.centrals.iter().map(|(id, entry)| CentralView {
            id: *id,
            address: entry.central.address().to_owned(),
        });
        all.collect()
    }

    /// A stream is there for it, which follows what it is told.
    pub(super) fn bind(state: &Arc<State>, id: u64) -> Option<(Bound, Reader)> {
        let mut open = state.centrals.open();
        let entry = open.centrals.get_mut(&id)?;
        entry.streams += 1;
        let told = entry.told.follow();
        drop(open);
        let state = state.clone();
        Some((Bound { state, id }, told))
    }

    /// Disconnects those that nobody has used for a while. When to look again, if any are left.
    pub(super) fn tidy(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut open = self.open();
        let is_over = |entry: &Entry| entry.streams == 0 && now >= entry.used + LINGERS;
        let over: Vec<u64> = open
            .centrals
            .iter()
            .filter(|(_, entry)| is_over(entry))
            .map(|(id, _)| *id)
            .collect();
        let gone: Vec<Entry> = over
            .iter()
            .filter_map(|id| open.centrals.remove(id))
            .collect();
        let is_empty = open.centrals.is_empty();
        drop(open);
        drop(gone);
        (!is_empty).then(|| now + Duration::from_secs(1))
    }

    /// Disconnects all.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut self.open().centrals);
        drop(all);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open
            .lock()
            .expect("nothing panics while the centrals are locked")
    }
}

fn gone() -> Problem {
    let detail = "there is no such central: it was deleted, its page was closed, or the adapter has gone; \
        `POST /api/v1/centrals` makes a new one";
    Problem::not_found(detail)
}

/// Passes on what a central is told, and confirms indications as phones do.
async fn pump(state: Arc<State>, id: u64, central: Arc<Central>, told: Arc<Ring>) {
    let mut slice = Instant::now() + SLICE;
    let mut passed = 0;
    while let Some(notification) = central.next_notification().await {
        if notification.by == Subscribed::Indicate {
            let _ = central.confirm();
        }
        if let Ok(current) = state.current()
            && told.is_followed()
        {
            let event = CentralEvent {
                id,
                notification: view(&current, &central, &notification),
                disconnected: false,
            };
            told.push(Frame::new("central", &event));
        }
        let now = Instant::now();
        passed += 1;
        if now >= slice {
            (slice, passed) = (now + SLICE, 1);
        } else if passed >= PER_SLICE {
            sleep_until(slice).await;
            (slice, passed) = (slice + SLICE, 0);
        }
    }
    let event = CentralEvent {
        id,
        notification: None,
        disconnected: true,
    };
    told.push(Frame::new("central", &event));
    let entry = state.centrals.open().centrals.remove(&id);
    drop(entry);
}

fn view(
    current: &Current,
    central: &Central,
    notification: &Notification,
) -> Option<NotificationView> {
    let place = place_of(central, notification.handle)?;
    let service = current.catalogue().services.get(place.0)?;
    let characteristic = service.characteristics.get(place.1)?;
    let (cell, spec) = characteristic.tells();
    let withheld = current.is_withheld(cell);
    let (value, shown) = match withheld {
        true => (serde_json::Value::Null, "withheld".to_owned()),
        false => meaning(spec, &notification.value, current.names.unit(cell)),
    };
    Some(NotificationView {
        characteristic: current.names.characteristic(place.0, place.1).to_owned(),
        hex: (!withheld).then(|| hex(&notification.value)),
        value,
        shown,
        how: match notification.by {
            Subscribed::Notify => How::Notifications,
            Subscribed::Indicate => How::Indications,
        },
        at: now(),
    })
}

/// Which service and characteristic of it a value's handle is.
fn place_of(central: &Central, handle: u16) -> Option<(usize, usize)> {
    let services = central.discover();
    let services = services.iter().enumerate();
    let (index, service) = services.take_while(|(_, it)| it.handle <= handle).last()?;
    let mut all = service.characteristics.iter();
    Some((index, all.position(|it| it.handle == handle)?))
}
