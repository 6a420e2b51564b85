//! Virtual BLE.
use crate::plugin::{Configure, Link, Place, Plugin};

pub struct VirtualBle;

impl Plugin for VirtualBle {
    fn name(&self) -> &'static str {
        "virtual_ble"
    }
    fn places(&self) -> Vec<Place> {
        vec![]
    }
    fn configure(&self, _: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        None
    }
}
