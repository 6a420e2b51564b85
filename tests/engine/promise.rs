//! What the response to a write promises is so when it is said, and what is owed outlives the process.

use bemo_sync::codec::Cause;
use bemo_sync::engine::{Broken, Keeping, Owed, Standing};

use super::*;

const STORE: usize = 2;

/// One cell between phones and a bus that acknowledges, and a store.
fn bench(declared: CellSpec, bus: Carries) -> Bench {
    let subscriptions = [
        Subscription::new(link(PHONES), cell(), Carries::State),
        Subscription {
            acknowledges: true,
            ..Subscription::new(link(BUS), cell(), bus)
        },
        Subscription::new(link(STORE), cell(), Carries::Kept),
    ];
    Bench {
        engine: Engine::new(vec![declared], 3, &subscriptions),
        now: seconds(100),
    }
}

fn here(ack: Ack) -> Bench {
    let mut declared = cell_spec(digit(Overflow::Clamp), Owner::Here, Some(0));
    declared.ack = ack;
    let mut bench = bench(declared, Carries::State);
    bench.settle();
    bench
}

fn every(ack: Ack) -> Bench {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    declared.ack = ack;
    declared.delivery = Delivery::Every {
        room: 3,
        when_full: WhenFull::Reject,
    };
    let mut bench = bench(declared, Carries::State);
    bench.settle();
    bench
}

fn remote(ack: Ack) -> Bench {
    let owner = Owner::Remote(link(BUS));
    let mut declared = cell_spec(digit(Overflow::Reject), owner, None);
    declared.ack = ack;
    let mut bench = bench(declared, Carries::Requests);
    bench.report(0).expect("followed");
    bench.settle();
    bench
}

impl Bench {
    fn version(&self) -> u64 {
        self.engine.cell(cell()).version
    }

    fn standing(&self, version: u64) -> Standing {
        self.engine.standing(cell(), version)
    }

    fn keeping(&self) -> Keeping {
        self.engine.keeping(self.now, cell())
    }

    fn owed(&self) -> Vec<Value> {
        let unpaid = self.keeping().unpaid.into_iter();
        unpaid.map(|it| it.owed.value).collect()
    }

    /// The phone writes, and gets a promise.
    fn promised(&mut self, value: i128) -> u64 {
        self.ask(phone(1), value).expect("accepted");
        self.version()
    }

    fn fail(&mut self, effect: &Effect) {
        let event = Event::Undelivered {
            link: link(STORE),
            cell: effect.cell,
            ticket: effect.ticket,
        };
        self.handle(event).expect("nothing to refuse");
    }
}

#[test]
fn each_promise_is_kept_by_what_it_names_and_not_before() {
    for (ack, by_store, by_bus) in [
        (Ack::Accepted, None, None),
        (Ack::Journaled, Some(STORE), None),
        (Ack::Published, Some(STORE), Some(BUS)),
        (Ack::Confirmed, Some(STORE), Some(BUS)),
    ] {
        let mut bench = remote(ack);
        let version = bench.promised(5);
        for link in [by_store, by_bus].into_iter().flatten() {
            assert_eq!(bench.standing(version), Standing::Waits, "{ack:?}");
            bench.hear(link);
        }
        if ack == Ack::Confirmed {
            assert_eq!(bench.standing(version), Standing::Waits);
            bench.report(5).expect("confirmed");
        }
        assert_eq!(bench.standing(version), Standing::Kept, "{ack:?}");
    }
}

#[test]
fn an_answer_that_is_quicker_than_the_acknowledgement_confirms_too() {
    let mut bench = remote(Ack::Confirmed);
    let version = bench.promised(5);
    bench.hear(STORE);
    let request = bench.pull(BUS).expect("it asks");
    bench.report(5).expect("confirmed");
    assert_eq!(bench.standing(version), Standing::Waits);
    bench.deliver(BUS, &request);
    assert_eq!(bench.standing(version), Standing::Kept);
}

#[test]
fn an_owner_that_does_not_confirm_breaks_the_promise_and_a_later_one_is_its_own() {
    let mut bench = remote(Ack::Confirmed);
    let first = bench.promised(5);
    bench.settle();
    bench.wait(CONFIRM_WITHIN);
    let broken = Standing::Broken(Broken::NotConfirmed);
    assert_eq!(bench.standing(first), broken);
    let second = bench.promised(6);
    bench.settle();
    assert_eq!(bench.standing(second), Standing::Waits);
    bench.report(6).expect("confirmed");
    assert_eq!(bench.standing(second), Standing::Kept);
}

