//! Whether a literal, or a variable, fits where it stands.

use async_graphql::Pos;
use async_graphql::parser::types::{BaseType, Type, VariableDefinition};
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql_value::{ConstValue, Value};

/// A variable where a value of this type is expected.
#[derive(Clone, Copy)]
pub struct Usage<'a> {
    pub name: &'a str,
    pub ty: &'a str,
    /// It is the one field of its input object, so it must not be null.
    pub is_one_of: bool,
    pub has_default: bool,
    pub pos: Pos,
}

impl Usage<'_> {
    /// The specification's `IsVariableUsageAllowed`.
    pub fn allows(&self, definition: &VariableDefinition) -> bool {
        let given = &definition.var_type.node;
        let default = definition.default_value.as_ref();
        let has_default = default.is_some_and(|value| value.node != ConstValue::Null);
        match MetaTypeName::create(self.ty) {
            MetaTypeName::NonNull(inner) if given.nullable => {
                (has_default || self.has_default) && compatible(given, inner)
            }
            _ if self.is_one_of && given.nullable => false,
            _ => compatible(given, self.ty),
        }
    }
}

fn compatible(given: &Type, wanted: &str) -> bool {
    match (MetaTypeName::create(wanted), &given.base) {
        (MetaTypeName::NonNull(inner), _) => !given.nullable && compatible(given, inner),
        (MetaTypeName::List(inner), BaseType::List(item)) => compatible(item, inner),
        (MetaTypeName::Named(wanted), BaseType::Named(name)) => name.as_str() == wanted,
        _ => false,
    }
}

/// The variables in a value; `usage` says where it stands.
pub fn usages<'a>(
    registry: &'a Registry,
    value: &'a Value,
    usage: Usage<'a>,
    found: &mut Vec<Usage<'a>>,
) {
    match (value, MetaTypeName::create(usage.ty)) {
        (Value::Variable(name), _) => found.push(Usage { name: name.as_str(), ..usage }),
        (_, MetaTypeName::NonNull(inner)) => {
            usages(registry, value, Usage { ty: inner, ..usage }, found);
        }
        (Value::List(items), MetaTypeName::List(inner)) => {
            for item in items {
                let usage = Usage { ty: inner, has_default: false, is_one_of: false, ..usage };
                usages(registry, item, usage, found);
            }
        }
        (_, MetaTypeName::List(inner)) => {
            usages(registry, value, Usage { ty: inner, ..usage }, found);
        }
        (Value::Object(fields), MetaTypeName::Named(name)) => {
            let Some(MetaType::InputObject { input_fields, oneof, .. }) = registry.types.get(name)
            else {
                return;
            };
            for (name, value) in fields {
                if let Some(field) = input_fields.get(name.as_str()) {
                    let has_default = field.default_value.is_some();
                    let usage = Usage { ty: &field.ty, is_one_of: *oneof, has_default, ..usage };
                    usages(registry, value, usage, found);
                }
            }
        }
        _ => {}
    }
}

/// Variables fit everywhere; `usages` looks at them.
pub fn fits(registry: &Registry, value: &Value, ty: &str) -> Result<(), String> {
    let unfit = || Err(format!("Expected a value of type \"{ty}\", found {}.", shown(value)));
    match (value, MetaTypeName::create(ty)) {
        (Value::Variable(_), _) => Ok(()),
        (Value::Null, MetaTypeName::NonNull(_)) => unfit(),
        (Value::Null, _) => Ok(()),
        (_, MetaTypeName::NonNull(inner)) => fits(registry, value, inner),
        (Value::List(items), MetaTypeName::List(inner)) => {
            items.iter().try_for_each(|item| fits(registry, item, inner))
        }
        (_, MetaTypeName::List(inner)) => fits(registry, value, inner),
        (_, MetaTypeName::Named(name)) => match registry.types.get(name) {
            Some(MetaType::Scalar { .. }) if !fits_scalar(value, name) => unfit(),
            Some(MetaType::Enum { enum_values, .. }) => match value {
                Value::Enum(name) if enum_values.contains_key(name.as_str()) => Ok(()),
                _ => unfit(),
            },
            Some(MetaType::InputObject { input_fields, oneof, .. }) => match value {
                Value::Object(fields) => {
                    let one = fields.len() == 1 && fields.values().all(|one| *one != Value::Null);
                    if *oneof && !one {
                        return Err(format!("Exactly one field of \"{name}\" is given."));
                    }
                    let required = |field: &&MetaInputValue| {
                        field.ty.ends_with('!') && field.default_value.is_none()
                    };
                    let mut required = input_fields.values().filter(required);
                    if let Some(field) = required.find(|f| !fields.contains_key(f.name.as_str())) {
                        return Err(format!("\"{name}\" needs \"{}\".", field.name));
                    }
                    fields.iter().try_for_each(|(key, value)| match input_fields.get(&**key) {
                        Some(field) => fits(registry, value, &field.ty),
                        None => Err(format!("\"{name}\" has no field \"{key}\".")),
                    })
                }
                _ => unfit(),
            },
            _ => Ok(()),
        },
    }
}

/// Scalars of our own look at their values themselves.
fn fits_scalar(value: &Value, name: &str) -> bool {
    match (name, value) {
        ("Int", Value::Number(number)) => {
            number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }
        ("Float", Value::Number(_)) => true,
        ("String", Value::String(_)) => true,
        ("Boolean", Value::Boolean(_)) => true,
        ("ID", Value::String(_)) => true,
        ("ID", Value::Number(number)) => !number.is_f64(),
        ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
        _ => true,
    }
}

fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
