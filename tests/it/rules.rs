//! What the specification asks of a document, where the library's validation alone would let it pass.
//! `make conformance` compares both with npm graphql over generated documents.

use std::sync::LazyLock;

use api::schema::{AppSchema, bare};
use async_graphql::{Request, Response};
use rstest::rstest;

static SCHEMA: LazyLock<AppSchema> = LazyLock::new(bare);

/// Validated and not executed: the operation is looked for afterwards, and there is none of this name.
async fn validated(document: &str) -> Response {
    SCHEMA.execute(Request::new(document).operation_name("-")).await
}

fn is_valid(answer: &Response) -> bool {
    answer.errors[0].message == "Unknown operation named \"-\""
}

#[rstest]
#[case::directive_of_typename("{ __typename @nonsense }")]
#[case::directive_of_typename_twice("{ __typename @skip(if: false) @skip(if: false) }")]
#[case::directive_of_typename_without_if("{ __typename @skip }")]
#[case::directive_of_typename_with_another("{ __typename @skip(if: true, unless: true) }")]
#[case::directive_of_typename_with_a_number("{ __typename @include(if: 1) }")]
#[case::directive_of_typename_with_a_stranger("{ __typename @include(if: $nobody) }")]
#[case::directive_of_schemas("{ me { role @deprecated } }")]
#[case::arguments_of_typename("{ __typename(x: 1) }")]
#[case::fields_of_typename("{ __typename { x } }")]
#[case::large_int("{ stations(first: 3000000000) { totalCount } }")]
#[case::number_for_an_object("{ stations(filter: 5) { totalCount } }")]
#[case::name_for_an_object("{ stations(filter: NONSENSE) { totalCount } }")]
#[case::field_twice("{ stations(filter: {search: \"a\", search: \"b\"}) { totalCount } }")]
#[case::list_for_one("query($x: [Int!]) { stations(first: $x) { totalCount } }")]
#[case::text_for_a_number("query($x: String) { stations(first: $x) { totalCount } }")]
#[case::perhaps_for_surely("query($x: Boolean) { me @skip(if: $x) { role } }")]
#[case::perhaps_in_a_fragment(
    "query($x: Boolean) { ...F } fragment F on Query { me @skip(if: $x) { role } }"
)]
#[case::two_roots("subscription { a: vehicleChanged { cursor } b: vehicleChanged { cursor } }")]
#[case::two_roots_in_fragments(
    "subscription { ...F b: vehicleChanged { cursor } } fragment F on Subscription { a: vehicleChanged { cursor } }"
)]
#[case::different_fields_across_fragments("{ me { ... { a: role } ... { a: email } } }")]
#[case::different_fields_on_one_type("{ me { ... on User { a: role } a: email } }")]
#[case::different_fields_below("{ me { a: role } me { a: email } }")]
#[case::different_fields_far_below(
    "{ stations { nodes { position { a: latitude } } } ...F }
     fragment F on Query { stations { nodes { position { a: longitude } } } }"
)]
#[case::different_arguments(
    "{ a: stations(first: 1) { totalCount } a: stations(first: 2) { totalCount } }"
)]
#[case::different_shapes(
    "{ node(id: \"x\") { ... on Station { a: capacity } ... on Vehicle { a: number } } }"
)]
#[tokio::test]
async fn it_is_refused(#[case] document: &str) {
    let answer = validated(document).await;
    let extensions = answer.errors[0].extensions.as_ref().unwrap();
    let code = extensions.get("code").unwrap().to_string();
    assert_eq!(code, "\"GRAPHQL_VALIDATION_FAILED\"", "{:?}", answer.errors);
}

#[rstest]
#[case::typename(
    "query($x: Boolean!) { __typename @skip(if: $x) me @skip(if: $x) { __typename } }"
)]
#[case::defaults("query($x: Boolean = true) { me @skip(if: $x) { role } }")]
#[case::one_for_a_list("{ nodes(ids: \"x\") { id } }")]
#[case::one_variable_for_many(
    "query($x: ID! = \"x\") { nodes(ids: [$x, $x]) { id } node(id: $x) { id } }"
)]
#[case::number_for_an_id("{ node(id: 7) { id } }")]
#[case::number_for_a_float(
    "{ stations(filter: {within: {southWest: {latitude: 1, longitude: 2}, northEast: {latitude: 3, longitude: 4}}}) { totalCount } }"
)]
#[case::same_field_twice("{ me { role role } me { role email } }")]
#[case::same_list_in_fragments(
    "{ stations(first: 1) { nodes { ...A ...B } } } fragment A on Station { id name } fragment B on Station { id }"
)]
#[case::objects_that_are_never_one(
    "{ node(id: \"x\") { ... on Station { a: name } ... on Tariff { a: name } ... on Station { b: name } ... on Vehicle { b: number } } }"
)]
#[case::one_root("subscription { ...F } fragment F on Subscription { vehicleChanged { cursor } }")]
#[case::one_root_twice("subscription { vehicleChanged { cursor } vehicleChanged { change } }")]
#[tokio::test]
async fn it_is_valid(#[case] document: &str) {
    let answer = validated(document).await;
    assert!(is_valid(&answer), "{:?}", answer.errors);
}