#[test]
fn what_cannot_be_written_down_breaks_the_promise_and_refuses_the_next_until_it_can() {
    let mut bench = here(Ack::Journaled);
    let version = bench.promised(5);
    let effect = bench.pull(STORE).expect("to be kept");
    bench.fail(&effect);
    let broken = Standing::Broken(Broken::NotJournaled);
    assert_eq!(bench.standing(version), broken);
    let refused = bench.ask(phone(1), 6).expect_err("nothing can be kept");
    assert_eq!(refused.violation.cause, Cause::NotKept);
    assert_eq!(bench.value(), Some(5), "and nothing has changed");
    // Nobody else promises anything.
    bench.ask(from(BUS), 7).expect("a command");
    // What failed comes again by itself.
    bench.hear(STORE);
    assert_eq!(bench.standing(version), Standing::Kept);
    bench.ask(phone(1), 6).expect("it can be kept again");
}

/// It might be in the journal of somebody's change that is not there yet.
#[test]
fn writing_what_is_so_already_promises_the_same() {
    let mut bench = here(Ack::Journaled);
    bench.ask(from(BUS), 5).expect("a command");
    let accepted = bench.ask(phone(1), 5).expect("accepted");
    assert_eq!(accepted, Accepted::Unchanged);
    let version = bench.version();
    assert_eq!(bench.standing(version), Standing::Waits);
    assert_eq!(bench.owed(), ints(&[5]));
    bench.hear(STORE);
    assert_eq!(bench.standing(version), Standing::Kept);
}

#[test]
fn writing_what_somebody_else_has_just_set_is_kept_as_any_other_write() {
    let mut bench = here(Ack::Journaled);
    bench.ask(from(SOURCE), 5).expect("accepted");
    bench.hear(STORE);
    let effect = bench.pull(BUS).expect("under way");
    let version = bench.promised(5);
    assert_eq!(bench.standing(version), Standing::Waits);
    assert_eq!(bench.owed(), ints(&[5]));
    bench.hear(STORE);
    assert_eq!(bench.standing(version), Standing::Kept);
    bench.deliver(BUS, &effect);
    assert_eq!(bench.owed(), ints(&[]));
    assert!(bench.engine.has_effects(link(STORE)), "it is paid");
    assert_eq!(bench.values(BUS), ints(&[]), "and told once");
}

#[test]
fn a_write_is_owed_until_the_bus_has_it_or_something_newer() {
    let mut bench = here(Ack::Journaled);
    assert_eq!(bench.owed(), ints(&[]), "nobody has written");
    bench.promised(5);
    assert_eq!(bench.owed(), ints(&[5]));
    let first = bench.pull(BUS).expect("published");
    assert_eq!(bench.owed(), ints(&[5]), "on its way");
    // Whatever comes of it takes its place.
    bench.ask(from(SOURCE), 6).expect("a tick");
    assert_eq!(bench.owed(), ints(&[6]));
    bench.hear(STORE);
    bench.deliver(BUS, &first);
    assert_eq!(bench.owed(), ints(&[]), "the write itself has arrived");
    let told = bench.hear(STORE);
    assert_eq!(told.len(), 1, "the store hears that it is paid");
    bench.hear(BUS);
    assert!(bench.hear(STORE).is_empty(), "and nothing of the rest");
}

#[test]
fn what_others_change_is_owed_to_nobody() {
    let mut bench = here(Ack::Journaled);
    bench.ask(from(SOURCE), 6).expect("a tick");
    assert_eq!(bench.owed(), ints(&[]));
    let mut bench = here(Ack::Accepted);
    bench.promised(5);
    assert_eq!(bench.owed(), ints(&[]), "nothing was promised");
}

#[test]
fn a_session_that_is_lost_is_owed_again_what_a_central_wrote() {
    let mut bench = here(Ack::Journaled);
    bench.promised(5);
    bench.settle();
    bench.link_up(BUS, true);
    assert_eq!(bench.owed(), ints(&[]));
    // The broker may have lost it, and this process may end before it hears it again.
    bench.link_up(BUS, false);
    assert_eq!(bench.owed(), ints(&[5]));
    assert_eq!(bench.hear(STORE).len(), 1, "the store hears of it");
    bench.settle();
    assert_eq!(bench.owed(), ints(&[]));
}

#[test]
fn every_event_is_owed_in_its_order_until_it_has_arrived() {
    let mut bench = every(Ack::Journaled);
    let first = bench.promised(1);
    bench.ask(from(SOURCE), 9).expect("an event of nobody");
    let second = bench.promised(2);
    assert_eq!(bench.owed(), ints(&[1, 2]));
    bench.hear(STORE);
    assert_eq!(bench.standing(first), Standing::Kept);
    let effect = bench.pull(BUS).expect("the first");
    bench.link_up(BUS, true);
    assert_eq!(bench.owed(), ints(&[1, 2]), "it may not have arrived");
    let again = bench.pull(BUS).expect("again");
    assert_eq!(again.value, effect.value);
    bench.deliver(BUS, &again);
    assert_eq!(bench.owed(), ints(&[2]));
    assert_eq!(bench.hear(STORE).len(), 1, "the store hears of it");
    bench.hear(BUS);
    assert_eq!(bench.owed(), ints(&[]));
    assert_eq!(bench.standing(second), Standing::Kept);
}

