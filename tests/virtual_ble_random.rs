//! Whatever centrals do, in whatever order: nothing panics and no constraint is broken.

mod air;

use proptest::prelude::*;
use tokio::task::yield_now;

use air::{Air, KINDS, handle};

/// Anything that a central can do, at any handle.
#[derive(Clone, Debug)]
enum Operation {
    Read(usize),
    Write(Vec<u8>),
    Command(Vec<u8>),
    Prepare(usize, Vec<u8>),
    Execute(bool),
    Mtu(usize),
    Take,
    Confirm,
    Reconnect,
}

fn operation() -> impl Strategy<Value = Operation> {
    let octets = || {
        prop_oneof![
            any::<[u8; 2]>().prop_map(Vec::from),
            prop::collection::vec(any::<u8>(), 0..30)
        ]
    };
    prop_oneof![
        (0usize..600).prop_map(Operation::Read),
        octets().prop_map(Operation::Write),
        octets().prop_map(Operation::Command),
        (0usize..40, octets()).prop_map(|(offset, part)| Operation::Prepare(offset, part)),
        any::<bool>().prop_map(Operation::Execute),
        (0usize..600).prop_map(Operation::Mtu),
        Just(Operation::Take),
        Just(Operation::Confirm),
        Just(Operation::Reconnect),
    ]
}

async fn survives(operations: Vec<(usize, u16, Operation)>) {
    let air = Air::of(KINDS).await;
    let mut centrals = [air.central(), air.central()];
    let handle = |uuid| handle(&air.central(), uuid);
    let (rejects, clamps) = (handle("FF01"), handle("FF02"));
    let (wraps, text) = (handle("FF03"), handle("FF06"));
    for (which, at, operation) in operations {
        let central = &mut centrals[which];
        // Errors are answers like any other.
        match operation {
            Operation::Read(offset) => drop(central.read_blob(at, offset)),
            Operation::Write(octets) => drop(central.write(at, &octets).await),
            Operation::Command(octets) => central.write_without_response(at, &octets),
            Operation::Prepare(offset, part) => drop(central.prepare_write(at, offset, &part)),
            Operation::Execute(commit) => drop(central.execute_write(commit).await),
            Operation::Mtu(mtu) => drop(central.exchange_mtu(mtu)),
            Operation::Take => drop(central.try_notification()),
            Operation::Confirm => drop(central.confirm()),
            Operation::Reconnect => *central = air.server.connect(),
        }
        yield_now().await;
        let read = |handle| air.central().read_long(handle).unwrap();
        let rejects = u16::from_le_bytes(read(rejects).try_into().unwrap());
        assert!((10..=20).contains(&rejects));
        assert!((-5..=5).contains(&(read(clamps)[0] as i8)));
        assert!(read(wraps)[0] <= 9);
        assert!(String::from_utf8(read(text)).unwrap().len() <= 40);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn no_sequence_of_requests_breaks_a_constraint(
        operations in prop::collection::vec((0usize..2, 0u16..40, operation()), 0..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(survives(operations));
    }
}
