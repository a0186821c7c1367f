//! Whether a worker lives: decided here, purely, from what can be seen of it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::record::{Hold, Pulse, Sign, Standing, WorkerId};

/// How often a worker shows that it lives, and looks at the others.
pub(super) const PERIOD: Duration = Duration::from_millis(500);
/// How long after its last heartbeat a worker may be without its hold: until then it takes it again, or gives up its
/// jobs; then others may start them.
pub(super) const RETURN: Duration = Duration::from_millis(1_000);
/// How long a connection may be silent, not closed, before the worker gives up its jobs: below the 15 s after which the
/// server closes the session of a machine that vanished.
const SILENCE: Duration = Duration::from_secs(10);
/// How long after the database was down nobody is taken for dead because its hold is free: all have lost theirs.
const GRACE: Duration = Duration::from_secs(10);
/// How long at most one must have watched a silent worker oneself, whatever the database's clock says.
const WATCH: Duration = Duration::from_secs(5);
/// After which gap in one's own heartbeats what was seen before counts no more: the others may have been stopped alike.
const GAP: Duration = Duration::from_secs(2);
/// How long a worker whose row was taken away has for writing it again.
const WITHOUT_ROW: Duration = Duration::from_secs(2);

/// How long after its last heartbeat a worker keeps its jobs; `None`: for ever.
pub(super) fn patience(standing: Standing, lease: Duration) -> Option<Duration> {
    match standing {
        Standing::Session => Some(SILENCE.min(lease * 2 / 3)),
        Standing::SessionLost => Some(RETURN),
        Standing::File => None,
        Standing::Beats => Some(lease * 2 / 3),
    }
}

/// What is to be thought of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Alive,
    /// It looks dead, and may return until then; not known when.
    Suspect(Option<Duration>),
    Dead,
}

/// What one look at the other workers shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scene {
    /// Those that are dead.
    pub(super) dead: Vec<WorkerId>,
    /// Whether one that holds runs may be dead.
    pub(super) unsure: bool,
    /// When the next look may show more.
    pub(super) next: Option<Duration>,
}

/// What a worker remembers of those that it watches.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The last heartbeat of each, and since when it is the last.
    seen: HashMap<WorkerId, (Option<i64>, Instant)>,
    /// Its own last look.
    looked: Option<Instant>,
    /// When its own hold was last made anew.
    renewed: Option<Instant>,
}

impl Watch {
    /// Judges what the latest heartbeat showed.
    pub(super) fn look(&mut self, pulse: &Pulse, now: Instant) -> Scene {
        if self.looked.replace(now).is_none_or(|before| now.duration_since(before) > GAP) {
            self.seen.clear();
        }
        if pulse.renewed {
            self.renewed = Some(now);
        }
        let calm = pulse.database_up.is_none_or(|up| up > GRACE)
            && self.renewed.is_none_or(|since| now.duration_since(since) > GRACE);
        self.seen.retain(|id, _| pulse.others.iter().any(|sign| sign.worker == *id));
        let mut scene = Scene::default();
        for sign in &pulse.others {
            let (beat, since) = self.seen.entry(sign.worker).or_insert((sign.beat, now));
            if *beat != sign.beat {
                (*beat, *since) = (sign.beat, now);
            }
            match verdict(sign, now.duration_since(*since), calm) {
                Verdict::Alive => {}
                Verdict::Suspect(left) => {
                    scene.unsure |= sign.busy;
                    scene.next = scene.next.into_iter().chain(left).min();
                }
                Verdict::Dead => {
                    scene.unsure |= sign.busy;
                    scene.dead.push(sign.worker);
                }
            }
        }
        scene
    }
}

