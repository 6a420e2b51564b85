//! What a central that has written hears of it, in another value: at once, when somebody answers, or
//! when nobody does.

use std::time::Duration;

use super::timers::Timer;
use super::{Answer, CellId, Delivery, Engine, LinkId, Origin, Outcome, Time, WhenFull};
use crate::codec::{Cause, Value, Violation};

/// How writes of a cell by a central are answered, and in which cell.
#[derive(Clone, Debug)]
pub struct Response {
    pub cell: CellId,
    /// So long after the request, nobody has answered.
    pub within: Option<Duration>,
    /// The answer when nobody has.
    pub otherwise: Option<Value>,
    /// The answer to what is accepted, at once. Without it, whatever another link makes of the cell.
    pub accepted: Option<Value>,
    /// The answer to what breaks a constraint. The write itself is then acknowledged.
    pub refused: Option<Value>,
    /// From a field of what was written to a field of the answer.
    pub copies: Vec<(usize, usize)>,
}

/// A request that somebody has yet to answer. It waits at the cell of the answer.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// What was written, and which write it was.
    pub(super) of: CellId,
    pub(super) version: u64,
    /// Through which link, which does not answer itself.
    pub(super) by: LinkId,
    pub(super) copied: Vec<(usize, Value)>,
    pub(super) until: Option<Time>,
}

impl Response {
    /// The parts of what was written that go into the answer.
    fn copied(&self, written: &Value) -> Vec<(usize, Value)> {
        let Value::List(fields) = written else {
            return Vec::new();
        };
        let part = |&(from, to): &(usize, usize)| Some((to, fields.get(from)?.clone()));
        self.copies.iter().filter_map(part).collect()
    }
}

impl Engine {
    /// Whether one more write can be answered as everything else is: in order, and nothing lost.
    pub(super) fn check_room_for_answer(
        &self,
        id: CellId,
        origin: Origin,
    ) -> Result<(), Violation> {
        let cell = &self.cells[id.index()];
        let (Some(_), Some(response)) = (origin.peer, &cell.response) else {
            return Ok(());
        };
        self.check_room(response.cell, None, false)?;
        match cell.delivery {
            Delivery::Every {
                room,
                when_full: WhenFull::Reject,
            } if response.otherwise.is_some() && self.asks_of(id, response.cell) >= room => {
                Err(Violation::new(
                    Cause::QueueFull,
                    "too many requests have not been answered yet",
                ))
            }
            Delivery::Every { .. } | Delivery::Latest => Ok(()),
        }
    }

    /// A request has been accepted. If a central made it, it asks for an answer.
    pub(super) fn ask(&mut self, now: Time, id: CellId, written: &Value, origin: Origin) {
        let cell = &self.cells[id.index()];
        let (Some(_), Some(response)) = (origin.peer, cell.response.clone()) else {
            return;
        };
        let copied = response.copied(written);
        if let Some(answer) = &response.accepted {
            let version = cell.version;
            self.answer(now, response.cell, answer, &copied);
            self.tell_answer((id, version), response.cell, Answer::Accepted);
            return;
        }
        // Where only the newest request counts, only that is answered.
        let room = match cell.delivery {
            Delivery::Latest => 1,
            Delivery::Every { room, .. } => room.max(1),
        };
        while self.asks_of(id, response.cell) >= room {
            self.forget_ask(response.cell, |ask| ask.of == id);
        }
        let version = self.cells[id.index()].version;
        let until = response.within.map(|within| now + within);
        self.cells[response.cell.index()].asks.push_back(Ask {
            of: id,
            version,
            by: origin.link,
            copied,
            until,
        });
        if let Some(until) = until {
            self.timers.set(until, Timer::Answer(response.cell));
        }
    }

    /// What was written by a central broke a constraint. Returns whether it hears of it in an answer.
    pub(super) fn answer_refusal(
        &mut self,
        now: Time,
        id: CellId,
        written: Option<&Value>,
        origin: Origin,
        cause: Cause,
    ) -> bool {
        let response = self.cells[id.index()].response.clone();
        // Nothing is wrong with what was written, so no word of a control point fits.
        let (Some(_), Some(response), false) = (origin.peer, response, cause.is_of_the_moment())
        else {
            return false;
        };
        let Some(answer) = &response.refused else {
            return false;
        };
        let copied = written.map_or_else(Vec::new, |written| response.copied(written));
        self.answer(now, response.cell, answer, &copied);
        let version = self.cells[id.index()].version;
        self.tell_answer((id, version), response.cell, Answer::Refused);
        true
    }

