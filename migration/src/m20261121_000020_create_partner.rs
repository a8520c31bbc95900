//! Who calls by API key, and what they registered to call.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE api_client (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    scopes TEXT NOT NULL,
    cost_per_minute INTEGER CONSTRAINT api_client_cost_per_minute_positive CHECK (cost_per_minute > 0),
    allowed_origins JSONB NOT NULL,
    disabled_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_client_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT api_client_kind_known CHECK (kind IN ('partner', 'first_party'))
);
CREATE INDEX api_client_by_name ON api_client (tenant_id, name, id);

CREATE TABLE api_key (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    client_id UUID NOT NULL,
    slot SMALLINT NOT NULL,
    prefix TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    scopes TEXT,
    expires_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_key_of_client FOREIGN KEY (tenant_id, client_id) REFERENCES api_client (tenant_id, id),
    CONSTRAINT api_key_slot_is_one_of_two CHECK (slot IN (1, 2))
);
-- The guard behind `API_KEY_LIMIT_REACHED`.
CREATE UNIQUE INDEX api_key_two_live ON api_key (tenant_id, client_id, slot) WHERE revoked_at IS NULL;
CREATE INDEX api_key_by_client ON api_key (tenant_id, client_id, id);

CREATE TABLE manifest (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    client_id UUID NOT NULL,
    version INTEGER NOT NULL,
    published_by TEXT NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    retired_at TIMESTAMPTZ,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT manifest_of_client FOREIGN KEY (tenant_id, client_id) REFERENCES api_client (tenant_id, id),
    CONSTRAINT manifest_version_positive CHECK (version > 0)
);
CREATE UNIQUE INDEX manifest_version ON manifest (tenant_id, client_id, version);

CREATE TABLE operation (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    manifest_id UUID NOT NULL,
    sha256 BYTEA NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    cost INTEGER NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT operation_of_manifest FOREIGN KEY (tenant_id, manifest_id) REFERENCES manifest (tenant_id, id),
    CONSTRAINT operation_kind_known CHECK (kind IN ('query', 'mutation', 'subscription'))
);
-- How a call finds its operation.
CREATE UNIQUE INDEX operation_sha256 ON operation (tenant_id, sha256, manifest_id);
CREATE UNIQUE INDEX operation_name ON operation (tenant_id, manifest_id, name);
"#,
    down: r#"
DROP TABLE operation;
DROP TABLE manifest;
DROP TABLE api_key;
DROP TABLE api_client;
"#,
}
