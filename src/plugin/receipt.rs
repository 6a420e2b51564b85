//! What says that an effect has arrived, when several have to get it.

use std::fmt;
use std::sync::Arc;

/// The effect has arrived when the last clone of this is dropped: whoever has yet to carry it holds
/// one, and whoever goes away drops it.
#[derive(Clone)]
#[must_use = "the effect counts as delivered when this is dropped"]
pub struct Receipt(Arc<OnDrop>);

struct OnDrop(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Receipt {
    pub fn new(delivered: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Arc::new(OnDrop(Some(Box::new(delivered)))))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(delivered) = self.0.take() {
            delivered();
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({} hold it)", Arc::strong_count(&self.0))
    }
}
