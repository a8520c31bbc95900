//! Values for the variables of a document that nobody has called yet: for its smallest call, and for its largest.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Value, Variables};
use service::page;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Smallest,
    Largest,
}

impl Size {
    fn of_page(self) -> i32 {
        match self {
            Self::Smallest => 1,
            Self::Largest => page::MAX,
        }
    }
}

/// What a type of input needs.
enum Needs {
    OneOf(String),
    Object { fields: Vec<(String, Type)>, takes_one: bool },
}

pub fn variables(document: &ExecutableDocument, size: Size) -> Variables {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node);
    let definitions = operations.flat_map(|operation| &operation.variable_definitions);
    let values = definitions.map(|definition| {
        let definition = &definition.node;
        (definition.name.node.clone(), value(&definition.var_type.node, size, 0))
    });
    let mut variables = Variables::default();
    variables.extend(values);
    variables
}

/// Inputs that contain themselves end here; no input is this deep.
const DEEPEST: usize = 16;

fn value(of: &Type, size: Size, depth: usize) -> Value {
    match &of.base {
        BaseType::List(item) => {
            let count = usize::try_from(size.of_page()).unwrap_or_default();
            Value::List(vec![value(item, size, depth); if depth == 0 { count } else { 1 }])
        }
        BaseType::Named(name) => match (name.as_str(), INPUTS.get(name.as_str())) {
            ("Int", _) => size.of_page().into(),
            ("Float", _) => 1.0.into(),
            ("Boolean", _) => true.into(),
            (_, Some(Needs::OneOf(value))) => Value::Enum(Name::new(value)),
            (_, Some(Needs::Object { fields, takes_one })) if depth < DEEPEST => {
                let count = if *takes_one { 1 } else { fields.len() };
                let fields = fields.iter().take(count);
                let fields = fields.map(|(name, of)| (Name::new(name), value(of, size, depth + 1)));
                Value::Object(fields.collect())
            }
            // Of scalars nothing is looked at but that they are there.
            _ => Value::String(String::new()),
        },
    }
}

/// Enums and input objects, from the schema's own text; of objects what they cannot be without.
static INPUTS: LazyLock<HashMap<String, Needs>> = LazyLock::new(|| {
    let document = parse_schema(crate::schema::sdl());
    let definitions = document.map(|document| document.definitions).unwrap_or_default();
    let inputs = definitions.into_iter().filter_map(|definition| {
        let TypeSystemDefinition::Type(definition) = definition else { return None };
        let definition = definition.node;
        let needs = match definition.kind {
            TypeKind::Enum(of) => Needs::OneOf(of.values.first()?.node.value.node.to_string()),
            TypeKind::InputObject(of) => {
                let takes_one = definition
                    .directives
                    .iter()
                    .any(|directive| directive.node.name.node == "oneOf");
                let fields = of.fields.into_iter().map(|field| field.node);
                let needed = fields.filter(|field| {
                    takes_one || (!field.ty.node.nullable && field.default_value.is_none())
                });
                let fields = needed.map(|field| (field.name.node.to_string(), field.ty.node));
                Needs::Object { fields: fields.collect(), takes_one }
            }
            _ => return None,
        };
        Some((definition.name.node.to_string(), needs))
    });
    inputs.collect()
});
