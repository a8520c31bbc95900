//! The places of the code that work on more than one tenant, or on none: each is listed with its reason.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// What starts such a query. `Ctx::reader` and `Ctx::write` are of one tenant.
const MARKS: [&str; 8] = [
    "db.reader()",
    "db.feed()",
    "db.survey()",
    "db.worker()",
    "db.writer()",
    "db.snapshot()",
    "Entity::all()",
    "Entity::find()",
];

/// A file, what it does there, and why that is no tenant's own business.
const PLACES: &[(&str, &str, &str)] = &[
    ("api/src/http/health.rs", "db.reader()", "asks whether the database answers; reads no row"),
    ("api/src/node.rs", "db.reader()", "which migrations are applied"),
    ("api/src/node.rs", "db.writer()", "migrations, and the rule of row-level security itself"),
    ("entity/src/consumer.rs", "Entity::all()", "the platform's own bookkeeping of readers"),
    (
        "entity/src/stream_head.rs",
        "Entity::all()",
        "the numbers of every tenant's stream, without what happened",
    ),
    ("entity/src/tenant.rs", "Entity::all()", "the tenants themselves belong to none"),
    (
        "service/src/event/epoch.rs",
        "db.feed()",
        "the head of the stream of the tenant that is named",
    ),
    (
        "service/src/event/feed.rs",
        "db.feed()",
        "one feed for each tenant with listeners; each reads by its tenant",
    ),
    (
        "service/src/event/follow.rs",
        "db.feed()",
        "the head of the stream that the caller listens to",
    ),
    (
        "service/src/invariant.rs",
        "Entity::all()",
        "an operator's check of everything; gives counts only",
    ),
    (
        "service/src/invariant.rs",
        "db.snapshot()",
        "an operator's check of everything; gives counts only",
    ),
    (
        "service/src/job/consumer.rs",
        "db.survey()",
        "which tenants have events without jobs; each is then entered by `App::system`",
    ),
    (
        "service/src/job/prune.rs",
        "Entity::all()",
        "which tenants have a stream; each is then entered by `App::system`",
    ),
    (
        "service/src/job/prune.rs",
        "db.survey()",
        "which tenants have a stream; each is then entered by `App::system`",
    ),
    ("service/src/job/prune.rs", "db.worker()", "jobs that are done leave the queue"),
    (
        "service/src/job/attempt.rs",
        "db.worker()",
        "how an attempt ended, in the queue's own tables",
    ),
    (
        "service/src/job/dead/bury.rs",
        "Entity::all()",
        "whether there is the tenant that a job names, before it is entered",
    ),
    (
        "service/src/job/dead/bury.rs",
        "db.reader()",
        "whether there is the tenant that a job names, before it is entered",
    ),
    ("service/src/job/store.rs", "db.worker()", "the queue's own tables"),
    (
        "service/src/job/waiting.rs",
        "db.survey()",
        "counts of jobs and dead jobs by queue, for the platform's operators",
    ),
    (
        "service/src/job/store.rs",
        "db.writer()",
        "takes the queue's own tables back, with the last migration",
    ),
    (
        "service/src/job/worker.rs",
        "db.survey()",
        "jobs that are due; each names the tenant that it enters",
    ),
    ("service/src/job/worker.rs", "db.worker()", "the queue's own tables"),
    ("service/src/receipt/issue.rs", "Entity::all()", "the write's own tenant, by its id"),
    (
        "service/src/partner.rs",
        "Entity::find()",
        "which origins any client may call from, before the browser has said who calls",
    ),
    (
        "service/src/partner.rs",
        "db.feed()",
        "which origins any client may call from, before the browser has said who calls",
    ),
    (
        "service/src/partner/key.rs",
        "Entity::find()",
        "ids of keys that just ended, for sockets of all tenants",
    ),
    (
        "service/src/partner/key.rs",
        "db.feed()",
        "ids of keys that just ended, for sockets of all tenants",
    ),
    ("service/src/rental/cancel.rs", "Entity::all()", "the caller's own tenant, by its id"),
    ("service/src/tariff.rs", "Entity::all()", "the caller's own tenant, by its id"),
    (
        "service/src/tenant.rs",
        "Entity::all()",
        "finds a tenant by its slug or id before there is a caller",
    ),
    (
        "service/src/tenant.rs",
        "db.reader()",
        "finds a tenant by its slug or id before there is a caller",
    ),
    (
        "service/src/tenant/administrator.rs",
        "Entity::all()",
        "the platform's administrators look after every tenant, from outside",
    ),
    ("service/src/tenant/settings.rs", "Entity::all()", "the caller's own tenant, by its id"),
    ("service/src/tenant/settings.rs", "db.reader()", "the caller's own tenant, by its id"),
    (
        "service/src/user/revocation.rs",
        "Entity::all()",
        "which tenants were just suspended, for their sockets",
    ),
    (
        "service/src/user/revocation.rs",
        "Entity::find()",
        "ids of sessions that just ended, for sockets of all tenants",
    ),
    (
        "service/src/user/revocation.rs",
        "db.feed()",
        "ids of sessions that just ended, for sockets of all tenants",
    ),
];

#[test]
fn every_place_that_reaches_beyond_a_tenant_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    for layer in ["entity/src", "service/src", "api/src"] {
        for file in files(&root.join(layer)) {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            let text = std::fs::read_to_string(&file).unwrap();
            let code: String = text.lines().map(|line| line.split("//").next().unwrap()).collect();
            let dense: String = code.split_whitespace().collect();
            let declares = dense.contains("pubfnall()").then_some("Entity::all()");
            let used = MARKS.into_iter().filter(|mark| dense.contains(mark)).chain(declares);
            // `Db` is where they come from.
            found.extend(
                used.filter(|_| !name.starts_with("service/src/db"))
                    .map(|mark| (name.clone(), mark)),
            );
        }
    }
    let listed: BTreeSet<(String, &str)> =
        PLACES.iter().map(|(file, mark, _)| ((*file).to_owned(), *mark)).collect();
    assert_eq!(found, listed, "tenancy/platform.rs lists what works on more than one tenant");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
