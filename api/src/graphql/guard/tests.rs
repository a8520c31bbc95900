//! Documents that would hurt the process, and documents that people send.

use std::time::{Duration, Instant};

use super::*;

const MAX_BYTES: usize = 64 * 1024;

fn check(document: &str) -> Result<(), Rejected> {
    scan::document(&QueryLimits::default(), document)
}

fn counted(document: &str) -> Result<(), Rejected> {
    admit(&QueryLimits::default(), document).map(drop)
}

#[test]
fn brackets_end_at_the_limit() {
    for levels in [2_000, 30_000] {
        for (open, close) in [("[", "]"), ("{a:", "}")] {
            let document = format!("{{ping(x:{}{})}}", open.repeat(levels), close.repeat(levels));
            let expected = if document.len() > MAX_BYTES {
                Rejected::Bytes(MAX_BYTES)
            } else {
                Rejected::Nesting(48)
            };
            assert_eq!(check(&document), Err(expected));
        }
    }
    assert_eq!(check(&"[".repeat(100_000)), Err(Rejected::Bytes(MAX_BYTES)));
    let within = format!("{{ping(x:{}{})}}", "[".repeat(46), "]".repeat(46));
    assert_eq!(counted(&within), Ok(()));
    let beyond = format!("{{ping(x:{}{})}}", "[".repeat(47), "]".repeat(47));
    assert_eq!(check(&beyond), Err(Rejected::Nesting(48)));
}

