//! What the specification asks of a document and the library's validation overlooks: directives
//! and `__typename`, literals and variables of another type, fields that cannot be merged.
//!
//! `make conformance` compares both together with npm graphql.

mod merge;
mod value;

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet, VariableDefinition,
};
use async_graphql::registry::{__DirectiveLocation as Place, MetaType, MetaTypeName, Registry};
use async_graphql::{Pos, Positioned, ServerError};
use async_graphql_value::Value;

use value::Usage;

/// What is wrong with it; nothing that the library's validation has said already is needed.
/// The document has been admitted, so its fragments are no cycle.
pub fn broken(registry: &Registry, document: &ExecutableDocument) -> Vec<ServerError> {
    let mut rules = Rules { registry, document, errors: Vec::new(), scope: Scope::default() };
    let mut fragments = HashMap::new();
    for (name, fragment) in &document.fragments {
        let parent = registry.types.get(fragment.node.type_condition.node.on.node.as_str());
        rules.directives(&fragment.node.directives, Place::FRAGMENT_DEFINITION);
        rules.set(&fragment.node.selection_set.node, parent);
        fragments.insert(name.as_str(), std::mem::take(&mut rules.scope));
    }
    for (_, operation) in document.operations.iter() {
        rules.operation(&operation.node, &fragments);
    }
    rules.errors
}

/// What one operation or one fragment uses by itself.
#[derive(Default)]
struct Scope<'a> {
    variables: Vec<Usage<'a>>,
    spreads: Vec<&'a str>,
}

struct Rules<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    errors: Vec<ServerError>,
    scope: Scope<'a>,
}

impl<'a> Rules<'a> {
    fn report(&mut self, message: impl Into<String>, pos: Pos) {
        self.errors.push(ServerError::new(message, Some(pos)));
    }

    fn operation(
        &mut self,
        operation: &'a OperationDefinition,
        fragments: &HashMap<&str, Scope<'a>>,
    ) {
        let (root, place) = match operation.ty {
            OperationType::Query => (Some(&self.registry.query_type), Place::QUERY),
            OperationType::Mutation => (self.registry.mutation_type.as_ref(), Place::MUTATION),
            OperationType::Subscription => {
                (self.registry.subscription_type.as_ref(), Place::SUBSCRIPTION)
            }
        };
        let root = root.and_then(|name| self.registry.types.get(name));
        self.directives(&operation.directives, place);
        for definition in &operation.variable_definitions {
            self.directives(&definition.node.directives, Place::VARIABLE_DEFINITION);
            self.default(&definition.node);
        }
        let set = &operation.selection_set.node;
        self.set(set, root);
        let own = std::mem::take(&mut self.scope);
        let used = reachable(&own, fragments);
        for usage in &used {
            self.usage(usage, &operation.variable_definitions);
        }
        for definition in &operation.variable_definitions {
            let name = &definition.node.name.node;
            if !used.iter().any(|usage| usage.name == name) {
                self.report(format!("Variable \"${name}\" is not used."), definition.pos);
            }
        }
        let merged = merge::Merge::new(self.registry, self.document).check(set, root);
        self.errors.extend(merged);
        if operation.ty == OperationType::Subscription {
            let pos = operation.selection_set.pos;
            let names = merge::response_names(self.document, set);
            if names.len() > 1 {
                self.report("A subscription has one root field.", pos);
            }
            if depends_on_variable(set) {
                self.report("Whether a subscription has its field depends on no variable.", pos);
            }
        }
    }

