//! What all requests share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::auth::Auth;
use super::bulk::Bulk;
use super::live::Live;
use crate::queue::Queue;

#[derive(Clone)]
pub(super) struct State(Arc<Inner>);

struct Inner {
    queue: Queue,
    auth: Auth,
    hosts: Vec<String>,
    live: Live,
    enqueue: bool,
    bulks: Mutex<BTreeMap<u64, Bulk>>,
}

impl State {
    pub(super) fn new(queue: Queue, auth: Auth, hosts: Vec<String>, enqueue: bool) -> Self {
        let live = Live::new(queue.clone());
        Self(Arc::new(Inner { queue, auth, hosts, live, enqueue, bulks: Mutex::default() }))
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    pub(super) fn auth(&self) -> &Auth {
        &self.0.auth
    }

    pub(super) fn hosts(&self) -> &[String] {
        &self.0.hosts
    }

    /// Whether forms that enqueue are open.
    pub(super) fn enqueues(&self) -> bool {
        self.0.enqueue
    }

    pub(super) fn live(&self) -> &Live {
        &self.0.live
    }

    /// The bulk actions of this process, by their numbers.
    pub(super) fn bulks(&self) -> MutexGuard<'_, BTreeMap<u64, Bulk>> {
        self.0.bulks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
