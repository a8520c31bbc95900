//! A program of a partner, which calls with keys of its own.

id_type!(ClientId, "client");
