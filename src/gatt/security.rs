//! How safe a link has to be (Core Spec 5.4, Vol 3, Part C, 10.2).

use super::AttError;

/// How safe a link is, or has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecurityLevel {
    /// Not encrypted (mode 1, level 1).
    #[default]
    Open,
    /// Encrypted, with a central that anybody could have been (level 2).
    Encrypted,
    /// Encrypted, with a central whose pairing somebody has seen to (level 3).
    Authenticated,
}

/// What a characteristic wants of a link, for each kind of access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Security {
    pub read: SecurityLevel,
    pub write: SecurityLevel,
    /// To subscribe.
    pub notify: SecurityLevel,
}

impl SecurityLevel {
    /// What a request is answered with on a link of this level, where `wanted` is wanted.
    ///
    /// # Errors
    /// [`AttError::InsufficientEncryption`], after which a central encrypts or pairs, and
    /// [`AttError::InsufficientAuthentication`], after which it pairs anew. BlueZ chooses between the
    /// two in the same way.
    pub fn suffices_for(self, wanted: Self) -> Result<(), AttError> {
        if self >= wanted {
            return Ok(());
        }
        Err(match wanted {
            Self::Authenticated => AttError::InsufficientAuthentication,
            Self::Encrypted | Self::Open => AttError::InsufficientEncryption,
        })
    }
}

impl Security {
    pub fn all(level: SecurityLevel) -> Self {
        Self {
            read: level,
            write: level,
            notify: level,
        }
    }

    /// What it wants at the most.
    pub fn highest(self) -> SecurityLevel {
        self.read.max(self.write).max(self.notify)
    }
}
