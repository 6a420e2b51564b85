//! What a central does, step by step, and what the application sees of it. It is the same with the stand-in as with
//! the real bluetoothd.

use std::fmt::Debug;

use super::air::{Air, Central};
use super::application::{Application, uuid};

const PLAIN: u16 = 1;
const SOCKET: u16 = 2;
const SIGNALS: u16 = 3;
const INDICATED: u16 = 4;
const REFUSES: u16 = 5;
const FENCE: u16 = 6;
const COMMAND: u16 = 7;
const PROTECTED: u16 = 8;

const REFUSALS: [(&str, &str); 14] = [
    ("org.bluez.Error.Failed", "whatever it is"),
    ("org.bluez.Error.Failed", "0x80"),
    ("org.bluez.Error.Failed", "0x9f"),
    ("org.bluez.Error.Failed", "130"),
    ("org.bluez.Error.Failed", "0xa0"),
    ("org.bluez.Error.Failed", "0x7f"),
    ("org.bluez.Error.Failed", ""),
    ("org.bluez.Error.NotSupported", ""),
    ("org.bluez.Error.NotAuthorized", ""),
    ("org.bluez.Error.NotPermitted", ""),
    ("org.bluez.Error.InvalidValueLength", ""),
    ("org.bluez.Error.InvalidOffset", ""),
    ("org.bluez.Error.InProgress", ""),
    ("org.freedesktop.DBus.Error.InvalidArgs", ""),
];

struct Conversation<'a> {
    application: &'a Application,
    central: Central,
    /// The one that it is about.
    about: u16,
}

/// The whole of it, as a text.
pub async fn held(air: &Air) -> String {
    let application = Application::start(air.bus_address()).await;
    let note = |text: String| application.known().transcript.push(text);
    for member in [
        "UnregisterApplication",
        "RegisterApplication",
        "RegisterApplication",
        "UnregisterAdvertisement",
        "RegisterAdvertisement",
        "RegisterAdvertisement",
    ] {
        note(format!("application: {member}"));
        let answer = application.manage(member).await;
        note(format!("  {answer}"));
    }
    let central = air.connect(uuid(PLAIN)).await.expect("a central");
    let mut conversation = Conversation {
        application: &application,
        central,
        about: PLAIN,
    };
    conversation.values().await;
    conversation.refusals().await;
    conversation.sockets().await;
    conversation.refused_sockets().await;
    conversation.signals().await;
    for member in ["UnregisterAdvertisement", "UnregisterApplication"] {
        note(format!("application: {member}"));
        let answer = application.manage(member).await;
        note(format!("  {answer}"));
    }
    let read = conversation.central.read().await;
    note(format!("central: read of what is gone\n  {read:?}"));
    let transcript = application.known().transcript.join("\n");
    drop(conversation);
    drop(application);
    air.gone().await;
    transcript
}

