//! A program of a partner: a client with a key, and what it has registered.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
};

use serde_json::{Map, Value, json};

use crate::{Answer, Client, Fleet, fleet::text, graphql::Tokens};

/// Calls with its key.
pub struct Partner {
    pub client: Client,
    pub id: String,
    pub key: String,
}

impl Deref for Partner {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

/// What a document is called by.
pub fn document_id(document: &str) -> String {
    let hash = service::keys::sha256(document.as_bytes());
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// As Relay's compiler and codegen write it.
pub fn manifest(documents: &[&str]) -> String {
    let entries = documents.iter().map(|text| (document_id(text), Value::from(*text)));
    Value::Object(entries.collect::<Map<_, _>>()).to_string()
}

impl Fleet {
    /// With these scopes, and changes to what it else is.
    pub async fn partner(&self, scopes: &[&str], changes: Value) -> Partner {
        let mut input = json!({"name": "Partner", "scopes": scopes});
        for (name, value) in changes.as_object().unwrap() {
            input[name] = value.clone();
        }
        let made = self.mutate("createApiClient", "apiClient { id }", input).await.ok();
        let id = text(&made["apiClient"]["id"]);
        let (key, secret) = self.api_key(&id, json!({})).await;
        Partner { client: self.with_token(Some(secret)), id, key }
    }

    /// The id of a new key, and what to show.
    pub async fn api_key(&self, client: &str, changes: Value) -> (String, String) {
        let answer = self.try_api_key(client, changes).await.ok();
        (text(&answer["apiKey"]["id"]), text(&answer["secret"]))
    }

    pub async fn try_api_key(&self, client: &str, changes: Value) -> Answer {
        let mut input = json!({"clientId": client});
        for (name, value) in changes.as_object().unwrap() {
            input[name] = value.clone();
        }
        self.mutate("createApiKey", "apiKey { id prefix } secret", input).await
    }

    /// The number of the version that has these documents.
    pub async fn publish(&self, client: &str, documents: &[&str]) -> i64 {
        let answer = self.try_publish(client, &manifest(documents)).await;
        answer.ok()["manifest"]["version"].as_i64().unwrap()
    }

    pub async fn try_publish(&self, client: &str, manifest: &str) -> Answer {
        let input = json!({"clientId": client, "manifest": manifest});
        let fields = "manifest { version } refused { operation reason line column }";
        self.mutate("publishOperations", fields, input).await
    }

    pub async fn retire(&self, client: &str, version: i64) -> Answer {
        let input = json!({"clientId": client, "version": version});
        self.mutate("retireOperations", "manifest { retiredAt }", input).await
    }
}

/// Anybody who calls by id.
impl Client {
    pub async fn call(&self, document: &str, variables: Value) -> Answer {
        self.post(json!({"documentId": document_id(document), "variables": variables})).await
    }

    /// Whatever body.
    pub async fn post(&self, body: Value) -> Answer {
        let response = self.request("POST", "/graphql").json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        Answer { status, body: response.json().await.unwrap() }
    }

    /// A query by its id, with other headers.
    pub async fn get(
        &self,
        document: &str,
        variables: Value,
        headers: &[(&str, &str)],
    ) -> reqwest::Response {
        let mut address = reqwest::Url::parse(&format!("{}/graphql", self.url)).unwrap();
        address
            .query_pairs_mut()
            .append_pair("documentId", &document_id(document))
            .append_pair("variables", &variables.to_string());
        let mut request = self.request("GET", "/graphql");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        *request.url_mut() = address;
        client.execute(request).await.unwrap()
    }

    /// With what it shows of itself.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(token) = self.token() {
            request = request.bearer_auth(token);
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("x-bikelease-tenant", tenant);
        }
        request
    }

    /// The same caller at this tenant, without a token.
    pub fn signed_out(&self, tenant: &str) -> Client {
        let tokens = Arc::new(Mutex::new(Tokens::default()));
        Client { tokens, tenant: Some(tenant.to_owned()), ..self.clone() }
    }
}
