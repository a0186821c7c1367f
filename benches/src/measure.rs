//! Contenders that run in turn, and what was measured of them.

use futures_util::future::BoxFuture;
use serde::Serialize;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How often each contender has its turn.
    pub rounds: usize,
    /// How many jobs one turn drains.
    pub jobs: u32,
    /// How long one turn of single enqueues lasts, in milliseconds.
    pub span_ms: u64,
    /// How many enqueues one turn of latencies measures.
    pub probes: u32,
    /// How many rows lie beside the jobs whose rate must not suffer from them.
    pub backlog: u32,
}

impl Scale {
    pub const QUICK: Self = Self { rounds: 3, jobs: 60_000, span_ms: 1_000, probes: 300, backlog: 100_000 };
    pub const FULL: Self = Self { rounds: 5, jobs: 200_000, span_ms: 3_000, probes: 1_000, backlog: 1_000_000 };
}

/// What a number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    #[serde(rename = "jobs/s")]
    Rate,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "MB")]
    Megabytes,
    #[serde(rename = "statements/s")]
    PerSecond,
    #[serde(rename = "% of a core")]
    Percent,
}

/// What a contender is to reach.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Aim {
    /// The name of the raw contender of the same case; none where the figure itself is limited.
    pub of: Option<&'static str>,
    /// The ratio to it that is to be reached (rates) or kept to (times), or the limit.
    pub bound: f64,
}

/// One contender of a case, measured in each round.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub case: &'static str,
    pub contender: &'static str,
    pub unit: Unit,
    pub samples: Vec<f64>,
    pub aim: Option<Aim>,
}

impl Figure {
    /// The middle sample.
    pub fn median(&self) -> f64 {
        quantile(&self.samples, 0.5)
    }
}

/// The sample below which that part of all samples lies.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a short list"
)]
pub fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = ((sorted.len().saturating_sub(1)) as f64 * part).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// One who has a turn in each round: gives one number, or one for each of `figures`.
pub struct Contender {
    figures: Vec<Figure>,
    turn: Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<Vec<f64>>>>,
}

impl Contender {
    /// A contender that gives one number a turn.
    pub fn new<F>(case: &'static str, name: &'static str, unit: Unit, turn: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<f64>> + Send + 'static,
    {
        Self {
            figures: vec![Figure { case, contender: name, unit, samples: Vec::new(), aim: None }],
            turn: Box::new(move || {
                let turn = turn();
                Box::pin(async move { Ok(vec![turn.await?]) })
            }),
        }
    }

    /// A contender that gives a number for each of these cases in one turn.
    pub fn several<F>(cases: &[&'static str], name: &'static str, unit: Unit, turn: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<Vec<f64>>> + Send + 'static,
    {
        let figure = |case: &&'static str| Figure { case, contender: name, unit, samples: Vec::new(), aim: None };
        Self { figures: cases.iter().map(figure).collect(), turn: Box::new(move || Box::pin(turn())) }
    }

    /// What it should reach, for each of its figures in turn.
    pub fn aims(mut self, of: &'static str, ratios: &[f64]) -> Self {
        for (figure, &ratio) in self.figures.iter_mut().zip(ratios) {
            figure.aim = Some(Aim { of: Some(of), bound: ratio });
        }
        self
    }

    /// What each of its figures may be at most.
    pub fn most(mut self, limits: &[f64]) -> Self {
        for (figure, &bound) in self.figures.iter_mut().zip(limits) {
            figure.aim = Some(Aim { of: None, bound });
        }
        self
    }

    /// What each of its figures says, where that differs.
    pub fn units(mut self, units: &[Unit]) -> Self {
        for (figure, &unit) in self.figures.iter_mut().zip(units) {
            figure.unit = unit;
        }
        self
    }
}

/// Runs all contenders one after the other, `rounds` times.
pub async fn in_turn(rounds: usize, mut contenders: Vec<Contender>) -> anyhow::Result<Vec<Figure>> {
    for round in 0..rounds {
        for contender in &mut contenders {
            // On the runtime's own threads, as in a program that is measured in earnest.
            let numbers = tokio::spawn((contender.turn)()).await??;
            for (figure, number) in contender.figures.iter_mut().zip(numbers) {
                eprintln!("  {round} {}, {}: {number:.2}", figure.case, figure.contender);
                figure.samples.push(number);
            }
        }
    }
    Ok(contenders.into_iter().flat_map(|contender| contender.figures).collect())
}

/// How many a second.
#[allow(clippy::cast_precision_loss, reason = "a rate to look at")]
pub fn rate(count: u64, since: std::time::Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}
