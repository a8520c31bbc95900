//! The keys that everything signed or sealed here is signed with, all derived from one secret.
//!
//! Beside it there may be others: what was made with yesterday's secret is still accepted, and so is what a node makes
//! that has tomorrow's already.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    constant_time, digest, hmac, rand,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::error::{Error, Result};

const TAG: usize = 16;
const NONCE: usize = 12;

pub struct Keys {
    current: Derived,
    others: Vec<Derived>,
}

struct Derived {
    mac: hmac::Key,
    sealing: RandomizedNonceKey,
    signer: Signer,
}

/// Signs access tokens.
pub struct Signer {
    /// Names the key in tokens, and among the public ones.
    pub id: String,
    /// PKCS#8 and raw public key, as the token library reads them.
    pub(crate) private: Vec<u8>,
    pub public: Vec<u8>,
}

impl Keys {
    pub fn derive(secret: &[u8], others: &[&[u8]]) -> Result<Self> {
        let others = others.iter().map(|secret| Derived::from(secret)).collect::<Result<_>>()?;
        Ok(Self { current: Derived::from(secret)?, others })
    }

    /// The same on every node that has this secret; tells nothing about it.
    pub fn fingerprint(&self) -> String {
        self.seal("fingerprint", &[])
    }

    /// Packs bytes so that nobody else can make or change them. They open only under the same purpose.
    pub fn seal(&self, purpose: &str, bytes: &[u8]) -> String {
        let mut packed = self.current.tag(purpose, bytes)[..TAG].to_vec();
        packed.extend_from_slice(bytes);
        URL_SAFE_NO_PAD.encode(packed)
    }

    /// None when it was not sealed here for this purpose.
    pub fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let packed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, bytes) = packed.split_at_checked(TAG)?;
        self.all().any(|key| same(tag, &key.tag(purpose, bytes)[..TAG])).then(|| bytes.to_vec())
    }

    /// A keyed hash: what it is of cannot be found by trying, not even by who has the database.
    pub(crate) fn mac(&self, purpose: &str, bytes: &[u8]) -> Vec<u8> {
        self.current.tag(purpose, bytes)
    }

    /// The hash under each key, the current one first.
    pub(crate) fn macs(&self, purpose: &str, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.all().map(|key| key.tag(purpose, bytes)).collect()
    }

    pub(crate) fn is_mac(&self, mac: &[u8], purpose: &str, bytes: &[u8]) -> bool {
        self.all().any(|key| same(mac, &key.tag(purpose, bytes)))
    }

    /// Hides bytes from who has the database.
    pub(crate) fn encrypt(&self, purpose: &str, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = bytes.to_vec();
        let nonce = self
            .current
            .sealing
            .seal_in_place_append_tag(Aad::from(purpose), &mut sealed)
            .map_err(|_| Error::internal("sealing"))?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok(sealed)
    }

    /// Fails when the secret that it was sealed with is gone.
    pub(crate) fn decrypt(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let lost = || Error::internal("sealed with a secret that is not configured any more");
        let at = sealed.len().checked_sub(NONCE).ok_or_else(lost)?;
        let (sealed, nonce) = sealed.split_at(at);
        let opened = self.all().find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut bytes = sealed.to_vec();
            let open = key.sealing.open_in_place(nonce, Aad::from(purpose), &mut bytes).ok()?;
            Some(open.to_vec())
        });
        opened.ok_or_else(lost)
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.current.signer
    }

    /// Whose tokens are accepted, the current one first.
    pub fn signers(&self) -> impl Iterator<Item = &Signer> {
        self.all().map(|key| &key.signer)
    }

    fn all(&self) -> impl Iterator<Item = &Derived> {
        std::iter::once(&self.current).chain(&self.others)
    }
}

impl Derived {
    fn from(secret: &[u8]) -> Result<Self> {
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, &derived(secret, "seal"))
            .map_err(|_| Error::internal("sealing key"))?;
        Ok(Self {
            mac: hmac::Key::new(hmac::HMAC_SHA256, &derived(secret, "cursor")),
            sealing,
            signer: Signer::from(&derived(secret, "token"))?,
        })
    }

    fn tag(&self, purpose: &str, bytes: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(bytes);
        context.sign().as_ref().to_vec()
    }
}

impl Signer {
    fn from(seed: &[u8; 32]) -> Result<Self> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::internal("token key"))?;
        // RFC 8410: the fixed head of a PKCS#8 Ed25519 key in front of its seed.
        let mut private =
            vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        private.extend_from_slice(seed);
        let public = pair.public_key().as_ref().to_vec();
        let id = URL_SAFE_NO_PAD.encode(&sha256(&public)[..12]);
        Ok(Self { id, private, public })
    }
}

fn derived(secret: &[u8], purpose: &str) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut out = [0; 32];
    out.copy_from_slice(hmac::sign(&key, purpose.as_bytes()).as_ref());
    out
}

/// Takes the same time wherever they differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_secret_made_is_accepted_and_a_stranger_s_is_not() {
        let before = Keys::derive(b"before", &[]).unwrap();
        let now = Keys::derive(b"now", &[b"before"]).unwrap();
        let (sealed, hidden) = (before.seal("a", b"text"), before.encrypt("a", b"text").unwrap());
        assert_eq!(now.open("a", &sealed).as_deref(), Some(b"text".as_slice()));
        assert_eq!(now.open("b", &sealed), None);
        assert_eq!(now.decrypt("a", &hidden).unwrap(), b"text");
        assert!(now.decrypt("b", &hidden).is_err() && now.decrypt("a", b"short").is_err());
        assert!(now.is_mac(&before.mac("a", b"1"), "a", b"1"));
        let stranger = Keys::derive(b"stranger", &[]).unwrap();
        assert_eq!(stranger.open("a", &sealed), None);
        assert!(stranger.decrypt("a", &hidden).is_err());
        assert_ne!(now.signer().id, before.signer().id);
    }
}
