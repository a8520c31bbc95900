# The verbs of this project; each calls the real tool.

.DEFAULT_GOAL := help
.PHONY: help run build test conformance chaos lint fmt audit schema bench bench-docs clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build and start the product on 127.0.0.1:8000, with SQLite and a demo fleet that moves
	cargo run --release --bin bikelease -- serve --replay 30 --replay-from 2014-09-03T07:00

build: ## build the binary, target/release/bikelease
	cargo build --release --bin bikelease

test: ## run every test on SQLite and on PostgreSQL with Redis, and count them
	tests/run

conformance: ## let judges from outside look at the release binary (needs Node and Python)
	tests/conformance/run

chaos: ## kill loads, nodes, sockets and Redis at any moment, and look whether anything is lost
	cargo build --bin bikelease
	tests/services cargo test -p tests --test it -- --ignored --nocapture --test-threads 1 chaos

lint: ## check formatting, lints, bans, docs and file lengths
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	.ci/lengths
	.ci/bans

fmt: ## format the code
	cargo fmt --all

audit: ## check licences, advisories and sources of dependencies (cargo install cargo-deny)
	cargo deny check

schema: ## write schema.graphql and docs/permissions.md from the code
	cargo run -q -p api --bin bikelease -- schema > schema.graphql
	cargo run -q -p api --bin bikelease -- permissions > docs/permissions.md

bench: ## measure, each beside a plain limit; CASE=rentals for some, DOCS=1 writes docs/performance.md, LIST=1 lists
	BIKELEASE_TEST_DURABLE=on tests/services cargo bench -p tests --bench bench -- $(CASE) $(if $(LIST),--list) $(if $(DOCS),--docs) $(ARGS)

bench-docs: ## write docs/performance.md from what was measured last, target/bench.json
	cargo bench -p tests --bench bench -- $(CASE) --only-docs

clean: ## remove what was built; ./data stays
	cargo clean
