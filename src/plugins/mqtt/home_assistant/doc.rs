//! What is told to Home Assistant, for documents about it.

use schemars::json_schema;
use serde_json::json;

use super::HomeAssistant;
use crate::plugin::{Direction, DiscoveryDoc, TopicDoc};
use crate::plugins::mqtt::config::Qos;

impl HomeAssistant {
    /// Its topics: the document, which is also looked at, and where Home Assistant says that it has started.
    pub(in crate::plugins::mqtt) fn topics(&self) -> [TopicDoc; 3] {
        let object = json_schema!({ "type": "object", "required": ["dev", "o", "cmps"] });
        let doc = |topic: &String, direction, schema, description: &str| TopicDoc {
            topic: topic.clone(),
            direction,
            qos: self.qos as u8,
            retain: false,
            schema,
            description: description.to_owned(),
            content_type: "application/json",
            cells: Vec::new(),
        };
        let told = "What Home Assistant is told of this device: its MQTT discovery, device-based. Nothing is kept \
            here when the device is gone.";
        let looked =
            "What the broker keeps here of this device is looked at before it is told of anew.";
        [
            TopicDoc {
                retain: true,
                ..doc(&self.topic, Direction::Publish, object.clone(), told)
            },
            TopicDoc {
                qos: Qos::AtLeastOnce as u8,
                ..doc(&self.topic, Direction::Subscribe, object, looked)
            },
            TopicDoc {
                qos: Qos::AtLeastOnce as u8,
                content_type: "text/plain",
                ..doc(
                    &self.status,
                    Direction::Subscribe,
                    json_schema!({ "type": "string", "examples": [json!("online"), json!("offline")] }),
                    "`online`: Home Assistant has started, and is told of this device again.",
                )
            },
        ]
    }

    pub(in crate::plugins::mqtt) fn doc(&self) -> DiscoveryDoc {
        DiscoveryDoc {
            topic: self.topic.clone(),
            document: self.document.clone(),
            notes: self.notes.clone(),
        }
    }
}
