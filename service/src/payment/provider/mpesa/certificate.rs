//! The initiator's password, encrypted so that only Safaricom can read it.

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    pki_types::{CertificateDer, pem::PemObject},
    server::ParsedCertificate,
};

use super::credentials::invalid;
use crate::error::Invalid;

/// The public key in Safaricom's certificate.
pub struct Key(Pkcs1PublicEncryptingKey);

impl Key {
    pub fn of(pem: &str, password: &str) -> Result<Self, Invalid> {
        let unreadable =
            || invalid("certificate", "must be Safaricom's certificate in PEM, with an RSA key");
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable())?;
        let certificate = ParsedCertificate::try_from(&der).map_err(|_| unreadable())?;
        let key = PublicEncryptingKey::from_der(&certificate.subject_public_key_info())
            .map_err(|_| unreadable())?;
        let key = Pkcs1PublicEncryptingKey::new(key).map_err(|_| unreadable())?;
        if password.len() > key.max_plaintext_size() {
            return Err(invalid("initiatorPassword", "is too long for the certificate"));
        }
        Ok(Self(key))
    }

    /// RSA with PKCS #1 v1.5 padding, in Base64: another text each time. None: the key does not work.
    pub fn encrypt(&self, password: &str) -> Option<String> {
        let mut encrypted = vec![0; self.0.ciphertext_size()];
        let encrypted = self.0.encrypt(password.as_bytes(), &mut encrypted).ok()?;
        Some(STANDARD.encode(encrypted))
    }
}
