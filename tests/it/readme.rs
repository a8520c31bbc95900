//! The README's first steps, each command as it stands there.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    process::{self, Process},
};
use tokio::process::Command;

/// The blocks between ```sh and ```.
fn blocks() -> Vec<String> {
    let readme = include_str!("../../README.md");
    readme
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_follows_the_first_steps(#[values(Embedded, Production)] shape: Shape) {
    let place = shape.place().await;
    let settings = place.settings();
    // The city stands still here, so that every change is the newcomer's.
    let node = Process::serve(&settings, &[]).await;
    let blocks = blocks();
    assert_eq!(blocks.len(), 6, "the README has other steps than this test");
    let [board, sign_in, watch, rent, invariants, import] =
        [0, 1, 2, 3, 4, 5].map(|n| blocks[n].clone());

    // It runs beside what follows, with what it prints kept for the end. Nothing says when a subscription stands.
    let watch = format!(
        "({}) > \"$SEEN\" &\nWATCHER=$!\nfor n in $(seq 50); do sleep 0.1; test -s \"$WATCHING\" && break; done\nsleep 1\n",
        watch
            .trim()
            .trim_end_matches(" &")
            .replace("\"subscription", "--url ws://127.0.0.1:8000/graphql \"subscription")
            + " 2> \"$WATCHING\""
    );
    let script = format!(
        "set -eu\n{board}\n{sign_in}\n{watch}\n{rent}\nsleep 2\nkill $WATCHER\necho; cat \"$SEEN\"\n{invariants}\n{import}"
    );
    let script = script
        .replace("127.0.0.1:8000", &format!("127.0.0.1:{}", node.port))
        .replace("target/release/bikelease", &process::binary().display().to_string());
    let output = Command::new("bash")
        .args(["-c", &script])
        .envs(settings.iter().map(|(name, value)| (*name, value.as_str())))
        .env("SEEN", place.folder.join("seen"))
        .env("WATCHING", place.folder.join("watching"))
        .output()
        .await
        .unwrap();

    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}");
    for expected in [
        "vehiclesAvailable",
        " at station_",
        "\"state\":\"ENDED\"",
        "\"change\":\"UPDATED\"",
        "31,682  rentals",
    ] {
        assert!(said.contains(expected), "no {expected} in:\n{said}\n{complained}");
    }
    let changes = said.matches("\"change\":").count();
    assert_eq!(changes, 2, "the station changes once for the start and once for the end:\n{said}");
}
