//! Who runs beside whom: a job that may kill its worker runs alone, so that no other is blamed for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::outcome::LOSSES;
use crate::record::Run;

/// How long others are kept from starting while the last of them end; a suspect that has waited so long runs beside
/// them, and then nobody is blamed for certain.
const QUIET: Duration = Duration::from_secs(60);

/// How long a suspect waits elsewhere when another one has its turn.
pub(super) const TURN: Duration = Duration::from_secs(1);

/// The places of a worker, which all runs share or one has alone.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// Shared by a claim and what it claimed; had alone by a suspect. Whoever waits to be alone keeps new ones out.
    all: Arc<RwLock<()>>,
    /// Suspects, one after the other.
    suspects: Arc<Mutex<()>>,
}

/// A place beside others, held until the last run of a claim has ended.
pub(super) type Beside = Arc<OwnedRwLockReadGuard<()>>;

/// Where a run has its place, as long as it goes on.
#[derive(Debug)]
pub(super) enum Place {
    Beside { _all: Beside },
    Suspect { _turn: OwnedMutexGuard<()>, _alone: Option<OwnedRwLockWriteGuard<()>> },
}

impl Company {
    /// Whether one more loss would be the job's last: only one that it suffers alone may be that.
    pub(super) fn is_suspect(run: &Run) -> bool {
        run.losses >= LOSSES - 1
    }

    /// A place beside others; waits while one is, or waits to be, alone.
    pub(super) async fn beside(&self) -> Beside {
        Arc::new(Arc::clone(&self.all).read_owned().await)
    }

    /// A place alone, if the others end in time; none if another suspect has its turn.
    ///
    /// What is claimed counts as company, so that one goes back.
    pub(super) async fn alone(&self) -> Option<Place> {
        let turn = Arc::clone(&self.suspects).try_lock_owned().ok()?;
        let alone = tokio::time::timeout(QUIET, Arc::clone(&self.all).write_owned()).await.ok();
        if alone.is_none() {
            tracing::warn!("a job whose workers died again and again starts beside others, which do not end");
        }
        Some(Place::Suspect { _turn: turn, _alone: alone })
    }
}
