//! Safaricom's key pair, and the certificate that its tenants encrypt with; made anew in each process.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa::{KeySize, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};

fn key() -> &'static PrivateDecryptingKey {
    static KEY: OnceLock<PrivateDecryptingKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("an RSA key"))
}

/// What was encrypted with the certificate; None if it was not.
pub fn decrypt(credential: &str) -> Option<Vec<u8>> {
    let key = Pkcs1PrivateDecryptingKey::new(key().clone()).ok()?;
    let sealed = STANDARD.decode(credential).ok()?;
    let mut opened = vec![0; key.min_output_size()];
    key.decrypt(&sealed, &mut opened).ok().map(|opened| opened.to_vec())
}

/// In PEM. Nobody checks its signature, so it has none worth the name.
pub fn certificate() -> String {
    let public = AsDer::<PublicKeyX509Der>::as_der(&key().public_key()).expect("a public key");
    // sha256WithRSAEncryption.
    let oid = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    let algorithm = der(0x30, &[der(0x06, &[oid.to_vec()]), der(0x05, &[])]);
    let validity =
        der(0x30, &[der(0x17, &[b"260101000000Z".into()]), der(0x17, &[b"460101000000Z".into()])]);
    let name = der(0x30, &[]);
    // A host, because a certificate without extensions is of another age.
    let host = der(0x30, &[der(0x82, &[b"safaricom.example".into()])]);
    let extension = der(0x30, &[der(0x06, &[vec![0x55, 0x1d, 0x11]]), der(0x04, &[host])]);
    let body = der(
        0x30,
        &[
            der(0xa0, &[der(0x02, &[vec![2]])]),
            der(0x02, &[vec![1]]),
            algorithm.clone(),
            name.clone(),
            validity,
            name,
            public.as_ref().to_vec(),
            der(0xa3, &[der(0x30, &[extension])]),
        ],
    );
    let der = der(0x30, &[body, algorithm, der(0x03, &[vec![0; 257]])]);
    let lines: Vec<_> = STANDARD
        .encode(der)
        .into_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}
