//! Generated documents through guard, parser and validation: no panic, and no more work than is allowed.

use std::sync::LazyLock;

use api::{
    graphql::guard,
    schema::{AppSchema, bare},
};
use async_graphql::{
    Request,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};
use proptest::prelude::*;
use rstest::rstest;
use service::config::QueryLimits;
use tests::{
    Shape::{Embedded, Production},
    TestApp, json,
};

static SCHEMA: LazyLock<AppSchema> = LazyLock::new(bare);

/// What documents are made of, and what they should not be made of.
const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "$",
    "@",
    "!",
    "=",
    "|",
    "&",
    "...",
    "..",
    ".",
    ",",
    " ",
    "\n",
    "\r",
    "\t",
    "#",
    "# [[[[\n",
    "\"",
    "\"\"",
    "\"\"\"",
    "\\\"\"\"",
    "\"\\",
    "\"a\"",
    "\"\\u",
    "\\",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "é",
    "0",
    "-1",
    "1.5e9",
    "9999999999",
    "1e999",
    "null",
    "true",
    "on",
    "query",
    "mutation",
    "subscription",
    "fragment",
    "F",
    "G",
    "fragment F on Query {",
    "fragment G on Station {",
    "...F",
    "...G",
    "... on Station {",
    "... {",
    "query Q($x: ID!, $y: Int = 1) {",
    "stations",
    "nodes",
    "edges",
    "node",
    "vehicles",
    "(first: 2)",
    "(first: $y)",
    "(id: $x)",
    "(filter: {within: {",
    "a: id",
    "id",
    "id id",
    "name",
    "__typename",
    "__schema { types { fields { type {",
    "__type(name: \"Query\")",
    "@skip(if: true)",
    "@include(if: $x)",
    "signIn",
    "(input: {tenant: \"a\", tenant: \"b\"})",
    "{ id }",
];

fn document() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(PIECES).prop_map(ToOwned::to_owned),
        1 => (proptest::sample::select(PIECES), 1..400_usize).prop_map(|(piece, n)| piece.repeat(n)),
        1 => any::<char>().prop_map(String::from),
    ];
    let soup = proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat());
    prop_oneof![2 => soup, 3 => changed()]
}

/// A document that fits, with one thing in it replaced, doubled or taken away.
fn changed() -> impl Strategy<Value = String> {
    const WHOLE: &str = "query Q ( $x : ID! , $n : Int = 2 , $no : Boolean! ) { a : node ( id : $x ) { \
        __typename ... on Station { ...S } } stations ( first : $n , filter : { hasVehiclesAvailable : \
        true } ) @skip ( if : $no ) { totalCount nodes { ...S } edges { cursor node { id } } } } \
        fragment S on Station { id name position { latitude longitude } vehicles ( first : 1 ) { \
        nodes { id number vehicleType { name } } } }";
    let words: Vec<&str> = WHOLE.split(' ').collect();
    let change = (0..words.len(), 0..words.len(), proptest::sample::select(PIECES), 0..4_u8);
    proptest::collection::vec(change, 1..4).prop_map(move |changes| {
        let mut words = words.clone();
        for (at, other, piece, kind) in changes {
            let (at, other) = (at % words.len(), other % words.len());
            match kind {
                0 => words[at] = piece,
                1 => words.insert(at, piece),
                2 => words.swap(at, other),
                _ => drop(words.remove(at)),
            }
        }
        words.join(" ")
    })
}

