//! Fields of one response name are merged into one, so they have to be the same.
//!
//! First, all of them have the same shape, whatever object they belong to. Second, those that
//! can be met on one object are the same field with the same arguments. Each selection is
//! looked at once for its level, so the work grows with the expanded selections alone.

use std::collections::{BTreeMap, HashSet};

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::registry::{MetaField, MetaType, MetaTypeName, Registry};
use async_graphql::{Positioned, ServerError};

/// Fields that are looked at in one document; interfaces in each other could ask for more.
const MOST: usize = 50_000;

pub struct Merge<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    looked_at: usize,
}

#[derive(Clone, Copy)]
struct Picked<'a> {
    parent: Option<&'a MetaType>,
    field: &'a Positioned<Field>,
    definition: Option<&'a MetaField>,
}

type ByName<'a> = BTreeMap<&'a str, Vec<Picked<'a>>>;

impl<'a> Merge<'a> {
    pub fn new(registry: &'a Registry, document: &'a ExecutableDocument) -> Self {
        Self { registry, document, looked_at: 0 }
    }

    /// The first thing that is wrong.
    pub fn check(
        &mut self,
        set: &'a SelectionSet,
        root: Option<&'a MetaType>,
    ) -> Option<ServerError> {
        let mut fields = Vec::new();
        self.pick(set, root, &mut HashSet::new(), &mut fields);
        self.shapes(&fields).and_then(|()| self.objects(&fields)).err()
    }

    fn pick(
        &self,
        set: &'a SelectionSet,
        parent: Option<&'a MetaType>,
        seen: &mut HashSet<&'a str>,
        picked: &mut Vec<Picked<'a>>,
    ) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let name = &field.node.name.node;
                    let definition = parent.and_then(|parent| parent.field_by_name(name));
                    picked.push(Picked { parent, field, definition });
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref();
                    let on = on.map(|on| on.node.on.node.as_str());
                    let parent = on.map_or(parent, |on| self.registry.types.get(on));
                    self.pick(&inline.node.selection_set.node, parent, seen, picked);
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let Some(fragment) = self.document.fragments.get(name) else { continue };
                    if seen.insert(name) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        let parent = self.registry.types.get(on);
                        self.pick(&fragment.node.selection_set.node, parent, seen, picked);
                    }
                }
            }
        }
    }

    fn below(&mut self, fields: &[Picked<'a>]) -> Result<Vec<Picked<'a>>, ServerError> {
        let (mut below, mut seen) = (Vec::new(), HashSet::new());
        for one in fields {
            let ty = one.definition.map(|field| MetaTypeName::concrete_typename(&field.ty));
            let ty = ty.and_then(|ty| self.registry.types.get(ty));
            self.pick(&one.field.node.selection_set.node, ty, &mut seen, &mut below);
        }
        self.looked_at += below.len();
        match self.looked_at > MOST {
            true => Err(ServerError::new("Too many fields have to be merged.", None)),
            false => Ok(below),
        }
    }

    fn shapes(&mut self, fields: &[Picked<'a>]) -> Result<(), ServerError> {
        for (name, group) in by_name(fields) {
            let first = group[0];
            if let Some(other) = group.iter().find(|one| !self.same_shape(&first, one)) {
                return Err(conflict(name, "they have different types", (&first, other)));
            }
            let below = self.below(&group)?;
            self.shapes(&below)?;
        }
        Ok(())
    }

    fn objects(&mut self, fields: &[Picked<'a>]) -> Result<(), ServerError> {
        for (name, group) in by_name(fields) {
            for group in on_one_object(&group) {
                let first = group[0];
                for other in &group[1..] {
                    if first.field.node.name.node != other.field.node.name.node {
                        return Err(conflict(name, "they are different fields", (&first, other)));
                    }
                    if !same_arguments(&first.field.node, &other.field.node) {
                        let reason = "they have different arguments";
                        return Err(conflict(name, reason, (&first, other)));
                    }
                }
                let below = self.below(&group)?;
                self.objects(&below)?;
            }
        }
        Ok(())
    }

    fn same_shape(&self, one: &Picked<'_>, other: &Picked<'_>) -> bool {
        let types = type_of(one).zip(type_of(other));
        types.is_none_or(|(one, other)| self.same_type(one, other))
    }

    fn same_type(&self, one: &str, other: &str) -> bool {
        match (MetaTypeName::create(one), MetaTypeName::create(other)) {
            (MetaTypeName::NonNull(one), MetaTypeName::NonNull(other))
            | (MetaTypeName::List(one), MetaTypeName::List(other)) => self.same_type(one, other),
            (MetaTypeName::Named(one), MetaTypeName::Named(other)) => {
                let is_leaf = |name| self.registry.types.get(name).is_none_or(MetaType::is_leaf);
                one == other || !is_leaf(one) && !is_leaf(other)
            }
            _ => false,
        }
    }
}

/// None for a field that does not exist; the library says so.
fn type_of<'a>(picked: &Picked<'a>) -> Option<&'a str> {
    match picked.field.node.name.node == "__typename" {
        true => Some("String!"),
        false => picked.definition.map(|field| field.ty.as_str()),
    }
}

fn by_name<'a>(fields: &[Picked<'a>]) -> ByName<'a> {
    let mut groups = ByName::new();
    for field in fields {
        groups.entry(field.field.node.response_key().node.as_str()).or_default().push(*field);
    }
    groups
}

/// For each object type its fields, and those of interfaces that it may implement.
fn on_one_object<'a>(fields: &[Picked<'a>]) -> Vec<Vec<Picked<'a>>> {
    let object = |field: &Picked<'a>| {
        field.parent.filter(|parent| !parent.is_abstract()).map(MetaType::name)
    };
    let objects: HashSet<_> = fields.iter().filter_map(object).collect();
    if objects.len() < 2 {
        return vec![fields.to_vec()];
    }
    let of = |name| fields.iter().filter(move |one| object(one).is_none_or(|own| own == name));
    objects.into_iter().map(|name| of(name).copied().collect()).collect()
}

fn same_arguments(one: &Field, other: &Field) -> bool {
    one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|(name, value)| {
            other.get_argument(&name.node).is_some_and(|other| other.node == value.node)
        })
}

fn conflict(name: &str, reason: &str, (one, other): (&Picked<'_>, &Picked<'_>)) -> ServerError {
    let message = format!("Fields \"{name}\" conflict: {reason}. Give them aliases.");
    let mut error = ServerError::new(message, Some(one.field.pos));
    error.locations.push(other.field.pos);
    error
}

/// Of a selection set with its fragments, without what is below its fields.
pub fn response_names<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
) -> HashSet<&'a str> {
    let (mut names, mut seen, mut waiting) = (HashSet::new(), HashSet::new(), vec![set]);
    while let Some(set) = waiting.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    names.insert(field.node.response_key().node.as_str());
                }
                Selection::InlineFragment(inline) => waiting.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = document.fragments.get(name)
                        && seen.insert(name)
                    {
                        waiting.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    names
}
