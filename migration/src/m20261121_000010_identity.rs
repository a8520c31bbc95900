//! More roles, people without an e-mail address or a password, second factors, where sessions are, and suspended tenants.
//!
//! SQLite cannot change a constraint: both tables are made anew, the one that refers first to go.

crate::ddl::sql_migration! {
    up: r#"
ALTER TABLE tenant ADD COLUMN sign_up TEXT NOT NULL DEFAULT 'closed'
    CONSTRAINT tenant_sign_up_known CHECK (sign_up IN ('open', 'by_invitation', 'closed'));
ALTER TABLE tenant ADD COLUMN requires_second_factor BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE tenant ADD COLUMN suspended_at TIMESTAMPTZ;
CREATE INDEX tenant_suspended ON tenant (suspended_at) WHERE suspended_at IS NOT NULL;

CREATE TABLE user_next (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    email TEXT,
    phone TEXT,
    email_verified_at TIMESTAMPTZ,
    phone_verified_at TIMESTAMPTZ,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT,
    totp_secret BYTEA,
    totp_confirmed_at TIMESTAMPTZ,
    totp_last_step BIGINT,
    customer_id UUID,
    disabled_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT user_key PRIMARY KEY (tenant_id, id),
    CONSTRAINT user_of_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT user_of_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
    CONSTRAINT user_rides_for_somebody CHECK ((role IN ('customer', 'employee')) = (customer_id IS NOT NULL)),
    CONSTRAINT user_can_be_reached CHECK (email IS NOT NULL OR phone IS NOT NULL)
);
INSERT INTO user_next (tenant_id, id, email, name, role, password_hash, customer_id, disabled_at, created_at)
    SELECT tenant_id, id, email, name, role, password_hash, customer_id, disabled_at, created_at FROM "user";

CREATE TABLE session_next (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    refresh_sha256 BYTEA NOT NULL,
    previous_sha256 BYTEA,
    rotated_at TIMESTAMPTZ,
    lacks_second_factor BOOLEAN NOT NULL,
    user_agent TEXT,
    address TEXT,
    last_used_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT session_key PRIMARY KEY (tenant_id, id),
    CONSTRAINT session_of_a_user FOREIGN KEY (tenant_id, user_id) REFERENCES user_next (tenant_id, id)
);
INSERT INTO session_next (tenant_id, id, user_id, refresh_sha256, previous_sha256, lacks_second_factor,
        last_used_at, expires_at, revoked_at, created_at)
    SELECT tenant_id, id, user_id, refresh_sha256, previous_sha256, FALSE,
        created_at, expires_at, revoked_at, created_at FROM session;

DROP TABLE session;
DROP TABLE "user";
ALTER TABLE user_next RENAME TO "user";
ALTER TABLE session_next RENAME TO session;
CREATE UNIQUE INDEX user_email ON "user" (tenant_id, email);
CREATE UNIQUE INDEX user_phone ON "user" (tenant_id, phone);
CREATE INDEX user_by_name ON "user" (tenant_id, name, id);
CREATE INDEX session_by_user ON session (tenant_id, user_id);
CREATE INDEX session_by_revocation ON session (revoked_at) WHERE revoked_at IS NOT NULL;
"#,
    down: r#"
CREATE TABLE user_before (
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
INSERT INTO user_before (tenant_id, id, email, name, role, password_hash, customer_id, disabled_at, created_at)
    SELECT tenant_id, id, email, name, role, password_hash, customer_id, disabled_at, created_at FROM "user"
    WHERE role IN ('owner', 'staff', 'customer') AND email IS NOT NULL AND password_hash IS NOT NULL;

CREATE TABLE session_before (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    refresh_sha256 BYTEA NOT NULL,
    previous_sha256 BYTEA,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT session_of_user FOREIGN KEY (tenant_id, user_id) REFERENCES user_before (tenant_id, id)
);
INSERT INTO session_before (tenant_id, id, user_id, refresh_sha256, previous_sha256, expires_at, revoked_at, created_at)
    SELECT tenant_id, id, user_id, refresh_sha256, previous_sha256, expires_at, revoked_at, created_at FROM session
    WHERE EXISTS (SELECT 1 FROM user_before WHERE user_before.tenant_id = session.tenant_id AND user_before.id = session.user_id);

DROP TABLE session;
DROP TABLE "user";
ALTER TABLE user_before RENAME TO "user";
ALTER TABLE session_before RENAME TO session;
CREATE UNIQUE INDEX user_email ON "user" (tenant_id, email);
CREATE INDEX session_by_user ON session (tenant_id, user_id);
CREATE INDEX session_by_revocation ON session (revoked_at) WHERE revoked_at IS NOT NULL;

DROP INDEX tenant_suspended;
ALTER TABLE tenant DROP COLUMN suspended_at;
ALTER TABLE tenant DROP COLUMN requires_second_factor;
ALTER TABLE tenant DROP COLUMN sign_up;
"#,
}
