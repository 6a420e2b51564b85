//! The console, as a browser and a program find it: over real HTTP, with the real runtime behind it.

#![cfg(feature = "console")]

#[path = "../support/bemo.rs"]
mod bemo;
mod centrals;
mod device;
#[path = "../support/http.rs"]
mod http;

mod limits;
#[path = "../support/lines.rs"]
mod lines;
mod load;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
mod moves;
mod openapi;
mod page;
mod reload;
mod safety;
mod streams;
mod token;
mod values;

use bemo::Bemo;
use http::Http;

/// The demo with a console at a free port, and characteristics of every kind.
pub const DEMO: &str = r#"
version: 1
device: { name: Lampi-Test }
ble: { adapter: virtual }
console: { listen: "127.0.0.1:0" }
services:
  - name: Number Service
    uuid: 7a4bbfe6-999f-4717-b63a-066e06971f59
    advertise: true
    characteristics:
      - name: Some Number
        uuid: 7a4b0001-999f-4717-b63a-066e06971f59
        access: [read, write, notify]
        value: { type: u8, max: 200, initial: 7 }
      - name: Key
        uuid: 7a4b0002-999f-4717-b63a-066e06971f59
        access: [read, write, notify]
        security: encrypted
        value: { type: utf8, max_length: 12, initial: hidden }
"#;

/// The demo with something else under `console`.
pub fn demo(console: &str) -> String {
    let usual = r#"{ listen: "127.0.0.1:0" }"#;
    DEMO.replace(usual, &format!(r#"{{ listen: "127.0.0.1:0", {console} }}"#))
}

/// The program at work, and somebody who asks it.
pub struct World {
    pub http: Http,
    pub bemo: Bemo,
}

impl World {
    pub fn new(yaml: &str) -> Self {
        let bemo = Bemo::start(yaml);
        let said = bemo.log.wait_for("the console is at http://");
        let http = Http::to(port_in(&said));
        Self { http, bemo }
    }

    pub fn demo() -> Self {
        Self::new(DEMO)
    }

    /// A new virtual central: the path of its operations.
    pub fn central(&self) -> String {
        let central = self
            .http
            .post("/api/v1/centrals", &serde_json::json!({}))
            .ok();
        format!("/api/v1/centrals/{}", central["id"])
    }
}

/// The port in a line of the log.
pub fn port_in(line: &str) -> u16 {
    let (_, rest) = line.split_once("http://").expect("an address");
    let (address, _) = rest.split_once('/').expect("its end");
    let (_, port) = address.rsplit_once(':').expect("a port");
    port.parse().expect("a number")
}