#[test]
fn published_waits_for_each_event_of_its_own() {
    let mut bench = every(Ack::Published);
    let first = bench.promised(1);
    let second = bench.promised(2);
    bench.hear(STORE);
    let effect = bench.pull(BUS).expect("the first");
    bench.deliver(BUS, &effect);
    assert_eq!(bench.standing(first), Standing::Kept);
    assert_eq!(bench.standing(second), Standing::Waits);
}

fn owed(values: &[i128]) -> Vec<Owed> {
    let owed = |value| Owed {
        value: Value::Int(value),
        age: Duration::from_secs(6),
        with: None,
    };
    values.iter().copied().map(owed).collect()
}

#[test]
fn what_was_owed_before_the_start_is_the_value_and_is_published() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    declared.ack = Ack::Journaled;
    declared.restored = Some(Value::Int(3));
    declared.owed = owed(&[4, 7]);
    let mut bench = bench(declared, Carries::State);
    assert_eq!(bench.value(), Some(7), "the newest");
    assert_eq!(bench.owed(), ints(&[7]), "and still owed");
    bench.link_up(BUS, false);
    assert_eq!(bench.values(BUS), ints(&[7]));
    assert_eq!(bench.owed(), ints(&[]));
}

#[test]
fn a_remote_owner_is_asked_for_what_was_owed_and_has_its_time_to_confirm() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Remote(link(BUS)), None);
    declared.ack = Ack::Journaled;
    declared.restored = Some(Value::Int(3));
    declared.owed = owed(&[7]);
    let mut bench = bench(declared, Carries::Requests);
    assert_eq!(bench.value(), Some(7));
    assert_eq!(bench.keeping().known, Some(Value::Int(3)));
    bench.link_up(BUS, false);
    assert_eq!(bench.values(BUS), ints(&[7]));
    bench.wait(CONFIRM_WITHIN);
    assert_eq!(bench.value(), Some(3), "it did not want to");
    assert_eq!(bench.owed(), ints(&[]), "but it has been asked");
}

#[test]
fn events_from_before_the_start_come_first_in_order_and_expire_as_old_as_they_are() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, Some(0));
    declared.ack = Ack::Journaled;
    declared.delivery = Delivery::Every {
        room: 3,
        when_full: WhenFull::Reject,
    };
    declared.owed = owed(&[4, 7]);
    declared.expires = Some(Duration::from_secs(10));
    let events = |bench: &mut Bench| {
        let heard = bench.hear(BUS).into_iter();
        let events = heard.filter(|it| !it.restated);
        events.map(|it| it.value).collect::<Vec<_>>()
    };
    let mut early = bench(declared.clone(), Carries::State);
    early.now = seconds(3);
    early.link_up(BUS, false);
    early.ask(phone(1), 5).expect("there is room");
    assert_eq!(events(&mut early), ints(&[4, 7, 5]));
    let mut late = bench(declared, Carries::State);
    late.now = seconds(4);
    late.link_up(BUS, false);
    assert_eq!(events(&mut late), ints(&[]));
    assert_eq!(late.owed(), ints(&[]));
}

#[test]
fn all_that_waited_and_was_under_way_before_the_start_still_has_room() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, None);
    declared.ack = Ack::Journaled;
    declared.delivery = Delivery::Every {
        room: 3,
        when_full: WhenFull::Reject,
    };
    let mut before = bench(declared.clone(), Carries::State);
    before.promised(1);
    before.pull(BUS).expect("under way");
    for value in [2, 3, 4] {
        before.hear(PHONES);
        before.promised(value);
    }
    declared.owed = before
        .keeping()
        .unpaid
        .into_iter()
        .map(|it| it.owed)
        .collect();
    let mut after = bench(declared, Carries::State);
    assert_eq!(after.values(BUS), ints(&[1, 2, 3, 4]));
    assert_eq!(after.engine.dropped().count(), 0);
}

#[test]
fn an_event_that_gave_way_or_has_expired_was_not_published() {
    let mut declared = cell_spec(digit(Overflow::Reject), Owner::Here, None);
    declared.ack = Ack::Published;
    declared.expires = Some(Duration::from_secs(10));
    declared.delivery = Delivery::Every {
        room: 1,
        when_full: WhenFull::DropOldest,
    };
    let mut bench = bench(declared, Carries::State);
    let gives_way = bench.promised(1);
    let expires = bench.promised(2);
    bench.hear(STORE);
    let broken = Standing::Broken(Broken::NotDelivered);
    assert_eq!(bench.standing(gives_way), broken);
    assert_eq!(bench.standing(expires), Standing::Waits);
    bench.wait(Duration::from_secs(10));
    bench.link_up(BUS, true);
    bench.hear(STORE);
    assert_eq!(bench.standing(expires), broken);
    assert!(bench.values(BUS).is_empty());
}
