//! A GraphQL client as partners write it: HTTP, JSON, a bearer token.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// Somebody who calls; anonymous without tokens. Goes on with a new token when the old one is over, as real clients do.
#[derive(Clone)]
pub struct Client {
    pub http: reqwest::Client,
    pub url: String,
    pub tokens: Arc<Mutex<Tokens>>,
    pub tenant: Option<String>,
}

#[derive(Clone, Default)]
pub struct Tokens {
    pub access: Option<String>,
    pub refresh: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Client {
    pub fn token(&self) -> Option<String> {
        self.tokens.lock().unwrap().access.clone()
    }

    /// The same caller with this token and no way to a newer one.
    pub fn with_token(&self, token: Option<String>) -> Self {
        Self {
            tokens: Arc::new(Mutex::new(Tokens { access: token, refresh: None })),
            ..self.clone()
        }
    }

    pub async fn send(&self, query: &str, variables: Value) -> Answer {
        let answer = self.send_once(query, variables.clone()).await;
        let refresh = self.tokens.lock().unwrap().refresh.clone();
        let Some(refresh) = refresh.filter(|_| answer.status == 401) else { return answer };
        let document = "mutation($input: RefreshSessionInput!) {
            refreshSession(input: $input) { accessToken refreshToken userErrors { code field message } } }";
        let anyone = self.with_token(None);
        let renewed =
            anyone.send_once(document, json!({"input": {"refreshToken": refresh}})).await.ok();
        let text = |name: &str| renewed[name].as_str().map(ToOwned::to_owned);
        *self.tokens.lock().unwrap() =
            Tokens { access: text("accessToken"), refresh: text("refreshToken") };
        self.send_once(query, variables).await
    }

    pub async fn send_once(&self, query: &str, variables: Value) -> Answer {
        let mut request = self.http.post(format!("{}/graphql", self.url));
        if let Some(token) = self.token() {
            request = request.bearer_auth(token);
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("x-bikelease-tenant", tenant);
        }
        let response =
            request.json(&json!({"query": query, "variables": variables})).send().await.unwrap();
        let status = response.status().as_u16();
        Answer { status, body: response.json().await.unwrap() }
    }

    /// One mutation whose payload selects `fields`, with its input.
    pub async fn mutate(&self, mutation: &str, fields: &str, input: Value) -> Answer {
        let mut type_name = mutation.to_owned();
        type_name[..1].make_ascii_uppercase();
        let document = format!(
            "mutation($input: {type_name}Input!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code field message }} }} }}"
        );
        self.send(&document, json!({"input": input})).await
    }

    /// A query that must succeed.
    pub async fn query(&self, document: &str, variables: Value) -> Value {
        let answer = self.send(document, variables).await;
        assert!(answer.body.get("errors").is_none(), "{:#}", answer.body);
        answer.body["data"].clone()
    }
}

impl Answer {
    /// The payload of the only root field, which must have succeeded.
    #[track_caller]
    pub fn ok(&self) -> Value {
        let payload = self.payload();
        assert_eq!(payload["userErrors"], json!([]), "{:#}", self.body);
        payload
    }

    /// The payload of the only root field.
    #[track_caller]
    pub fn payload(&self) -> Value {
        assert!(self.body.get("errors").is_none(), "{:#}", self.body);
        let data =
            self.body["data"].as_object().unwrap_or_else(|| panic!("no data: {:#}", self.body));
        data.values().next().unwrap().clone()
    }

    /// The code of the rule that said no.
    #[track_caller]
    pub fn code(&self) -> String {
        self.payload()["userErrors"][0]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("not refused: {:#}", self.body))
            .to_owned()
    }

    /// The input field that the rule is about.
    #[track_caller]
    pub fn field(&self) -> Value {
        self.payload()["userErrors"][0]["field"].clone()
    }

    /// The code of the top-level error.
    #[track_caller]
    pub fn error(&self) -> String {
        self.body["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {:#}", self.body))
            .to_owned()
    }
}
