//! A link that does nothing itself.

use bemo_sync::plugin::{BoxFuture, Failure, Link, Port};
use tokio::sync::mpsc::UnboundedSender;

/// Gives its port away, for somebody to ask for changes by.
pub struct Asks(pub UnboundedSender<Port>);

impl Link for Asks {
    fn name(&self) -> &'static str {
        "asks"
    }

    fn run(&mut self, port: Port) -> BoxFuture<'_, Result<(), Failure>> {
        self.0.send(port.clone()).expect("the test waits for it");
        Box::pin(async move {
            port.stopped().await;
            Ok(())
        })
    }
}
