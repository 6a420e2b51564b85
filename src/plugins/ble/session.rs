//! bluer's connection to the bus, kept for as long as it may be good: bluer never closes one that is
//! dropped (0.17.4), so one for each bluetoothd would use up all the files that a process may open.

use bluer::Session;

/// So many failures in a row may be the connection's fault. Each time it was not, it takes twice as many.
const FAILURES_FIRST: u32 = 16;

pub(super) struct Sessions {
    session: Option<Session>,
    failures: u32,
    failures_max: u32,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            session: None,
            failures: 0,
            failures_max: FAILURES_FIRST,
        }
    }
}

impl Sessions {
    pub(super) async fn get(&mut self) -> bluer::Result<Session> {
        if let Some(session) = &self.session {
            return Ok(session.clone());
        }
        let session = Session::new().await?;
        Ok(self.session.insert(session).clone())
    }

    /// The bus is gone, and every connection to it.
    pub(super) fn lost(&mut self) {
        *self = Self::default();
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.failures_max = FAILURES_FIRST;
    }

    /// bluetoothd does not do what it is asked for.
    pub(super) fn failed(&mut self) {
        self.failures += 1;
        if self.failures >= self.failures_max {
            self.failures = 0;
            self.failures_max = self.failures_max.saturating_mul(2);
            self.session = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_it_fails_the_less_often_another_connection_is_tried() {
        let mut sessions = Sessions::default();
        let mut given_up = Vec::new();
        for number in 1..=200 {
            let before = sessions.failures_max;
            sessions.failed();
            if sessions.failures_max != before {
                given_up.push(number);
            }
        }
        assert_eq!(given_up, [16, 48, 112]);
        sessions.succeeded();
        assert_eq!(sessions.failures_max, FAILURES_FIRST);
    }
}
