//! Lanes: slots that are filled apart from each other, so that none waits for the jobs of another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::ahead::{Ahead, Claimed};
use super::config::Config;
use crate::record::Trail;

/// What claims fill together: some slots, and the jobs that take them.
pub(super) struct Lane {
    /// Threads for plain functions, of which each takes one beside its slot.
    threads: Option<Arc<Semaphore>>,
    slots: Arc<Semaphore>,
    /// Only these queues, if given.
    pub(super) queues: Option<Vec<String>>,
    /// All but these queues.
    pub(super) except_queues: Vec<String>,
    /// Only these names, if given.
    pub(super) only: Option<Vec<String>>,
    /// All but these names.
    pub(super) except: Vec<String>,
    /// Rung when there may be something to claim.
    pub(super) look: Arc<Notify>,
    /// What the claims of this lane have seen.
    pub(super) trail: Trail,
    /// What was claimed and has not started.
    ahead: Mutex<Ahead>,
    /// Rung when this lane may be able to take more.
    hungry: Arc<Notify>,
    /// The same of all lanes that share these slots.
    neighbours: Vec<Arc<Notify>>,
}

/// The place of one job, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _slot: OwnedSemaphorePermit,
    _thread: Option<OwnedSemaphorePermit>,
}

impl Lane {
    /// All lanes of a worker: for async jobs and for plain functions, of the queues that share their slots and of each
    /// queue that has slots of its own.
    pub(super) fn all(config: &Config) -> Vec<Self> {
        let names = |blocking: bool| -> Vec<String> {
            let jobs = config.registry.jobs().iter().filter(|job| job.blocking == blocking);
            jobs.flat_map(|job| std::iter::once(&job.name).chain(job.aliases)).map(|name| (*name).to_owned()).collect()
        };
        let (plain, asynchronous) = (names(true), names(false));
        let semaphore = |count: usize| Arc::new(Semaphore::new(count));
        let mut lanes = Vec::new();
        let mut add = |queues: Option<Vec<String>>, except_queues: Vec<String>, slots, plain_slots, threads| {
            let neighbours = [Arc::<Notify>::default(), Arc::<Notify>::default()];
            let lane = |own: usize, threads, slots, only, except| Self {
                threads,
                slots,
                queues: queues.clone(),
                except_queues: except_queues.clone(),
                only,
                except,
                look: Arc::default(),
                trail: Trail::default(),
                ahead: Mutex::default(),
                hungry: Arc::clone(&neighbours[own]),
                neighbours: neighbours.to_vec(),
            };
            // The first takes all names but those of the second, so that unknown names are met by one of them.
            if !asynchronous.is_empty() {
                lanes.push(lane(0, None, slots, None, plain.clone()));
            }
            if !plain.is_empty() {
                let only = (!asynchronous.is_empty()).then(|| plain.clone());
                lanes.push(lane(1, threads, plain_slots, only, Vec::new()));
            }
        };
        let own: Vec<String> = config.own_slots.keys().cloned().collect();
        let shared = config.queues.as_ref().map(|queues| -> Vec<String> {
            queues.iter().filter(|queue| !config.own_slots.contains_key(*queue)).cloned().collect()
        });
        if shared.as_ref().is_none_or(|queues| !queues.is_empty()) {
            let own = if shared.is_none() { own } else { Vec::new() };
            add(shared, own, semaphore(config.concurrency), semaphore(config.threads), None);
        }
        for (queue, slots) in &config.own_slots {
            let (slots, threads) = (semaphore(*slots), semaphore(config.threads.min(*slots)));
            add(Some(vec![queue.clone()]), Vec::new(), Arc::clone(&slots), slots, Some(threads));
        }
        lanes
    }

    fn ahead(&self) -> MutexGuard<'_, Ahead> {
        // Single calls on a map: nothing is half-done when a thread dies.
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many slots are free.
    fn free(&self) -> usize {
        let threads = self.threads.as_ref().map_or(usize::MAX, |threads| threads.available_permits());
        self.slots.available_permits().min(threads)
    }

    /// How many more are to be claimed at the moment: for the free slots and, where jobs end fast, for those that will
    /// be free soon.
    pub(super) fn wanted(&self) -> usize {
        let free = self.free();
        self.ahead().wanted(free)
    }

    /// Waits until more may be wanted.
    pub(super) async fn hungry(&self) {
        self.hungry.notified().await;
    }

    /// A slot, if one is free. The thread comes first: who waits for a thread must not keep a slot from an async job
    /// of the same queue.
    pub(super) fn try_slot(&self) -> Option<Slot> {
        let thread = match &self.threads {
            Some(threads) => Some(Arc::clone(threads).try_acquire_owned().ok()?),
            None => None,
        };
        Some(Slot { _slot: Arc::clone(&self.slots).try_acquire_owned().ok()?, _thread: thread })
    }

    /// Gives a slot back.
    pub(super) fn release(&self, slot: Slot) {
        drop(slot);
        for neighbour in &self.neighbours {
            neighbour.notify_one();
        }
    }

    /// Puts in what was claimed.
    pub(super) fn put(&self, claimed: Vec<Claimed>) {
        self.ahead().put(claimed);
    }

    /// How many wait for a slot.
    pub(super) fn waiting(&self) -> usize {
        self.ahead().len()
    }

    /// The one that is to start next.
    pub(super) fn next(&self) -> Option<Claimed> {
        let (next, low) = self.ahead().next();
        if low {
            self.hungry.notify_one();
        }
        next
    }

    /// A job of this lane has ended.
    pub(super) fn ended(&self) {
        self.ahead().ended();
    }

    /// Takes out what has waited for a slot for too long: others may have one.
    pub(super) fn stalled(&self) -> Vec<Claimed> {
        let stalled = self.ahead().stalled();
        if !stalled.is_empty() {
            self.hungry.notify_one();
        }
        stalled
    }
}
