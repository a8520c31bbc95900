//! The frame of the benchmarks: what it measured is what docs/performance.md says.

use tests::bench::{Machine, Options, Outcome, Results, Side, render, sections};

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
fn the_docs_have_a_place_for_every_topic() {
    let docs = include_str!("../../docs/performance.md");
    assert_eq!(sections(docs), ["rentals", "import"]);
    assert!(render(docs, &Results::default()).unwrap() == docs);
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
