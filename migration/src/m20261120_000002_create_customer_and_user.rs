//! Who rides, who signs in, and where they are signed in.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE customer (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    blocked_at TIMESTAMPTZ,
    rental_limit INTEGER CONSTRAINT customer_rental_limit_positive CHECK (rental_limit > 0),
    archived_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT customer_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);
CREATE UNIQUE INDEX customer_email ON customer (tenant_id, email) WHERE archived_at IS NULL;
CREATE INDEX customer_by_name ON customer (tenant_id, name, id);

CREATE TABLE "user" (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    customer_id UUID,
    disabled_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT user_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT user_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
    CONSTRAINT user_customer_has_one CHECK ((role = 'customer') = (customer_id IS NOT NULL))
);
CREATE UNIQUE INDEX user_email ON "user" (tenant_id, email);

CREATE TABLE session (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    refresh_sha256 BYTEA NOT NULL,
    previous_sha256 BYTEA,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT session_of_user FOREIGN KEY (tenant_id, user_id) REFERENCES "user" (tenant_id, id)
);
CREATE INDEX session_by_user ON session (tenant_id, user_id);
"#,
    down: r#"
DROP TABLE session;
DROP TABLE "user";
DROP TABLE customer;
"#,
}
