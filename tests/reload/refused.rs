//! A configuration that asks for what cannot be had: the one before comes back, for those too who are connected.

use bemo_sync::plan::{LinkPlan, Plan};
use bemo_sync::plugin::{BoxFuture, Failure, Link, Port, Succession};

use bemo_sync::runtime::Back;

use crate::air::handle;
use crate::bench::{Bench, plan, subscribe, told, yaml};

const LEVEL: &str = "name: Level, uuid: FF01, access: [read, write, notify], value: { type: u8 }";
const OTHER: &str = "name: Other, uuid: FF03, access: [read, write, notify], value: { type: u8 }";
const MORE: &str = "name: More, uuid: FF02, access: [read], value: { type: u8, initial: 9 }";

/// Asks somebody who says no.
struct Asks {
    is_refused: bool,
}

impl Link for Asks {
    fn name(&self) -> &'static str {
        "asks"
    }

    fn take_over(&mut self, _: &mut dyn Link) -> Succession {
        Succession::Asks
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            port.settle(match self.is_refused {
                true => Err("there is no room".to_owned()),
                false => Ok(()),
            });
            port.stopped().await;
            Ok(())
        })
    }
}

fn with(yaml: &str, is_refused: bool) -> Plan {
    let mut plan = plan(yaml);
    plan.links.push(LinkPlan {
        section: "asks",
        candidates: vec![Box::new(Asks { is_refused })],
    });
    plan
}

#[tokio::test]
async fn what_is_refused_leaves_centrals_connected_and_subscribed_as_they_were() {
    let before = yaml(&[&[LEVEL]]);
    let mut bench = Bench::with(with(&before, false)).await;
    let (central, writer) = (bench.server.connect(), bench.server.connect());
    let level = handle(&central, "FF01");
    subscribe(&central, level);
    writer.write(level, &[7]).await.unwrap();
    assert_eq!(told(&central).await, [(level, vec![7])]);

    let up_to_10 = LEVEL.replace("type: u8", "type: u8, max: 10");
    let asked = with(&yaml(&[&[&up_to_10], &[MORE]]), true);
    let refused = bench.succeed(asked, || Some(with(&before, false))).await;
    let refused = refused.expect_err("it is refused");
    assert_eq!(refused.reasons, ["there is no room"]);
    assert!(central.is_connected());
    assert_eq!(central.discover().len(), 1, "the tree of before is back");
    assert_eq!(told(&central).await, []);
    writer.write(level, &[200]).await.unwrap();
    assert_eq!(told(&central).await, [(level, vec![200])]);
}

#[tokio::test]
async fn what_is_refused_takes_nothing_from_the_values() {
    let before = yaml(&[&[LEVEL, OTHER, MORE]]);
    let mut bench = Bench::with(with(&before, false)).await;
    let (central, writer) = (bench.server.connect(), bench.server.connect());
    let (level, other) = (handle(&central, "FF01"), handle(&central, "FF03"));
    subscribe(&central, level);
    writer.write(level, &[77]).await.unwrap();
    writer.write(other, &[55]).await.unwrap();
    told(&central).await;
    // One value does not fit, another is not there at all.
    let up_to_10 = LEVEL.replace("type: u8", "type: u8, max: 10");
    let asked = with(&yaml(&[&[&up_to_10, MORE]]), true);
    let refused = bench
        .succeed(asked, || Some(with(&before, false)))
        .await
        .expect_err("it is refused");
    assert_eq!(refused.back, Back::Whole);
    let (level, other) = (handle(&central, "FF01"), handle(&central, "FF03"));
    assert_eq!(central.read(level).unwrap(), [77]);
    assert_eq!(central.read(other).unwrap(), [55]);
    let heard = told(&central).await;
    let last = heard.last().map(|(_, octets)| octets.clone());
    assert!(last.is_none_or(|last| last == [77]), "{heard:?}");
}

#[tokio::test]
async fn that_nothing_can_be_had_is_said() {
    let before = yaml(&[&[LEVEL]]);
    let mut bench = Bench::with(with(&before, false)).await;
    let asked = || with(&yaml(&[&[LEVEL, MORE]]), true);
    let refused = bench.succeed(asked(), || Some(with(&before, true))).await;
    let refused = refused.expect_err("it is refused");
    assert_eq!(
        refused.back,
        Back::Refused(vec!["there is no room".to_owned()])
    );
    let refused = bench.succeed(asked(), || None).await;
    assert_eq!(refused.expect_err("it is refused").back, Back::Never);
}
