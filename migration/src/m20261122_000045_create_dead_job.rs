//! Jobs that were given up, and who may do what must not be done twice at once.

crate::ddl::sql_migration! {
    up: r#"
CREATE TABLE dead_job (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    job_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    name TEXT NOT NULL,
    payload TEXT NOT NULL,
    subject TEXT,
    attempts INTEGER NOT NULL CONSTRAINT dead_job_was_tried CHECK (attempts > 0),
    error TEXT NOT NULL,
    first_failed_at TIMESTAMPTZ NOT NULL,
    last_failed_at TIMESTAMPTZ NOT NULL,
    retried_at TIMESTAMPTZ,
    discarded_at TIMESTAMPTZ,
    discard_reason TEXT,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT dead_job_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id),
    CONSTRAINT dead_job_ends_once CHECK (retried_at IS NULL OR discarded_at IS NULL),
    CONSTRAINT dead_job_discarded_for_a_reason CHECK ((discarded_at IS NULL) = (discard_reason IS NULL))
);
-- A job is told once, also when the worker that told it died before it could write that down.
CREATE UNIQUE INDEX dead_job_of_job ON dead_job (tenant_id, job_id);
CREATE INDEX dead_job_open ON dead_job (tenant_id, queue, name) WHERE retried_at IS NULL AND discarded_at IS NULL;
CREATE INDEX dead_job_by_time ON dead_job (tenant_id, last_failed_at, id);

CREATE TABLE job_lease (
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    owner UUID NOT NULL,
    held_until TIMESTAMPTZ NOT NULL,
    fence BIGINT NOT NULL CONSTRAINT job_lease_fence_positive CHECK (fence > 0),
    PRIMARY KEY (tenant_id, name),
    CONSTRAINT job_lease_tenant FOREIGN KEY (tenant_id) REFERENCES tenant (id)
);
"#,
    down: r#"
DROP TABLE job_lease;
DROP TABLE dead_job;
"#,
}
