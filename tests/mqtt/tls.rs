//! TLS: an authority of one's own, a certificate of one's own, and what is said when they do not fit.
//! Each with TLS 1.2 and with TLS 1.3, against a real broker.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use super::bemo::{Bemo, yaml};
use super::certificates::{Valid, authority, certificate};
use super::fake_broker;
use super::mosquitto::Mosquitto;
use super::{NUMBER_HERE, at};

/// What mosquitto calls a version, and what rustls calls its ciphers.
const VERSIONS: [(&str, &str); 2] = [("tlsv1.2", "TLS_ECDHE"), ("tlsv1.3", "TLS13_")];

const LOOPBACK: &[&str] = &["localhost", "127.0.0.1"];
const OUR_OWN: &str = ", certificate: \"DIR/client.pem\", key: \"DIR/client.key\"";

/// A broker with this certificate of those that [`with`] writes, and with these lines more.
fn broker(version: &str, server: &str, more: &str) -> Mosquitto {
    with(&format!("tls_version {version}\n{more}"), server, LOOPBACK)
}

/// A broker with a certificate for these hosts, and everything else that a test may want beside it.
fn with(lines: &str, server: &str, hosts: &[&str]) -> Mosquitto {
    Mosquitto::configured(|directory| {
        let ca = authority(directory, "ca", "ca");
        let stranger = authority(directory, "stranger", "stranger");
        // As after everything was made anew, and the file of the authority not copied.
        authority(directory, "namesake", "ca");
        for (name, hosts, valid) in [
            ("server", hosts, Valid::Now),
            ("elsewhere", &["other.example", "10.1.2.3"][..], Valid::Now),
            ("nameless", &[], Valid::Now),
            ("expired", hosts, Valid::NoLonger),
            ("early", hosts, Valid::NotYet),
            ("client", &[], Valid::Now),
            ("old_client", &[], Valid::NoLonger),
        ] {
            certificate(directory, &ca, name, hosts, valid);
        }
        certificate(directory, &stranger, "strange_client", &[], Valid::Now);
        let at = directory.display();
        format!(
            "allow_anonymous true\ncafile {at}/ca.pem\ncertfile {at}/{server}.pem\n\
             keyfile {at}/{server}.key\n{lines}"
        )
    })
}

fn start(broker: &Mosquitto, ca: &str, more: &str) -> Bemo {
    let (port, directory) = (broker.port, broker.directory.path().display());
    let more = more.replace("DIR", &directory.to_string());
    let section = format!(
        "{{ broker: \"mqtts://127.0.0.1:{port}\", client_id: bemo, \
         tls: {{ ca: \"{directory}/{ca}.pem\" {more} }} }}"
    );
    Bemo::start(&yaml(&section, &[NUMBER_HERE]))
}

/// It is refused, said so once with all of this in it, and tried again.
fn assert_refused(bemo: &Bemo, said: &[&str]) {
    let line = bemo.log.wait_for("WARN bemo_sync");
    for part in said {
        assert!(line.contains(part), "{part:?} is not in: {line}");
    }
    bemo.log.wait_for_count("still no connection", 2);
    assert_eq!(bemo.log.count("WARN bemo_sync"), 1, "{:#?}", bemo.log.all());
    assert_eq!(bemo.log.count("connected to the MQTT broker"), 0);
}

#[test]
fn an_authority_of_ones_own_is_trusted() {
    for (version, cipher) in VERSIONS {
        let broker = broker(version, "server", "");
        let bemo = start(&broker, "ca", "");
        bemo.log.wait_for("connected to the MQTT broker");
        bemo.log.wait_for(cipher);
        broker.log.wait_for("Sending PUBACK to bemo");
        bemo.stop();
        broker.log.wait_for("Received DISCONNECT from bemo");
    }
}

#[test]
fn a_certificate_of_our_own_says_who_we_are() {
    for (version, _) in VERSIONS {
        let lines = "require_certificate true\nuse_identity_as_username true\n";
        let broker = broker(version, "server", lines);
        let bemo = start(&broker, "ca", OUR_OWN);
        bemo.log.wait_for("connected to the MQTT broker");
        broker.log.wait_for("as bemo (p2, c1, k60, u'client')");
    }
}

#[test]
fn a_strange_authority_is_refused() {
    for (version, _) in VERSIONS {
        let broker = broker(version, "server", "");
        for ca in ["stranger", "namesake"] {
            let said = ["an authority that is not trusted here", "tls: { ca: … }"];
            assert_refused(&start(&broker, ca, ""), &said);
        }
    }
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    for (version, _) in VERSIONS {
        let elsewhere = broker(version, "elsewhere", "");
        let said = [
            "its certificate is not for `127.0.0.1`",
            "but for `other.example` and `10.1.2.3`; write the name",
        ];
        assert_refused(&start(&elsewhere, "ca", ""), &said);
        let nameless = broker(version, "nameless", "");
        let said = ["names no host", "`127.0.0.1` as a subject alternative name"];
        assert_refused(&start(&nameless, "ca", ""), &said);
    }
}

#[test]
fn a_certificate_that_is_not_valid_now_is_refused() {
    for (version, _) in VERSIONS {
        for (server, said) in [
            ("expired", ["its certificate has expired", "a new one"]),
            (
                "early",
                ["its certificate is not valid yet", "the clock here"],
            ),
        ] {
            let broker = broker(version, server, "");
            assert_refused(&start(&broker, "ca", ""), &said);
        }
    }
}

