//! The list of plugins: the one line that each needs.

use super::Plugin;
use crate::plugins::{mqtt, store, ticker, virtual_ble};

/// Every kind of link there is, alternatives in the order in which they are tried.
pub fn registry() -> Vec<Box<dyn Plugin>> {
    vec![
        #[cfg(target_os = "linux")]
        Box::new(crate::plugins::ble::Ble),
        Box::new(virtual_ble::VirtualBle),
        Box::new(mqtt::Mqtt),
        Box::new(ticker::Ticker),
        Box::new(store::Store),
        #[cfg(feature = "console")]
        Box::new(crate::plugins::console::ConsolePlugin),
    ]
}
