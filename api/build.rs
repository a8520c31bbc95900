//! Tells the binary from which commit it was built, for `GET /version`.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=BIKELEASE_COMMIT");
    // Every commit and checkout is written there.
    if let Some(log) =
        git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists())
    {
        println!("cargo::rerun-if-changed={log}");
    }
    // Images are built without the history; they get the commit from outside.
    let given = env::var("BIKELEASE_COMMIT").ok().filter(|commit| !commit.trim().is_empty());
    let commit = given.or_else(|| git(&["rev-parse", "--short", "HEAD"]));
    println!(
        "cargo::rustc-env=BIKELEASE_COMMIT={}",
        commit.as_deref().map_or("unknown", str::trim)
    );
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
