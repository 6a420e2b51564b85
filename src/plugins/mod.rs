//! Everything that touches the world, one file or folder each. None of them knows another.

#[cfg(target_os = "linux")]
pub mod ble;
#[cfg(feature = "console")]
pub mod console;
pub mod mqtt;
pub mod store;
pub mod ticker;
pub mod virtual_ble;
