//! What a document asks for once its fragments are expanded. Each fragment is counted once, so
//! the work is linear where the validation's own walk doubles with every level.

use std::collections::HashMap;

use async_graphql::Positioned;
use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use service::config::QueryLimits;

use super::{Rejected, SENSITIVE};

/// Of every operation, and of fragments that none of them uses.
pub fn document(limits: &QueryLimits, document: &ExecutableDocument) -> Result<(), Rejected> {
    let mut counter = Counter { limits, document, fragments: HashMap::new() };
    let mut total = Size::default();
    for (_, operation) in document.operations.iter() {
        let size = counter.operation(&operation.node)?;
        if size.fields > limits.root_fields {
            return Err(Rejected::RootFields(limits.root_fields));
        }
        total.add(size);
        total.within(limits)?;
    }
    if total.sensitive > 1 {
        return Err(Rejected::Sensitive);
    }
    for name in document.fragments.keys() {
        counter.fragment(name, 1)?;
    }
    Ok(())
}

/// Of one selection set, or of one selection in it.
#[derive(Clone, Copy, Default)]
struct Size {
    selections: usize,
    aliases: usize,
    directives: usize,
    height: usize,
    /// Of the set itself: without those below its fields.
    fields: usize,
    /// Those of them that try a secret or move money.
    sensitive: usize,
    /// What it comes to as a part of an introspection.
    introspection: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.selections += other.selections;
        self.aliases += other.aliases;
        self.directives += other.directives;
        self.height = self.height.max(other.height);
        self.fields += other.fields;
        self.sensitive += other.sensitive;
        self.introspection = self.introspection.saturating_add(other.introspection);
    }

    /// Called after every addition of parts that are themselves within the limits, so that
    /// the sums stay small.
    fn within(&self, limits: &QueryLimits) -> Result<(), Rejected> {
        match self {
            size if size.selections > limits.selections => {
                Err(Rejected::Selections(limits.selections))
            }
            size if size.aliases > limits.aliases => Err(Rejected::Aliases(limits.aliases)),
            size if size.directives > limits.directives => {
                Err(Rejected::Directives(limits.directives))
            }
            size if size.height > limits.nesting => Err(Rejected::Nesting(limits.nesting)),
            _ => Ok(()),
        }
    }
}

struct Counter<'a> {
    limits: &'a QueryLimits,
    document: &'a ExecutableDocument,
    /// `None` while a fragment is being counted: meeting it again is a cycle.
    fragments: HashMap<&'a str, Option<Size>>,
}

impl<'a> Counter<'a> {
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Size, Rejected> {
        let mut size = self.set(&operation.selection_set.node, 1)?;
        size.directives += operation.directives.len();
        for variable in &operation.variable_definitions {
            size.directives += variable.node.directives.len();
        }
        Ok(size)
    }

    fn set(&mut self, set: &'a SelectionSet, depth: usize) -> Result<Size, Rejected> {
        if depth > self.limits.nesting {
            return Err(Rejected::Nesting(self.limits.nesting));
        }
        let mut total = Size::default();
        for selection in &set.items {
            total.add(self.selection(&selection.node, depth)?);
            total.within(self.limits)?;
        }
        total.height += usize::from(!set.items.is_empty());
        total.within(self.limits)?;
        Ok(total)
    }

    fn selection(&mut self, selection: &'a Selection, depth: usize) -> Result<Size, Rejected> {
        let mut size = match selection {
            Selection::Field(field) => self.field(&field.node, depth)?,
            Selection::InlineFragment(inline) => {
                self.set(&inline.node.selection_set.node, depth + 1)?
            }
            Selection::FragmentSpread(spread) => {
                self.fragment(&spread.node.fragment_name.node, depth + 1)?
            }
        };
        size.selections += 1;
        size.directives += directives(selection).len();
        Ok(size)
    }

    fn field(&mut self, field: &'a Field, depth: usize) -> Result<Size, Rejected> {
        let mut size = self.set(&field.selection_set.node, depth + 1)?;
        let name = field.name.node.as_str();
        size.aliases += usize::from(field.alias.is_some());
        size.fields = 1;
        size.sensitive = usize::from(SENSITIVE.contains(&name));
        size.introspection = size.introspection.saturating_mul(items(name)).saturating_add(1);
        let introspects = matches!(name, "__schema" | "__type");
        if introspects && size.introspection > self.limits.introspection {
            return Err(Rejected::Introspection);
        }
        Ok(size)
    }

    /// A fragment that the document lacks counts nothing; the validation names it.
    fn fragment(&mut self, name: &'a str, depth: usize) -> Result<Size, Rejected> {
        match self.fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Rejected::FragmentCycle),
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size::default());
        };
        self.fragments.insert(name, None);
        let mut size = self.set(&fragment.node.selection_set.node, depth)?;
        size.directives += fragment.node.directives.len();
        self.fragments.insert(name, Some(size));
        Ok(size)
    }
}

/// How many items the lists of an introspection have, about: the schema's types refer to each
/// other, so a document of a few levels asks for millions.
fn items(field: &str) -> usize {
    match field {
        "types" => 150,
        "fields" => 15,
        "inputFields" | "enumValues" => 6,
        "directives" | "args" | "possibleTypes" => 4,
        "interfaces" => 2,
        _ => 1,
    }
}

fn directives(selection: &Selection) -> &[Positioned<Directive>] {
    match selection {
        Selection::Field(field) => &field.node.directives,
        Selection::FragmentSpread(spread) => &spread.node.directives,
        Selection::InlineFragment(inline) => &inline.node.directives,
    }
}
