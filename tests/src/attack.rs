//! The documents of `tests/attacks.json`, as requests.

use serde::Deserialize;
use serde_json::{Value, json};

/// One attack, and the code that answers it; None where the document is only strange.
#[derive(Deserialize)]
pub struct Attack {
    pub name: String,
    document: Vec<Part>,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    variables: Option<Vec<Part>>,
    pub code: Option<String>,
}

/// Text, or text so many times: `{i}` in it is the number of the time, `{j}` the next one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Once(String),
    Times(String, usize),
}

impl Attack {
    pub fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../attacks.json")).unwrap()
    }

    pub fn document(&self) -> String {
        expand(&self.document)
    }

    pub fn operation(&self) -> Value {
        json!(self.operation)
    }

    /// JSON, unless that is the attack.
    pub fn variables(&self) -> String {
        self.variables.as_ref().map_or_else(|| "{}".to_owned(), |parts| expand(parts))
    }

    /// The parameters as JSON text, which no library has to be able to write.
    pub fn parameters(&self) -> String {
        let (query, operation) = (json!(self.document()), self.operation());
        format!(
            r#"{{"query":{query},"operationName":{operation},"variables":{}}}"#,
            self.variables()
        )
    }
}

fn expand(parts: &[Part]) -> String {
    let expanded = parts.iter().map(|part| match part {
        Part::Once(text) => text.clone(),
        Part::Times(text, times) if text.contains('{') => {
            let numbered =
                |i: usize| text.replace("{i}", &i.to_string()).replace("{j}", &(i + 1).to_string());
            (0..*times).map(numbered).collect()
        }
        Part::Times(text, times) => text.repeat(*times),
    });
    expanded.collect()
}
