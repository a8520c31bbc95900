//! Whether the variables of a call are of the types that its document says.

use async_graphql::registry::{MetaType, MetaTypeName, Registry};
use async_graphql::{Pos, Request, ServerError, ServerResult, Value};

use super::{BAD_USER_INPUT, coded};
use crate::graphql::guard;

/// The first that is not. Those that are absent are somebody else's matter.
pub fn unfit(registry: &Registry, request: &mut Request) -> ServerResult<Option<ServerError>> {
    let given = std::mem::take(&mut request.variables);
    let name = request.operation_name.clone();
    let operation = guard::operation(request.parsed_query()?, name.as_deref());
    let definitions = operation.map_or(&[][..], |operation| &operation.variable_definitions);
    let unfit = definitions.iter().find_map(|definition| {
        let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
        let reason = complaint(registry, &ty.to_string(), given.get(name)?)?;
        let message = format!("Variable \"${name}\" cannot be used: {reason}.");
        Some(at(coded(message, BAD_USER_INPUT), definition.pos))
    });
    request.variables = given;
    Ok(unfit)
}

fn at(error: ServerError, pos: Pos) -> ServerError {
    ServerError { locations: vec![pos], ..error }
}

fn complaint(registry: &Registry, of: &str, value: &Value) -> Option<String> {
    let expected = || Some(format!("expected {of}"));
    match (MetaTypeName::create(of), value) {
        (MetaTypeName::NonNull(_), Value::Null) => expected(),
        (MetaTypeName::NonNull(of), value) => complaint(registry, of, value),
        (_, Value::Null) => None,
        (MetaTypeName::List(of), Value::List(items)) => {
            items.iter().find_map(|item| complaint(registry, of, item))
        }
        (MetaTypeName::List(of), value) => complaint(registry, of, value),
        (MetaTypeName::Named(name), value) => match registry.types.get(name)? {
            MetaType::Scalar { is_valid: Some(is_valid), .. } if !is_valid(value) => expected(),
            MetaType::Enum { enum_values, .. } => match value {
                Value::Enum(value) if enum_values.contains_key(value.as_str()) => None,
                Value::String(value) if enum_values.contains_key(value) => None,
                _ => expected(),
            },
            MetaType::InputObject { .. } => complaint_of_object(registry, name, value),
            _ => None,
        },
    }
}

fn complaint_of_object(registry: &Registry, of: &str, value: &Value) -> Option<String> {
    let MetaType::InputObject { input_fields, oneof, .. } = registry.types.get(of)? else {
        return None;
    };
    let Value::Object(given) = value else { return Some(format!("expected {of}")) };
    if *oneof && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
        return Some(format!("{of} takes exactly one field"));
    }
    if let Some(name) = given.keys().find(|name| !input_fields.contains_key(name.as_str())) {
        return Some(format!("{of} has no field \"{name}\""));
    }
    input_fields.values().find_map(|field| {
        let reason = match given.get(field.name.as_str()) {
            Some(value) => complaint(registry, &field.ty, value)?,
            None if field.default_value.is_some() || !field.ty.ends_with('!') => return None,
            None => "is missing".to_owned(),
        };
        Some(format!("\"{}\" {reason}", field.name))
    })
}
