//! Sockets stay open when another configuration comes, and carry what that has to tell.

use super::tests::{Air, NOTHING, ONE, OTHER, declared, every, is, read, rest};
use super::*;
use crate::gatt::Access;

impl Air {
    /// The same characteristic by another configuration, in which its value is this cell.
    fn declare_anew(&mut self, cell: usize, every: bool) {
        let notify = true;
        let access = Access {
            notify,
            ..Access::default()
        };
        self.outlets
            .begin_anew(Arc::new(|_| {}), Arc::new(|_, _, _| {}));
        self.outlets
            .keep(&self.outlet, &declared(access, cell), every.then_some(0));
        self.outlets.rest();
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_carries_what_the_next_configuration_tells() {
    for delivery in [Delivery::Directed, Delivery::Shared] {
        let mut air = Air::notifying(delivery);
        let one = air.subscribe(ONE).await;
        air.change(1, None).await;
        air.change(2, None).await;
        air.declare_anew(5, false);
        assert_eq!(
            read(&one).await,
            [1, 2],
            "what was told before, and no more"
        );
        air.change(3, None).await;
        assert_eq!(read(&one).await, NOTHING, "that is another value now");
        air.change_of(5, 4, None).await;
        assert_eq!(read(&one).await, [4]);
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_wait_come_once_and_hold_back_the_next_as_before() {
    for delivery in [Delivery::Directed, Delivery::Shared] {
        let mut air = every(delivery);
        let one = air.subscribe(ONE).await;
        air.change(1, None).await;
        let second = air.change(2, None).await;
        air.declare_anew(5, true);
        rest().await;
        assert!(!is(&second), "it is still unread");
        assert_eq!(read(&one).await, [1, 2]);
        assert!(is(&second));
        assert!(is(&*air.change_of(5, 3, None).await));
        assert_eq!(read(&one).await, [3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_of_which_every_event_counts_from_now_on_keeps_its_sockets() {
    for delivery in [Delivery::Directed, Delivery::Shared] {
        let mut air = Air::notifying(delivery);
        let (one, other) = (air.subscribe(ONE).await, air.subscribe(OTHER).await);
        air.declare_anew(5, true);
        rest().await;
        for octet in [1, 1, 2] {
            air.change_of(5, octet, None).await;
        }
        let heard = (read(&one).await, read(&other).await);
        match delivery {
            Delivery::Shared => assert_eq!(heard, (vec![1, 1, 2], vec![])),
            Delivery::Directed | Delivery::Unknown => {
                assert_eq!(heard, (vec![1, 1, 2], vec![1, 1, 2]));
            }
        }
        air.declare_anew(6, false);
        rest().await;
        for octet in [3, 4, 5] {
            air.change_of(6, octet, None).await;
        }
        assert_eq!(read(&one).await, [3, 5], "the newest only");
        drop(one);
        rest().await;
        air.change_of(6, 6, None).await;
        let next = read(&other).await;
        assert_eq!(next.last(), Some(&6), "the other goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_next_configuration_does_not_keep_ends() {
    let mut air = Air::notifying(Delivery::Directed);
    let one = air.subscribe(ONE).await;
    air.outlets
        .begin_anew(Arc::new(|_| {}), Arc::new(|_, _, _| {}));
    air.outlets.rest();
    rest().await;
    let mut octet = [0];
    let ended = rustix::io::read(&one, &mut octet);
    assert_eq!(ended, Ok(0), "our end is closed");
}
