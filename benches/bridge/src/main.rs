//! What one writes by hand for the number of `services.yaml`, as short as it gets: bluer's GATT server, rumqttc, and
//! no checks. It is what bemo-sync is measured against, so it is in its best form: notifications go through the
//! socket, TCP does not wait for more to send, and one thread does everything.
//!
//! `bridge PORT FORM`: the broker's port on the loopback, and
//! - `latest`: while a value is on its way, the next ones are passed over but the newest;
//! - `every`: every value goes out;
//! - `callback`: as `latest`, but notifications are D-Bus signals, as in most examples.

use std::env::args;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use bluer::adv::Advertisement;
use bluer::gatt::local::{
    Application, Characteristic, CharacteristicControlEvent, CharacteristicNotify,
    CharacteristicNotifyMethod, CharacteristicRead, CharacteristicWrite, CharacteristicWriteMethod,
    Service, characteristic_control,
};
use rumqttc::{AsyncClient, Event, MqttOptions, NetworkOptions, Packet, QoS};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::yield_now;
use tokio_stream::StreamExt;
use uuid::{Uuid, uuid};

const SERVICE: Uuid = uuid!("7a4bbfe6-999f-4717-b63a-066e06971f59");
const NUMBER: Uuid = uuid!("7a4b0001-999f-4717-b63a-066e06971f59");

#[derive(serde::Serialize, serde::Deserialize)]
struct Payload {
    number: u8,
}

/// Those who hear of changes. Whoever is slow misses the oldest.
#[derive(Clone)]
struct Number {
    now: Arc<AtomicU8>,
    changes: broadcast::Sender<u8>,
}

impl Number {
    fn set(&self, number: u8) {
        self.now.store(number, Relaxed);
        let _ = self.changes.send(number);
    }
}

async fn next(changes: &mut broadcast::Receiver<u8>) -> u8 {
    loop {
        match changes.recv().await {
            Ok(number) => return number,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = args().nth(1).ok_or("no port")?.parse()?;
    let form = args().nth(2).ok_or("no form")?;
    let waiting_max = if form == "every" { 4096 } else { 1 };
    let number = Number {
        now: Arc::default(),
        changes: broadcast::channel(waiting_max).0,
    };

    let (client, mut events) = AsyncClient::new(MqttOptions::new("bridge", "127.0.0.1", port), 10);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    client.subscribe("number/set", QoS::AtLeastOnce).await?;
    let mut changes = number.changes.subscribe();
    tokio::spawn(async move {
        loop {
            let number = next(&mut changes).await;
            // Those who are subscribed go first.
            yield_now().await;
            let payload = serde_json::to_vec(&Payload { number }).expect("it is a number");
            let sent = client.publish("number/changed", QoS::AtLeastOnce, true, payload);
            sent.await.expect("the other end is never dropped");
        }
    });

    let adapter = bluer::Session::new().await?.default_adapter().await?;
    adapter.set_powered(true).await?;
    let (mut control, control_handle) = characteristic_control();
    let (for_read, for_write, for_notify) = (number.clone(), number.clone(), number.clone());
    let callback = CharacteristicNotifyMethod::Fun(Box::new(move |mut notifier| {
        let mut changes = for_notify.changes.subscribe();
        Box::pin(async move {
            tokio::spawn(async move {
                while notifier
                    .notify(vec![next(&mut changes).await])
                    .await
                    .is_ok()
                {}
            });
        })
    }));
    let method = match form.as_str() {
        "callback" => callback,
        _ => CharacteristicNotifyMethod::Io,
    };
    let application = Application {
        services: vec![Service {
            uuid: SERVICE,
            primary: true,
            characteristics: vec![Characteristic {
                uuid: NUMBER,
                read: Some(CharacteristicRead {
                    read: true,
                    fun: Box::new(move |_| {
                        let number = for_read.now.load(Relaxed);
                        Box::pin(async move { Ok(vec![number]) })
                    }),
                    ..Default::default()
                }),
                write: Some(CharacteristicWrite {
                    write: true,
                    method: CharacteristicWriteMethod::Fun(Box::new(move |octets, _| {
                        for_write.set(octets[0]);
                        Box::pin(async { Ok(()) })
                    })),
                    ..Default::default()
                }),
                notify: Some(CharacteristicNotify {
                    notify: true,
                    method,
                    ..Default::default()
                }),
                control_handle,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let _served = adapter.serve_gatt_application(application).await?;
    let _advertised = adapter
        .advertise(Advertisement {
            service_uuids: [SERVICE].into(),
            local_name: Some("Lampi-Test".into()),
            discoverable: Some(true),
            ..Default::default()
        })
        .await?;

    let subscribers = number.changes.clone();
    tokio::spawn(async move {
        while let Some(event) = control.next().await {
            let CharacteristicControlEvent::Notify(subscriber) = event else {
                continue;
            };
            let mut changes = subscribers.subscribe();
            tokio::spawn(async move {
                while subscriber.send(&[next(&mut changes).await]).await.is_ok() {}
            });
        }
    });

    loop {
        if let Event::Incoming(Packet::Publish(message)) = events.poll().await? {
            number.set(serde_json::from_slice::<Payload>(&message.payload)?.number);
        }
    }
}
