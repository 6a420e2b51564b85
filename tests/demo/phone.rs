//! A phone: a central of the virtual adapter that finds things by their UUID, as an app does.

use std::future::Future;
use std::sync::Arc;

use bemo_sync::gatt::AttError;
use bemo_sync::gatt::server::{
    Central, DiscoveredCharacteristic, GattServer, RequestError, Subscribed,
};

use super::bemo::Bemo;
use super::mosquitto::PATIENCE;

pub const NUMBER: &str = "7a4b0001-999f-4717-b63a-066e06971f59";

pub struct Phone {
    server: Arc<GattServer>,
    central: Central,
}

impl Phone {
    pub fn connect(bemo: &Bemo) -> Self {
        let server: Arc<GattServer> = soon(bemo.offered());
        let central = server.connect();
        Self { server, central }
    }

    pub fn device_name(&self) -> String {
        self.server.device_name()
    }

    pub fn advertised(&self) -> Vec<String> {
        self.server
            .advertised()
            .services
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    pub fn read(&self, uuid: &str) -> Vec<u8> {
        self.try_read(uuid).expect("it can be read")
    }

    pub fn try_read(&self, uuid: &str) -> Result<Vec<u8>, AttError> {
        self.central.read_long(self.find(uuid).handle).map_err(att)
    }

    pub fn write(&self, uuid: &str, octets: &[u8]) -> Result<(), AttError> {
        let handle = self.find(uuid).handle;
        soon(self.central.write(handle, octets)).map_err(att)
    }

    pub fn descriptor(&self, uuid: &str, descriptor: &str) -> Vec<u8> {
        let characteristic = self.find(uuid);
        let found = characteristic
            .descriptors
            .iter()
            .find(|found| found.uuid.to_string() == descriptor)
            .unwrap_or_else(|| panic!("{uuid} has no {descriptor}"));
        self.central
            .read_long(found.handle)
            .expect("a descriptor can be read")
    }

    pub fn subscribe(&self, uuid: &str) {
        let handle = self.find(uuid).handle;
        self.central
            .subscribe(handle, Some(Subscribed::Notify))
            .expect("it notifies");
    }

    pub fn next_notification(&self) -> Vec<u8> {
        soon(self.central.next_notification())
            .expect("the server is there")
            .value
    }

    /// The next one that is not the echo of what this phone wrote itself. It is told of that only if its
    /// write crossed an older number that was on its way to it, and nobody can say which it saw last.
    pub fn next_notification_after_writing(&self, own: u8) -> Vec<u8> {
        match self.next_notification() {
            echo if echo == [own] => self.next_notification(),
            other => other,
        }
    }

    fn find(&self, uuid: &str) -> DiscoveredCharacteristic {
        self.central
            .discover()
            .iter()
            .flat_map(|service| &service.characteristics)
            .find(|characteristic| characteristic.uuid.to_string() == uuid)
            .unwrap_or_else(|| panic!("there is no {uuid}"))
            .clone()
    }
}

fn att(error: RequestError) -> AttError {
    match error {
        RequestError::Att(error) => error,
        RequestError::Disconnected => panic!("the server is gone"),
    }
}

/// Waits for what should be there soon.
fn soon<T>(future: impl Future<Output = T>) -> T {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    tokio
        .block_on(async { tokio::time::timeout(PATIENCE, future).await })
        .expect("it comes in time")
}
