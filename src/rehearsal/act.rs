//! What a central does in a step, done.

use super::att_errors;
use super::came::What;
use super::model::PairWord;
use super::play::Play;
use super::report::{self, Failed};
use super::story::{Answer, CentralAct, Octets, Step, Test};
use super::values::{json_of, same, shown};
use crate::codec::Spec;
use crate::codec::document::render;
use crate::gatt::SecurityLevel;
use crate::gatt::server::{Central, PairError, RequestError, Subscribed};

impl Play<'_> {
    pub(super) async fn central(
        &mut self,
        step: &Step,
        test: &Test,
        number: usize,
        act: &CentralAct,
    ) -> Result<(), Failed> {
        match act {
            CentralAct::Disconnect => {
                self.centrals[number] = None;
                Ok(())
            }
            CentralAct::Connect => self.connected(step, number).await.map(|_| ()),
            CentralAct::Notified { of, octets, by } => {
                self.notified(step, test, number, (*of, octets.as_ref(), *by))
            }
            CentralAct::Read { of, answer } => {
                let spec = self.story.characteristics[*of].spec.clone();
                let connected = self.connected(step, number).await?;
                let came = connected.central.read_long(connected.handles[*of]);
                read(step, &spec, answer, came)
            }
            CentralAct::Write { of, octets, error } => {
                let connected = self.connected(step, number).await?;
                let handle = connected.handles[*of];
                let central = &connected.central;
                let room = central.mtu().map_err(|problem| gone(step, problem))? - 3;
                // What its response promises may come of a later step, so it is waited for only where the
                // test wants to see it broken.
                let came = match (octets.len() <= room, error) {
                    (true, None) => central.begin_write(handle, octets).map(drop),
                    (false, None) => central.begin_write_long(handle, octets).map(drop),
                    (true, Some(_)) => central.write(handle, octets).await,
                    (false, Some(_)) => central.write_long(handle, octets).await,
                };
                answered(step, "the write", *error, came)
            }
            CentralAct::WriteWithoutResponse { of, octets } => {
                let connected = self.connected(step, number).await?;
                let handle = connected.handles[*of];
                connected.central.write_without_response(handle, octets);
                Ok(())
            }
            CentralAct::Subscribe { of, by, error } => {
                let connected = self.connected(step, number).await?;
                let came = connected
                    .central
                    .subscribe(connected.handles[*of], Some(*by));
                answered(step, "the subscription", *error, came)
            }
            CentralAct::Unsubscribe { of } => {
                let connected = self.connected(step, number).await?;
                let came = connected.central.subscribe(connected.handles[*of], None);
                answered(step, "the end of the subscription", None, came)
            }
            CentralAct::Pair(word) => {
                let connected = self.connected(step, number).await?;
                pair(step, &connected.central, *word)
            }
            CentralAct::Mtu(mtu) => {
                let connected = self.connected(step, number).await?;
                let came = connected.central.exchange_mtu(usize::from(*mtu));
                answered(step, "the MTU", None, came.map(|_| ()))
            }
        }
    }

    fn notified(
        &mut self,
        step: &Step,
        test: &Test,
        number: usize,
        (of, expected, expected_by): (usize, Option<&Octets>, Option<Subscribed>),
    ) -> Result<(), Failed> {
        let known = &self.story.characteristics[of];
        let came = self.pending.take(|what| match what {
            What::Notified {
                central,
                characteristic,
                ..
            } => (*central, *characteristic) == (number, of),
            What::Published(_) => false,
        });
        let name = &self.story.centrals[number];
        let Some(came) = came else {
            let title = format!("{name} was not notified of `{}`", known.name);
            let lines = report::instead(self.story, &self.unexpected(test));
            return Err(Failed::new(step.at, title).lines(lines));
        };
        let What::Notified { octets, by, .. } = &came.what else {
            unreachable!("only notifications were looked for");
        };
        let is_right = expected.is_none_or(|expected| is(&known.told, expected, octets));
        let is_told_right = expected_by.is_none_or(|expected| expected == *by);
        if is_right && is_told_right {
            return Ok(());
        }
        let mut lines = Vec::new();
        if let (Some(expected), false) = (expected, is_right) {
            lines.extend(differing(&known.told, expected, octets));
        }
        if let (Some(expected), false) = (expected_by, is_told_right) {
            lines.push(format!("expected  {}", report::by(expected)));
            lines.push(format!("came      {}", report::by(*by)));
        }
        lines.push(format!("it came at {}", report::time(came.at)));
        lines.extend(report::besides(self.story, &self.unexpected(test)));
        let title = format!(
            "what {name} was notified of `{}` is not what is expected",
            known.name
        );
        Err(Failed::new(step.at, title).lines(lines))
    }
}