/// How many selections there are with fragments expanded, by going to each.
fn visited(document: &ExecutableDocument, set: &SelectionSet, most: usize) -> usize {
    set.items.iter().fold(0, |count, selection| {
        if count > most {
            return count;
        }
        let below = match &selection.node {
            Selection::Field(field) => Some(&field.node.selection_set),
            Selection::InlineFragment(inline) => Some(&inline.node.selection_set),
            Selection::FragmentSpread(spread) => document
                .fragments
                .get(&spread.node.fragment_name.node)
                .map(|fragment| &fragment.node.selection_set),
        };
        count + 1 + below.map_or(0, |set| visited(document, &set.node, most - count))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn no_document_hurts(text in document()) {
        let limits = QueryLimits::default();
        if let Ok(document) = guard::admit(&limits, &text) {
            let expanded = document.operations.iter().map(|(_, operation)| {
                visited(&document, &operation.node.selection_set.node, limits.selections)
            });
            prop_assert!(expanded.sum::<usize>() <= limits.selections);
        }
        // The operation is looked for after the validation, and there is none of this name.
        let request = Request::new(&text).operation_name("-");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(SCHEMA.execute(request));
        prop_assert!((1..=50).contains(&answer.errors.len()), "{}", answer.errors.len());
        for error in &answer.errors {
            let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
            prop_assert!(code.is_some(), "{error:?}");
        }
    }
}

#[rstest]
#[case("QUERY_BYTES", "1000", "{ __typename #% }", "x", 1_000)]
#[case("QUERY_TOKENS", "100", "{ me {% } }", " role", 100)]
#[case("QUERY_NESTING", "8", "{ me(x: %) }", "[", 8)]
#[case("QUERY_SELECTIONS", "100", "{ me {% } }", " role", 100)]
#[case("QUERY_ALIASES", "2", "{ me {% } }", " a: role", 3)]
#[case("QUERY_DIRECTIVES", "1", "{ __typename% }", " @skip(if: false)", 2)]
#[case("QUERY_ROOT_FIELDS", "3", "{% }", " __typename", 4)]
#[tokio::test]
async fn an_operator_sets_the_limits(
    #[case] key: &str,
    #[case] limit: &str,
    #[case] document: &str,
    #[case] more: &str,
    #[case] times: usize,
) {
    let app = TestApp::start_with(Embedded, &[(&format!("BIKELEASE_{key}"), limit)]).await;
    let anyone = app.anonymous(None);
    let beyond = document.replace('%', &more.repeat(times));
    assert_eq!(anyone.send(&beyond, json!({})).await.error(), "QUERY_REJECTED", "{beyond}");
    let within = anyone.send("{ __typename }", json!({})).await;
    assert_eq!(within.body["data"]["__typename"], "Query");
}

/// Depth and cost are the schema's to count, after the document is found to fit it.
#[rstest]
#[tokio::test]
async fn pages_multiply_what_a_document_costs(#[values(Embedded, Production)] shape: tests::Shape) {
    let settings = [("BIKELEASE_QUERY_COST", "1000"), ("BIKELEASE_QUERY_DEPTH", "6")];
    let app = TestApp::start_with(shape, &settings).await;
    let fleet = app.fleet("Velo Nord").await;
    let pages = "query($n: Int!) { stations(first: $n) { nodes { vehicles(first: $n) { nodes { id } } } } }";
    fleet.query(pages, json!({"n": 10})).await;
    assert_eq!(fleet.send(pages, json!({"n": 50})).await.error(), "QUERY_REJECTED");
    let deep = "{ stations(first: 1) { nodes { vehicles(first: 1) { nodes { vehicleType { defaultTariff { id } } } } } } }";
    assert_eq!(fleet.send(deep, json!({})).await.error(), "QUERY_REJECTED");
}

/// All refuse a second one, whatever it is, and try none.
#[rstest]
#[tokio::test]
async fn a_document_tries_one_secret(#[values(Embedded, Production)] shape: tests::Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let before = app.count("SELECT count(*) FROM session").await;
    let guess = |n: usize| {
        format!(
            "g{n}: signIn(input: {{tenant: \"{}\", email: \"a@b.example\", password: \"{n}\"}}) {{ accessToken }} ",
            fleet.slug
        )
    };
    let two = format!("mutation {{ {}{} }}", guess(1), guess(2));
    assert_eq!(app.anonymous(None).send(&two, json!({})).await.error(), "QUERY_REJECTED");
    let one = app.anonymous(None).send(&format!("mutation {{ {} }}", guess(1)), json!({})).await;
    assert_eq!(one.payload()["accessToken"], json!(null));
    assert_eq!(app.count("SELECT count(*) FROM session").await, before);
}

/// Each of them is a field of `Mutation`, and nothing that looks like one of them is missing.
#[test]
fn every_secret_field_is_in_the_schema() {
    let sdl = api::schema::sdl();
    let (_, mutation) = sdl.split_once("\ntype Mutation {").unwrap();
    let (mutation, _) = mutation.split_once("\n}").unwrap();
    let lines = mutation.lines().filter_map(|line| line.strip_prefix('\t'));
    let fields = lines.filter_map(|line| line.split_once(['(', ':']));
    let names = fields.map(|(name, _)| name);
    let fields: Vec<_> = names.filter(|name| name.chars().all(char::is_alphanumeric)).collect();
    for sensitive in guard::SENSITIVE {
        assert!(fields.contains(sensitive), "{sensitive} is not in the schema");
    }
    const WORDS: &str = "signin signup refresh password secondfactor totp code verif payment pay refund wallet withdraw createapikey";
    for field in &fields {
        let lower = field.to_lowercase();
        if WORDS.split(' ').any(|word| lower.contains(word)) {
            assert!(guard::SENSITIVE.contains(field), "{field} belongs into guard::SENSITIVE");
        }
    }
}