#[test]
fn the_certificate_of_an_authority_is_no_broker_s() {
    let broker = broker("tlsv1.3", "ca", "");
    let said = ["is that of an authority", "make one for the broker"];
    assert_refused(&start(&broker, "ca", ""), &said);
}

/// With TLS 1.3 it is heard only after we have taken the handshake for done and sent our first packet.
#[test]
fn a_broker_that_wants_a_certificate_of_ours_and_gets_none_refuses_us() {
    for (version, cipher) in VERSIONS {
        let broker = broker(version, "server", "require_certificate true\n");
        let said = [
            "it wants a certificate of ours",
            "tls: { certificate: …, key: … }",
        ];
        let bemo = start(&broker, "ca", "");
        assert_refused(&bemo, &said);
        bemo.log.wait_for(cipher);
    }
}

#[test]
fn a_broker_that_does_not_like_our_certificate_refuses_us() {
    for (version, cipher) in VERSIONS {
        let broker = broker(version, "server", "require_certificate true\n");
        for (client, said) in [
            (
                "strange_client",
                [
                    "it does not trust the authority that signed our certificate",
                    "certificate: …",
                ],
            ),
            ("old_client", ["our certificate has expired", "a new one"]),
        ] {
            let own = OUR_OWN.replace("client", client);
            let bemo = start(&broker, "ca", &own);
            assert_refused(&bemo, &said);
            bemo.log.wait_for(cipher);
        }
    }
}

#[test]
fn a_broker_that_knows_nobody_of_our_name_refuses_us() {
    let lines = "require_certificate true\nallow_anonymous false\n";
    let broker = with(lines, "server", LOOPBACK);
    let said = ["does not let in whom our certificate names", "username: …"];
    assert_refused(&start(&broker, "ca", OUR_OWN), &said);
}

#[test]
fn tls_to_a_port_without_it_is_refused() {
    let plain = Mosquitto::start();
    let certificates = broker("tlsv1.3", "server", "");
    let ca = certificates.directory.path().join("ca.pem");
    let http = fake_broker::start(|_, _| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    for (port, said) in [
        (
            plain.port,
            "in the middle of the TLS handshake; does it speak TLS on this port?",
        ),
        (http, "does not speak TLS"),
    ] {
        let section = format!(
            "{{ broker: \"127.0.0.1:{port}\", tls: {{ ca: \"{}\" }} }}",
            ca.display()
        );
        let bemo = Bemo::start(&yaml(&section, &[NUMBER_HERE]));
        assert_refused(&bemo, &[said, "8883"]);
    }
}

#[test]
fn plain_text_to_a_port_with_tls_is_refused() {
    for (version, _) in VERSIONS {
        let broker = broker(version, "server", "");
        let bemo = Bemo::start(&yaml(&at(broker.port), &[NUMBER_HERE]));
        assert_refused(&bemo, &["does it want TLS (`mqtts://…`)?"]);
    }
    // Others answer with an alert: "unexpected message", fatal.
    let alert = fake_broker::start(|_, _| vec![0x15, 3, 3, 0, 2, 2, 10]);
    let bemo = Bemo::start(&yaml(&at(alert), &[NUMBER_HERE]));
    assert_refused(&bemo, &["is it a port with TLS (`mqtts://…`)?"]);
}

/// What is wrong next is said too, once the first thing has been mended.
#[test]
fn each_mistake_after_the_first_is_said() {
    let broker = broker("tlsv1.3", "expired", "");
    let bemo = start(&broker, "ca", "");
    bemo.log.wait_for("its certificate has expired");
    let directory = broker.directory.path();
    for end in ["pem", "key"] {
        let from = directory.join(format!("elsewhere.{end}"));
        std::fs::copy(from, directory.join(format!("expired.{end}"))).unwrap();
    }
    broker.reload();
    let line = bemo.log.wait_for("its certificate is not for `127.0.0.1`");
    assert!(line.contains("WARN"), "{line}");
}

/// With TLS 1.3 a broker can have gone before it has said why.
#[test]
fn a_broker_that_goes_after_the_handshake_is_asked_for_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let ca = authority(directory.path(), "ca", "ca");
    certificate(directory.path(), &ca, "server", LOOPBACK, Valid::Now);
    certificate(directory.path(), &ca, "client", &[], Valid::Now);
    let at = directory.path().display();
    let port = goes_after_the_handshake(directory.path());
    for (own, said) in [
        (
            String::new(),
            "does it want a certificate of ours (`tls: { certificate: …, key: … }`)?",
        ),
        (
            OUR_OWN.replace("DIR", &at.to_string()),
            "does it accept our certificate",
        ),
    ] {
        let section = format!(
            "{{ broker: \"mqtts://127.0.0.1:{port}\", tls: {{ ca: \"{at}/ca.pem\" {own} }} }}"
        );
        let bemo = Bemo::start(&yaml(&section, &[NUMBER_HERE]));
        assert_refused(&bemo, &["after the TLS handshake without a word", said]);
    }
}

/// Returns its port; it ends with the process.
fn goes_after_the_handshake(directory: &Path) -> u16 {
    let chain = CertificateDer::pem_file_iter(directory.join("server.pem")).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(directory.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let mut tls = ServerConnection::new(config.clone()).unwrap();
            // The first of what comes after the handshake; whatever fails here is not what is tested.
            let _ = rustls::Stream::new(&mut tls, &mut socket).read(&mut [0]);
        }
    });
    port
}
