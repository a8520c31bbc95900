//! The frame of the benchmarks: what it measured is what docs/performance.md says.

use futures_util::future::BoxFuture;
use tests::bench::{Better, Machine, Options, Outcome, Results, Side, Spec, check, render};

fn results() -> Results {
    let side = |name: &str, rounds: [f64; 3]| Side { name: name.to_owned(), rounds: rounds.into() };
    let outcome = Outcome {
        name: "rentals/sqlite/1-tenant".to_owned(),
        unit: "rentals/s".to_owned(),
        higher_is_better: true,
        seconds: 4,
        sides: vec![side("bikelease", [90.0, 300.0, 110.0]), side("a loop", [100.0, 200.0, 100.0])],
        machine: Machine::default(),
    };
    let mut results = Results::default();
    results.put(outcome, Machine { cores: 2, date: "2026-11-21".to_owned(), ..Machine::default() });
    results
}

#[test]
fn a_ratio_is_the_median_of_the_rounds_own() {
    let results = results();
    let outcome = &results.cases["rentals/sqlite/1-tenant"];
    assert!((outcome.ratio(1) - 1.1).abs() < 1e-9);
    let product = &outcome.sides[0];
    assert_eq!((product.median(), product.min(), product.max()), (110.0, 90.0, 300.0));
    let table = outcome.to_string();
    assert!(table.contains("more is better") && table.contains("1.10"), "{table}");
    let json = serde_json::to_string(&results).unwrap();
    assert_eq!(serde_json::from_str::<Results>(&json).unwrap().cases.len(), 1);
}

#[test]
fn the_tables_of_the_docs_are_written_from_the_results() {
    let text = "Prose.\n\n<!-- bench: rentals -->\nold\n<!-- end -->\n\nMore.\n<!-- bench: import -->\nkept\n<!-- end -->\n";
    let rendered = render(text, &results()).unwrap();
    assert!(
        rendered
            .starts_with("Prose.\n\n<!-- bench: rentals -->\nMeasured by `make bench` in 3 rounds")
    );
    assert!(rendered.contains("|  | a loop | 100 | 100 | 200 | 1.10 |"), "{rendered}");
    assert!(!rendered.contains("old") && rendered.contains("More.") && rendered.contains("kept"));
    assert_eq!(render(&rendered, &results()).unwrap(), rendered);
    assert!(render("<!-- bench: rentals -->\n", &results()).is_err());
}

#[test]
fn tables_of_other_days_say_so() {
    let mut results = results();
    let mut other = results.cases["rentals/sqlite/1-tenant"].clone();
    other.name = "rentals/sqlite/50-tenants".to_owned();
    results.put(other, Machine { date: "2026-11-22".to_owned(), ..Machine::default() });
    let text = "<!-- bench: rentals -->\n<!-- end -->\n";
    let rendered = render(text, &results).unwrap();
    assert!(rendered.contains("2026-11-21: 2 cores"), "{rendered}");
    assert!(rendered.contains("2026-11-22: 0 cores"), "{rendered}");
    assert_eq!(rendered.matches("| case |").count(), 2, "{rendered}");
}

#[test]
fn a_run_of_some_cases_renews_their_topics_only() {
    let (rentals, import) = (spec("rentals/postgres/1-tenant"), spec("import/sqlite"));
    let mut results = results();
    assert_eq!(results.of(&[&rentals]).cases.len(), 1);
    assert!(results.of(&[&import]).cases.is_empty());
    // The case that was measured is not among those that there are.
    results.keep(&[rentals, import]);
    assert!(results.cases.is_empty());
}

#[test]
fn the_docs_have_a_place_for_every_topic() {
    let docs = include_str!("../../docs/performance.md");
    let specs: Vec<Spec> = names().into_iter().map(spec).collect();
    assert!(specs.len() > 5, "where are the cases?");
    check(docs, &specs).unwrap();
    assert!(check(docs, &[specs.as_slice(), &[spec("dreams/of-bikes")]].concat()).is_err());
    assert!(check(&format!("{docs}<!-- bench: dreams -->\n<!-- end -->"), &specs).is_err());
    assert!(render(docs, &Results::default()).unwrap() == docs);
}

fn spec(name: &'static str) -> Spec {
    let start = |_| -> BoxFuture<'static, _> { Box::pin(async { anyhow::bail!("not here") }) };
    Spec { name, unit: "rows/s", better: Better::Higher, sides: &["bikelease"], start }
}

/// Of every case, as the benchmark's files have them.
fn names() -> Vec<&'static str> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/benches");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names = Vec::new();
    for file in files.filter(|path| path.is_file()) {
        let text: &'static str = std::fs::read_to_string(file).unwrap().leak();
        let quoted = text.split("name: \"").skip(1).filter_map(|rest| rest.split('"').next());
        names.extend(quoted.filter(|name| name.contains('/')));
    }
    names
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let read = |line: &str| Options::read(format!("bench {line}").split(' ').map(str::to_owned));
    assert!(read("--help-me").is_err() && read("--rounds 0 --bench").is_err());
    assert!(read("").unwrap().is_none());
    let options = read("rentals import --rounds 7 --bench").unwrap().unwrap();
    assert_eq!(options.rounds, 7);
    assert!(options.wants("import/sqlite") && !options.wants("fan-out"));
}
