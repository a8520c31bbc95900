//! What is equal, what is not, and what is left of a start.

use async_graphql::parser::parse_query;
use serde_json::{Value as Json, json};

use super::*;

fn standing(document: &str, variables: Json) -> Option<Standing> {
    let document = parse_query(document).unwrap();
    Standing::of(&document, None, &Variables::from_json(variables))
}

fn text(document: &str, variables: Json) -> String {
    standing(document, variables).unwrap().text
}

#[test]
fn order_white_space_comments_and_the_start_make_no_difference() {
    let plain = text(
        "subscription S($a: [ID!], $b: Float = 1.5, $after: Cursor) {
            f(after: $after, ids: $a, within: {x: $b, y: 2}) { id ...F } }
        fragment F on T { g ...G } fragment G on U { h(text: \"a#b\") }",
        json!({"a": ["x"], "after": "c", "unused": 1}),
    );
    let shuffled = text(
        "fragment G on U{h(text:\"\"\"a#b\"\"\")}# no matter
        fragment F on T{g,...G} subscription S($b:Float=1.5$a:[ID!]){f(within:{y:2,x:$b},ids:$a){id ...F}}",
        json!({"a": ["x"]}),
    );
    assert_eq!(plain, shuffled);
    let literal = "subscription S($b: Float = 1.5, $a: [ID!]) {
        f(ids: $a, after: \"d\", within: {x: $b, y: 2}) { id ...F } }
        fragment F on T { g ...G } fragment G on U { h(text: \"a#b\") } fragment Unused on U { h }";
    assert_eq!(text(literal, json!({"a": ["x"]})), plain);
}

#[test]
fn everything_else_does() {
    let documents = [
        "subscription { f(ids: [1]) { a b } }",
        "subscription { f(ids: [1]) { b a } }",
        "subscription { f(ids: [1]) { a c: b } }",
        "subscription { f(ids: [1]) { a b { c } } }",
        "subscription { f(ids: [1, 2]) { a b } }",
        "subscription { f(ids: [\"1\"]) { a b } }",
        "subscription { f(ids: {x: 1, y: 2}) { a b } }",
        "subscription { f(ids: {x: 2, y: 1}) { a b } }",
        "subscription { f(kind: A) { a b } }",
        "subscription { f(kind: \"A\") { a b } }",
        "subscription { f(kind: A) { a b @skip(if: true) } }",
        "subscription { f(kind: A) { a ... { b } } }",
        "subscription { f(kind: A) { a ... on T { b } } }",
        "subscription { f(kind: A) { a ...F } } fragment F on T { b }",
        "subscription { f(kind: A) { a ...F } } fragment F on U { b }",
        "subscription N { f(kind: A) { a b } }",
        "subscription($v: [ID!]) { f(ids: $v) { a b } }",
        "subscription($v: [ID]) { f(ids: $v) { a b } }",
        "subscription($v: [ID!] = []) { f(ids: $v) { a b } }",
        "subscription { g: f(kind: A) { a b } }",
        "subscription { f(before: 1) { a(after: 1) } }",
        "subscription { f(before: 1) { a(after: 2) } }",
    ];
    let mut texts: BTreeSet<String> =
        documents.iter().map(|document| text(document, json!({}))).collect();
    let variables = "subscription($v: [ID!]) { f(ids: $v) { a b } }";
    for value in [json!(null), json!([]), json!(["1"]), json!([1]), json!(["1", "2"])] {
        texts.insert(text(variables, json!({"v": value})));
    }
    assert_eq!(texts.len(), documents.len() + 5);
}

#[test]
fn a_group_executes_what_is_left() {
    let document =
        "subscription S($after: Cursor, $ids: [ID!]) { f(after: $after, ids: $ids) { a } }";
    let left = standing(document, json!({"after": "c", "ids": ["x"]})).unwrap();
    let DocumentOperations::Multiple(operations) = &left.document.operations else {
        panic!("a name got lost")
    };
    let names = operations["S"].node.variable_definitions.iter().map(|v| v.node.name.node.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["ids"]);
    assert_eq!(left.variables, Variables::from_json(json!({"ids": ["x"]})));

    let twice = "subscription($after: String) { f(after: $after) { a(after: $after) } }";
    let left = standing(twice, json!({"after": "c"})).unwrap();
    assert_eq!(left.variables, Variables::from_json(json!({"after": "c"})));
}

#[test]
fn more_than_one_root_field_is_not_shared() {
    assert!(standing("subscription { f { a } g { b } }", json!({})).is_none());
    assert!(standing("subscription { ...F } fragment F on S { f { a } }", json!({})).is_none());
    let two = "subscription A { f { a } } subscription B { g { a } }";
    assert!(standing(two, json!({})).is_none());
    let two = parse_query(two).unwrap();
    assert!(Standing::of(&two, Some("B"), &Variables::default()).is_some());
    assert!(Standing::of(&two, Some("C"), &Variables::default()).is_none());
}
