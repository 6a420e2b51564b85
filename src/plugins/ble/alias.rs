//! The adapter's name: ours while it serves, and afterwards what it was before.

use bluer::Adapter;
use tracing::debug;

/// Remembers what an adapter was called, through all that bluetoothd may do meanwhile: it keeps our
/// name when it ends, and then that looks like the old one.
#[derive(Default)]
pub(super) struct Alias {
    /// The adapter that has our name, while its bluetoothd is there.
    renamed: Option<Adapter>,
    /// The name that it has from us.
    ours: String,
    before: Option<Before>,
}

struct Before {
    adapter: String,
    /// Empty for the system's name.
    alias: String,
}

impl Alias {
    pub(super) async fn set(&mut self, adapter: &Adapter, name: &str) -> bluer::Result<()> {
        let found = adapter.alias().await?;
        let inherited = found == adapter.system_name().await?;
        self.remember(adapter.name(), found, name, inherited);
        // Whatever happens from here on, it is taken back.
        self.renamed = Some(adapter.clone());
        self.ours = name.to_owned();
        adapter.set_alias(name.to_owned()).await
    }

    /// Another name of ours in the place of ours.
    pub(super) async fn change(&mut self, name: &str) -> bluer::Result<()> {
        match &self.renamed {
            Some(adapter) if self.ours != name => {
                self.ours = name.to_owned();
                adapter.set_alias(name.to_owned()).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Gives the old name back, if ours was given.
    pub(super) async fn restore(&mut self) {
        let (Some(adapter), Some(before)) = (self.renamed.take(), &self.before) else {
            return;
        };
        let restored = adapter.set_alias(before.alias.clone()).await;
        debug!(?restored, "the adapter has its old name");
    }

    /// bluetoothd is gone. To ask for anything would start another one.
    pub(super) fn out_of_reach(&mut self) {
        self.renamed = None;
    }

    fn remember(&mut self, adapter: &str, found: String, ours: &str, inherited: bool) {
        let known = self.before.as_ref().is_some_and(|it| it.adapter == adapter);
        // Ours is left over: from a bluetoothd before, or a run that could not clean up.
        let ours = found == ours;
        if ours && known {
            return;
        }
        self.before = Some(Before {
            adapter: adapter.to_owned(),
            alias: if ours || inherited {
                String::new()
            } else {
                found
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes back to hci0 after it has been found with these names, and whether each was the
    /// system's.
    fn goes_back(found: &[(&str, bool)]) -> String {
        let mut alias = Alias::default();
        for (found, inherited) in found {
            alias.remember("hci0", (*found).to_owned(), "Ours", *inherited);
        }
        alias.before.expect("a name").alias
    }

    #[test]
    fn our_own_name_is_never_the_old_one() {
        assert_eq!(goes_back(&[("Theirs", false)]), "Theirs");
        assert_eq!(goes_back(&[("host", true)]), "");
        assert_eq!(goes_back(&[("Ours", false)]), "");
        assert_eq!(goes_back(&[("Theirs", false), ("Ours", false)]), "Theirs");
        assert_eq!(goes_back(&[("Theirs", false), ("New", false)]), "New");
    }

    #[test]
    fn each_adapter_has_its_own_old_name() {
        let mut alias = Alias::default();
        alias.remember("hci0", "Theirs".to_owned(), "Ours", false);
        alias.remember("hci1", "Ours".to_owned(), "Ours", false);
        assert_eq!(alias.before.expect("a name").alias, "");
    }
}