/// `watched`: for how long this very heartbeat has been seen as its last; `calm`: whether holds mean something.
fn verdict(sign: &Sign, watched: Duration, calm: bool) -> Verdict {
    let Some(silent) = sign.silent else {
        return match sign.hold {
            Hold::Held => Verdict::Alive,
            Hold::Free | Hold::None if watched >= WITHOUT_ROW && calm => Verdict::Dead,
            Hold::Free | Hold::None => Verdict::Suspect(None),
        };
    };
    if sign.hold == Hold::Free {
        return match RETURN.checked_sub(silent) {
            _ if !calm => Verdict::Suspect(None),
            Some(left) if !left.is_zero() => Verdict::Suspect(Some(left)),
            _ => Verdict::Dead,
        };
    }
    // Frozen, or where nothing can be held: only its silence tells.
    match (silent > sign.lease, watched >= WATCH.min(sign.lease)) {
        (true, true) => Verdict::Dead,
        (true, false) => Verdict::Suspect(None),
        (false, _) if sign.hold == Hold::None && silent > sign.lease / 4 => Verdict::Suspect(None),
        (false, _) => Verdict::Alive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn sign(hold: Hold, silent: Option<Duration>) -> Sign {
        let beat = silent.map(|_| 1);
        Sign { worker: WorkerId::now_v7(), beat, silent, lease: SECOND * 30, hold, busy: true }
    }

    fn pulse(others: Vec<Sign>) -> Pulse {
        Pulse { forgotten: false, renewed: false, database_up: Some(SECOND * 3600), others }
    }

    /// What is thought after `looks` looks, half a second apart, at the same thing.
    fn after(looks: u32, sign: &Sign) -> Scene {
        let (mut watch, start) = (Watch::default(), Instant::now());
        (0..looks).map(|n| watch.look(&pulse(vec![sign.clone()]), start + PERIOD * n)).last().unwrap_or_default()
    }

    #[test]
    fn a_free_hold_and_an_old_heartbeat_are_death() {
        let dead = sign(Hold::Free, Some(RETURN));
        assert_eq!(after(1, &dead), Scene { dead: vec![dead.worker], unsure: true, next: None });
    }

    #[test]
    fn who_lost_its_hold_a_moment_ago_may_take_it_again() {
        let young = sign(Hold::Free, Some(RETURN / 4));
        assert_eq!(after(9, &young), Scene { dead: vec![], unsure: true, next: Some(RETURN * 3 / 4) });
    }

    #[test]
    fn who_holds_on_lives_as_long_as_its_lease() {
        let quiet = sign(Hold::Held, Some(SECOND * 29));
        assert_eq!(after(100, &quiet), Scene::default(), "a late heartbeat alone is no death");
        let frozen = sign(Hold::Held, Some(SECOND * 31));
        assert!(after(1, &frozen).dead.is_empty(), "what was silent before we came may beat the next moment");
        assert!(after(1, &frozen).unsure);
        assert_eq!(after(11, &frozen).dead, [frozen.worker]);
    }

    #[test]
    fn without_a_hold_the_lease_decides() {
        assert_eq!(after(100, &sign(Hold::None, Some(SECOND))), Scene::default());
        assert!(after(1, &sign(Hold::None, Some(SECOND * 9))).unsure);
        let silent = sign(Hold::None, Some(SECOND * 31));
        assert_eq!(after(11, &silent).dead, [silent.worker]);
    }

    #[test]
    fn a_worker_without_a_row_has_a_moment_to_write_it() {
        let gone = sign(Hold::Free, None);
        assert!(after(4, &gone).dead.is_empty());
        assert_eq!(after(5, &gone).dead, [gone.worker]);
        assert_eq!(after(99, &sign(Hold::Held, None)), Scene::default());
    }

    #[test]
    fn a_heartbeat_begins_the_watch_anew() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let mut frozen = sign(Hold::Held, Some(SECOND * 31));
        for n in 0..100 {
            frozen.beat = Some(i64::from(n / 8));
            let scene = watch.look(&pulse(vec![frozen.clone()]), start + PERIOD * n);
            assert!(scene.dead.is_empty(), "it beats, whatever the clocks say");
        }
    }

    #[test]
    fn who_stood_still_oneself_begins_to_watch_anew() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let silent = sign(Hold::None, Some(SECOND * 31));
        watch.look(&pulse(vec![silent.clone()]), start);
        // The database stood still for all of them.
        let scene = watch.look(&pulse(vec![silent]), start + SECOND * 60);
        assert!(scene.dead.is_empty());
    }

    #[test]
    fn after_a_restart_of_the_database_free_holds_mean_nothing() {
        let free = sign(Hold::Free, Some(SECOND * 5));
        let young = Pulse { database_up: Some(SECOND), ..pulse(vec![free.clone()]) };
        assert!(Watch::default().look(&young, Instant::now()).dead.is_empty());
        let (mut watch, start) = (Watch::default(), Instant::now());
        let renewed = Pulse { renewed: true, ..pulse(vec![free.clone()]) };
        assert!(watch.look(&renewed, start).dead.is_empty());
        assert!(watch.look(&pulse(vec![free.clone()]), start + SECOND).dead.is_empty());
        assert_eq!(watch.look(&pulse(vec![free.clone()]), start + GRACE + SECOND).dead, [free.worker]);
    }

    #[test]
    fn jobs_are_given_up_before_others_may_start_them() {
        let lease = SECOND * 30;
        assert!(patience(Standing::SessionLost, lease) <= Some(RETURN));
        assert!(patience(Standing::Session, lease) < Some(SECOND * 15));
        assert!(patience(Standing::Beats, lease) < Some(lease));
        assert!(patience(Standing::Session, SECOND) < Some(SECOND));
        assert_eq!(patience(Standing::File, lease), None);
    }
}