impl Conversation<'_> {
    fn note(&self, text: &str) {
        self.application.known().transcript.push(text.to_owned());
    }

    /// What comes of a step: first what the application has seen, which is waited for.
    async fn ends(&mut self, result: impl Debug) {
        self.central
            .turn_to(uuid(FENCE))
            .await
            .expect("it is there");
        self.central.read().await.expect("a fence");
        self.central
            .turn_to(uuid(self.about))
            .await
            .expect("it is there");
        self.note(&format!("  {result:?}"));
    }

    async fn turn_to(&mut self, characteristic: u16) {
        self.about = characteristic;
        self.central
            .turn_to(uuid(characteristic))
            .await
            .expect("it is there");
    }

    async fn write(&mut self, octets: &[u8]) {
        self.note(&format!("central: write {octets:?}"));
        let result = self.central.write(octets).await;
        self.ends(result).await;
    }

    async fn read(&mut self, offset: u16) {
        self.note(&format!("central: read from {offset}"));
        let result = self.central.read_at(offset).await;
        let result = result.map(|it| match it.len() {
            0..20 => format!("{it:?}"),
            length => format!("{length} octets"),
        });
        self.ends(result).await;
    }

    async fn subscribe(&mut self, text: &str) {
        self.note(&format!("central: subscribe, {text}"));
        let result = self.central.configure().await;
        self.ends(result).await;
    }

    async fn unsubscribe(&mut self) {
        self.note("central: unsubscribe");
        let result = self.central.unsubscribe().await;
        self.ends(result).await;
    }

    async fn values(&mut self) {
        self.write(&[1, 2, 3]).await;
        self.write(&[]).await;
        self.write(&[4, 5, 6, 7]).await;
        self.read(0).await;
        self.read(2).await;
        self.read(4).await;
        self.read(5).await;
        self.application.known().value = vec![1; 600];
        self.read(0).await;
        self.turn_to(COMMAND).await;
        self.write(&[1]).await;
        self.read(0).await;
        self.turn_to(FENCE).await;
        self.write(&[1]).await;
        self.turn_to(PROTECTED).await;
        self.read(0).await;
        self.write(&[1]).await;
    }

    async fn refusals(&mut self) {
        self.turn_to(REFUSES).await;
        for (name, text) in REFUSALS {
            self.note(&format!("application: refuses with {name}: {text:?}"));
            self.application.known().refusal = Some((name, text));
            self.write(&[1]).await;
        }
        let (name, text) = ("org.bluez.Error.NotPermitted", "");
        self.note(&format!("application: refuses with {name}: {text:?}"));
        self.application.known().refusal = Some((name, text));
        self.read(0).await;
    }

    async fn sockets(&mut self) {
        self.turn_to(SOCKET).await;
        self.subscribe("the first time").await;
        self.subscribe("again without an end").await;
        self.application.put(&[1]);
        self.application.put(&[2, 3]);
        self.application.put(&[4; 512]);
        let mut received = Vec::new();
        for _ in 0..3 {
            let (_, octets) = self.central.notification().await;
            received.push((octets[0], octets.len()));
        }
        self.ends(received).await;
        let count = 100;
        let mut last = Vec::new();
        for number in 0..count {
            self.application.put(&[number]);
        }
        for _ in 0..count {
            last.extend(self.central.notification().await.1);
        }
        let in_order = last.iter().copied().eq(0..count);
        self.ends(format!("a burst of {count} is in order: {in_order}"))
            .await;
        self.unsubscribe().await;
        let closed = self.application.is_closed();
        self.ends(format!("the socket is closed: {closed}")).await;
        self.subscribe("the second time").await;
        self.application.put(&[5]);
        let (_, octets) = self.central.notification().await;
        self.ends(octets).await;
        self.unsubscribe().await;
    }

    async fn refused_sockets(&mut self) {
        for (name, text) in [
            ("org.bluez.Error.Failed", "not for you"),
            ("org.bluez.Error.NotSupported", "not this way"),
        ] {
            self.note(&format!("application: refuses with {name}: {text:?}"));
            self.application.known().refusal = Some((name, text));
            self.subscribe("to a socket").await;
            self.application.signal("/test/service0/socket", &[6]);
            let (_, octets) = self.central.notification().await;
            self.ends(octets).await;
            self.unsubscribe().await;
        }
    }

    async fn signals(&mut self) {
        self.turn_to(SIGNALS).await;
        self.subscribe("to signals").await;
        self.application.signal("/test/service0/signals", &[1]);
        self.application.signal("/test/service0/signals", &[]);
        self.application.signal("/test/service0/signals", &[2; 600]);
        let mut received = Vec::new();
        for _ in 0..3 {
            received.push(self.central.notification().await.1.len());
        }
        self.ends(received).await;
        self.unsubscribe().await;
        self.turn_to(INDICATED).await;
        self.subscribe("to indications").await;
        self.application.signal("/test/service0/indicated", &[7]);
        let (_, octets) = self.central.notification().await;
        self.ends(octets).await;
        self.unsubscribe().await;
    }
}
