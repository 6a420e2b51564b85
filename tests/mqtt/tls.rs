//! TLS: an authority of one's own, a certificate of one's own, and what is said when they do not fit.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use super::bemo::{Bemo, yaml};
use super::fake_broker;
use super::mosquitto::Mosquitto;
use super::{NUMBER_HERE, at};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(directory: &Path, name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params.distinguished_name.push(DnType::CommonName, name);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    write(directory, &format!("{name}.pem"), &authority.pem());
    authority
}

/// Writes `name.pem` and `name.key`.
fn certificate(directory: &Path, authority: &Authority, name: &str, hosts: &[&str]) {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    write(directory, &format!("{name}.pem"), &certificate.pem());
    write(directory, &format!("{name}.key"), &key.serialize_pem());
}

/// As root, mosquitto becomes another user before it reads its files.
fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A broker whose certificate is for these hosts, with these lines more.
fn broker(hosts: &[&str], more: &str) -> Mosquitto {
    Mosquitto::configured(|directory| {
        let ca = authority(directory, "ca");
        authority(directory, "stranger");
        certificate(directory, &ca, "server", hosts);
        certificate(directory, &ca, "client", &[]);
        let at = directory.display();
        format!(
            "allow_anonymous true\ncafile {at}/ca.pem\ncertfile {at}/server.pem\n\
             keyfile {at}/server.key\n{more}"
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

const LOOPBACK: &[&str] = &["localhost", "127.0.0.1"];
const OUR_OWN: &str = ", certificate: \"DIR/client.pem\", key: \"DIR/client.key\"";

#[test]
fn an_authority_of_ones_own_is_trusted() {
    let broker = broker(LOOPBACK, "");
    let bemo = start(&broker, "ca", "");
    bemo.log.wait_for("connected to the MQTT broker");
    broker.log.wait_for("Sending PUBACK to bemo");
    bemo.stop();
    broker.log.wait_for("Received DISCONNECT from bemo");
}

#[test]
fn a_strange_authority_is_not() {
    let broker = broker(LOOPBACK, "");
    let bemo = start(&broker, "stranger", "");
    let line = bemo.log.wait_for("WARN bemo_sync");
    assert!(
        line.contains("an authority that is not trusted here"),
        "{line}"
    );
    assert!(line.contains("tls: { ca: … }"), "{line}");
}

#[test]
fn a_certificate_for_another_host_is_not() {
    let broker = broker(&["other.example"], "");
    let bemo = start(&broker, "ca", "");
    let line = bemo.log.wait_for("WARN bemo_sync");
    assert!(
        line.contains("its certificate is not for `127.0.0.1`"),
        "{line}"
    );
}

#[test]
fn a_certificate_of_our_own_says_who_we_are() {
    let broker = broker(
        LOOPBACK,
        "require_certificate true\nuse_identity_as_username true\n",
    );
    let bemo = start(&broker, "ca", OUR_OWN);
    bemo.log.wait_for("connected to the MQTT broker");
    broker.log.wait_for("as bemo (p2, c1, k60, u'client')");
}

#[test]
fn a_broker_that_wants_one_and_gets_none_is_understood() {
    let broker = broker(LOOPBACK, "require_certificate true\n");
    let bemo = start(&broker, "ca", "");
    let line = bemo.log.wait_for("WARN bemo_sync");
    assert!(line.contains("it does not accept who we are"), "{line}");
}

#[test]
fn tls_where_there_is_none_and_none_where_there_is_are_understood() {
    let with_tls = broker(LOOPBACK, "");
    let bemo = Bemo::start(&yaml(&at(with_tls.port), &[NUMBER_HERE]));
    let line = bemo.log.wait_for("WARN bemo_sync");
    assert!(line.contains("does it want TLS"), "{line}");

    let port = fake_broker::start(|_, _| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    let ca = with_tls.directory.path().join("ca.pem");
    let section = format!(
        "{{ broker: \"127.0.0.1:{port}\", tls: {{ ca: \"{}\" }} }}",
        ca.display()
    );
    let bemo = Bemo::start(&yaml(&section, &[NUMBER_HERE]));
    let line = bemo.log.wait_for("WARN bemo_sync");
    assert!(line.contains("does not speak TLS"), "{line}");
}
