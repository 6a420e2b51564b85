//! What a characteristic wants of a link, and whether that keeps what it promises.

use super::Resolver;
use crate::config::model::CharacteristicConfig;
use crate::config::read::Spanned;
use crate::config::security::{EachSecurityConfig, SecurityConfig, SecurityWord};
use crate::gatt::{Access, Security, SecurityLevel};

impl Resolver<'_> {
    pub(super) fn security(&mut self, config: &CharacteristicConfig, access: Access) -> Security {
        let Some(Spanned { at, value }) = &config.security else {
            return Security::default();
        };
        let security = match value {
            SecurityConfig::Same(word) => Security::all((*word).into()),
            SecurityConfig::Each(each) => {
                self.check_nothing_to_protect(each, access);
                self.check_ways_around(each, access);
                Security {
                    read: level(each.read.as_ref()),
                    write: level(each.write.as_ref()),
                    notify: level(each.notify.as_ref()),
                }
            }
        };
        let only_commands = access.write_without_response && !access.write;
        if only_commands && security.write > SecurityLevel::Open {
            let message = "writes without a response cannot be kept to encrypted links: BlueZ \
                demands that of `write` only";
            let help = "write `write` instead of `write_without_response` in `access`";
            self.mistake(*at, message, help);
        }
        security
    }

    fn check_nothing_to_protect(&mut self, each: &EachSecurityConfig, access: Access) {
        let parts = [
            (&each.read, access.read, "be read", "read"),
            (&each.write, access.is_writable(), "be written", "write"),
            (
                &each.notify,
                access.can_subscribe(),
                "be subscribed to",
                "notify",
            ),
        ];
        for (word, allowed, what, key) in parts {
            if let (Some(word), false) = (word, allowed) {
                let message = format!("this characteristic cannot {what} anyway");
                let help = format!("remove `{key}` here, or add it to `access`");
                self.mistake(word.at, message, help);
            }
        }
    }

    /// Reading and notifying give away the same value. One that is open beside one that is not has to
    /// be meant.
    fn check_ways_around(&mut self, each: &EachSecurityConfig, access: Access) {
        if !access.read || !access.can_subscribe() {
            return;
        }
        match (&each.read, &each.notify) {
            (Some(read), None) => self.check_way_around(
                read,
                "notifications carry the same value, to every central that subscribes",
                "notify",
            ),
            (None, Some(notify)) => {
                self.check_way_around(notify, "every central can read the same value", "read");
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn check_way_around(&mut self, word: &Spanned<SecurityWord>, message: &str, key: &str) {
        let wanted = match word.value {
            SecurityWord::Open => return,
            SecurityWord::Encrypted => "encrypted",
            SecurityWord::Authenticated => "authenticated",
        };
        let help = format!("add `{key}: {wanted}`, or `{key}: open` if that is meant");
        self.mistake(word.at, message, help);
    }
}

fn level(word: Option<&Spanned<SecurityWord>>) -> SecurityLevel {
    word.map_or(SecurityLevel::Open, |word| word.value.into())
}
