//! How many sockets may be open on this node at once: for an address, for a user and for a tenant.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::{tenant::TenantId, user::UserId};

/// Whom a socket counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Address(IpAddr),
    User(UserId),
    Tenant(TenantId),
}

/// None is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Most {
    pub for_address: Option<u32>,
    pub for_user: Option<u32>,
    pub for_tenant: Option<u32>,
}

#[derive(Default)]
pub struct Limits {
    most: Most,
    open: Mutex<HashMap<Owner, u32>>,
}

/// One socket's place; free again when it is dropped.
pub struct Place {
    limits: Arc<Limits>,
    owner: Owner,
}

impl Limits {
    pub fn new(most: Most) -> Self {
        Self { most, open: Mutex::default() }
    }

    /// None: there is no place left.
    pub fn take(self: &Arc<Self>, owner: Owner) -> Option<Place> {
        let most = match owner {
            Owner::Address(_) => self.most.for_address,
            Owner::User(_) => self.most.for_user,
            Owner::Tenant(_) => self.most.for_tenant,
        };
        let mut open = self.open();
        let count = open.entry(owner).or_default();
        if most.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        Some(Place { limits: Arc::clone(self), owner })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Owner, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        if let Some(count) = open.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_socket_has_gone() {
        let most = Most { for_address: Some(2), ..Most::default() };
        let limits = Arc::new(Limits::new(most));
        let here = Owner::Address(IpAddr::from([127, 0, 0, 1]));
        let there = Owner::Address(IpAddr::from([127, 0, 0, 2]));
        let (first, second) = (limits.take(here), limits.take(here));
        assert!(first.is_some() && second.is_some() && limits.take(here).is_none());
        assert!(limits.take(there).is_some());
        drop(first);
        assert!(limits.take(here).is_some());
        drop(second);
        assert!(limits.open().is_empty());
    }
}
