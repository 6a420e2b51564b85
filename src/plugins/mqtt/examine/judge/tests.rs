use std::time::Duration;

use rumqttc::ConnectReturnCode;

use super::super::super::address::Address;
use super::super::super::secret::Secret;
use super::super::super::trouble::Fault;
use super::*;
use crate::plugin::Level;

fn settings(host: &str, auto: bool) -> Settings {
    Settings {
        address: Address::new(host, None, false),
        auto,
        tls: None,
        tls_files: 0,
        client_id: "lamp".to_owned(),
        keep_alive: Duration::from_secs(60),
        answer_within: Duration::from_secs(4),
        retry_within: Duration::from_secs(4),
        clean_session: true,
        credentials: Some(("bob".to_owned(), Secret::new("s3cret".to_owned()))),
        birth: None,
        will: None,
        has_secret_birth: false,
        has_secret_will: false,
    }
}

fn connected(version: Option<&str>, publications: Publications) -> Seen {
    Seen::Connected {
        version: version.map(str::to_owned),
        subscriptions: Ok(Subscriptions::default()),
        publications,
    }
}

fn judged(seen: &Seen) -> Vec<Finding> {
    judge(
        &settings("localhost", false),
        "lamp-doctor",
        &["a".to_owned()],
        seen,
    )
}

fn of<'a>(found: &'a [Finding], check: &str) -> &'a Finding {
    let found = found.iter().find(|it| it.check == check);
    found.unwrap_or_else(|| panic!("nothing is said of {check}"))
}

#[test]
fn each_way_of_not_getting_in_has_a_remedy_of_its_own() {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let fault = |fault: Fault, host: &str| {
        let settings = settings(host, false);
        let seen = Seen::Not(Trouble::while_connecting(&fault, &settings));
        let found = judge(&settings, "lamp-doctor", &[], &seen);
        let found = of(&found, BROKER).clone();
        assert_eq!(found.level, Level::Fail);
        assert!(!format!("{found:?}").contains("s3cret"));
        found.fix.unwrap_or_default()
    };
    for (fault, host, fix) in [
        (
            fault(refused.into(), "localhost"),
            "here",
            "systemctl enable --now mosquitto",
        ),
        (
            fault(Fault::Silent, "broker.local"),
            "there",
            "nc -vz broker.local 1883",
        ),
        (
            fault(Fault::Name, "broker.local"),
            "there",
            "getent hosts broker.local",
        ),
        (
            fault(Fault::NoNameForTls, "broker.local"),
            "there",
            "openssl s_client",
        ),
        (
            fault(
                Fault::Refused(ConnectReturnCode::NotAuthorized),
                "localhost",
            ),
            "here",
            "mosquitto_passwd /etc/mosquitto/passwd bob",
        ),
        (
            fault(Fault::Refused(ConnectReturnCode::BadClientId), "localhost"),
            "here",
            "log",
        ),
        (fault(Fault::NoAnswer, "localhost"), "here", "log"),
    ] {
        assert!(fault.contains(fix), "{host}: {fault:?} has no {fix:?}");
    }
}

#[test]
fn where_an_embedded_broker_will_stand_in_nothing_is_wrong() {
    let settings = settings("localhost", true);
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let trouble = Trouble::while_connecting(&refused.into(), &settings);
    let found = judge(&settings, "lamp-doctor", &[], &Seen::Not(trouble));
    let expected = match cfg!(feature = "broker") {
        true => Level::Ok,
        false => Level::Fail,
    };
    assert_eq!(of(&found, BROKER).level, expected, "{found:?}");
}

#[test]
fn what_was_not_tried_is_never_said_to_be_well() {
    for (why, says) in [
        (NotTried::MightBeHeard, "may hand it out"),
        (
            NotTried::NoVersion5("it closes the connection".to_owned()),
            "it closes the connection",
        ),
        (NotTried::NoQos2, "QoS 2"),
    ] {
        let found = judged(&connected(None, Publications::NotTried(why)));
        let found = of(&found, PUBLISH);
        assert_eq!(found.level, Level::Skipped);
        assert!(found.says.contains(says), "{found:?}");
    }
}

#[test]
fn only_mosquitto_grants_what_it_then_keeps_back() {
    let levels = |version| {
        let seen = connected(version, Publications::NotTried(NotTried::NothingToPublish));
        let found = judged(&seen);
        let found = found.iter().filter(|it| it.check == SUBSCRIBE);
        let levels: Vec<Level> = found.map(|it| it.level).collect();
        levels
    };
    let both = [Level::Ok, Level::Skipped];
    assert_eq!(levels(Some("mosquitto version 2.0.11")), both);
    assert_eq!(levels(None), both, "it may be one");
    assert_eq!(levels(Some("5.8.4")), [Level::Ok]);
}

#[test]
fn what_a_broker_calls_itself_cannot_write_on_the_terminal() {
    let seen = connected(
        Some("\u{1b}[2Jx"),
        Publications::NotTried(NotTried::NothingToPublish),
    );
    let found = judged(&seen);
    assert!(!of(&found, BROKER).says.contains('\u{1b}'));
}

#[test]
fn what_stands_in_the_configuration_is_one_word_in_a_command_to_copy() {
    let fix = |fault: Fault, settings: &Settings| {
        let seen = Seen::Not(Trouble::while_connecting(&fault, settings));
        let found = judge(settings, "lamp-doctor", &[], &seen);
        of(&found, BROKER).fix.clone().unwrap_or_default()
    };
    let strange = settings("a;reboot", false);
    for fault in [Fault::Silent, Fault::Name, Fault::NoNameForTls] {
        let fix = fix(fault, &strange);
        let bare = fix.replace("'a;reboot'", "").replace("'a;reboot:1883'", "");
        assert!(!bare.contains("reboot"), "{fix}");
    }
    let mut strange = settings("localhost", false);
    let secret = Secret::new("s3cret".to_owned());
    strange.credentials = Some(("$(reboot) it's".to_owned(), secret));
    let fix = fix(Fault::Refused(ConnectReturnCode::NotAuthorized), &strange);
    assert!(fix.contains(r"passwd '$(reboot) it'\''s'; sudo"), "{fix}");
}
