//! How everything is, for the page and for programs.

use super::current::{Current, milliseconds};
use super::model::{
    Adapter, AdapterKind, ConnectedCentral, HealthView, LastReload, LinkView, Subscription, Totals,
};
use super::state::{STREAMS_MAX, State};
use super::words::{now, since_1970};
use crate::gatt::server::GattServer;
use crate::metrics::Snapshot;
use crate::plugin::{Health, LinkHealth};
use crate::reload::Reloader;

pub(super) fn health(state: &State, current: &Current) -> HealthView {
    let snapshot = current.observer.snapshot();
    let verdict = snapshot.health.verdict();
    let totals = totals(state, &snapshot);
    let Health {
        began,
        uptime,
        links,
        centrals,
    } = snapshot.health;
    let centrals = centrals.into_iter().map(|central| ConnectedCentral {
        since: since_1970(central.since),
        subscribed: central
            .subscribed
            .iter()
            .filter_map(|it| {
                Some(Subscription {
                    characteristic: current.id_of(&it.value)?.to_owned(),
                    how: it.how.map(|how| how.word().to_owned()),
                })
            })
            .collect(),
        address: central.address,
    });
    HealthView {
        status: match verdict.is_well {
            true => "ok",
            false => "unavailable",
        },
        reasons: verdict.reasons,
        version: env!("CARGO_PKG_VERSION"),
        generation: current.generation,
        began: since_1970(began),
        uptime_ms: milliseconds(uptime),
        links: links.into_iter().map(link).collect(),
        centrals: centrals.collect(),
        counters: totals,
        reload: last_reload(current),
    }
}

fn last_reload(current: &Current) -> Option<LastReload> {
    let reloader = current.port.offered_now::<Reloader>()?;
    let last = reloader.last().borrow().clone()?;
    Some(LastReload {
        by: last.by,
        at: now().saturating_sub(milliseconds(last.at.elapsed())),
        report: last.report,
    })
}

fn link(link: LinkHealth) -> LinkView {
    LinkView {
        link: link.section.to_owned(),
        name: link.name.to_owned(),
        state: link.state.word(),
        why: link.state.why().map(str::to_owned),
        again_in_ms: link.state.again_in().map(milliseconds),
        since: since_1970(link.since),
        failures: link.failures,
        details: link
            .details
            .into_iter()
            .map(|(key, text)| (key.to_owned(), text))
            .collect(),
    }
}

fn totals(state: &State, snapshot: &Snapshot) -> Totals {
    let streams = STREAMS_MAX - state.streams.available_permits();
    let mut all = Totals {
        values: snapshot.values.len() as u64,
        refused: snapshot.refused.iter().map(|(_, _, count)| count).sum(),
        streams: streams as u64,
        ..Totals::default()
    };
    for value in &snapshot.values {
        let counted = &value.counters;
        for (_, of_link) in &counted.by_link {
            all.changed += of_link.changed;
            all.unchanged += of_link.unchanged;
            all.delivered += of_link.delivered;
        }
        all.refused += counted
            .refused
            .iter()
            .map(|(_, _, count)| count)
            .sum::<u64>();
        all.confirmed += counted.confirmed;
        all.taken_back += counted.taken_back;
    }
    all
}

/// What carries the GATT services, by what its link says of itself.
pub(super) fn adapter(current: &Current) -> Adapter {
    let health = current.observer.health();
    let link = health.links.iter().find(|link| link.section == "ble");
    let detail = |wanted: &str| {
        let mut details = link.iter().flat_map(|link| &link.details);
        details
            .find(|(key, _)| *key == wanted)
            .map(|(_, text)| text.clone())
    };
    let is_virtual = current.port.offered_now::<GattServer>().is_some();
    Adapter {
        kind: match (is_virtual, link) {
            (true, _) => AdapterKind::Virtual,
            (false, Some(link)) if link.name != "virtual_ble" => AdapterKind::Bluez,
            // None is declared, or it is about to be served.
            (false, Some(_) | None) => AdapterKind::None,
        },
        name: detail("adapter"),
        address: detail("address"),
    }
}
