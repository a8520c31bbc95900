//! What the audit log keeps of personal data and of secrets: enough to recognise the former, nothing of the latter.

use serde_json::Value;

/// Kinds whose `name` is not a person's. Any other kind's is taken for one.
const THINGS: [&str; 10] = [
    "tenant",
    "station",
    "vehicle_type",
    "vehicle",
    "tariff",
    "client",
    "key",
    "manifest",
    "operation",
    "dead_job",
];

/// How field names of secrets end, and of what is made from secrets.
const SECRETS: [&str; 8] =
    ["password", "hash", "sha256", "mac", "secret", "_token", "_sealed", "_key"];

/// What stands for a secret: that there was one, and that it changed.
const HIDDEN: &str = "***";

/// The value as the audit log may show it, by the kind of its object and its own name.
pub(super) fn masked(kind: &str, field: &str, value: Value) -> Value {
    if value.is_null() {
        return value;
    }
    if SECRETS.iter().any(|end| field.ends_with(end)) || is_bytes(&value) {
        return HIDDEN.into();
    }
    let mask = match field {
        _ if field.ends_with("email") => email,
        _ if field.ends_with("phone") => phone,
        _ if field.ends_with("name") && !THINGS.contains(&kind) => name,
        _ => return value,
    };
    // Several at once, or of another shape than was thought of here: better too little.
    value.as_str().map_or(HIDDEN.into(), |text| mask(text).into())
}

/// They say nothing to people, and most are made from a secret.
fn is_bytes(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_u64))
}

/// `ann@example.com` is `a…@example.com`.
fn email(email: &str) -> String {
    match email.split_once('@') {
        Some((local, host)) => format!("{}@{host}", initial(local)),
        None => initial(email),
    }
}

/// `+254700123456` is `+2547…56`.
fn phone(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().collect();
    let shown = if digits.len() < 10 { (2, 1) } else { (5, 2) };
    let (head, tail) = (digits.iter().take(shown.0), digits.iter().rev().take(shown.1).rev());
    head.chain(&['…']).chain(tail).collect()
}

/// `Ann Example` is `A… E…`.
fn name(name: &str) -> String {
    name.split_whitespace().map(initial).collect::<Vec<_>>().join(" ")
}

fn initial(word: &str) -> String {
    word.chars().take(1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn personal_data_can_be_recognised_and_not_read() {
        for (field, value, shown) in [
            ("email", "ann@example.com", "a…@example.com"),
            ("email", "broken", "b…"),
            ("phone", "+254700123456", "+2547…56"),
            ("phone", "+4512345", "+4…5"),
            ("name", "Ann Maria Example", "A… M… E…"),
            ("name", "Ørsted", "Ø…"),
            ("contact_email", "ann@example.com", "a…@example.com"),
        ] {
            assert_eq!(masked("customer", field, json!(value)), json!(shown));
        }
        assert_eq!(masked("customer", "email", Value::Null), Value::Null);
        assert_eq!(masked("customer", "phone", json!(["+254700123456"])), json!("***"));
    }

    #[test]
    fn nothing_of_a_secret_is_shown() {
        for field in ["password", "password_hash", "refresh_sha256", "totp_secret", "secret"] {
            assert_eq!(masked("user", field, json!("hunter2")), json!("***"), "{field}");
            assert_eq!(masked("user", field, json!([1, 2])), json!("***"), "{field}");
            assert_eq!(masked("user", field, Value::Null), Value::Null, "{field}");
        }
        assert_eq!(masked("key", "sha256", json!("ab01")), json!("***"));
        assert_eq!(masked("key", "some_bytes", json!([171, 1])), json!("***"));
    }

    #[test]
    fn things_keep_their_names() {
        for (kind, field, value) in [
            ("station", "name", json!("Market at 4th")),
            ("station", "short_code", json!("S1")),
            ("client", "origins", json!(["https://app.example"])),
            ("customer", "rental_limit", json!(3)),
        ] {
            assert_eq!(masked(kind, field, value.clone()), value);
        }
    }
}
