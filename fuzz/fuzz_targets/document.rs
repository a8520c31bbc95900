//! Any text as a document: guard, parser and validation, as at every door. Nothing is executed.

#![no_main]

use std::sync::LazyLock;

use api::schema::{AppSchema, bare};
use async_graphql::Request;
use libfuzzer_sys::fuzz_target;

static SCHEMA: LazyLock<AppSchema> = LazyLock::new(bare);

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = std::str::from_utf8(bytes) else { return };
    // The operation is looked for after the validation, and there is none of this name.
    let request = Request::new(document).operation_name("-");
    let answer = futures_executor::block_on(SCHEMA.execute(request));
    assert!((1..=50).contains(&answer.errors.len()));
});
