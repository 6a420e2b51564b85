//! What the other ends of the sockets get: a bluetoothd that reads when it is told to.

use std::io::Read;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::sleep;

use super::feed::SUBSCRIBING;
use super::queue::{BEHIND_MAX, PATIENCE};
use super::*;
use crate::codec::presentation::Presentation;
use crate::codec::{BytesSpec, Value};
use crate::engine::{Carries, Origin, Pace};
use crate::gatt::Access;

const LINK: usize = 1;
pub(super) const NOTHING: [u8; 0] = [];
pub(super) const ONE: Address = Address([1; 6]);
pub(super) const OTHER: Address = Address([2; 6]);

/// A characteristic, and who hears of it.
pub(super) struct Air {
    pub(super) outlets: Outlets,
    pub(super) outlet: Outlet,
    announced: Arc<std::sync::Mutex<Vec<Notice>>>,
}

pub(super) fn declared(access: Access, cell: usize) -> Characteristic {
    Characteristic {
        name: "Value".to_owned(),
        uuid: "FF01".parse().expect("a UUID"),
        access,
        security: Default::default(),
        spec: Spec::Bytes(BytesSpec::up_to(512)),
        presentation: Presentation::default(),
        cell: CellId::new(cell),
        told: None,
        pace: Pace::OnChange,
    }
}

impl Air {
    fn of(delivery: Delivery, access: Access) -> Self {
        Self::with(delivery, access, None)
    }

    fn with(delivery: Delivery, access: Access, every: Option<usize>) -> Self {
        let declared = declared(access, 0);
        let announced = Arc::<std::sync::Mutex<Vec<Notice>>>::default();
        let heard = announced.clone();
        let announce = move |notice| heard.lock().expect("nothing panics").push(notice);
        let mut outlets = Outlets::new(Arc::new(announce), Arc::new(|_, _, _| {}));
        let outlet = outlets.open(&declared, delivery, every);
        Self {
            outlets,
            outlet,
            announced,
        }
    }

    pub(super) fn notifying(delivery: Delivery) -> Self {
        let notify = true;
        let access = Access::default();
        Self::of(delivery, Access { notify, ..access })
    }

    pub(super) async fn subscribe(&self, central: Address) -> File {
        let empty = Empty(Weak::new(), "/".into());
        let socket = self.outlet.subscribe(central, empty).expect("a socket");
        rest().await;
        socket
    }

    /// Nobody has a turn of its own meanwhile.
    fn change_at_once(&self, octet: u8) {
        let (effect, link) = effect(0, octet, None);
        self.outlets.tell(&effect, link, &Receipt::new(|| {}));
    }

    /// Returns whether everybody who has to be told has been.
    pub(super) async fn change(&self, octet: u8, writer: Option<Address>) -> Arc<AtomicBool> {
        self.change_of(0, octet, writer).await
    }

    /// The same, of a cell that is another since the last reload.
    pub(super) async fn change_of(
        &self,
        cell: usize,
        octet: u8,
        writer: Option<Address>,
    ) -> Arc<AtomicBool> {
        let (effect, link) = effect(cell, octet, writer);
        let delivered = Arc::<AtomicBool>::default();
        let told = delivered.clone();
        let receipt = Receipt::new(move || told.store(true, Ordering::Relaxed));
        self.outlets.tell(&effect, link, &receipt);
        drop(receipt);
        rest().await;
        delivered
    }
}

fn effect(cell: usize, octet: u8, writer: Option<Address>) -> (Effect, LinkId) {
    let link = LinkId::new(LINK);
    let effect = Effect {
        cell: CellId::new(cell),
        carries: Carries::State,
        value: Value::Bytes([octet].into()),
        version: 1,
        ticket: 0,
        origin: writer.map(|central| Origin {
            link,
            peer: Some(peer(central)),
        }),
        restated: false,
        with: None,
    };
    (effect, link)
}

/// Whatever can happen now has happened.
pub(super) async fn rest() {
    sleep(Duration::from_millis(1)).await;
}

/// Everything that bluetoothd finds in a socket, until nothing comes any more.
pub(super) async fn read(mut socket: &File) -> Vec<u8> {
    let mut all = Vec::new();
    let mut packet = [0; 512];
    while let Ok(count) = socket.read(&mut packet) {
        assert_eq!(count, 1, "each value is a packet");
        all.push(packet[0]);
        rest().await;
    }
    all
}

