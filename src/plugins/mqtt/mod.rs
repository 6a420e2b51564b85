//! MQTT.
use crate::plugin::{Configure, Link, Place, Plugin};

pub struct Mqtt;

impl Plugin for Mqtt {
    fn name(&self) -> &'static str {
        "mqtt"
    }
    fn places(&self) -> Vec<Place> {
        vec![]
    }
    fn configure(&self, _: &mut Configure<'_>) -> Option<Box<dyn Link>> {
        None
    }
}
