//! The ATT requests of virtual centrals, and why one was refused.

use std::future::ready;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;

use super::answers::{Answer, App, Said, Sent, parse};
use super::current::Current;
use super::model::{
    Done, How, Level, Octets, ReadRequest, SecureRequest, SubscribeRequest, WriteRequest,
};
use super::problem::Problem;
use super::words::{hex, meaning, octets, octets_of, snake};
use crate::gatt::server::{Central, MTU_MAX, PairError, RequestError, Subscribed};
use crate::gatt::{AttError, Characteristic, SecurityLevel};
use crate::plugin::{Heard, Notice, Notices};

pub(super) async fn read(Shared(state): App, Path(id): Path<String>, sent: Sent) -> Answer<Octets> {
    let current = state.current()?;
    let central = state.centrals.get(&id)?;
    let ReadRequest { characteristic } = parse(sent)?;
    let target = Target::of(&current, &central, &characteristic)?;
    let octets = central
        .read_long(target.handle)
        .map_err(|error| target.refused(error, None))?;
    let withheld = current.is_withheld(target.it.cell);
    let (value, shown) = match withheld {
        true => (serde_json::Value::Null, "withheld".to_owned()),
        false => meaning(&target.it.spec, &octets, current.names.unit(target.it.cell)),
    };
    Ok(Said(Octets {
        hex: (!withheld).then(|| hex(&octets)),
        value,
        shown,
        length: octets.len(),
    }))
}

pub(super) async fn write(Shared(state): App, Path(id): Path<String>, sent: Sent) -> Answer<Done> {
    let current = state.current()?;
    let central = state.centrals.get(&id)?;
    let WriteRequest {
        characteristic,
        hex,
        value,
        response,
    } = parse(sent)?;
    let target = Target::of(&current, &central, &characteristic)?;
    let octets = match (hex, value) {
        (Some(hex), None) => octets(&hex).ok_or_else(|| {
            let detail = "`hex` has two hexadecimal digits for each byte, as in `2A FF`";
            Problem::new(StatusCode::BAD_REQUEST, "no bytes", detail)
        })?,
        (None, Some(value)) => octets_of(&target.it.spec, &value).map_err(|problem| {
            // What is wrong may quote what is allowed.
            let problem = match current.is_withheld(target.it.cell) {
                true => "why is not shown, for this is secret".to_owned(),
                false => problem.to_string(),
            };
            let detail =
                format!("this has no bytes: {problem}; what is wrong can be sent as `hex`");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no bytes", detail)
        })?,
        (None, None) => {
            let detail = "say what is written, in `hex` or in `value`";
            let code = StatusCode::BAD_REQUEST;
            return Err(Problem::new(code, "nothing to write", detail));
        }
        (Some(_), Some(_)) => {
            let detail = "only one of `hex` and `value`";
            let code = StatusCode::BAD_REQUEST;
            return Err(Problem::new(code, "two things to write", detail));
        }
    };
    if !response {
        return command(&target, &central, &octets);
    }
    let mut notices = current.port.notices();
    let written = match octets.len() > MTU_MAX - 3 {
        true => central.write_long(target.handle, &octets).await,
        false => central.write(target.handle, &octets).await,
    };
    if let Err(error) = written {
        let refusal = refusal(&mut notices, central.address()).await;
        return Err(target.refused(error, refusal));
    }
    Ok(Said(Done {}))
}

/// A Write Command: nothing comes back, be it that this is none that can be made.
fn command(target: &Target<'_>, central: &Central, octets: &[u8]) -> Answer<Done> {
    if !target.it.access.write_without_response {
        let detail = "this characteristic takes no writes without a response";
        let error = RequestError::Att(AttError::WriteNotPermitted);
        return Err(target.refused(error, Some((detail.to_owned(), String::new()))));
    }
    central.write_without_response(target.handle, octets);
    Ok(Said(Done {}))
}

pub(super) async fn subscribe(
    Shared(state): App,
    Path(id): Path<String>,
    sent: Sent,
) -> Answer<Done> {
    let current = state.current()?;
    let central = state.centrals.get(&id)?;
    let SubscribeRequest {
        characteristic,
        how,
    } = parse(sent)?;
    let target = Target::of(&current, &central, &characteristic)?;
    let by = how.map(|how| match how {
        How::Notifications => Subscribed::Notify,
        How::Indications => Subscribed::Indicate,
    });
    central
        .subscribe(target.handle, by)
        .map_err(|error| target.refused(error, None))?;
    Ok(Said(Done {}))
}

