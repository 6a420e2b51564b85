//! BLE.
use crate::plugin::{Configure, Link, Place, Plugin};

pub struct Ble;

impl Plugin for Ble {
    fn name(&self) -> &'static str {
        "ble"
    }
    fn places(&self) -> Vec<Place> {
        vec![]
    }
    fn configure(&self, _: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        None
    }
}
