//! Lanes: slots that are filled apart from each other, so that none waits for the jobs of another.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::config::Config;

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
            let lane = |threads, slots, only, except| Self {
                threads,
                slots,
                queues: queues.clone(),
                except_queues: except_queues.clone(),
                only,
                except,
                look: Arc::default(),
            };
            // The first takes all names but those of the second, so that unknown names are met by one of them.
            if !asynchronous.is_empty() {
                lanes.push(lane(None, slots, None, plain.clone()));
            }
            if !plain.is_empty() {
                let only = (!asynchronous.is_empty()).then(|| plain.clone());
                lanes.push(lane(threads, plain_slots, only, Vec::new()));
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

    /// All free slots at once, at most that many; waits until there is one.
    pub(super) async fn free_slots(&self, most: usize) -> Vec<Slot> {
        // The semaphores are never closed, so acquiring only waits. The thread comes first: who waits for a thread
        // must not keep a slot from an async job of the same queue.
        let thread = match &self.threads {
            Some(threads) => Arc::clone(threads).acquire_owned().await.ok(),
            None => None,
        };
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return Vec::new() };
        let mut slots = vec![Slot { _slot: slot, _thread: thread }];
        while slots.len() < most
            && let Some(slot) = self.try_slot()
        {
            slots.push(slot);
        }
        slots
    }

    fn try_slot(&self) -> Option<Slot> {
        let thread = match &self.threads {
            Some(threads) => Some(Arc::clone(threads).try_acquire_owned().ok()?),
            None => None,
        };
        Some(Slot { _slot: Arc::clone(&self.slots).try_acquire_owned().ok()?, _thread: thread })
    }
}
