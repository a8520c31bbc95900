//! Documents that would hurt the process, and documents that people send.

use std::time::{Duration, Instant};

use async_graphql::parser::parse_query;

use super::*;

fn counted(document: &str) -> Result<(), Rejected> {
    check(document)?;
    count(&parse_query(document).unwrap())
}

#[test]
fn brackets_end_at_the_limit() {
    for levels in [2_000, 30_000] {
        for (open, close) in [("[", "]"), ("{a:", "}")] {
            let document = format!("{{ping(x:{}{})}}", open.repeat(levels), close.repeat(levels));
            let expected =
                if document.len() > MAX_BYTES { Rejected::Bytes } else { Rejected::Nesting };
            assert_eq!(check(&document), Err(expected));
        }
    }
    assert_eq!(check(&"[".repeat(100_000)), Err(Rejected::Bytes));
    let within = format!("{{ping(x:{}{})}}", "[".repeat(46), "]".repeat(46));
    assert_eq!(counted(&within), Ok(()));
    let beyond = format!("{{ping(x:{}{})}}", "[".repeat(47), "]".repeat(47));
    assert_eq!(check(&beyond), Err(Rejected::Nesting));
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
        assert_eq!(check(&hidden), Err(Rejected::Nesting), "{hidden}");
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
    assert_eq!(counted(&document), Err(Rejected::Selections));
    assert!(start.elapsed() < Duration::from_millis(200));
}

#[test]
fn an_unused_bomb_and_a_long_chain_are_refused() {
    let mut chain = String::from("{ ping }");
    for level in 0..400 {
        chain += &format!(" fragment f{level} on Query {{ ...f{} }}", level + 1);
    }
    assert_eq!(counted(&chain), Err(Rejected::Nesting));
    let wide = (0..30).map(|_| "...g ").collect::<String>();
    let wider = (0..30).map(|_| "...h ").collect::<String>();
    let fields = "ping ".repeat(30);
    let bomb = format!(
        "{{ping}} fragment f on Query{{{wide}}} fragment g on Query{{{wider}}} fragment h on Query{{{fields}}}"
    );
    assert_eq!(counted(&bomb), Err(Rejected::Selections));
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
    assert_eq!(counted(&format!("{{ {} }}", aliases(30))), Ok(()));
    assert_eq!(counted(&format!("{{ {} }}", aliases(31))), Err(Rejected::Aliases));
    let spread = format!("{{ ...f ...f }} fragment f on Query {{ {} }}", aliases(16));
    assert_eq!(counted(&spread), Err(Rejected::Aliases));
    let directives = "@skip(if: false) ".repeat(31);
    assert_eq!(counted(&format!("{{ ping {directives} }}")), Err(Rejected::Directives));
    assert_eq!(check(&format!("{{ {} }}", "p ".repeat(3_998))), Ok(()));
    assert_eq!(check(&format!("{{ {} }}", "p ".repeat(3_999))), Err(Rejected::Tokens));
    assert_eq!(check(&format!("{{ ping }}{}", ", \t".repeat(20_000))), Ok(()));
}

#[test]
fn the_introspection_query_of_graphiql_passes() {
    assert_eq!(counted(INTROSPECTION), Ok(()));
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