pub(super) async fn secure(Shared(state): App, Path(id): Path<String>, sent: Sent) -> Answer<Done> {
    let central = state.centrals.get(&id)?;
    let SecureRequest { level } = parse(sent)?;
    let level = match level {
        Level::Open => SecurityLevel::Open,
        Level::Encrypted => SecurityLevel::Encrypted,
        Level::Authenticated => SecurityLevel::Authenticated,
    };
    central.secure(level).map_err(|error| match error {
        PairError::Disconnected => disconnected(),
        PairError::Refused => {
            let detail = "this central may not pair: not now, because the pairing window is closed, or not at \
                all, because it is not among those of `pairing: { allow: … }`";
            Problem::new(StatusCode::FORBIDDEN, "pairing refused", detail)
        }
    })?;
    Ok(Said(Done {}))
}

/// What a request is for.
struct Target<'a> {
    it: &'a Characteristic,
    handle: u16,
}

impl<'a> Target<'a> {
    fn of(current: &'a Current, central: &Central, id: &str) -> Result<Self, Problem> {
        let found = current.names.place(id).and_then(|place| {
            let services = central.discover();
            let service = services.get(place.service)?;
            let handle = service.characteristics.get(place.characteristic)?.handle;
            let declared = current.catalogue().services.get(place.service)?;
            let it = declared.characteristics.get(place.characteristic)?;
            Some(Self { it, handle })
        });
        let missing = "there is no characteristic of this id; /api/v1/device lists them";
        found.ok_or_else(|| Problem::not_found(missing))
    }

    /// The answer of the server, and why: what was announced of it, or what is known of such errors.
    fn refused(&self, error: RequestError, refusal: Option<(String, String)>) -> Problem {
        let error = match error {
            RequestError::Att(error) => error,
            RequestError::Disconnected => return disconnected(),
        };
        match refusal {
            Some((reason, cause)) if cause.is_empty() => Problem::att(error, reason),
            Some((reason, cause)) => Problem::att(error, reason).cause(cause),
            None => Problem::att(error, self.explain(error)),
        }
    }

    fn explain(&self, error: AttError) -> String {
        let access = |word| format!("`access` of {:?} has no `{word}`", self.it.name);
        match error {
            AttError::ReadNotPermitted => access("read"),
            AttError::WriteNotPermitted => access("write"),
            AttError::RequestNotSupported => access("notify` or `indicate"),
            AttError::AttributeNotFound => {
                format!("nobody can subscribe to {:?}", self.it.name)
            }
            AttError::InsufficientEncryption => {
                "it wants an encrypted link: secure this central as `encrypted` first".to_owned()
            }
            AttError::InsufficientAuthentication => {
                "it wants a link to a central that was authenticated: secure this central as \
                `authenticated` first"
                    .to_owned()
            }
            AttError::Refused => {
                "nobody knows what it is: its owner has not said so yet".to_owned()
            }
            AttError::NotKept => {
                "it was accepted, but what the response promises (`ack`) is not so: it \
                is not in the journal, or nobody has acknowledged or confirmed it in time"
                    .to_owned()
            }
            AttError::InvalidAttributeValueLength => {
                let (min, max) = self.it.spec.octets();
                format!("it takes {min} to {max} bytes")
            }
            AttError::InvalidHandle | AttError::InvalidOffset | AttError::PrepareQueueFull => {
                "the server's table has no room or place for it".to_owned()
            }
        }
    }
}

fn disconnected() -> Problem {
    let detail = "this central is not connected any more: the virtual adapter has gone";
    Problem::new(StatusCode::GONE, "disconnected", detail)
}

/// What has been announced of a refusal: the reason and its cause.
async fn refusal(notices: &mut Notices, central: &str) -> Option<(String, String)> {
    let mut found = None;
    loop {
        tokio::select! {
            biased;
            heard = notices.next() => if let Heard::Notice(Notice::Rejected {
                by: Some(by), cause, reason, ..
            }) = heard && by == central {
                found = Some((reason, snake(&cause)));
            },
            () = ready(()) => return found,
        }
    }
}
