//! Conditions over the counts, for probes: `oldest_ready>5m`, `dead>0 or ready(mail)>=1000`.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::record::StatLine;
use crate::status::JobState;

/// The states in which a job waits.
const WAITING: [JobState; 5] =
    [JobState::Ready, JobState::Scheduled, JobState::Retrying, JobState::Blocked, JobState::Parked];
/// What may be compared beside the states.
const OTHERS: [&str; 4] = ["waiting", "total", "oldest_ready", "workers"];

/// Comparisons joined by `and`, and those by `or`, as a person wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) text: String,
    any: Vec<Vec<Comparison>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    what: What,
    /// Of this queue only.
    queue: Option<String>,
    sign: Sign,
    /// A count, or microseconds.
    bound: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    State(JobState),
    Waiting,
    Total,
    OldestReady,
    Workers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    More,
    AtLeast,
    Less,
    AtMost,
    Equal,
    Other,
}

/// What conditions are held against.
pub(super) struct Figures<'f> {
    pub(super) lines: &'f [StatLine],
    /// By the database's clock.
    pub(super) now: DateTime<Utc>,
    /// How many workers live.
    pub(super) workers: u64,
}

impl Condition {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut any = vec![Vec::new()];
        let mut open = String::new();
        for word in text.split_whitespace().chain(["or"]) {
            if !word.eq_ignore_ascii_case("and") && !word.eq_ignore_ascii_case("or") {
                open.push_str(word);
                continue;
            }
            let comparison = Comparison::parse(&std::mem::take(&mut open))?;
            if let Some(all) = any.last_mut() {
                all.push(comparison);
            }
            if word.eq_ignore_ascii_case("or") {
                any.push(Vec::new());
            }
        }
        any.retain(|all| !all.is_empty());
        Ok(Self { text: text.trim().to_owned(), any })
    }

    /// The states that have to be counted.
    pub(super) fn states(&self) -> BTreeSet<JobState> {
        self.any.iter().flatten().flat_map(|comparison| comparison.what.states().iter().copied()).collect()
    }

    pub(super) fn holds(&self, figures: &Figures<'_>) -> bool {
        self.any.iter().any(|all| all.iter().all(|comparison| comparison.holds(figures)))
    }

    /// What is compared, with what was found: `oldest_ready is 7m 12s`.
    pub(super) fn found(&self, figures: &Figures<'_>) -> String {
        let found = self.any.iter().flatten().map(|comparison| comparison.found(figures));
        found.collect::<Vec<_>>().join(", ")
    }
}

impl Comparison {
    fn parse(text: &str) -> Result<Self, String> {
        let example = "write for example `oldest_ready>5m`, `dead>0` or `ready(mail)>=1000 and workers<1`";
        let at = text.find(['<', '>', '=', '!']).ok_or_else(|| format!("`{text}` compares nothing; {example}"))?;
        let (name, rest) = text.split_at(at);
        let signs = [
            (">=", Sign::AtLeast),
            ("<=", Sign::AtMost),
            ("!=", Sign::Other),
            ("==", Sign::Equal),
            (">", Sign::More),
            ("<", Sign::Less),
            ("=", Sign::Equal),
        ];
        let (sign, bound) = signs
            .into_iter()
            .find_map(|(spelled, sign)| Some((sign, rest.strip_prefix(spelled)?)))
            .ok_or_else(|| format!("`{rest}` is no comparison; {example}"))?;
        let (name, queue) = match name.split_once('(') {
            Some((name, queue)) => {
                let queue = queue.strip_suffix(')').filter(|queue| !queue.is_empty());
                (name, Some(queue.ok_or_else(|| format!("`{text}`: a queue stands as in `ready(mail)`"))?.to_owned()))
            }
            None => (name, None),
        };
        let what = What::parse(name)?;
        if what == What::Workers && queue.is_some() {
            return Err("`workers` are counted for all queues; leave the brackets out".to_owned());
        }
        Ok(Self { what, queue, sign, bound: what.bound(bound)? })
    }

    fn value(&self, figures: &Figures<'_>) -> u128 {
        let of_it = |line: &&StatLine| {
            self.queue.as_ref().is_none_or(|queue| *queue == line.queue) && self.what.states().contains(&line.state)
        };
        let lines = figures.lines.iter().filter(of_it);
        match self.what {
            What::Workers => figures.workers.into(),
            What::OldestReady => {
                let oldest = lines.filter_map(|line| line.oldest_due).min();
                let age = oldest.and_then(|oldest| (figures.now - oldest).to_std().ok());
                age.unwrap_or_default().as_micros()
            }
            _ => lines.map(|line| u128::from(line.count)).sum(),
        }
    }

