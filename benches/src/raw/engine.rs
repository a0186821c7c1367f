//! The minimal engine: prefetch, one task a job, decoded arguments, coalesced ends. No retries, no heartbeat, no order
//! kept between its two fetchers, nothing given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};
use uuid::Uuid;

use super::postgres::{Raw, Taken};

/// How many rows one statement takes or ends at most.
const BATCH: usize = 500;
/// How many rows are claimed and not recorded at most.
const CREDIT: usize = 2_000;
const FETCHERS: usize = 2;
const FINISHERS: usize = 2;

#[derive(Deserialize)]
struct Arguments {
    n: u64,
}

async fn nothing(n: u64) {
    std::hint::black_box(n);
}

/// Runs jobs until nothing is left; gives how many have run.
pub async fn drain(raw: &Raw) -> anyhow::Result<u64> {
    let credit = Arc::new(Semaphore::new(CREDIT));
    let ran = Arc::new(AtomicU64::new(0));
    let (ended, ends) = mpsc::unbounded_channel::<i64>();
    let ends = Arc::new(tokio::sync::Mutex::new(ends));
    let finishers: Vec<_> = (0..FINISHERS)
        .map(|_| {
            let (raw, ends, credit) = (raw.clone(), Arc::clone(&ends), Arc::clone(&credit));
            tokio::spawn(async move {
                loop {
                    let mut tokens = Vec::with_capacity(BATCH);
                    let got = ends.lock().await.recv_many(&mut tokens, BATCH).await;
                    if got == 0 {
                        return anyhow::Ok(());
                    }
                    raw.finish(tokens).await?;
                    credit.add_permits(got);
                }
            })
        })
        .collect();
    let fetchers: Vec<_> = (0..FETCHERS)
        .map(|_| {
            let (raw, credit, ended) = (raw.clone(), Arc::clone(&credit), ended.clone());
            let ran = Arc::clone(&ran);
            tokio::spawn(async move {
                let worker = Uuid::now_v7();
                loop {
                    // A quarter of the credit at once, so that a claim is worth its statement.
                    let batch = u32::try_from(BATCH)?;
                    credit.acquire_many(batch).await?.forget();
                    let taken = raw.claim(worker, BATCH).await?;
                    credit.add_permits(BATCH - taken.len());
                    if taken.is_empty() {
                        return anyhow::Ok(());
                    }
                    for Taken { token, arguments } in taken {
                        let (ended, ran) = (ended.clone(), Arc::clone(&ran));
                        tokio::spawn(async move {
                            if let Ok(Arguments { n }) = serde_json::from_str(&arguments) {
                                nothing(n).await;
                                ran.fetch_add(1, Ordering::Relaxed);
                            }
                            // The finishers live until all senders are gone.
                            let _ = ended.send(token);
                        });
                    }
                }
            })
        })
        .collect();
    for fetcher in fetchers {
        fetcher.await??;
    }
    drop(ended);
    for finisher in finishers {
        finisher.await??;
    }
    Ok(ran.load(Ordering::Relaxed))
}
