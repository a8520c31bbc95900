//! A subscription without what equal ones may differ in: white space, comments, order, and where it starts.

use std::collections::{BTreeSet, HashMap};

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition,
    Selection, SelectionSet, VariableDefinition,
};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::Value;
use serde_json::json;

/// The root field's argument that says where a client's stream starts.
const START: &str = "after";

/// What a group executes, and a text that is the same for equal ones and for no others.
pub struct Standing {
    pub document: ExecutableDocument,
    pub variables: Variables,
    pub text: String,
}

impl Standing {
    /// None unless there is exactly one root field, in plain sight.
    pub fn of(
        document: &ExecutableDocument,
        name: Option<&str>,
        variables: &Variables,
    ) -> Option<Self> {
        let mut document = document.clone();
        let (name, operation) = chosen(&mut document.operations, name)?;
        let [root] = &mut operation.selection_set.node.items[..] else { return None };
        let Selection::Field(root) = &mut root.node else { return None };
        root.node.arguments.retain(|(argument, _)| argument.node != START);

        let mut printer = Printer::of(&document.fragments);
        printer.operation(operation);
        let (mut text, used) = (name + &printer.out, printer.used);
        let used: BTreeSet<Name> = used.into_iter().map(Name::new).collect();
        // A variable that is defined and not used would not pass validation.
        operation.variable_definitions.retain(|variable| used.contains(&variable.node.name.node));
        let mut variables = variables.clone();
        variables.retain(|name, _| used.contains(name));

        let mut printer = Printer::of(&document.fragments);
        printer.variables(&operation.variable_definitions, &variables);
        text += &printer.out;
        Some(Self { document, variables, text })
    }
}

/// The operation that a request means, with its name.
fn chosen<'a>(
    operations: &'a mut DocumentOperations,
    name: Option<&str>,
) -> Option<(String, &'a mut OperationDefinition)> {
    let operations = match operations {
        DocumentOperations::Single(operation) => {
            return name.is_none().then(|| (String::new(), &mut operation.node));
        }
        DocumentOperations::Multiple(operations) => operations,
    };
    let only = operations.len() == 1;
    let mut meant = operations.iter_mut().filter(|(own, _)| match name {
        Some(name) => own.as_str() == name,
        None => only,
    });
    meant.next().map(|(own, operation)| (own.to_string(), &mut operation.node))
}

/// Writes what an operation asks for. What may stand in any order is written in one.
struct Printer<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    used: BTreeSet<&'a str>,
    spread: BTreeSet<&'a str>,
    out: String,
}

impl<'a> Printer<'a> {
    fn of(fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>) -> Self {
        Self { fragments, used: BTreeSet::new(), spread: BTreeSet::new(), out: String::new() }
    }

    fn add(&mut self, parts: &[&str]) {
        self.out.extend(parts.iter().copied());
    }

    /// With the fragments that it reaches.
    fn operation(&mut self, operation: &'a OperationDefinition) {
        self.directives(&operation.directives);
        self.set(&operation.selection_set.node);
        let mut written = BTreeSet::new();
        while let Some(name) = self.spread.difference(&written).next().copied() {
            written.insert(name);
            let Some(fragment) = self.fragments.get(name) else { continue };
            self.add(&["fragment ", name, " on ", &fragment.node.type_condition.node.on.node]);
            self.directives(&fragment.node.directives);
            self.set(&fragment.node.selection_set.node);
        }
    }

    fn set(&mut self, set: &'a SelectionSet) {
        self.add(&["{"]);
        for selection in &set.items {
            self.selection(&selection.node);
            self.add(&[" "]);
        }
        self.add(&["}"]);
    }

    fn selection(&mut self, selection: &'a Selection) {
        match selection {
            Selection::Field(field) => {
                let field = &field.node;
                if let Some(alias) = &field.alias {
                    self.add(&[&alias.node, ":"]);
                }
                self.add(&[&field.name.node]);
                self.arguments(&field.arguments);
                self.directives(&field.directives);
                if !field.selection_set.node.items.is_empty() {
                    self.set(&field.selection_set.node);
                }
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                self.spread.insert(name);
                self.add(&["...", name]);
                self.directives(&spread.node.directives);
            }
            Selection::InlineFragment(inline) => {
                let condition = inline.node.type_condition.as_ref();
                let on = condition.map_or("", |condition| condition.node.on.node.as_str());
                self.add(&["... on ", on]);
                self.directives(&inline.node.directives);
                self.set(&inline.node.selection_set.node);
            }
        }
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) {
        for directive in directives {
            self.add(&["@", &directive.node.name.node]);
            self.arguments(&directive.node.arguments);
        }
    }

    fn arguments(&mut self, arguments: &'a [(Positioned<Name>, Positioned<Value>)]) {
        let mut arguments: Vec<_> =
            arguments.iter().map(|(name, value)| (&name.node, &value.node)).collect();
        arguments.sort_by_key(|(name, _)| *name);
        self.add(&["("]);
        for (name, value) in arguments {
            self.used.extend(variables_in(value));
            self.add(&[name, ":", &written(value), " "]);
        }
        self.add(&[")"]);
    }

    /// The definitions of the variables that are used, and their values.
    fn variables(&mut self, definitions: &'a [Positioned<VariableDefinition>], given: &Variables) {
        let mut definitions: Vec<_> =
            definitions.iter().map(|definition| &definition.node).collect();
        definitions.sort_by_key(|definition| &definition.name.node);
        for definition in definitions {
            let name = &definition.name.node;
            self.add(&["$", name, ":", &definition.var_type.node.to_string()]);
            if let Some(default) = &definition.default_value {
                self.add(&["=", &written(&default.node.clone().into_value())]);
            }
            self.directives(&definition.directives);
            if let Some(value) = given.get(name) {
                self.add(&[" is ", &written(&value.clone().into_value())]);
            }
            self.add(&["\n"]);
        }
    }
}

fn variables_in(value: &Value) -> Vec<&str> {
    match value {
        Value::Variable(name) => vec![name],
        Value::List(items) => items.iter().flat_map(variables_in).collect(),
        Value::Object(fields) => fields.values().flat_map(variables_in).collect(),
        _ => Vec::new(),
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => json!(text).to_string(),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(written).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", json!(name.as_str()), written(value)))
                .collect();
            fields.sort_unstable();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
