//! Authorities and certificates of a test's own.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use super::mosquitto::write;

pub type Authority = CertifiedIssuer<'static, KeyPair>;

/// When a certificate is valid. Far away on both sides, so that no clock of any machine matters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Valid {
    Now,
    NoLonger,
    NotYet,
}

/// Writes `file.pem`, the certificate of an authority that calls itself `name`.
pub fn authority(directory: &Path, file: &str, name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params.distinguished_name.push(DnType::CommonName, name);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    write(directory, &format!("{file}.pem"), &authority.pem());
    write(
        directory,
        &format!("{file}.key"),
        &authority.key().serialize_pem(),
    );
    authority
}

/// Writes `name.pem` and `name.key`.
pub fn certificate(
    directory: &Path,
    authority: &Authority,
    name: &str,
    hosts: &[&str],
    valid: Valid,
) {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    (params.not_before, params.not_after) = match valid {
        Valid::Now => (date_time_ymd(1990, 1, 1), date_time_ymd(4000, 1, 1)),
        Valid::NoLonger => (date_time_ymd(1990, 1, 1), date_time_ymd(1991, 1, 1)),
        Valid::NotYet => (date_time_ymd(3990, 1, 1), date_time_ymd(4000, 1, 1)),
    };
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    write(directory, &format!("{name}.pem"), &certificate.pem());
    write(directory, &format!("{name}.key"), &key.serialize_pem());
}