    fn set(&mut self, set: &'a SelectionSet, parent: Option<&'a MetaType>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => self.field(field, parent),
                Selection::InlineFragment(inline) => {
                    let inline = &inline.node;
                    self.directives(&inline.directives, Place::INLINE_FRAGMENT);
                    let on = inline.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    let parent = on.map_or(parent, |on| self.registry.types.get(on));
                    self.set(&inline.selection_set.node, parent);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives, Place::FRAGMENT_SPREAD);
                    self.scope.spreads.push(&spread.node.fragment_name.node);
                }
            }
        }
    }

    fn field(&mut self, field: &'a Positioned<Field>, parent: Option<&'a MetaType>) {
        let (field, pos) = (&field.node, field.pos);
        self.directives(&field.directives, Place::FIELD);
        if field.name.node == "__typename" {
            if !field.arguments.is_empty() || !field.selection_set.node.items.is_empty() {
                self.report("__typename has no arguments and no fields.", pos);
            }
            return;
        }
        let definition = parent.and_then(|parent| parent.field_by_name(&field.name.node));
        let Some(definition) = definition else { return };
        for (name, value) in &field.arguments {
            if let Some(argument) = definition.args.get(name.node.as_str()) {
                self.value(value, &argument.ty, argument.default_value.is_some());
            }
        }
        let ty = self.registry.types.get(MetaTypeName::concrete_typename(&definition.ty));
        self.set(&field.selection_set.node, ty);
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>], place: Place) {
        let mut seen = HashSet::new();
        for directive in directives {
            let (name, pos) = (directive.node.name.node.as_str(), directive.pos);
            let Some(definition) = self.registry.directives.get(name) else {
                self.report(format!(r#"Unknown directive "{name}""#), pos);
                continue;
            };
            if !definition.locations.contains(&place) {
                self.report(format!(r#"Directive "{name}" may not be used here."#), pos);
            }
            if !seen.insert(name) && !definition.is_repeatable {
                self.report(format!(r#"Directive "{name}" is given twice."#), pos);
            }
            let mut given = HashSet::new();
            for (argument, value) in &directive.node.arguments {
                let argument = argument.node.as_str();
                match definition.args.get(argument) {
                    Some(known) if given.insert(argument) => {
                        self.value(value, &known.ty, known.default_value.is_some());
                    }
                    Some(_) => self.report(format!("Argument \"{argument}\" is given twice."), pos),
                    None => self.report(format!("Unknown argument \"{argument}\"."), pos),
                }
            }
            for argument in definition.args.values() {
                let required = argument.ty.ends_with('!') && argument.default_value.is_none();
                if required && !given.contains(argument.name.as_str()) {
                    let missing = &argument.name;
                    self.report(format!(r#"Directive "{name}" needs "{missing}"."#), pos);
                }
            }
        }
    }

    fn default(&mut self, definition: &VariableDefinition) {
        if let Some(default) = &definition.default_value {
            let literal = default.node.clone().into_value();
            let ty = definition.var_type.node.to_string();
            if let Err(problem) = value::fits(self.registry, &literal, &ty) {
                self.report(problem, default.pos);
            }
        }
    }

    fn value(&mut self, value: &'a Positioned<Value>, ty: &'a str, has_default: bool) {
        if let Err(problem) = value::fits(self.registry, &value.node, ty) {
            self.report(problem, value.pos);
        }
        let usage = Usage { name: "", ty, is_one_of: false, has_default, pos: value.pos };
        value::usages(self.registry, &value.node, usage, &mut self.scope.variables);
    }

    fn usage(&mut self, usage: &Usage<'_>, definitions: &[Positioned<VariableDefinition>]) {
        let definition = definitions.iter().find(|known| known.node.name.node == usage.name);
        match definition {
            None => self.report(format!("Variable \"${}\" is not defined.", usage.name), usage.pos),
            Some(definition) if !usage.allows(&definition.node) => {
                let message = format!(
                    r#"Variable "${}" of type "{}" is used where "{}" is expected."#,
                    usage.name, definition.node.var_type.node, usage.ty
                );
                self.report(message, usage.pos);
            }
            Some(_) => {}
        }
    }
}

/// Its own variables, and those of the fragments that it spreads.
fn reachable<'s, 'a>(
    own: &'s Scope<'a>,
    fragments: &'s HashMap<&str, Scope<'a>>,
) -> Vec<&'s Usage<'a>> {
    let (mut found, mut seen, mut waiting) = (Vec::new(), HashSet::new(), vec![own]);
    while let Some(scope) = waiting.pop() {
        found.extend(&scope.variables);
        let new = scope.spreads.iter().filter(|name| seen.insert(**name));
        waiting.extend(new.filter_map(|name| fragments.get(name)));
    }
    found
}

fn depends_on_variable(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| {
        let directives = selection.node.directives();
        let mut values = directives.iter().flat_map(|directive| &directive.node.arguments);
        values.any(|(_, value)| matches!(value.node, Value::Variable(_)))
    })
}
