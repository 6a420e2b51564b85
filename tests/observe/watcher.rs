//! Somebody who watches the flow.

use std::sync::Arc;

use bemo_sync::engine::Carries;
use bemo_sync::plugin::{Flow, Kind, Observer, Seen, Step, What};

use super::wait;

pub struct Watcher(Flow);

impl Watcher {
    pub fn of(observer: &Observer) -> Self {
        Self(observer.flow())
    }

    pub fn next(&mut self) -> Arc<Step> {
        match wait(self.0.next()) {
            Seen::Step(step) => step,
            Seen::Missed(count) => panic!("{count} steps are missed"),
        }
    }

    pub fn next_seen(&mut self) -> Seen {
        wait(self.0.next())
    }

    /// All steps up to the first one like this, without those of the test's own link.
    pub fn until(&mut self, is_last: impl Fn(&Step) -> bool) -> Vec<Arc<Step>> {
        let mut steps = Vec::new();
        loop {
            let step = self.next();
            if step.link == Some("hand") {
                continue;
            }
            steps.push(step.clone());
            if is_last(&step) {
                return steps;
            }
        }
    }
}

/// That a change has arrived where this link has sent it.
pub fn arrived(link: &'static str) -> impl Fn(&Step) -> bool {
    move |step| step.link == Some(link) && matches!(step.kind, Kind::Arrived { took: Some(_), .. })
}

/// What is the same in every run: not the times.
pub fn shown(step: &Step) -> String {
    let link = step.link.unwrap_or("-");
    let what = match &step.kind {
        Kind::Arrived { took, .. } => format!("arrived, timed: {}", took.is_some()),
        Kind::Noted(What::Acknowledged { packet_id, .. }) => format!("acknowledged {packet_id}"),
        Kind::Noted(What::Written { .. }) => "written".to_owned(),
        Kind::HandedOut { carries, .. } if *carries == Carries::Kept => "to be kept".to_owned(),
        kind => kind.to_string(),
    };
    format!("{link}: {what}")
}

/// The same of all steps of one version of a value.
pub fn way(steps: &[Arc<Step>], value: &str, version: u64) -> Vec<String> {
    let of_it = |step: &&Arc<Step>| step.value.as_deref() == Some(value) && step.version == version;
    steps.iter().filter(of_it).map(|step| shown(step)).collect()
}
