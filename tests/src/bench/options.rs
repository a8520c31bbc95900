//! What is measured, and for how long, by the command line of the benchmark.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

#[derive(Clone, Debug)]
pub struct Options {
    /// Words, of which a name must have one; all cases when there is none.
    pub only: Vec<String>,
    pub rounds: u32,
    pub seconds: u32,
    pub json: PathBuf,
    /// Write docs/performance.md.
    pub docs: bool,
    /// From what was measured before.
    pub only_docs: bool,
    pub list: bool,
}

impl Options {
    /// None: this is `cargo test --all-targets`, which only asks whether it starts.
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Option<Self>> {
        // Cargo runs benchmarks in the folder of their crate; paths are those of the repository.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut options = Self {
            only: Vec::new(),
            rounds: 5,
            seconds: 4,
            json: root.join("target/bench.json"),
            docs: false,
            only_docs: false,
            list: false,
        };
        let (mut arguments, mut bench) = (arguments.skip(1), false);
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => bench = true,
                "--rounds" => options.rounds = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--json" => options.json = root.join(value()?),
                "--docs" => options.docs = true,
                "--only-docs" => (options.docs, options.only_docs) = (true, true),
                "--list" => options.list = true,
                word if word.starts_with('-') => bail!(
                    "{word} is no option; there are --list, --rounds N, --seconds N, --json PATH, --docs and --only-docs"
                ),
                word => options.only.push(word.to_owned()),
            }
        }
        if options.rounds == 0 || options.seconds == 0 {
            bail!("--rounds and --seconds must be 1 or more");
        }
        Ok(bench.then_some(options))
    }

    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word))
    }
}
