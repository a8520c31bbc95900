//! The secret that all keys are derived from, configured or made on the first start.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::value::Value;

/// Below this, a secret can be guessed.
const LENGTH_MIN: usize = 32;

/// Fewer different characters than this are a pattern, not randomness.
const DISTINCT_MIN: usize = 6;

/// Parts of secrets that stand in manuals and examples, in small letters and digits.
const WELL_KNOWN: [&str; 14] = [
    "changeme",
    "changein",
    "changethis",
    "replaceme",
    "replacethis",
    "placeholder",
    "insecure",
    "example",
    "yoursecret",
    "mysecret",
    "supersecret",
    "notsecret",
    "password",
    "0123456789abcdef",
];

/// A text that is never shown: `Debug` prints `***`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The secret itself: for deriving keys, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Why production cannot rely on this secret.
    pub(super) fn weakness(&self) -> Option<&'static str> {
        let plain: String =
            self.0.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        if self.0.chars().count() < LENGTH_MIN {
            Some("shorter than 32 characters")
        } else if WELL_KNOWN.iter().any(|known| plain.contains(known)) {
            Some("a well-known default")
        } else if self.0.chars().collect::<BTreeSet<_>>().len() < DISTINCT_MIN {
            Some("the same few characters over and over")
        } else {
            None
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

pub(super) fn parse(value: &Value) -> Result<Secret, String> {
    let text = value.text()?;
    if text.contains(char::is_whitespace) {
        Err("a text with spaces".to_owned())
    } else {
        Ok(Secret(text.to_owned()))
    }
}

pub(super) fn parse_all(value: &Value) -> Result<Vec<Secret>, String> {
    let secret = |text: &str| match text.contains(char::is_whitespace) {
        true => Err("a text with spaces".to_owned()),
        false => Ok(Secret(text.to_owned())),
    };
    value.list()?.into_iter().map(secret).collect()
}

/// The secret in `<data_dir>/secret`, readable by its owner only; made when there is none.
///
/// Of several processes that start at once, all get the one that was first.
pub fn load_or_create(data_dir: &Path) -> io::Result<Secret> {
    let path = data_dir.join("secret");
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(data_dir, &path),
        answer => answer,
    }
}

fn read(path: &Path) -> io::Result<Secret> {
    let secret = Secret(fs::read_to_string(path)?.trim().to_owned());
    if secret.0.chars().count() < LENGTH_MIN {
        let message = format!(
            "{} holds less than 32 characters; remove it to get a new secret",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others can read the secret; run chmod 600 on it");
    }
    Ok(secret)
}

fn create(data_dir: &Path, path: &Path) -> io::Result<Secret> {
    fs::create_dir_all(data_dir)?;
    // Written beside and then linked, so that nobody ever reads half a secret, not even
    // after a crash, and an existing one is never replaced.
    let draft = data_dir.join(format!(".secret-{}", random_hex::<8>()?));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked = write(&mut file).and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => tracing::warn!(path = %path.display(), "no secret is configured; made one"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    read(path)
}

fn write(file: &mut File) -> io::Result<()> {
    writeln!(file, "{}", random_hex::<32>()?)?;
    file.sync_all()
}

fn random_hex<const BYTES: usize>() -> io::Result<String> {
    let mut bytes = [0_u8; BYTES];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| io::Error::other("the system gave no randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
