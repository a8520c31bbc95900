//! Which fields of an object changed, and how.

use std::collections::BTreeMap;

use entity::audit::Change;
use serde_json::Value;

use super::mask::masked;

/// In every object, and not news in any.
const SILENT: [&str; 4] = ["tenant_id", "id", "created_at", "updated_at"];

/// The fields that differ, masked, in the order of their names. Objects within are taken apart, lists are one value.
pub(super) fn between(kind: &str, before: Value, after: Value, left_out: &[&str]) -> Vec<Change> {
    let (mut before, mut after) = (fields(before), fields(after));
    let mut names: Vec<_> = before.keys().chain(after.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    let changes = names.into_iter().filter_map(|name| {
        let top = name.split('.').next().unwrap_or_default();
        let (before, after) =
            (before.remove(&name).unwrap_or_default(), after.remove(&name).unwrap_or_default());
        if before == after || SILENT.contains(&top) || left_out.contains(&top) {
            return None;
        }
        let own = name.rsplit('.').next().unwrap_or_default();
        let (before, after) = (masked(kind, own, before), masked(kind, own, after));
        Some(Change { field: name, before, after })
    });
    changes.collect()
}

/// Each value that is there, by its path.
fn fields(value: Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), value)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Null => {}
            Value::Object(object) => open.extend(object.into_iter().map(|(name, value)| {
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                (path, value)
            })),
            value => {
                found.insert(path, value);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(before: Value, after: Value) -> Vec<String> {
        let changes = between("customer", before, after, &["terms"]).into_iter();
        changes.map(|c| format!("{}: {} -> {}", c.field, c.before, c.after)).collect()
    }

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({"id": 1, "name": "Ann", "limit": 3, "at": {"x": 1, "y": 2}, "tags": ["a"],
            "phone": null, "updated_at": 1, "terms": {"rate": 1}});
        let after = json!({"id": 1, "name": "Ben", "limit": 3, "at": {"x": 1, "y": 3}, "tags": ["a", "b"],
            "phone": "+254700123456", "updated_at": 2, "terms": {"rate": 2}});
        assert_eq!(
            texts(before.clone(), after),
            [
                r#"at.y: 2 -> 3"#,
                r#"name: "A…" -> "B…""#,
                r#"phone: null -> "+2547…56""#,
                r#"tags: ["a"] -> ["a","b"]"#,
            ]
        );
        assert_eq!(texts(before.clone(), before), [""; 0]);
    }

    #[test]
    fn what_is_new_has_no_before_and_what_is_gone_no_after() {
        assert_eq!(texts(Value::Null, json!({"limit": 3, "x": null})), ["limit: null -> 3"]);
        assert_eq!(texts(json!({"limit": 3, "x": {}}), Value::Null), ["limit: 3 -> null"]);
    }

    #[test]
    fn a_change_that_the_mask_hides_is_still_a_change() {
        let (before, after) = (json!({"email": "ann@x.org"}), json!({"email": "abe@x.org"}));
        assert_eq!(texts(before, after), [r#"email: "a…@x.org" -> "a…@x.org""#]);
    }
}
