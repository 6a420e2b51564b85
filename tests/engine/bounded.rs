//! Links pull: late ones get the newest value, one at a time, and nothing piles up.

use bemo_sync::codec::Overflow;

use super::*;

#[test]
fn who_pulls_late_gets_the_newest_value_once() {
    let mut bench = Bench::here(Overflow::Reject);
    for value in 1..=9 {
        bench.ask(from(SOURCE), value).expect("accepted");
    }
    assert!(bench.engine.has_effects(link(BUS)));
    assert_eq!(bench.values(BUS), ints(&[9]));
    assert_eq!(bench.values(PHONES), ints(&[9]));
}

#[test]
fn a_cell_is_under_way_once_and_the_newest_value_follows() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(from(SOURCE), 1).expect("accepted");
    let first = bench.pull(BUS).expect("the change");
    for value in 2..=4 {
        bench.ask(from(SOURCE), value).expect("accepted");
        assert!(!bench.engine.has_effects(link(BUS)));
        assert_eq!(bench.pull(BUS), None, "the first is still under way");
    }
    bench.deliver(BUS, &first);
    assert_eq!(bench.values(BUS), ints(&[4]));
}

#[test]
fn a_link_that_is_slow_does_not_hold_up_another() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(from(SOURCE), 1).expect("accepted");
    bench.pull(BUS).expect("the change");
    for value in 2..=4 {
        bench.ask(from(SOURCE), value).expect("accepted");
        assert_eq!(bench.values(PHONES), ints(&[value]));
    }
}

#[test]
fn an_old_delivery_does_not_free_what_is_under_way() {
    let mut bench = Bench::here(Overflow::Reject);
    bench.ask(from(SOURCE), 1).expect("accepted");
    let first = bench.pull(BUS).expect("the first");
    bench.deliver(BUS, &first);
    bench.ask(from(SOURCE), 2).expect("accepted");
    bench.pull(BUS).expect("the second");
    bench.ask(from(SOURCE), 3).expect("accepted");
    bench.deliver(BUS, &first);
    assert_eq!(bench.pull(BUS), None);
}

#[test]
fn what_waits_is_never_more_than_the_cells_of_a_link_and_the_longest_waiting_goes_first() {
    let cells = 4;
    let declared = cell_spec(digit(Overflow::Wrap), Owner::Here, Some(0));
    let subscriptions: Vec<_> = (0..cells)
        .map(|cell| Subscription {
            link: link(0),
            cell: CellId::new(cell),
            carries: Carries::State,
            pace: Pace::OnChange,
            acknowledges: false,
        })
        .collect();
    let engine = Engine::new(vec![declared; cells], 2, &subscriptions);
    let now = seconds(0);
    let mut bench = Bench { engine, now };
    bench.hear(0);
    // The third cell changes first, the others follow, all of them again and again.
    for round in 1..100 {
        for cell in [2, 0, 3, 1] {
            let change = Change::Set(Value::Int(round));
            let request = Event::Request {
                cell: CellId::new(cell),
                change,
                origin: from(1),
            };
            bench.handle(request).expect("accepted");
        }
    }
    let order: Vec<_> = bench.hear(0).iter().map(|it| it.cell.index()).collect();
    assert_eq!(order, [2, 0, 3, 1]);
}
