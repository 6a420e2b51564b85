//! A program at work on the virtual adapter, that gets one configuration after the other.

use std::path::Path;
use std::sync::Arc;

use bemo_sync::config::{Placeholders, load_str};
use bemo_sync::gatt::server::{Central, GattServer, Subscribed};
use bemo_sync::plan::Plan;
use bemo_sync::runtime::{Refused, Runtime, Succeeded};
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::air::state;

thread_local! {
    /// One for all configurations of a test, as for those of a program. Each test has a thread of its own.
    static STATE: Option<String> = state::environment()("XDG_STATE_HOME");
}

pub struct Bench {
    pub server: Arc<GattServer>,
    pub runtime: Runtime,
}

/// One service for each list of characteristics, FF00, FF10 and so on.
pub fn yaml(services: &[&[&str]]) -> String {
    let mut yaml =
        "version: 1\ndevice: { name: Box }\nble: { adapter: virtual }\nservices:\n".to_owned();
    for (number, characteristics) in services.iter().enumerate() {
        yaml += &format!("- name: Service {number}\n  uuid: FF{number}0\n  characteristics:\n");
        for characteristic in *characteristics {
            yaml += &format!("  - {{ {characteristic} }}\n");
        }
    }
    yaml
}

pub fn plan(yaml: &str) -> Plan {
    let host = Placeholders::new(Vec::new());
    let environment = |name: &str| match name {
        "XDG_STATE_HOME" => STATE.with(Clone::clone),
        _ => None,
    };
    let loaded = load_str(Path::new("test.yaml"), yaml, &environment, host);
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).plan
}

impl Bench {
    pub async fn of(yaml: &str) -> Self {
        Self::with(plan(yaml)).await
    }

    pub async fn with(plan: Plan) -> Self {
        let runtime = Runtime::start(plan);
        let server = runtime.offered::<GattServer>().await;
        Self { server, runtime }
    }

    pub async fn reload(&mut self, yaml: &str) {
        let succeeded = self.succeed(plan(yaml), || None).await;
        assert!(succeeded.is_ok(), "{succeeded:?}");
    }

    pub async fn succeed(
        &mut self,
        plan: Plan,
        back: impl FnOnce() -> Option<Plan>,
    ) -> Result<Succeeded, Refused> {
        let succeeded = self.runtime.succeed(plan, back, &Notify::new()).await;
        let offered = self.runtime.offered::<GattServer>().await;
        assert!(Arc::ptr_eq(&offered, &self.server), "it is the same server");
        succeeded
    }
}

pub fn subscribe(central: &Central, handle: u16) {
    let subscribed = central.subscribe(handle, Some(Subscribed::Notify));
    subscribed.expect("it can be subscribed to");
}

/// What a central has been told when everything has come to rest.
pub async fn told(central: &Central) -> Vec<(u16, Vec<u8>)> {
    for _ in 0..50 {
        yield_now().await;
    }
    let mut told = Vec::new();
    while let Some(notification) = central.try_notification().expect("it is connected") {
        told.push((notification.handle, notification.value));
    }
    told
}
