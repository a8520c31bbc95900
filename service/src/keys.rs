//! The keys that everything signed here is signed with, all derived from one secret.

use aws_lc_rs::{
    digest, hmac, rand,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::error::{Error, Result};

const TAG: usize = 16;

pub struct Keys {
    cursor: hmac::Key,
    /// PKCS#8 and raw public key, as the token library reads them.
    pub(crate) token_private: Vec<u8>,
    pub(crate) token_public: Vec<u8>,
}

impl Keys {
    pub fn derive(secret: &[u8]) -> Result<Self> {
        let seed = derived(secret, "token");
        let pair =
            Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| Error::internal("token key"))?;
        // RFC 8410: the fixed head of a PKCS#8 Ed25519 key in front of its seed.
        let mut token_private =
            vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        token_private.extend_from_slice(&seed);
        Ok(Self {
            cursor: hmac::Key::new(hmac::HMAC_SHA256, &derived(secret, "cursor")),
            token_private,
            token_public: pair.public_key().as_ref().to_vec(),
        })
    }

    /// The same on every node that has this secret; tells nothing about it.
    pub fn fingerprint(&self) -> String {
        self.seal("fingerprint", &[])
    }

    /// Packs bytes so that nobody else can make or change them. They open only under the same purpose.
    pub fn seal(&self, purpose: &str, bytes: &[u8]) -> String {
        let mut packed = self.tag(purpose, bytes);
        packed.extend_from_slice(bytes);
        URL_SAFE_NO_PAD.encode(packed)
    }

    /// None when it was not sealed here for this purpose.
    pub fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let packed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, bytes) = packed.split_at_checked(TAG)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(tag, &self.tag(purpose, bytes)).ok()?;
        Some(bytes.to_vec())
    }

    fn tag(&self, purpose: &str, bytes: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.cursor);
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(bytes);
        context.sign().as_ref()[..TAG].to_vec()
    }
}

fn derived(secret: &[u8], purpose: &str) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut out = [0; 32];
    out.copy_from_slice(hmac::sign(&key, purpose.as_bytes()).as_ref());
    out
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// Bytes that nobody can guess.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
    Ok(bytes)
}