#[test]
fn brackets_in_strings_and_comments_are_text() {
    let many = "[".repeat(200);
    for document in [
        format!(r#"{{ ping(x: "{many}") }}"#),
        format!(r#"{{ ping(x: "\"{many}") }}"#),
        format!(r#"{{ ping(x: """ " {many} \""" {many} """) }}"#),
        format!("{{ # {many} \" \n ping }}"),
    ] {
        assert_eq!(counted(&document), Ok(()), "{document}");
    }
}

#[test]
fn brackets_cannot_hide_behind_a_quote() {
    let many = "[".repeat(2_000);
    for hidden in [
        format!(r#"{{ ping(x: ["" {many}"#),
        format!(r#"{{ ping(x: "a"{many}"#),
        format!(r#"{{ ping(x: """a"""{many}"#),
        format!(r#"{{ ping(x: "\\"{many}"#),
        format!("{{ # \" \r ping(x: {many}"),
    ] {
        assert_eq!(check(&hidden), Err(Rejected::Nesting(48)), "{hidden}");
    }
    // The parser takes this for `""`, `"a"` and brackets.
    assert_eq!(check(&format!(r#"{{ ping(x: ["""a" {many}"#)), Err(Rejected::OpenBlockString));
}

#[test]
fn a_fragment_bomb_is_counted_not_walked() {
    let mut document = String::from("{ ...f0 }");
    for level in 0..30 {
        let next = level + 1;
        document += &format!(" fragment f{level} on Query {{ ...f{next} ...f{next} }}");
    }
    document += " fragment f30 on Query { ping }";
    let start = Instant::now();
    assert_eq!(counted(&document), Err(Rejected::Selections(5_000)));
    assert!(start.elapsed() < Duration::from_millis(200));
}

#[test]
fn an_unused_bomb_and_a_long_chain_are_refused() {
    let mut chain = String::from("{ ping }");
    for level in 0..400 {
        chain += &format!(" fragment f{level} on Query {{ ...f{} }}", level + 1);
    }
    assert_eq!(counted(&chain), Err(Rejected::Nesting(48)));
    let wide = (0..30).map(|_| "...g ").collect::<String>();
    let wider = (0..30).map(|_| "...h ").collect::<String>();
    let fields = "ping ".repeat(30);
    let bomb = format!(
        "{{ping}} fragment f on Query{{{wide}}} fragment g on Query{{{wider}}} fragment h on Query{{{fields}}}"
    );
    assert_eq!(counted(&bomb), Err(Rejected::Selections(5_000)));
}

#[test]
fn fragments_must_not_spread_themselves() {
    let cycle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ping ...a }";
    assert_eq!(counted(cycle), Err(Rejected::FragmentCycle));
    assert_eq!(counted("{ping} fragment a on Query{...a}"), Err(Rejected::FragmentCycle));
}

#[test]
fn aliases_directives_and_tokens_are_limited() {
    let aliases = |n: usize| (0..n).map(|i| format!("a{i}: ping ")).collect::<String>();
    let within = format!("{{ me {{ {} }} }}", aliases(30));
    assert_eq!(counted(&within), Ok(()));
    assert_eq!(counted(&format!("{{ {} }}", aliases(31))), Err(Rejected::Aliases(30)));
    let spread = format!("{{ ...f ...f }} fragment f on Query {{ {} }}", aliases(16));
    assert_eq!(counted(&spread), Err(Rejected::Aliases(30)));
    let directives = "@skip(if: false) ".repeat(31);
    assert_eq!(counted(&format!("{{ ping {directives} }}")), Err(Rejected::Directives(30)));
    assert_eq!(check(&format!("{{ {} }}", "p ".repeat(3_998))), Ok(()));
    assert_eq!(check(&format!("{{ {} }}", "p ".repeat(3_999))), Err(Rejected::Tokens(4_000)));
    assert_eq!(check(&format!("{{ ping }}{}", ", \t".repeat(20_000))), Ok(()));
}

#[test]
fn root_fields_are_counted_through_fragments() {
    let fields = |n: usize| (0..n).map(|i| format!("f{i} ")).collect::<String>();
    assert_eq!(counted(&format!("{{ {} }}", fields(20))), Ok(()));
    assert_eq!(counted(&format!("{{ {} }}", fields(21))), Err(Rejected::RootFields(20)));
    let spread = format!("{{ ...f ...f x }} fragment f on Query {{ {} }}", fields(10));
    assert_eq!(counted(&spread), Err(Rejected::RootFields(20)));
    assert_eq!(counted(&format!("{{ me {{ {} }} }}", fields(100))), Ok(()));
}

#[test]
fn one_secret_is_tried_in_a_document() {
    assert_eq!(counted("mutation { signIn createRental }"), Ok(()));
    for twice in [
        "mutation { signIn b: signIn }",
        "mutation { signIn refreshSession }",
        "mutation { signIn ... { ... on Mutation { refreshSession } } }",
        "mutation { ...f ...f } fragment f on Mutation { signIn }",
        "mutation A { signIn } mutation B { signIn }",
    ] {
        assert_eq!(counted(twice), Err(Rejected::Sensitive), "{twice}");
    }
}

#[test]
fn the_introspection_query_of_graphiql_passes() {
    assert_eq!(counted(INTROSPECTION), Ok(()));
}

#[test]
fn introspection_that_goes_in_circles_is_refused() {
    let circle = |levels: usize| {
        let (open, close) = ("fields { type { ".repeat(levels), "} } ".repeat(levels));
        format!("{{ __schema {{ types {{ {open} name {close} }} }} }}")
    };
    assert_eq!(counted(&circle(2)), Ok(()));
    for levels in [4, 10] {
        assert_eq!(counted(&circle(levels)), Err(Rejected::Introspection));
    }
    let repeated = format!("{{ __schema {{ types {{ fields {{ {} }} }} }} }}", "name ".repeat(500));
    assert_eq!(counted(&repeated), Err(Rejected::Introspection));
}

#[test]
fn an_input_object_has_each_field_once() {
    let twice = |text: &str| counted(text) == Err(Rejected::InputFieldTwice("a".to_owned()));
    assert!(twice("{ f(x: {a: 1, b: 2, a: 3}) }"));
    assert!(twice("query($x: I = {a: 1 # :\n a : 2}) { f }"));
    assert!(twice("{ f(x: [{b: {a: 1 a: 1}}]) }"));
    for once in [
        "{ f(x: {a: 1, b: {a: 2}}) }",
        "{ f(x: [{a: 1}, {a: 2}], y: {a: 3}) }",
        "{ a: f a: f(x: 1) b: f { a: g } }",
        "{ f(x: {a: \"a: {a: \", b: $a, c: [a a]}) }",
        "query($a: I, $b: I) { f(x: {a: $a, b: $b}) }",
    ] {
        assert_eq!(counted(once), Ok(()), "{once}");
    }
}

#[test]
fn json_is_scanned_before_it_is_parsed() {
    let json = |text: &str| scan::json(&QueryLimits::default(), text.as_bytes());
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(json(&nested(32)), Ok(()));
    assert_eq!(json(&nested(33)), Err(Rejected::ValuesNesting(32)));
    assert_eq!(json(&"{\"a\":".repeat(100_000)), Err(Rejected::ValuesNesting(32)));
    assert_eq!(json(&format!("[{}1]", "1,".repeat(10_000))), Err(Rejected::Values(10_000)));
    assert_eq!(json(&format!("{{\"a\": \"\\\"{}\"}}", "[,".repeat(20_000))), Ok(()));
    assert_eq!(json("\"\\"), Ok(()));
}

#[test]
fn the_longest_scan_is_short() {
    let worst = r#""\\"""" "#.repeat(MAX_BYTES / 8);
    for document in [worst, "\\\"\"\"".repeat(MAX_BYTES / 4), "#\n".repeat(MAX_BYTES / 2)] {
        let start = Instant::now();
        let _ = check(&document);
        assert!(start.elapsed() < Duration::from_millis(100));
    }
}

const INTROSPECTION: &str = r#"
query IntrospectionQuery {
  __schema {
    description
    queryType { name kind }
    mutationType { name kind }
    subscriptionType { name kind }
    types { ...FullType }
    directives {
      name
      description
      isRepeatable
      locations
      args(includeDeprecated: true) { ...InputValue }
    }
  }
}
fragment FullType on __Type {
  kind
  name
  description
  specifiedByURL
  isOneOf
  fields(includeDeprecated: true) {
    name
    description
    args(includeDeprecated: true) { ...InputValue }
    type { ...TypeRef }
    isDeprecated
    deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue {
  name
  description
  type { ...TypeRef }
  defaultValue
  isDeprecated
  deprecationReason
}
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
  } } } } }
}
"#;
