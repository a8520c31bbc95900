//! The schema as a test reads it: where ids go in, and documents that put them there.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::{
    parse_schema,
    types::{
        BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
    },
};
use tests::{Value, json};

use super::{objects::Objects, sample};

pub struct Sdl {
    types: BTreeMap<String, TypeKind>,
    one_of: Vec<String>,
}

/// What a value is that one tenant could take from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    Id,
    Cursor,
}

/// A place of the schema that takes such a value.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The type that has the field.
    pub parent: String,
    pub field: String,
    /// The argument, and then the fields of input objects down to the value.
    pub path: Vec<String>,
    pub leaf: Leaf,
}

impl Slot {
    /// `Mutation.startRental(input.vehicleId)`
    pub fn name(&self) -> String {
        format!("{}.{}({})", self.parent, self.field, self.path.join("."))
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Call {
    pub document: String,
    pub variables: Value,
}

/// Objects without an id, and how one with an id leads to them.
const WITHIN: [(&str, &str, &str); 1] =
    [("AccountStatement", "Account", "statement(from: \"2034-01-01\", to: \"2036-01-01\")")];

/// A value at one place, which the rest of the call is made around.
type At<'a> = Option<(&'a [String], &'a Value)>;

impl Sdl {
    pub fn read() -> Self {
        let document = parse_schema(api::schema::sdl()).unwrap();
        let (mut types, mut one_of) = (BTreeMap::new(), Vec::new());
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let definition = definition.node;
            let name = definition.name.node.to_string();
            if definition.directives.iter().any(|directive| directive.node.name.node == "oneOf") {
                one_of.push(name.clone());
            }
            types.insert(name, definition.kind);
        }
        Self { types, one_of }
    }

    pub fn fields(&self, kind: &str) -> Vec<&FieldDefinition> {
        match self.types.get(kind) {
            Some(TypeKind::Object(object)) => {
                object.fields.iter().map(|field| &field.node).collect()
            }
            Some(TypeKind::Interface(interface)) => {
                interface.fields.iter().map(|field| &field.node).collect()
            }
            _ => Vec::new(),
        }
    }

    pub fn field(&self, parent: &str, name: &str) -> &FieldDefinition {
        let fields = self.fields(parent);
        fields.into_iter().find(|field| field.name.node == name).unwrap()
    }

    fn inputs(&self, kind: &str) -> Option<Vec<&InputValueDefinition>> {
        match self.types.get(kind) {
            Some(TypeKind::InputObject(input)) => {
                Some(input.fields.iter().map(|field| &field.node).collect())
            }
            _ => None,
        }
    }

    pub fn enum_values(&self, kind: &str) -> Vec<String> {
        match self.types.get(kind) {
            Some(TypeKind::Enum(kind)) => {
                kind.values.iter().map(|value| value.node.value.node.to_string()).collect()
            }
            _ => Vec::new(),
        }
    }

    fn is_leaf(&self, kind: &str) -> bool {
        !matches!(
            self.types.get(kind),
            Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_))
        )
    }

    /// The kinds of ids that clients see: every object with an `id`.
    pub fn kinds(&self) -> Vec<String> {
        let objects = self.types.iter().filter(|(_, kind)| matches!(kind, TypeKind::Object(_)));
        let with_id = objects.filter(|(name, _)| {
            self.fields(name)
                .iter()
                .any(|field| field.name.node == "id" && named(&field.ty.node) == "ID")
        });
        with_id.map(|(name, _)| kind(name)).collect()
    }

    /// Every place that takes an id or a cursor, on any type.
    pub fn slots(&self) -> Vec<Slot> {
        let mut slots = Vec::new();
        for parent in self.types.keys() {
            // An interface's fields are those of its types, which are listed themselves.
            if !matches!(self.types[parent], TypeKind::Object(_)) {
                continue;
            }
            for field in self.fields(parent) {
                for argument in &field.arguments {
                    let slot = Slot {
                        parent: parent.clone(),
                        field: field.name.node.to_string(),
                        path: Vec::new(),
                        leaf: Leaf::Id,
                    };
                    self.collect(&argument.node, slot, &mut Vec::new(), &mut slots);
                }
            }
        }
        slots
    }

    fn collect(
        &self,
        value: &InputValueDefinition,
        mut slot: Slot,
        within: &mut Vec<String>,
        found: &mut Vec<Slot>,
    ) {
        let (name, kind) = (value.name.node.to_string(), named(&value.ty.node));
        slot.path.push(name.clone());
        let is_cursor =
            kind == "Cursor" || (kind == "String" && matches!(&*name, "after" | "before"));
        match self.inputs(&kind) {
            _ if kind == "ID" => found.push(slot),
            _ if is_cursor => found.push(Slot { leaf: Leaf::Cursor, ..slot }),
            // An input within itself has no places that it did not have before.
            Some(_) if within.contains(&kind) => {}
            Some(fields) => {
                within.push(kind);
                for field in fields {
                    self.collect(field, slot.clone(), within, found);
                }
                within.pop();
            }
            None => {}
        }
    }

    /// A call that puts a value into a place; what else the field asks for is the caller's own.
    pub fn call(&self, slot: &Slot, value: &Value, own: &Objects, depth: usize) -> Call {
        self.call_of(&slot.parent, &slot.field, Some((&slot.path, value)), own, depth)
    }

    /// A call of a field as its caller would make it.
    pub fn plain(&self, parent: &str, field: &str, own: &Objects, depth: usize) -> Call {
        self.call_of(parent, field, None, own, depth)
    }

    #[expect(clippy::too_many_arguments, reason = "what is called, and with what")]
    fn call_of(&self, parent: &str, field: &str, at: At<'_>, own: &Objects, depth: usize) -> Call {
        let definition = self.field(parent, field);
        let (mut declared, mut passed, mut variables) = (Vec::new(), Vec::new(), json!({}));
        for argument in definition.arguments.iter().map(|argument| &argument.node) {
            let name = argument.name.node.to_string();
            let inner =
                at.filter(|(path, _)| path[0] == name).map(|(path, value)| (&path[1..], value));
            let value = match (inner, &*name) {
                (None, "first") => json!(3),
                (None, _) if argument.ty.node.nullable || argument.default_value.is_some() => {
                    continue;
                }
                _ => self.value(&argument.ty.node, &format!("{parent}.{field}.{name}"), inner, own),
            };
            declared.push(format!("${name}: {}", argument.ty.node));
            passed.push(format!("{name}: ${name}"));
            variables[name] = value;
        }
        let list = |parts: Vec<String>| {
            if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) }
        };
        let selection = self.selection(&named(&definition.ty.node), depth);
        let called = format!("{field}{}{selection}", list(passed));
        let (operation, body) = match parent {
            "Query" | "Mutation" | "Subscription" => (parent.to_lowercase(), called),
            _ => {
                let within = WITHIN.iter().find(|(of, ..)| *of == parent);
                let (parent, called) = match within {
                    Some((_, parent, way)) => (*parent, format!("{way} {{ {called} }}")),
                    None => (parent, called),
                };
                let id = own.get(&kind(parent));
                (
                    "query".to_owned(),
                    format!("node(id: \"{id}\") {{ ... on {parent} {{ {called} }} }}"),
                )
            }
        };
        Call { document: format!("{operation} Sweep{} {{ {body} }}", list(declared)), variables }
    }

    /// Everything that a type shows, down to a depth; lists by their first.
    pub fn selection(&self, kind: &str, depth: usize) -> String {
        self.selection_beside(kind, depth, &[])
    }

    /// Fields of one name and several types, which one document cannot ask for by that name.
    fn ambiguous(&self, members: &[&String]) -> Vec<String> {
        let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for field in members.iter().flat_map(|member| self.fields(member)) {
            let of_name = types.entry(field.name.node.to_string()).or_default();
            of_name.insert(field.ty.node.to_string());
        }
        types.retain(|_, types| types.len() > 1);
        types.into_keys().collect()
    }

    fn selection_beside(&self, kind: &str, depth: usize, ambiguous: &[String]) -> String {
        if self.is_leaf(kind) {
            return String::new();
        }
        let mut parts = vec!["__typename".to_owned()];
        if let Some(TypeKind::Interface(_) | TypeKind::Union(_)) = self.types.get(kind) {
            let members: Vec<_> =
                self.types.keys().filter(|name| self.belongs(name, kind)).collect();
            let ambiguous = self.ambiguous(&members);
            parts.extend(members.into_iter().map(|name| {
                format!("... on {name}{}", self.selection_beside(name, depth, &ambiguous))
            }));
        }
        for field in self.fields(kind) {
            let name = &field.name.node;
            let required = |argument: &InputValueDefinition| {
                !argument.ty.node.nullable && argument.default_value.is_none()
            };
            if field.arguments.iter().any(|argument| required(&argument.node)) {
                continue;
            }
            let inner = named(&field.ty.node);
            let other = ambiguous.iter().any(|ambiguous| *ambiguous == *name);
            let called = match other {
                true => format!("{}_{name}: {name}", snake(kind)),
                false => name.to_string(),
            };
            if self.is_leaf(&inner) {
                parts.push(called);
            } else if depth > 0 && name != "edges" {
                let pages =
                    field.arguments.iter().any(|argument| argument.node.name.node == "first");
                let first = if pages { "(first: 3)" } else { "" };
                // A page and its items are one step for whoever reads it.
                let down = if name == "nodes" { depth } else { depth - 1 };
                parts.push(format!("{called}{first}{}", self.selection(&inner, down)));
            }
        }
        format!(" {{ {} }}", parts.join(" "))
    }

    fn belongs(&self, object: &str, to: &str) -> bool {
        let implements = match self.types.get(object) {
            Some(TypeKind::Object(object)) => object.implements.iter().any(|name| name.node == to),
            _ => false,
        };
        implements
            || matches!(self.types.get(to), Some(TypeKind::Union(union))
                if union.members.iter().any(|member| member.node == object))
    }

    fn value(&self, ty: &Type, place: &str, at: At<'_>, own: &Objects) -> Value {
        match (&ty.base, at) {
            (BaseType::List(inner), _) => json!([self.value(inner, place, at, own)]),
            (BaseType::Named(_), Some(([], value))) => value.clone(),
            (BaseType::Named(name), at) => match self.inputs(name) {
                Some(fields) => self.object(name, &fields, at, own),
                None => sample::value(self, name, place, own),
            },
        }
    }

    fn object(
        &self,
        kind: &str,
        fields: &[&InputValueDefinition],
        at: At<'_>,
        own: &Objects,
    ) -> Value {
        let one_of = self.one_of.iter().any(|name| name == kind);
        let mut object = if one_of && at.is_some() { json!({}) } else { sample::extra(kind, own) };
        for field in fields {
            let name = field.name.node.to_string();
            let inner =
                at.filter(|(path, _)| path[0] == name).map(|(path, value)| (&path[1..], value));
            let optional = field.ty.node.nullable || field.default_value.is_some();
            if inner.is_some() || (!optional && object.get(&name).is_none()) {
                object[&name] = self.value(&field.ty.node, &format!("{kind}.{name}"), inner, own);
            }
        }
        object
    }
}

/// The type within lists and `!`.
pub fn named(ty: &Type) -> String {
    match &ty.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => named(inner),
    }
}

/// `VehicleType` as its ids begin: `vehicle_type`.
pub fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// What the ids of a type begin with.
pub fn kind(of: &str) -> String {
    match of {
        "ApiClient" => "client".to_owned(),
        "ApiKey" => "key".to_owned(),
        "OperationManifest" => "manifest".to_owned(),
        of => snake(of),
    }
}

/// Fields that nobody of a tenant gets into: they are for the platform's administrators.
pub const BEYOND: [&str; 4] = ["tenants", "suspendTenant", "resumeTenant", "jobQueues"];