fn read(
    step: &Step,
    spec: &Spec,
    answer: &Answer,
    came: Result<Vec<u8>, RequestError>,
) -> Result<(), Failed> {
    let title = "the answer to the read is not the expected one";
    let failed = |expected: String, came: String| {
        let lines = vec![format!("expected  {expected}"), format!("came      {came}")];
        Err(Failed::new(step.at, title).lines(lines))
    };
    match (answer, came) {
        (_, Err(RequestError::Disconnected)) => Err(gone(step, RequestError::Disconnected)),
        (Answer::Some, Ok(_)) => Ok(()),
        (Answer::Octets(expected), Ok(octets)) if is(spec, expected, &octets) => Ok(()),
        (Answer::Octets(expected), Ok(octets)) => {
            Err(Failed::new(step.at, title).lines(differing(spec, expected, &octets)))
        }
        (Answer::Error(code), Ok(octets)) => {
            failed(att_errors::describe(*code), shown(spec, &octets))
        }
        (Answer::Error(code), Err(RequestError::Att(error))) if error.code() == *code => Ok(()),
        (Answer::Error(code), Err(RequestError::Att(error))) => failed(
            att_errors::describe(*code),
            att_errors::describe(error.code()),
        ),
        (Answer::Some, Err(RequestError::Att(error))) => {
            failed("a value".to_owned(), att_errors::describe(error.code()))
        }
        (Answer::Octets(expected), Err(RequestError::Att(error))) => {
            failed(wanted(spec, expected), att_errors::describe(error.code()))
        }
    }
}

fn pair(step: &Step, central: &Central, word: PairWord) -> Result<(), Failed> {
    let (level, is_refused) = match word {
        PairWord::Encrypted => (SecurityLevel::Encrypted, false),
        PairWord::Authenticated => (SecurityLevel::Authenticated, false),
        // What it wants at the least.
        PairWord::Refused => (SecurityLevel::Encrypted, true),
    };
    let title = match (central.secure(level), is_refused) {
        (Ok(()), false) | (Err(PairError::Refused), true) => return Ok(()),
        (Ok(()), true) => "it could pair, and that was to be refused",
        (Err(PairError::Refused), false) => "it may not pair: not now, or it is not on the list",
        (Err(PairError::Disconnected), _) => {
            return Err(gone(step, RequestError::Disconnected));
        }
    };
    Err(Failed::new(step.at, title))
}

/// The answer to a request that gets nothing but an acknowledgement or an error.
fn answered(
    step: &Step,
    what: &str,
    expected: Option<u8>,
    came: Result<(), RequestError>,
) -> Result<(), Failed> {
    let describe = |code: Option<u8>| code.map_or("accepted".to_owned(), att_errors::describe);
    let came = match came {
        Ok(()) => None,
        Err(RequestError::Att(error)) => Some(error.code()),
        Err(RequestError::Disconnected) => return Err(gone(step, RequestError::Disconnected)),
    };
    if came == expected {
        return Ok(());
    }
    let title = format!("the answer to {what} is not the expected one");
    let lines = vec![
        format!("expected  {}", describe(expected)),
        format!("came      {}", describe(came)),
    ];
    Err(Failed::new(step.at, title).lines(lines))
}

fn gone(step: &Step, problem: RequestError) -> Failed {
    Failed::new(
        step.at,
        format!("the central has no connection any more: {problem}"),
    )
}

fn is(spec: &Spec, expected: &Octets, came: &[u8]) -> bool {
    match expected {
        Octets::Bytes(bytes) => bytes == came,
        Octets::Value(json) => json_of(spec, came).is_some_and(|came| same(&came, json)),
    }
}

fn wanted(spec: &Spec, expected: &Octets) -> String {
    match expected {
        Octets::Bytes(bytes) => shown(spec, bytes),
        Octets::Value(json) => render(json),
    }
}

/// What was expected and what came, with the keys that differ where there are any.
fn differing(spec: &Spec, expected: &Octets, came: &[u8]) -> Vec<String> {
    let mut lines = vec![
        format!("expected  {}", wanted(spec, expected)),
        format!("came      {}", shown(spec, came)),
    ];
    let expected = match expected {
        Octets::Bytes(bytes) => json_of(spec, bytes),
        Octets::Value(json) => Some(json.clone()),
    };
    if let (Some(expected), Some(came)) = (expected, json_of(spec, came))
        && (expected.is_object() || expected.is_array())
    {
        lines.extend(report::marked(&expected, &came, false));
    }
    lines
}