/// What bluetoothd finds in this moment, before anybody has had a turn.
fn read_at_once(mut socket: &File) -> Option<u8> {
    let mut packet = [0; 512];
    let count = socket.read(&mut packet).ok()?;
    assert_eq!(count, 1, "each value is a packet");
    Some(packet[0])
}

/// The next thing that bluetoothd finds, if there is any.
async fn read_one(mut socket: &File) -> Option<u8> {
    let mut packet = [0; 512];
    let count = socket.read(&mut packet).ok()?;
    assert_eq!(count, 1, "each value is a packet");
    rest().await;
    Some(packet[0])
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_finds_one_old_value_and_the_newest() {
    let air = Air::notifying(Delivery::Directed);
    let socket = air.subscribe(ONE).await;
    for octet in 1..=200 {
        air.change(octet, None).await;
    }
    assert_eq!(read(&socket).await, [1, 200]);
    air.change(201, None).await;
    assert_eq!(read(&socket).await, [201]);
}

#[tokio::test(start_paused = true)]
async fn who_has_read_all_is_told_in_the_moment_of_the_change_and_once() {
    for (delivery, every) in [
        (Delivery::Directed, None),
        (Delivery::Shared, None),
        (Delivery::Directed, Some(AHEAD)),
        (Delivery::Shared, Some(AHEAD)),
    ] {
        let notify = true;
        let access = Access::default();
        let air = Air::with(delivery, Access { notify, ..access }, every);
        let one = air.subscribe(ONE).await;
        air.change_at_once(1);
        assert_eq!(read_at_once(&one), Some(1), "nobody had to be woken");
        air.change_at_once(2);
        air.change_at_once(3);
        assert_eq!(read_at_once(&one), None, "its task does not know of 1 yet");
        rest().await;
        match every {
            None => assert_eq!(read(&one).await, [3], "the newest"),
            Some(_) => assert_eq!(read(&one).await, [2, 3], "in order"),
        }
        air.change_at_once(4);
        assert_eq!(read_at_once(&one), Some(4));
        rest().await;
        assert_eq!(read(&one).await, NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_socket_was_told_at_once_and_took_with_it_the_next_one_carries() {
    for every in [None, Some(AHEAD)] {
        let notify = true;
        let access = Access::default();
        let air = Air::with(Delivery::Shared, Access { notify, ..access }, every);
        let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
        air.change_at_once(1);
        drop(one);
        rest().await;
        assert_eq!(read(&other).await, [1], "nobody had read it");

        let third = air.subscribe(ONE).await;
        air.change_at_once(2);
        air.change_at_once(3);
        drop(other);
        rest().await;
        match every {
            None => assert_eq!(read(&third).await, [3]),
            Some(_) => assert_eq!(read(&third).await, [2, 3]),
        }
    }
}

/// The link fails; what it leaves behind ends, and nobody else with it.
#[tokio::test(start_paused = true)]
async fn what_panics_while_somebody_is_told_can_still_be_dropped_and_left() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let notify = true;
    let access = Access::default();
    for every in [None, Some(AHEAD)] {
        let note: Note = Arc::new(|_, _, _| panic!("of the link"));
        let mut outlets = Outlets::new(Arc::new(|_| {}), note);
        let declared = declared(Access { notify, ..access }, 0);
        let outlet = outlets.open(&declared, Delivery::Directed, every);
        let empty = Empty(Weak::new(), "/".into());
        let socket = outlet.subscribe(ONE, empty).expect("a socket");
        rest().await;
        let (effect, link) = effect(0, 1, None);
        let tell = || outlets.tell(&effect, link, &Receipt::new(|| {}));
        assert!(catch_unwind(AssertUnwindSafe(tell)).is_err());
        let dropped = catch_unwind(AssertUnwindSafe(move || {
            let _dropped_meanwhile = outlets;
            panic!("of the link")
        }));
        assert!(dropped.is_err());
        rest().await;
        drop(socket);
        rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_to_confirm_is_told_when_it_has_its_turn() {
    let indicate = true;
    let access = Access::default();
    let air = Air::of(Delivery::Directed, Access { indicate, ..access });
    let one = air.subscribe(ONE).await;
    air.change_at_once(1);
    assert_eq!(read_at_once(&one), None);
    rest().await;
    assert_eq!(read_at_once(&one), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_writer_does_not_hear_itself() {
    let air = Air::notifying(Delivery::Directed);
    let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
    air.change(1, None).await;
    assert_eq!((read(&one).await, read(&other).await), (vec![1], vec![1]));
    sleep(CROSSES).await;
    for octet in 2..5 {
        air.change(octet, Some(ONE)).await;
        assert_eq!(read(&one).await, NOTHING);
        assert_eq!(read(&other).await, [octet]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_hears_itself_after_what_it_may_not_have_heard_before_it_wrote() {
    let air = Air::notifying(Delivery::Directed);
    let one = air.subscribe(ONE).await;
    air.change(1, Some(OTHER)).await;
    air.change(2, Some(ONE)).await;
    assert_eq!(read(&one).await, [1, 2], "the older one was not even read");

    sleep(CROSSES).await;
    air.change(3, Some(OTHER)).await;
    assert_eq!(read(&one).await, [3]);
    air.change(4, Some(ONE)).await;
    assert_eq!(read(&one).await, [4], "the older one was on its way");

    sleep(CROSSES).await;
    air.change(5, Some(OTHER)).await;
    sleep(2 * CROSSES).await;
    air.change(6, Some(ONE)).await;
    sleep(2 * CROSSES).await;
    assert_eq!(read(&one).await, [5, 6], "the older one was read late");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_takes_over_goes_on_where_the_last_one_ended() {
    let air = Air::notifying(Delivery::Shared);
    let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
    air.change(1, None).await;
    assert_eq!(read(&one).await, [1]);
    assert_eq!(read(&other).await, NOTHING);
    drop(one);
    rest().await;
    assert_eq!(read(&other).await, NOTHING, "1 has been carried");
    air.change(2, None).await;
    assert_eq!(read(&other).await, [2]);

    let third = air.subscribe(ONE).await;
    air.change(3, None).await;
    drop(other);
    rest().await;
    assert_eq!(read(&third).await, [3], "nobody had read it");

    drop(third);
    sleep(SUBSCRIBING).await;
    air.change(4, None).await;
    sleep(SUBSCRIBING).await;
    let fourth = air.subscribe(ONE).await;
    assert_eq!(
        read(&fourth).await,
        NOTHING,
        "4 was before all subscriptions"
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_comes_after_an_indication_confirms_it() {
    for delivery in [Delivery::Directed, Delivery::Shared] {
        let indicate = true;
        let access = Access::default();
        let air = Air::of(delivery, Access { indicate, ..access });
        let one = air.subscribe(ONE).await;
        air.outlet.confirm();
        air.change(1, None).await;
        assert_eq!(read(&one).await, [1]);
        air.change(2, None).await;
        assert_eq!(read(&one).await, NOTHING, "1 is not confirmed");
        air.outlet.confirm();
        // As another central that has got the same.
        air.outlet.confirm();
        rest().await;
        assert_eq!(read(&one).await, [2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_by_socket_is_its_own_subscribers() {
    let indicate = true;
    let access = Access::default();
    let air = Air::of(Delivery::Directed, Access { indicate, ..access });
    let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
    air.change(1, None).await;
    assert_eq!((read(&one).await, read(&other).await), (vec![1], vec![1]));
    air.change(2, None).await;
    rustix::net::send(&other, &[1], SendFlags::NOSIGNAL).expect("it is open");
    rest().await;
    assert_eq!(read(&one).await, NOTHING, "it has not confirmed");
    assert_eq!(read(&other).await, [2]);
}

#[tokio::test(start_paused = true)]
async fn who_subscribes_and_closes_its_socket_is_announced() {
    let air = Air::notifying(Delivery::Directed);
    let (central, characteristic) = (ONE.to_string(), "Value".to_owned());
    let subscribed = Notice::Subscribed {
        central: central.clone(),
        characteristic: characteristic.clone(),
        cell: CellId::new(0),
        how: Some(How::Notifications),
    };
    let unsubscribed = Notice::Unsubscribed {
        central,
        characteristic,
        cell: CellId::new(0),
    };
    let announced = || air.announced.lock().expect("nothing panics").clone();
    let socket = air.subscribe(ONE).await;
    assert_eq!(announced(), std::slice::from_ref(&subscribed));
    drop(socket);
    rest().await;
    assert_eq!(announced(), [subscribed, unsubscribed]);
}

pub(super) fn every(delivery: Delivery) -> Air {
    let notify = true;
    let access = Access::default();
    // What happens when there is no more room is easier to see where there is none.
    Air::with(delivery, Access { notify, ..access }, Some(0))
}

pub(super) fn is(delivered: &AtomicBool) -> bool {
    delivered.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn every_event_waits_until_all_sockets_have_got_it() {
    let air = every(Delivery::Directed);
    assert!(is(&*air.change(0, None).await), "nobody subscribes");
    sleep(2 * SUBSCRIBING).await;
    let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
    assert!(is(&*air.change(1, None).await), "both sockets have room");
    let second = air.change(2, None).await;
    assert!(!is(&second), "1 is unread in both");
    assert_eq!(read(&one).await, [1, 2]);
    assert!(!is(&second), "and in one");
    assert_eq!(read(&other).await, [1, 2]);
    assert!(is(&second));
    let same = air.change(2, None).await;
    assert!(is(&same));
    assert_eq!(read(&one).await, [2], "the same value is another event");

    let third = air.change(3, None).await;
    assert!(!is(&third), "2 is unread in the other");
    drop(other);
    rest().await;
    assert!(is(&third), "who has gone keeps nobody waiting");
    assert_eq!(read(&one).await, [3]);
}

#[tokio::test(start_paused = true)]
async fn a_few_events_wait_at_each_subscriber_and_keep_nobody_waiting() {
    let notify = true;
    let access = Access::default();
    let air = Air::with(Delivery::Directed, Access { notify, ..access }, Some(2));
    let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
    for octet in 1..=3 {
        let told = air.change(octet, None).await;
        assert!(is(&told), "one is in the socket, two may wait");
    }
    let fourth = air.change(4, None).await;
    assert!(!is(&fourth), "there is no more room");
    assert_eq!(read(&one).await, [1, 2, 3, 4]);
    assert!(!is(&fourth), "in the other");
    assert_eq!(read(&other).await, [1, 2, 3, 4]);
    assert!(is(&fourth));
}

#[tokio::test(start_paused = true)]
async fn where_one_socket_reaches_everybody_what_waits_goes_over_to_the_next() {
    let notify = true;
    let access = Access::default();
    let air = Air::with(Delivery::Shared, Access { notify, ..access }, Some(8));
    let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
    for octet in 1..=5 {
        assert!(is(&*air.change(octet, None).await));
    }
    drop(one);
    rest().await;
    assert_eq!(read(&other).await, [1, 2, 3, 4, 5]);
}

fn ahead(delivery: Delivery) -> Air {
    let notify = true;
    let access = Access::default();
    Air::with(delivery, Access { notify, ..access }, Some(AHEAD))
}

fn read_all_at_once(socket: &File) -> Vec<u8> {
    std::iter::from_fn(|| read_at_once(socket)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_few_events_are_in_the_one_socket_for_which_nobody_waits() {
    let air = ahead(Delivery::Shared);
    let one = air.subscribe(ONE).await;
    for octet in 1..=4 {
        air.change(octet, None).await;
    }
    assert_eq!(read_all_at_once(&one), [1, 2, 3, 4]);
    rest().await;
    // More than the socket takes.
    for octet in 1..=40 {
        air.change(octet, None).await;
    }
    let first = read_all_at_once(&one);
    assert!(first.len() > 1 && first.len() < 40, "{first:?}");
    rest().await;
    let last = read(&one).await;
    assert_eq!([first, last].concat(), (1..=40).collect::<Vec<_>>());

    let other = air.subscribe(OTHER).await;
    sleep(2 * CROSSES).await;
    for octet in 1..=3 {
        air.change(octet, None).await;
    }
    assert_eq!(
        read_all_at_once(&one),
        [1],
        "it would take the others with it"
    );
    rest().await;
    assert_eq!(read(&one).await, [2, 3]);
    drop(one);
    rest().await;
    assert_eq!(read(&other).await, NOTHING, "all has been carried");

    let own = ahead(Delivery::Directed);
    let one = own.subscribe(ONE).await;
    for octet in 1..=3 {
        own.change(octet, None).await;
    }
    assert_eq!(read_all_at_once(&one), [1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_unread_in_the_one_socket_goes_over_to_who_came_meanwhile() {
    let air = ahead(Delivery::Shared);
    let one = air.subscribe(ONE).await;
    for octet in 1..=3 {
        air.change(octet, None).await;
    }
    let other = air.subscribe(OTHER).await;
    air.change(4, None).await;
    drop(one);
    rest().await;
    assert_eq!(read(&other).await, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn events_that_are_read_one_by_one_are_not_told_again_to_the_next() {
    let air = ahead(Delivery::Shared);
    let one = air.subscribe(ONE).await;
    for octet in 1..=20 {
        air.change(octet, None).await;
        assert_eq!(read(&one).await, [octet]);
    }
    let other = air.subscribe(OTHER).await;
    drop(one);
    rest().await;
    assert_eq!(read(&other).await, NOTHING);
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_and_reads_one_after_the_other_loses_nothing() {
    const EVENTS: u8 = 200;
    let notify = true;
    let access = Access {
        notify,
        ..Access::default()
    };
    for ahead in [0, AHEAD] {
        let air = Air::with(Delivery::Directed, access, Some(ahead));
        let one = air.subscribe(ONE).await;
        let mut got = Vec::new();
        for octet in 0..EVENTS {
            let told = air.change(octet, None).await;
            while !is(&told) {
                sleep(PATIENCE / 2).await;
                got.extend(read_one(&one).await);
            }
        }
        got.extend(read(&one).await);
        assert_eq!(got, (0..EVENTS).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn where_one_socket_reaches_everybody_no_event_is_lost_between_two() {
    let air = every(Delivery::Shared);
    let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
    assert!(is(&*air.change(1, None).await));
    let second = air.change(2, None).await;
    assert!(!is(&second));
    drop(one);
    rest().await;
    assert_eq!(read(&other).await, [1, 2], "1 was unread");
    assert!(is(&second));
    assert!(is(&*air.change(3, None).await));
    let fourth = air.change(4, None).await;
    drop(other);
    rest().await;
    assert!(is(&fourth), "nobody is left to be told");
    assert!(is(&*air.change(5, None).await));
}

#[tokio::test(start_paused = true)]
async fn events_of_the_moment_of_subscribing_are_told() {
    let air = every(Delivery::Directed);
    air.change(1, None).await;
    sleep(2 * SUBSCRIBING).await;
    air.change(2, None).await;
    air.change(3, None).await;
    let one = air.subscribe(ONE).await;
    assert_eq!(read(&one).await, [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_keeps_the_others_waiting_for_a_while_and_once() {
    let air = every(Delivery::Directed);
    let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
    air.change(1, None).await;
    let second = air.change(2, None).await;
    assert_eq!(read(&one).await, [1, 2]);
    sleep(PATIENCE / 2).await;
    assert!(!is(&second), "the other may still read");
    sleep(PATIENCE).await;
    assert!(is(&second), "it has taken too long");
    for octet in 3..=5 {
        assert!(is(&*air.change(octet, None).await), "nobody waits again");
        assert_eq!(read(&one).await, [octet]);
    }
    assert_eq!(read(&other).await, [1, 2, 3, 4, 5], "nothing is lost yet");

    assert!(is(&*air.change(6, None).await));
    let seventh = air.change(7, None).await;
    assert!(!is(&seventh), "it has caught up, and is waited for");
    assert_eq!(read(&other).await, [6, 7]);
}

#[tokio::test(start_paused = true)]
async fn who_never_reads_loses_the_oldest() {
    let air = every(Delivery::Directed);
    let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
    air.change(0, None).await;
    air.change(1, None).await;
    assert_eq!(read(&one).await, [0, 1]);
    sleep(2 * PATIENCE).await;
    for octet in 2..=100 {
        assert!(is(&*air.change(octet, None).await));
        assert_eq!(read(&one).await, [octet]);
    }
    let newest = 101 - BEHIND_MAX as u8..=100;
    let expected: Vec<u8> = std::iter::once(0).chain(newest).collect();
    assert_eq!(read(&other).await, expected);
}

#[tokio::test(start_paused = true)]
async fn an_indication_that_nobody_confirms_keeps_the_others_waiting_for_a_while() {
    let indicate = true;
    let access = Access::default();
    let air = Air::with(Delivery::Directed, Access { indicate, ..access }, Some(0));
    let one = air.subscribe(ONE).await;
    let first = air.change(1, None).await;
    assert_eq!(read(&one).await, [1]);
    assert!(!is(&first), "it is not confirmed");
    sleep(PATIENCE).await;
    assert!(is(&first));
    assert!(is(&*air.change(2, None).await));
    assert_eq!(read(&one).await, NOTHING, "1 is still not confirmed");
    air.outlet.confirm();
    rest().await;
    assert_eq!(read(&one).await, [2]);
}