    /// What the value is that `origin` makes of a cell, if that answers a request: then some of it is
    /// what was asked. And whether it does.
    pub(super) fn as_answer(&self, id: CellId, value: Value, origin: Origin) -> (Value, bool) {
        let mut asks = self.cells[id.index()].asks.iter();
        match asks.find(|ask| ask.by != origin.link) {
            Some(ask) => (with_copies(value, &ask.copied), true),
            None => (value, false),
        }
    }

    /// A control point tells nothing but answers: what nobody has asked for is none, nor what comes too
    /// late.
    pub(super) fn check_asked(&self, id: CellId, answers: bool) -> Result<(), Violation> {
        match self.cells[id.index()].answers_only && !answers {
            true => Err(Violation::new(
                Cause::Unasked,
                "nobody waits for an answer, or does any longer",
            )),
            false => Ok(()),
        }
    }

    /// The oldest request that `origin` can answer has been answered.
    pub(super) fn answered(&mut self, id: CellId, origin: Origin) {
        let asked = self.forget_ask(id, |ask| ask.by != origin.link);
        if let Some(Ask { of, version, .. }) = asked {
            // It is about to happen to the cell, and that is what it has then.
            self.outcomes.push(Outcome::Answered {
                cell: of,
                version,
                by: id,
                answer: self.cells[id.index()].version + 1,
                how: Answer::Given,
            });
        }
    }

    /// Nobody has answered in time.
    pub(super) fn unanswered(&mut self, now: Time, id: CellId) {
        let late = |ask: &Ask| ask.until.is_some_and(|until| until <= now);
        while let Some(ask) = self.forget_ask(id, late) {
            let response = self.cells[ask.of.index()].response.clone();
            if let Some(answer) = response.and_then(|response| response.otherwise.clone()) {
                self.answer(now, id, &answer, &ask.copied);
                self.tell_answer((ask.of, ask.version), id, Answer::Nobody);
                // Who has been told that it failed must not see it happen later.
                self.withdraw(now, ask.of, ask.version);
            }
        }
    }

    /// Says an answer, also when it is equal to the last.
    fn answer(&mut self, now: Time, id: CellId, answer: &Value, copied: &[(usize, Value)]) {
        let cell = &mut self.cells[id.index()];
        let whole = cell.spec.admit(with_copies(answer.clone(), copied));
        // What was asked may be what no answer can hold.
        let value = whole.map_or_else(|_| answer.clone(), |admitted| admitted.value);
        cell.happen(now, value, None);
        self.mark_state(now, id, None);
    }

    /// For whoever watches.
    fn tell_answer(&mut self, (cell, version): (CellId, u64), by: CellId, how: Answer) {
        self.outcomes.push(Outcome::Answered {
            cell,
            version,
            by,
            answer: self.cells[by.index()].version,
            how,
        });
    }

    fn asks_of(&self, id: CellId, response: CellId) -> usize {
        let asks = self.cells[response.index()].asks.iter();
        asks.filter(|ask| ask.of == id).count()
    }

    /// Takes the first such request away.
    fn forget_ask(&mut self, id: CellId, which: impl Fn(&Ask) -> bool) -> Option<Ask> {
        let asks = &mut self.cells[id.index()].asks;
        let index = asks.iter().position(which)?;
        let ask = asks.remove(index)?;
        if let Some(until) = ask.until
            && asks.iter().all(|other| other.until != Some(until))
        {
            self.timers.clear(until, Timer::Answer(id));
        }
        Some(ask)
    }
}

fn with_copies(value: Value, copied: &[(usize, Value)]) -> Value {
    match value {
        Value::List(fields) if !copied.is_empty() => {
            let mut fields = fields.to_vec();
            for (to, part) in copied {
                if let Some(field) = fields.get_mut(*to) {
                    *field = part.clone();
                }
            }
            Value::List(fields.into())
        }
        whole @ (Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::List(_)) => whole,
    }
}
