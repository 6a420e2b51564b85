//! A configuration at work: a virtual adapter, a broker in memory, and a clock that stands while anybody works.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bemo_sync::codec::{MAX_LENGTH, Spec, Template, Value, att};
use bemo_sync::config::{Loaded, Mistakes, Placeholders, load_str};
use bemo_sync::gatt::server::{Central, GattServer};
use bemo_sync::gatt::{Characteristic, Service};
use bemo_sync::plan::Plan;
use bemo_sync::plugin::Stage;
use bemo_sync::runtime::Runtime;

pub struct World {
    pub runtime: Runtime,
    pub stage: Stage,
    /// If anything is on the air.
    pub server: Option<Arc<GattServer>>,
    services: Vec<Service>,
}

/// The same environment and the same host every time.
pub fn load(source: &str) -> Result<Loaded, Mistakes> {
    let environment = |name: &str| match name {
        "SET" => Some("set".to_owned()),
        "EMPTY" => Some(String::new()),
        "XDG_STATE_HOME" => Some("/nonexistent".to_owned()),
        _ => None,
    };
    let host = Placeholders::new(vec![
        ("hostname", "host".to_owned()),
        ("machine_id", "0123456789abcdef".to_owned()),
        ("mac", "00:11:22:33:44:55".to_owned()),
    ]);
    load_str(
        Path::new("/nonexistent/fuzz.yaml"),
        source,
        &environment,
        host,
    )
}

/// Runs something on a clock of its own, to its end.
pub fn run(work: impl Future<Output = ()>) {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    tokio.expect("a runtime can be built").block_on(work);
}

/// Everything happens that can. The clock moves only when nobody has anything left to do.
pub async fn rest() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

impl World {
    pub async fn of(plan: Plan) -> Self {
        let services = plan.services.clone();
        let stage = Stage::new();
        let runtime = Runtime::rehearse(plan, stage.clone());
        let offered = runtime.offered::<GattServer>();
        let server = tokio::time::timeout(Duration::from_millis(1), offered).await;
        rest().await;
        Self {
            server: server.ok(),
            runtime,
            stage,
            services,
        }
    }

    /// The declared characteristics, with the handles of their values.
    pub fn characteristics(&self, central: &Central) -> Vec<(u16, Characteristic)> {
        characteristics(central, &self.services)
    }
}

pub fn characteristics(central: &Central, services: &[Service]) -> Vec<(u16, Characteristic)> {
    let discovered = central.discover();
    let discovered = discovered.iter();
    let handles = discovered.flat_map(|it| it.characteristics.iter().map(|it| it.handle));
    let declared = services.iter().flat_map(|it| &it.characteristics);
    handles.zip(declared.cloned()).collect()
}

pub fn encode(spec: &Spec, value: &Value) -> Vec<u8> {
    let mut octets = Vec::new();
    att::encode(spec, value, &mut octets);
    octets
}

/// What is kept of octets that somebody has written, if it is a value at all.
pub fn kept(spec: &Spec, octets: &[u8]) -> Option<Value> {
    let decoded = att::decode(spec, octets).ok()?;
    spec.admit(decoded).ok().map(|admitted| admitted.value)
}

/// What is on the air is a value of its type, and comes back from the air and from JSON as what it is.
pub fn assert_valid(spec: &Spec, octets: &[u8]) -> Value {
    assert!(octets.len() <= MAX_LENGTH, "{} octets", octets.len());
    let decoded = att::decode(spec, octets).expect("what is on the air is of its type");
    let admitted = spec.admit(decoded).expect("what is on the air is valid");
    assert!(!admitted.adjusted, "{} was out of range", admitted.value);
    let value = admitted.value;
    assert_eq!(encode(spec, &value), octets, "{value} on the air");
    let template = Template::bare();
    let text = template.write(spec, &value);
    let patch = template.read(spec, text.as_bytes());
    let patch = patch.unwrap_or_else(|violation| panic!("our own {text}: {violation}"));
    for before in [None, Some(&value)] {
        let again = spec.admit(spec.merge(before, patch.clone()));
        let again = again.unwrap_or_else(|violation| panic!("our own {text}: {violation}"));
        assert!(!again.adjusted, "our own {text} was out of range");
        assert!(
            spec.same(&again.value, &value),
            "{value} came back as {}",
            again.value
        );
        assert_eq!(template.write(spec, &again.value), text);
    }
    value
}
