//! Variables that a request may leave out and does: what they stand for is left out too. The library would fail where they
//! are used.

use std::collections::HashSet;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Request};
use async_graphql_value::Value;

use super::guard;

/// The document as if it did not know them. None where nothing is left out, or where it is no document.
pub fn left_out(request: &mut Request) -> Option<ExecutableDocument> {
    let given: HashSet<Name> = request.variables.keys().cloned().collect();
    let name = request.operation_name.clone();
    let document = request.parsed_query().ok()?;
    let absent = absent(guard::operation(document, name.as_deref())?, &given);
    if absent.is_empty() {
        return None;
    }
    let mut document = document.clone();
    for operation in operations(&mut document) {
        operation.variable_definitions.retain(|it| !absent.contains(&it.node.name.node));
        absent.clean_directives(&mut operation.directives);
        absent.clean(&mut operation.selection_set.node);
    }
    for fragment in document.fragments.values_mut() {
        absent.clean_directives(&mut fragment.node.directives);
        absent.clean(&mut fragment.node.selection_set.node);
    }
    Some(document)
}

struct Absent(HashSet<Name>);

fn absent(operation: &OperationDefinition, given: &HashSet<Name>) -> Absent {
    let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
    let absent = definitions.filter(|definition| {
        let may_be = definition.var_type.node.nullable && definition.default_value.is_none();
        may_be && !given.contains(&definition.name.node)
    });
    Absent(absent.map(|definition| definition.name.node.clone()).collect())
}

fn operations(document: &mut ExecutableDocument) -> impl Iterator<Item = &mut OperationDefinition> {
    use async_graphql::parser::types::DocumentOperations::{Multiple, Single};
    let (one, many) = match &mut document.operations {
        Single(operation) => (Some(&mut operation.node), None),
        Multiple(operations) => (None, Some(operations.values_mut().map(|it| &mut it.node))),
    };
    one.into_iter().chain(many.into_iter().flatten())
}

impl Absent {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn contains(&self, name: &Name) -> bool {
        self.0.contains(name)
    }

    fn clean(&self, set: &mut SelectionSet) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => {
                    self.clean_arguments(&mut field.node.arguments);
                    self.clean_directives(&mut field.node.directives);
                    self.clean(&mut field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => {
                    self.clean_directives(&mut inline.node.directives);
                    self.clean(&mut inline.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    self.clean_directives(&mut spread.node.directives);
                }
            }
        }
    }

    fn clean_directives(&self, directives: &mut [Positioned<Directive>]) {
        for directive in directives {
            self.clean_arguments(&mut directive.node.arguments);
        }
    }

    fn clean_arguments(&self, arguments: &mut Vec<(Positioned<Name>, Positioned<Value>)>) {
        arguments.retain(|(_, value)| !self.is(&value.node));
        for (_, value) in arguments {
            self.clean_value(&mut value.node);
        }
    }

    fn clean_value(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|_, value| !self.is(value));
                fields.values_mut().for_each(|value| self.clean_value(value));
            }
            Value::List(items) => {
                for item in items {
                    if self.is(item) {
                        *item = Value::Null;
                    }
                    self.clean_value(item);
                }
            }
            _ => {}
        }
    }

    fn is(&self, value: &Value) -> bool {
        matches!(value, Value::Variable(name) if self.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Variables, parser::parse_query};
    use serde_json::json;

    use super::*;

    fn cleaned(query: &str, variables: serde_json::Value) -> Option<ExecutableDocument> {
        left_out(&mut Request::new(query).variables(Variables::from_json(variables)))
    }

    #[test]
    fn what_is_absent_is_left_out_wherever_it_stands() {
        let query = "query A($a: Int, $b: Int, $c: Int = 1, $d: Int!) {
            x(a: $a, b: $b, c: $c, d: $d, o: {a: $a, b: [$a, $b]}) { ...F } } fragment F on X { y(a: $a) }";
        let document = cleaned(query, json!({"b": 2, "d": 4})).unwrap();
        let expected = "query A($b: Int, $c: Int = 1, $d: Int!) {
            x(b: $b, c: $c, d: $d, o: {b: [null, $b]}) { ...F } } fragment F on X { y }";
        let without_places = |document: &ExecutableDocument| {
            let text = format!("{document:?}");
            let parts = text.split("Pos(").map(|part| part.split_once(')').map_or(part, |it| it.1));
            parts.collect::<String>()
        };
        assert_eq!(without_places(&document), without_places(&parse_query(expected).unwrap()));
    }

    #[test]
    fn what_is_all_there_is_not_touched() {
        assert!(cleaned("query A($a: Int) { x(a: $a) }", json!({"a": null})).is_none());
        assert!(cleaned("{ x }", json!({})).is_none());
        assert!(cleaned("{ x(", json!({})).is_none());
    }
}
