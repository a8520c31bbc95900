//! What is sent to people so that they prove who they are, and whom a tenant expects.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE one_time_code (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    purpose TEXT NOT NULL,
    address TEXT NOT NULL,
    user_id UUID,
    mac BYTEA NOT NULL,
    attempts_left INTEGER NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT one_time_code_key PRIMARY KEY (tenant_id, id),
    CONSTRAINT one_time_code_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT one_time_code_of_user FOREIGN KEY (tenant_id, user_id) REFERENCES "user" (tenant_id, id),
    CONSTRAINT one_time_code_attempts_not_negative CHECK (attempts_left >= 0)
);
-- A new code takes the place of the one before.
CREATE UNIQUE INDEX one_time_code_one_live ON one_time_code (tenant_id, purpose, address);

CREATE TABLE invitation (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    email TEXT,
    phone TEXT,
    role TEXT NOT NULL,
    customer_id UUID,
    secret_sha256 BYTEA NOT NULL,
    invited_by UUID,
    expires_at TIMESTAMPTZ NOT NULL,
    accepted_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT invitation_key PRIMARY KEY (tenant_id, id),
    CONSTRAINT invitation_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT invitation_by_user FOREIGN KEY (tenant_id, invited_by) REFERENCES "user" (tenant_id, id),
    CONSTRAINT invitation_for_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
    CONSTRAINT invitation_can_be_sent CHECK (email IS NOT NULL OR phone IS NOT NULL)
);
CREATE INDEX invitation_by_time ON invitation (tenant_id, created_at, id);
"#,
    down: r#"
DROP TABLE invitation;
DROP TABLE one_time_code;
"#,
}
