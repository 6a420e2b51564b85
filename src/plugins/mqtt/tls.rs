//! Whom to trust and who we are: from files to a configuration of rustls, checked before anything
//! starts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::config::TlsConfig;
use crate::config::{NodeId, Spanned};
use crate::plugin::Configure;

/// The configuration of TLS; `None` if something is wrong with the files, which is then diagnosed.
pub(super) fn configuration(
    declared: &mut Configure<'_>,
    config: Option<&TlsConfig>,
    at: NodeId,
) -> Option<Arc<ClientConfig>> {
    let roots = match config.and_then(|config| config.ca.as_ref()) {
        Some(ca) => authorities(declared, ca),
        None => authorities_of_system(declared, at),
    };
    let identity = match config {
        Some(config) => identity(declared, config),
        None => Some(None),
    };
    let (roots, identity) = (roots?, identity?);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has what the versions of TLS need")
        .with_root_certificates(roots);
    let configuration = match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { chain, key, at }) => match builder.with_client_auth_cert(chain, key) {
            Ok(configuration) => configuration,
            Err(error) => {
                let help = "name the key that belongs to the certificate";
                declared.mistake(at, format!("certificate and key do not fit: {error}"), help);
                return None;
            }
        },
    };
    Some(Arc::new(configuration))
}

/// What is in the files, to tell whether they are others than before.
pub(super) fn hash_of_files(declared: &Configure<'_>, config: &TlsConfig) -> u64 {
    let files = [&config.ca, &config.certificate, &config.key];
    let mut hasher = DefaultHasher::new();
    for file in files {
        let text = file
            .as_ref()
            .and_then(|file| read_small(&declared.path(&file.value)).ok());
        text.hash(&mut hasher);
    }
    hasher.finish()
}

/// Who we are.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    at: NodeId,
}

fn authorities(declared: &mut Configure<'_>, ca: &Spanned<String>) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(declared, ca)? {
        if let Err(error) = roots.add(certificate) {
            let help = "name the certificate of the authority that signed the broker's";
            declared.mistake(
                ca.at,
                format!("this is no certificate to trust: {error}"),
                help,
            );
            return None;
        }
    }
    Some(roots)
}

fn authorities_of_system(declared: &mut Configure<'_>, at: NodeId) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let help = "name the authority that signed the broker's certificate: `tls: { ca: … }`; \
            or install the package `ca-certificates`";
        declared.mistake(at, "this system trusts no certificate authority", help);
        return None;
    }
    Some(roots)
}

fn identity(declared: &mut Configure<'_>, config: &TlsConfig) -> Option<Option<Identity>> {
    match (&config.certificate, &config.key) {
        (None, None) => Some(None),
        (Some(only), None) => {
            declared.mistake(only.at, "a certificate without its key", "add `key: …`");
            None
        }
        (None, Some(only)) => {
            let help = "add `certificate: …`";
            declared.mistake(only.at, "a key without its certificate", help);
            None
        }
        (Some(certificate), Some(key)) => {
            let chain = certificates(declared, certificate);
            let at = key.at;
            let key = private_key(declared, key);
            let (chain, key) = (chain?, key?);
            Some(Some(Identity { chain, key, at }))
        }
    }
}

fn certificates(
    declared: &mut Configure<'_>,
    file: &Spanned<String>,
) -> Option<Vec<CertificateDer<'static>>> {
    let text = read(declared, file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let problem = match found {
        Ok(found) if !found.is_empty() => return Some(found),
        Ok(_) => "there is no certificate in this file".to_owned(),
        Err(error) => format!("this file is not in PEM format: {error}"),
    };
    let help = "a certificate in PEM format begins with `-----BEGIN CERTIFICATE-----`";
    declared.mistake(file.at, problem, help);
    None
}

fn private_key(
    declared: &mut Configure<'_>,
    file: &Spanned<String>,
) -> Option<PrivateKeyDer<'static>> {
    let text = read(declared, file)?;
    let problem = match PrivateKeyDer::from_pem_slice(&text) {
        Ok(key) => return Some(key),
        Err(pem::Error::NoItemsFound) if is_encrypted(&text) => "this key is encrypted".to_owned(),
        Err(pem::Error::NoItemsFound) => "there is no key in this file".to_owned(),
        Err(error) => format!("this file is not in PEM format: {error}"),
    };
    let help = "a key in PEM format begins with `-----BEGIN PRIVATE KEY-----`; one without a \
        passphrase is needed, for nobody is there to type it";
    declared.mistake(file.at, problem, help);
    None
}

fn is_encrypted(text: &[u8]) -> bool {
    let marks = [&b"BEGIN ENCRYPTED"[..], b"Proc-Type: 4,ENCRYPTED"];
    marks
        .iter()
        .any(|mark| text.windows(mark.len()).any(|window| window == *mark))
}

fn read(declared: &mut Configure<'_>, file: &Spanned<String>) -> Option<Vec<u8>> {
    match read_small(&declared.path(&file.value)) {
        Ok(text) => Some(text),
        Err(error) => {
            let help = "paths are relative to the directory of this configuration";
            declared.mistake(file.at, format!("the file cannot be read: {error}"), help);
            None
        }
    }
}

/// Reads a file that is small if it is what it should be.
pub(super) fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    const MAX_BYTES: u64 = 1024 * 1024;
    let mut text = Vec::new();
    std::fs::File::open(path)?
        .take(MAX_BYTES)
        .read_to_end(&mut text)?;
    Ok(text)
}
