//! A registration: before bluetoothd says yes, it asks the application what there is.

use dbus::Message;
use dbus::arg::{AppendAll, Variant};
use dbus::channel::Sender;
use dbus::message::MessageType;
use dbus::nonblock::{NonblockReply, SyncConnection};
use tokio::sync::oneshot;

use super::application::{Application, CHARACTERISTIC, Characteristic};
use super::daemon::{
    ALREADY_EXISTS, Daemon, FAILED, OBJECT_MANAGER, PROPERTIES, Refused, UNKNOWN_METHOD,
    sender_and_path,
};
use super::objects::{ADAPTER, ADVERTISEMENTS_MAX, ADVERTISING_MANAGER, GATT_MANAGER};

const ADVERTISEMENT: &str = "org.bluez.LEAdvertisement1";

impl Daemon {
    pub(super) async fn register(&self, call: Message) -> (Message, Result<(), Refused>) {
        let whose = sender_and_path(&call);
        let is_application = match (call.path().as_deref(), call.interface().as_deref()) {
            (Some(ADAPTER), Some(GATT_MANAGER)) => Some(true),
            (Some(ADAPTER), Some(ADVERTISING_MANAGER)) => Some(false),
            _ => None,
        };
        let registered = match (whose, is_application) {
            (Ok((owner, path)), Some(true)) => self.register_application(owner, path).await,
            (Ok((owner, path)), Some(false)) => self.register_advertisement(owner, path).await,
            (Ok(_), None) => Err(UNKNOWN_METHOD),
            (Err(refused), _) => Err(refused),
        };
        (call, registered)
    }

    async fn register_application(&self, owner: String, path: String) -> Result<(), Refused> {
        let known = |it: &Application| it.owner == owner && it.path == path;
        if self.state().applications.iter().any(known) {
            return Err(ALREADY_EXISTS);
        }
        self.listen_to(&owner, &path);
        let objects = self
            .ask(&owner, &path, OBJECT_MANAGER, "GetManagedObjects", ())
            .await;
        let application = Application::read(&owner, &path, &objects);
        let application = application.map_err(|text| (FAILED, text))?;
        self.tell_handles(&application);
        self.state().applications.push(application);
        Ok(())
    }

    /// An advertisement is asked for its objects first, and only then for what it is.
    async fn register_advertisement(&self, owner: String, path: String) -> Result<(), Refused> {
        let known = (owner, path);
        {
            let state = self.state();
            if state.advertisements.contains(&known) {
                return Err(ALREADY_EXISTS);
            }
            if state.advertisements.len() >= ADVERTISEMENTS_MAX.into() {
                let text = "Maximum advertisements reached";
                return Err(("org.bluez.Error.NotPermitted", text));
            }
        }
        let (owner, path) = (&*known.0, &*known.1);
        self.listen_to(owner, path);
        self.ask(owner, path, OBJECT_MANAGER, "GetManagedObjects", ())
            .await;
        let content = self
            .ask(owner, path, PROPERTIES, "GetAll", (ADVERTISEMENT,))
            .await;
        if content.msg_type() != MessageType::MethodReturn {
            return Err((FAILED, "Failed to parse advertisement."));
        }
        self.state().advertisements.insert(known);
        self.tell_instances();
        Ok(())
    }

    async fn ask<A: AppendAll>(
        &self,
        owner: &str,
        path: &str,
        interface: &str,
        member: &str,
        arguments: A,
    ) -> Message {
        let call = Message::call_with_args(owner, path, interface, member, arguments);
        let (answer, answered) = oneshot::channel();
        let then = SyncConnection::make_f(move |message, _: &SyncConnection| {
            let _ = answer.send(message);
        });
        let _ = self.connection.send_with_reply(call, then);
        answered.await.expect("the bus answers every call")
    }

    fn listen_to(&self, owner: &str, path: &str) {
        self.add_match(&format!(
            "type='signal',sender='{owner}',path_namespace='{path}'"
        ));
    }

    /// Whoever has a `Handle` that is 0 is told it, and not asked whether it likes that.
    fn tell_handles(&self, application: &Application) {
        for (path, interface) in &application.untold {
            let of = |it: &&Characteristic| it.path == *path;
            let subscribable = application.characteristics.iter().find(of);
            let subscribable =
                subscribable.is_some_and(|it| it.allows("notify") || it.allows("indicate"));
            let handle = {
                let mut state = self.state();
                let own = if *interface == CHARACTERISTIC { 2 } else { 1 };
                let handle = state.handles + own - 1;
                state.handles += own + u16::from(subscribable);
                handle
            };
            let arguments = (*interface, "Handle", Variant(handle));
            let owner = &*application.owner;
            let call = Message::call_with_args(owner, &**path, PROPERTIES, "Set", arguments);
            let _ = self.connection.send(call);
        }
    }
}
