//! The numbered stream of changes, and those who read it durably.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE stream_head (
    tenant_id UUID NOT NULL PRIMARY KEY,
    last_seq BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    epoch UUID NOT NULL,
    CONSTRAINT stream_head_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);

CREATE TABLE event (
    tenant_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    actor TEXT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, seq),
    CONSTRAINT event_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);

CREATE TABLE consumer (
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    acked_seq BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name),
    CONSTRAINT consumer_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);
"#,
    down: r#"
DROP TABLE consumer;
DROP TABLE event;
DROP TABLE stream_head;
"#,
}