    fn holds(&self, figures: &Figures<'_>) -> bool {
        let value = self.value(figures);
        match self.sign {
            Sign::More => value > self.bound,
            Sign::AtLeast => value >= self.bound,
            Sign::Less => value < self.bound,
            Sign::AtMost => value <= self.bound,
            Sign::Equal => value == self.bound,
            Sign::Other => value != self.bound,
        }
    }

    fn found(&self, figures: &Figures<'_>) -> String {
        let name = match self.what {
            What::State(state) => state.as_str(),
            What::Waiting => "waiting",
            What::Total => "total",
            What::OldestReady => "oldest_ready",
            What::Workers => "workers",
        };
        let queue = self.queue.as_ref().map(|queue| format!("({queue})")).unwrap_or_default();
        let value = self.value(figures);
        if self.what == What::OldestReady {
            let seconds = u64::try_from(value / 1_000_000).unwrap_or(u64::MAX);
            return format!("{name}{queue} is {}", humantime::format_duration(Duration::from_secs(seconds)));
        }
        format!("{name}{queue} is {value}")
    }
}

impl What {
    fn parse(name: &str) -> Result<Self, String> {
        match name {
            "waiting" => return Ok(Self::Waiting),
            "total" => return Ok(Self::Total),
            "oldest_ready" => return Ok(Self::OldestReady),
            "workers" => return Ok(Self::Workers),
            _ => {}
        }
        name.parse().map(Self::State).map_err(|_| {
            let names = || JobState::ALL.iter().map(|state| state.as_str()).chain(OTHERS);
            let near = names().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
            format!(
                "`{name}` is not one of {}; did you mean `{}`?",
                names().collect::<Vec<_>>().join(", "),
                near.unwrap_or_default()
            )
        })
    }

    fn bound(self, text: &str) -> Result<u128, String> {
        if self == Self::OldestReady {
            let span = humantime::parse_duration(text);
            return span
                .map(|span| span.as_micros())
                .map_err(|_| format!("`{text}` is no length of time; write for example `oldest_ready>5m`"));
        }
        text.parse().map_err(|_| format!("`{text}` is no number of jobs; write for example `ready>1000`"))
    }

    fn states(&self) -> &[JobState] {
        match self {
            Self::State(state) => std::slice::from_ref(state),
            Self::Waiting => &WAITING,
            Self::Total => JobState::ALL,
            Self::OldestReady => &[JobState::Ready],
            Self::Workers => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(state: JobState, queue: &str, count: u64, seconds: i64) -> StatLine {
        let oldest_due = DateTime::from_timestamp(1_000 - seconds, 0);
        StatLine { state, queue: queue.to_owned(), job: "a".to_owned(), count, oldest_due }
    }

    #[test]
    fn conditions_hold_or_not() {
        let lines = [
            line(JobState::Ready, "mail", 3, 400),
            line(JobState::Ready, "video", 2, 20),
            line(JobState::Retrying, "mail", 1, -50),
            StatLine { oldest_due: None, ..line(JobState::Dead, "mail", 7, 0) },
        ];
        let now = DateTime::from_timestamp(1_000, 0).expect("a time");
        let figures = Figures { lines: &lines, now, workers: 2 };
        for (text, holds) in [
            ("oldest_ready>5m", true),
            ("oldest_ready > 7m", false),
            ("oldest_ready(video)>30s", false),
            ("oldest_ready(none)>0s", false),
            ("ready=5", true),
            ("ready(mail)==3 and ready(video)!=3", true),
            ("dead<=6", false),
            ("waiting>=6", true),
            ("total<13", false),
            ("workers<1 OR dead>0", true),
            ("workers<1 or dead>0 and ready>5", false),
        ] {
            assert_eq!(Condition::parse(text).expect(text).holds(&figures), holds, "{text}");
        }
        let condition = Condition::parse("oldest_ready>5m or dead(mail)>0").expect("good");
        assert_eq!(condition.found(&figures), "oldest_ready is 6m 40s, dead(mail) is 7");
        assert_eq!(condition.states(), BTreeSet::from([JobState::Ready, JobState::Dead]));
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        for (text, reason) in [
            ("oldest_redy>5m", "did you mean `oldest_ready`?"),
            ("oldest_ready>5", "`5` is no length of time; write for example `oldest_ready>5m`"),
            ("dead>5m", "`5m` is no number of jobs; write for example `ready>1000`"),
            ("dead>-1", "`-1` is no number of jobs; write for example `ready>1000`"),
            ("dead", "`dead` compares nothing;"),
            ("dead!0", "`!0` is no comparison;"),
            ("dead>0 and", "`` compares nothing;"),
            ("", "`` compares nothing;"),
            ("ready(mail>3", "a queue stands as in `ready(mail)`"),
            ("workers(mail)>3", "leave the brackets out"),
        ] {
            let error = Condition::parse(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
