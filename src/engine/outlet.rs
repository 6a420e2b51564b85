//! What a link has not seen yet: one mark for each cell that it carries, and the order of the marks.

use std::collections::VecDeque;

use super::cell::Cell;
use super::{CellId, LinkId, Origin};

/// In which role a link hears of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// The truth: every accepted change. Also of what came from this link itself: its other peers
    /// have not heard of it, and [`Effect::origin`](super::Effect::origin) says who has.
    State,
    /// The truth, without what came from this link itself.
    StateOfOthers,
    /// What others ask of the remote owner behind this link.
    Requests,
}

/// What one link has yet to send of one cell.
#[derive(Debug)]
pub(super) struct Outlet {
    cell: CellId,
    carries: Carries,
    /// There is something that the link has not taken.
    marked: bool,
    /// Who need not hear of what is marked.
    heard_by: Option<Origin>,
    /// What it has taken and not yet delivered.
    in_flight: Option<InFlight>,
}

#[derive(Clone, Copy, Debug)]
struct InFlight {
    version: u64,
    heard_by: Option<Origin>,
}

/// All outlets of one link.
#[derive(Debug, Default)]
pub(super) struct LinkState {
    outlets: Vec<Outlet>,
    /// Outlets that are marked and have nothing in flight, the longest waiting first. Each is in it
    /// once at most, so it never grows beyond the number of outlets.
    queue: VecDeque<usize>,
}

impl LinkState {
    pub(super) fn add(&mut self, cell: CellId, carries: Carries) -> usize {
        self.outlets.push(Outlet {
            cell,
            carries,
            marked: false,
            heard_by: None,
            in_flight: None,
        });
        self.queue.reserve(self.outlets.len());
        self.outlets.len() - 1
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Somebody changed the cell; `link` is whose outlets these are.
    pub(super) fn mark_state(&mut self, index: usize, link: LinkId, origin: Option<Origin>) {
        let outlet = &mut self.outlets[index];
        // Who asks while something older is on its way to them may get that after they asked, and
        // would be left with it. So they have to hear the outcome too.
        let crosses = outlet.in_flight.is_some_and(|sent| sent.heard_by != origin);
        let heard_by = origin.filter(|origin| !(crosses && origin.link == link));
        let from_here = is_from(link, heard_by);
        match outlet.carries {
            Carries::StateOfOthers if from_here => self.unmark(index),
            Carries::State | Carries::StateOfOthers => self.mark(index, heard_by),
            Carries::Requests => {}
        }
    }

    /// Somebody asks the owner behind this link for a change.
    pub(super) fn mark_request(&mut self, index: usize, origin: Option<Origin>) {
        match self.outlets[index].carries {
            Carries::Requests => self.mark(index, origin),
            Carries::State | Carries::StateOfOthers => {}
        }
    }

    /// There is nothing to say of the cell: it has become unknown, or the link knows best itself.
    pub(super) fn unmark(&mut self, index: usize) {
        self.outlets[index].marked = false;
        self.queue.retain(|waiting| *waiting != index);
    }

    /// Takes the mark that has waited longest.
    pub(super) fn take(&mut self, cells: &[Cell]) -> Option<(CellId, Carries, Option<Origin>)> {
        let outlet = &mut self.outlets[self.queue.pop_front()?];
        outlet.marked = false;
        outlet.in_flight = Some(InFlight {
            version: cells[outlet.cell.index()].version,
            heard_by: outlet.heard_by,
        });
        Some((outlet.cell, outlet.carries, outlet.heard_by))
    }

    /// Whether that was a request on its way to its owner: one that was given up when the transport
    /// went is sent again, and only the new one counts.
    pub(super) fn delivered(&mut self, index: usize, version: u64) -> bool {
        let outlet = &mut self.outlets[index];
        if outlet.in_flight.is_none_or(|sent| sent.version > version) {
            return false;
        }
        outlet.in_flight = None;
        if outlet.marked {
            self.queue.push_back(index);
        }
        outlet.carries == Carries::Requests
    }

    /// The transport is back: nothing is in flight any more. What was not delivered is marked again;
    /// without the old session, all state is, because nobody knows what the other side has kept.
    pub(super) fn reassert(&mut self, cells: &[Cell], session_present: bool) {
        self.queue.clear();
        for (index, outlet) in self.outlets.iter_mut().enumerate() {
            let known = cells[outlet.cell.index()].value.is_some();
            let anew = !session_present && known && outlet.carries != Carries::Requests;
            if anew {
                outlet.heard_by = None;
            }
            let undelivered = outlet.in_flight.take().is_some() || outlet.marked;
            outlet.marked = known && (undelivered || anew);
            if outlet.marked {
                self.queue.push_back(index);
            }
        }
    }

    fn mark(&mut self, index: usize, heard_by: Option<Origin>) {
        let outlet = &mut self.outlets[index];
        let queued = outlet.marked && outlet.in_flight.is_none();
        outlet.marked = true;
        outlet.heard_by = heard_by;
        if !queued && outlet.in_flight.is_none() {
            self.queue.push_back(index);
        }
    }
}

/// Whether a change by `origin` came from `link`.
fn is_from(link: LinkId, origin: Option<Origin>) -> bool {
    origin.is_some_and(|origin| origin.link == link)
}
