//! What is promised, shown through HTTP and websockets on both shapes.

mod bad_input;
mod bench;
mod chaos;
mod chaos_live;
mod command;
mod demo;
mod fleet;
mod group_commit;
mod import;
mod import_flaws;
mod invariant;
mod job;
mod list;
mod live;
mod migration;
mod nodes;
mod race;
mod readme;
mod redis_faults;
mod rental;
mod replay;
mod resume;
mod schema;
mod sign_in;
mod socket;
mod tenancy;
