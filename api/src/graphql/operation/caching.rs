//! For how long an answer may be kept, and by whom: as the fields that it asks for declare it.

use async_graphql::CacheControl;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::registry::{MetaType, MetaTypeName, Registry};

/// A day, also of what never changes.
const LONGEST: u32 = 86_400;

/// In seconds, for all who ask the same under the same name. None: nobody may keep it.
///
/// A field says so itself or its type does; a leaf is kept as long as the object that it is of. An object that neither says
/// anything of keeps the whole answer from being kept, so that what depends on the viewer cannot be forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caching(pub Option<u32>);

impl Caching {
    /// Of a document that has passed the guard: its fragments do not explode.
    pub fn of(registry: &Registry, document: &ExecutableDocument) -> Self {
        let walk = Walk { registry, document };
        let ages = document.operations.iter().map(|(_, operation)| {
            let set = &operation.node.selection_set.node;
            walk.set(set, &registry.query_type, None)
        });
        Self(ages.min().flatten().map(|age| age.min(LONGEST)))
    }
}

struct Walk<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
}

/// None is less than any age.
type Age = Option<u32>;

impl Walk<'_> {
    fn set(&self, set: &SelectionSet, parent: &str, inherited: Age) -> Age {
        let ages = set.items.iter().map(|selection| match &selection.node {
            Selection::Field(field) => {
                let set = &field.node.selection_set.node;
                self.field(field.node.name.node.as_str(), set, parent, inherited)
            }
            Selection::InlineFragment(inline) => {
                let condition = inline.node.type_condition.as_ref();
                let parent = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                self.set(&inline.node.selection_set.node, parent, inherited)
            }
            Selection::FragmentSpread(spread) => {
                let fragment = self.document.fragments.get(&spread.node.fragment_name.node)?;
                let parent = fragment.node.type_condition.node.on.node.as_str();
                self.set(&fragment.node.selection_set.node, parent, inherited)
            }
        });
        ages.min().flatten()
    }

    fn field(&self, name: &str, set: &SelectionSet, parent: &str, inherited: Age) -> Age {
        if name == "__typename" {
            return inherited.or(Some(u32::MAX));
        }
        let field = self.registry.types.get(parent)?.field_by_name(name)?;
        let kind = MetaTypeName::concrete_typename(&field.ty);
        let of_type = match self.registry.types.get(kind)? {
            MetaType::Object { cache_control, .. } => declared(*cache_control),
            _ => Some(None),
        };
        let is_leaf = set.items.is_empty();
        let said = declared(field.cache_control)?.or(of_type?);
        let age = said.or(inherited.filter(|_| is_leaf))?;
        if is_leaf {
            Some(age)
        } else {
            self.set(set, kind, Some(age)).map(|within| within.min(age))
        }
    }
}

/// None forbids; `Some(None)` says nothing.
fn declared(control: CacheControl) -> Option<Age> {
    match control {
        CacheControl { public: true, max_age: 0 } => Some(None),
        CacheControl { public: true, max_age } => Some(Some(u32::try_from(max_age).ok()?)),
        CacheControl { public: false, .. } => None,
    }
}
