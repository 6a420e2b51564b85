//! What was measured: for each contender and each quantity, one figure of each round.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::contender::Contender;

#[derive(Default, Serialize, Deserialize)]
pub struct Figures {
    /// What it was measured on and with.
    pub about: BTreeMap<String, String>,
    contenders: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
}

impl Figures {
    /// Whether ATT was carried by bluetoothd itself.
    pub fn is_of_bluez(&self) -> bool {
        self.about.contains_key("BlueZ")
    }

    pub fn add(&mut self, contender: Contender, quantity: &str, figure: f64) {
        let of = self
            .contenders
            .entry(contender.name().to_owned())
            .or_default();
        of.entry(quantity.to_owned()).or_default().push(figure);
    }

    /// The median and the 99th percentile of one round.
    pub fn add_latencies(&mut self, contender: Contender, quantity: &str, mut all: Vec<Duration>) {
        all.sort_unstable();
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            if let Some(latency) = quantile(&all, share) {
                let figure = latency.as_secs_f64() * 1e6;
                self.add(contender, &format!("{quantity} {name}"), figure);
            }
        }
        self.add(contender, &format!("{quantity} samples"), all.len() as f64);
    }

    /// Of all rounds.
    pub fn median(&self, contender: Contender, quantity: &str) -> Option<f64> {
        let mut all = self.all(contender, quantity).to_vec();
        all.sort_unstable_by(f64::total_cmp);
        let upper = quantile(&all, 0.5)?;
        match all.len() % 2 {
            0 => Some((all[all.len() / 2 - 1] + upper) / 2.0),
            _ => Some(upper),
        }
    }

    /// The least of all.
    pub fn least(&self, contender: Contender, quantity: &str) -> Option<f64> {
        let all = self.all(contender, quantity).iter().copied();
        all.min_by(f64::total_cmp)
    }

    pub fn sum(&self, contender: Contender, quantity: &str) -> f64 {
        self.all(contender, quantity).iter().sum()
    }

    fn all(&self, contender: Contender, quantity: &str) -> &[f64] {
        let of = self.contenders.get(contender.name());
        let all = of.and_then(|of| of.get(quantity));
        all.map_or(&[], Vec::as_slice)
    }

    pub fn read(path: &Path) -> Result<Self> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(fs::write(path, serde_json::to_vec_pretty(self)?)?)
    }
}

fn quantile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().checked_sub(1)?)).copied()
}
