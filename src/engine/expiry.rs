//! Events that are not told any more: what was asked for so long ago that to do it now would surprise.

use super::backlog::Told;
use super::timers::{Clock, Timer};
use super::{CellId, Engine, Outcome, Time};

impl Engine {
    /// Forgets the events of a cell that have waited for longer than they are good for.
    pub(super) fn forget_expired(&mut self, now: Time, id: CellId) {
        let Some(expires) = self.cells[id.index()].expires else {
            return;
        };
        self.forget_events(now, id, |told| told.at + expires <= now + told.aged);
    }

    /// The same for every cell: a link is back, and would be told all that has waited for it.
    pub(super) fn forget_all_expired(&mut self, now: Time) {
        for index in 0..self.expiring.len() {
            self.forget_expired(now, self.expiring[index]);
        }
    }

    /// Whoever asked has been told that nothing came of it, so nothing may.
    pub(super) fn withdraw(&mut self, now: Time, id: CellId, version: u64) {
        self.forget_events(now, id, |told| told.version == version);
    }

    fn forget_events(&mut self, now: Time, id: CellId, which: impl Fn(&Told) -> bool) {
        let cell = &mut self.cells[id.index()];
        let timers = &mut self.timers;
        let mut clock = Clock { now, timers };
        let mut forgotten = None;
        for &(link, outlet) in &cell.outlets {
            let state = &mut self.links[link.index()];
            let newest = state.forget_events(outlet, &which, &mut clock);
            if let Some(version) = newest {
                self.outcomes.push(Outcome::Expired {
                    link,
                    cell: id,
                    version,
                });
            }
            forgotten = forgotten.max(newest);
        }
        if forgotten.is_none() {
            return;
        }
        // A request that its owner never gets is not confirmed either: it has as long as any.
        if let Some(pending) = &mut cell.pending
            && pending.deadline.is_none()
            && forgotten == Some(pending.version)
        {
            let deadline = now + cell.confirm_within;
            pending.deadline = Some(deadline);
            self.timers.set(deadline, Timer::Confirmation(id));
        }
        // What is forgotten is not owed any more.
        self.mark_kept(now, id);
    }
}
