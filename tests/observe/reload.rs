//! What is known goes on when another configuration takes the place of one.

use bemo_sync::gatt::server::GattServer;
use bemo_sync::plugin::{Kind, Seen};
use bemo_sync::runtime::Runtime;

use super::bemo::plan;
use super::{cell, handle, int, yaml};

#[tokio::test]
async fn counts_and_origins_go_on_under_the_next_configuration_and_who_watches_sees_it() {
    let value = "name: Value, access: [read, write], value: { type: u8, max: 9, overflow: reject }";
    let gone = value.replace("Value", "Gone");
    let mut runtime = Runtime::start(plan(&yaml("", &[value, &gone])));
    let before = runtime.observer();
    let mut flow = before.flow();
    assert_eq!(before.generation(), 1);
    let server = runtime.offered::<GattServer>().await;
    let central = server.connect();
    central.write(handle(&central, "FF01"), &[5]).await.unwrap();
    central
        .write(handle(&central, "FF01"), &[10])
        .await
        .unwrap_err();
    let by = central.address().to_owned();
    // Another name, and another place in the list.
    let other = "version: 1\nble: { adapter: virtual }\nservices: [{ name: Service, uuid: FF00, characteristics: [\
        { name: New, uuid: FF09, access: [read, write], value: { type: u8 } },\
        { name: Renamed, uuid: FF01, access: [read, write], value: { type: u8, max: 9, overflow: reject } }] }]";
    runtime
        .succeed(plan(other), || None, &tokio::sync::Notify::new())
        .await
        .unwrap();
    let after = runtime.observer();
    for (observer, cell) in [(&before, cell(0)), (&after, cell(1))] {
        let view = observer.view(cell).unwrap();
        assert_eq!((&*view.name, view.value), ("Renamed", Some(int(5))));
        assert_eq!(view.origin.unwrap().who.as_deref(), Some(&*by));
        assert_eq!(view.rejected.unwrap().count, 1);
        assert_eq!(view.counters.by_link[0].1.changed, 1);
        assert_eq!(observer.generation(), 2);
    }
    assert_eq!(before.view(cell(1)), None, "it is not declared any more");
    let names: Vec<String> = after
        .snapshot()
        .values
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["New", "Renamed"]);
    let server = runtime.offered::<GattServer>().await;
    let central = server.connect();
    central.write(handle(&central, "FF01"), &[6]).await.unwrap();
    loop {
        let Seen::Step(step) = flow.next().await else {
            panic!("steps are missed");
        };
        if step.value.as_deref() == Some("Renamed") && matches!(step.kind, Kind::Accepted(_)) {
            assert_eq!(step.cell, Some(cell(1)));
            break;
        }
    }
    runtime.stop().await;
}
