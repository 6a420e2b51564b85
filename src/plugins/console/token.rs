//! The token and the sessions that it opens. Neither can be printed or logged.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::sync::watch;
use tokio::time::Instant;

use super::config::TOKEN_MAX;
use super::peers::Peer;

/// A session is over after so long without a request.
const IDLE_MAX: Duration = Duration::from_secs(12 * 3600);
/// So many sessions there are; then the longest unused one ends.
const SESSIONS_MAX: usize = 64;
/// Wrong tokens of so long ago are forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
/// So many who have said a wrong one are told apart; then the longest silent one is forgotten.
const WRONG_MAX: usize = 1024;
/// The answer to a wrong token takes no longer than this.
const PENALTY_MAX: Duration = Duration::from_secs(5);

/// What a program has to say to get in. It is compared in a time that says nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_printable(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Whether this is it. Takes as long whatever is said, also for its length.
    pub(super) fn is(&self, said: &str) -> bool {
        let (own, said) = (padded(&self.0), padded(said));
        own.ct_eq(&said).into()
    }
}

/// The text with its length, in a room of one size. What is longer is no token.
fn padded(text: &str) -> [u8; TOKEN_MAX + 2] {
    let mut room = [0; TOKEN_MAX + 2];
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    room[..2].copy_from_slice(&length.to_le_bytes());
    let held = text.len().min(TOKEN_MAX);
    room[2..2 + held].copy_from_slice(&text.as_bytes()[..held]);
    room
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The browsers that have said the token, and how often each address has said a wrong one.
#[derive(Default)]
pub(super) struct Sessions {
    /// The longest unused first.
    open: VecDeque<Session>,
    /// How often, and when last.
    wrong: HashMap<Option<Peer>, (u32, Instant)>,
}

struct Session {
    key: [u8; 32],
    used: Instant,
    /// Gone with it.
    alive: watch::Sender<()>,
}

/// Whoever has come in with a session, to be told when it is over.
pub(super) struct Visit(watch::Receiver<()>);

impl Visit {
    /// Resolves when the session is over.
    pub(super) async fn over(&mut self) {
        // Nothing is ever sent.
        while self.0.changed().await.is_ok() {}
    }
}

impl Sessions {
    /// A new session: what its cookie says.
    pub(super) fn open(&mut self) -> Option<String> {
        let mut key = [0; 32];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut key).ok()?;
        if self.open.len() >= SESSIONS_MAX {
            self.open.pop_front();
        }
        let used = Instant::now();
        let alive = watch::Sender::new(());
        self.open.push_back(Session { key, used, alive });
        Some(crate::codec::json::hex(&key))
    }

    /// Whether a cookie is one of ours. Its session has then been used.
    pub(super) fn has(&mut self, cookie: &str) -> bool {
        self.tidy();
        let now = Instant::now();
        let Some(found) = self.position(cookie) else {
            return false;
        };
        if let Some(mut session) = self.open.remove(found) {
            session.used = now;
            self.open.push_back(session);
        }
        true
    }

    /// Ends those that have not been used for long.
    pub(super) fn tidy(&mut self) {
        let now = Instant::now();
        self.open.retain(|it| now - it.used < IDLE_MAX);
    }

    /// Comes in with the session of this cookie, if there is one.
    pub(super) fn visit(&mut self, cookie: &str) -> Option<Visit> {
        self.tidy();
        let session = &self.open[self.position(cookie)?];
        Some(Visit(session.alive.subscribe()))
    }

    pub(super) fn close(&mut self, cookie: &str) {
        if let Some(found) = self.position(cookie) {
            self.open.remove(found);
        }
    }

    fn position(&self, cookie: &str) -> Option<usize> {
        let said = crate::codec::json::from_hex(cookie)?;
        self.open
            .iter()
            .position(|session| session.key.ct_eq(&said).into())
    }

    /// Somebody has said a wrong token: how long the answer takes. The first few are taken for slips.
    pub(super) fn penalty(&mut self, peer: Option<Peer>) -> Duration {
        let now = Instant::now();
        self.wrong
            .retain(|_, (_, last)| now - *last <= FORGIVEN_AFTER);
        if self.wrong.len() >= WRONG_MAX && !self.wrong.contains_key(&peer) {
            let silent = self.wrong.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(silent) = silent.map(|(peer, _)| *peer) {
                self.wrong.remove(&silent);
            }
        }
        let (failures, last) = self.wrong.entry(peer).or_insert((0, now));
        *last = now;
        *failures = failures.saturating_add(1);
        let doubled = failures.saturating_sub(3).min(10);
        match doubled {
            0 => Duration::ZERO,
            doubled => Duration::from_millis(125 << doubled).min(PENALTY_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_alone() {
        let token = Token::new("0123456789abcdef".to_owned());
        assert!(token.is("0123456789abcdef"));
        let longer = "0123456789abcdef".repeat(17);
        for wrong in [
            "",
            "0123456789abcde",
            "0123456789abcdef\0",
            "0123456789abcdeF",
            &longer,
        ] {
            assert!(!token.is(wrong), "{wrong:?}");
        }
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[test]
    fn what_is_longer_than_any_token_is_none_even_if_it_begins_as_one() {
        let longest = "a".repeat(TOKEN_MAX);
        let token = Token::new(longest.clone());
        assert!(token.is(&longest));
        assert!(!token.is(&format!("{longest}a")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_when_it_is_closed_unused_or_one_too_many() {
        let mut sessions = Sessions::default();
        let first = sessions.open().expect("there is chance");
        assert!(sessions.has(&first));
        assert!(!sessions.has(&first[..62]));
        sessions.close(&first);
        assert!(!sessions.has(&first));
        let second = sessions.open().expect("there is chance");
        tokio::time::advance(IDLE_MAX).await;
        assert!(!sessions.has(&second));
        let third = sessions.open().expect("there is chance");
        let more: Vec<_> = (0..SESSIONS_MAX).map(|_| sessions.open()).collect();
        assert!(!sessions.has(&third));
        assert!(more.into_iter().flatten().all(|it| sessions.has(&it)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_visit_is_over_with_its_session_however_that_ends() {
        let mut sessions = Sessions::default();
        let visit = |sessions: &mut Sessions| {
            let cookie = sessions.open().expect("there is chance");
            let visit = sessions.visit(&cookie).expect("it is open");
            (cookie, visit)
        };
        let (cookie, mut closed) = visit(&mut sessions);
        sessions.close(&cookie);
        closed.over().await;
        let (_, mut idle) = visit(&mut sessions);
        let (_, mut evicted) = visit(&mut sessions);
        tokio::time::advance(IDLE_MAX).await;
        sessions.tidy();
        idle.over().await;
        evicted.over().await;
        let (_, mut evicted) = visit(&mut sessions);
        let (_, mut other) = visit(&mut sessions);
        for _ in 0..SESSIONS_MAX - 1 {
            sessions.open();
        }
        evicted.over().await;
        let open = tokio::time::timeout(IDLE_MAX, other.over()).await;
        assert!(open.is_err(), "it is open");
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_tokens_are_answered_ever_more_slowly_and_then_forgiven() {
        let mut sessions = Sessions::default();
        let peer = |last: u8| Some(Peer::of([192, 0, 2, last].into()));
        let penalties: Vec<_> = (0..20).map(|_| sessions.penalty(peer(1))).collect();
        assert_eq!(penalties[..3], [Duration::ZERO; 3]);
        assert!(penalties[3..7].is_sorted_by(|a, b| a < b), "{penalties:?}");
        assert_eq!(penalties[19], PENALTY_MAX);
        assert_eq!(sessions.penalty(peer(2)), Duration::ZERO, "somebody else");
        tokio::time::advance(2 * FORGIVEN_AFTER).await;
        assert_eq!(sessions.penalty(peer(1)), Duration::ZERO);
        for v6 in 0..2 * WRONG_MAX as u128 {
            sessions.penalty(Some(Peer::of(
                std::net::Ipv6Addr::from_bits(v6 << 64).into(),
            )));
        }
        assert_eq!(sessions.wrong.len(), WRONG_MAX);
    }
}
