//! Tenants do not meet: the schema itself says which calls are made, so that a new field is tried without anybody's work.
//!
//! `sdl` reads the schema and writes documents, `objects` holds a tenant with one object of each kind, `door` is a way in.

mod canary;
mod catalogue;
mod crowd;
mod cursor;
mod door;
mod forged;
mod objects;
mod platform;
mod role;
mod row_security;
mod sample;
mod sdl;
mod stream;
mod sweep;
