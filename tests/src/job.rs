//! Jobs as tests need them: put into a queue by hand, such as one that nobody can run.

use std::{
    fmt::Display,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};

use crate::{Fleet, Shape, TestApp, text};

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Shape {
    /// Where jobs wait.
    pub fn jobs(self) -> &'static str {
        match self {
            Self::Embedded => "Jobs",
            Self::Production => "apalis.jobs",
        }
    }

    /// What puts a job into a queue that has been due for long, as another version would.
    pub fn waiting_job(self, queue: &str, payload: impl Display, attempts: i32) -> String {
        self.waiting_jobs(queue, payload, attempts, 1)
    }

    /// The same, so many times.
    pub fn waiting_jobs(
        self,
        queue: &str,
        payload: impl Display,
        attempts: i32,
        count: u32,
    ) -> String {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (job, at, metadata) = match self {
            Self::Embedded => (format!("CAST('{payload}' AS BLOB)"), "1577836800", "'{}'"),
            Self::Production => (
                format!("convert_to('{payload}', 'UTF8')"),
                "'2020-01-01Z'::timestamptz",
                "''::hstore",
            ),
        };
        format!(
            "INSERT INTO {} (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
             SELECT 'by hand {number} ' || i, '{queue}', {job}, 'Pending', 0, {attempts}, {at}, 0, {metadata} FROM n",
            self.jobs()
        )
    }
}

impl Fleet {
    /// A job of this tenant that names no rental, so that no version can read it.
    pub fn broken_job(&self) -> Value {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        json!({"job": "mark_overdue", "tenant": self.tenant.id, "rental": format!("none {number}")})
    }

    /// One that was given up.
    pub async fn dead_job(&self, app: &TestApp) -> String {
        app.sql(&app.shape.waiting_job("default", self.broken_job(), 1)).await.unwrap();
        app.try_jobs().await;
        let newest = "{ deadJobs(first: 1) { nodes { id } } }";
        let found = self.query(newest, json!({})).await;
        text(&found["deadJobs"]["nodes"][0]["id"])
    }
}
