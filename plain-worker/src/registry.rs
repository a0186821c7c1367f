//! The jobs of this program, collected at start-up through `inventory`.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::command::{Found, definitions};
use crate::error::{Error, Result};
use crate::job::{Job, JobDef};

/// What `#[job]` hands to `inventory`.
#[doc(hidden)]
pub struct Registration(&'static JobDef);

impl Registration {
    /// The registration of one job.
    #[doc(hidden)]
    #[must_use]
    pub const fn of<J: Job>() -> Self {
        Self(J::DEFINITION)
    }
}

inventory::collect!(Registration);

/// The jobs of this program by name.
#[derive(Clone, Debug)]
pub struct Registry {
    /// In the order of their names.
    jobs: Vec<&'static JobDef>,
    by_name: HashMap<&'static str, &'static JobDef>,
}

impl Registry {
    /// All jobs that are linked into this program.
    ///
    /// # Errors
    /// Two jobs that share a name or an alias: the text names both places.
    ///
    /// ```
    /// # fn main() -> Result<(), plain_worker::Error> {
    /// for job in plain_worker::Registry::of_program()?.jobs() {
    ///     println!("{} at {}", job.name, job.place());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_program() -> Result<&'static Self> {
        static REGISTRY: OnceLock<Result<Registry, String>> = OnceLock::new();
        REGISTRY.get_or_init(|| Self::with(Found::of_program())).as_ref().map_err(|text| Error::Setting(text.clone()))
    }

    /// All functions that are linked into this program, and all its commands with those of a worker's builder.
    pub(crate) fn with_commands(found: Vec<Found>) -> Result<Self> {
        Self::with(Found::of_program().chain(found)).map_err(Error::Setting)
    }

    /// The same without any command.
    pub(crate) fn without_commands() -> Result<Self> {
        Self::with(std::iter::empty()).map_err(Error::Setting)
    }

    fn with(commands: impl Iterator<Item = Found>) -> Result<Self, String> {
        let functions = inventory::iter::<Registration>().map(|found| found.0);
        Self::from_definitions(functions.chain(definitions(commands)?))
    }

    /// These jobs alone, instead of all that are linked into this program.
    ///
    /// # Errors
    /// Two jobs that share a name or an alias: the text names both places.
    ///
    /// ```
    /// use plain_worker::{Job, Registry, job};
    ///
    /// #[job]
    /// async fn welcome_user(user_id: i64) {}
    ///
    /// let jobs = Registry::of([welcome_user::DEFINITION])?;
    /// assert!(jobs.get("welcome_user").is_some());
    /// # Ok::<(), plain_worker::Error>(())
    /// ```
    pub fn of(jobs: impl IntoIterator<Item = &'static JobDef>) -> Result<Self> {
        Self::from_definitions(jobs.into_iter()).map_err(Error::Setting)
    }

    fn from_definitions(definitions: impl Iterator<Item = &'static JobDef>) -> Result<Self, String> {
        let mut jobs: Vec<_> = definitions.collect();
        jobs.sort_by_key(|job| (job.name, job.file, job.line));
        let mut by_name: HashMap<&'static str, &'static JobDef> = HashMap::new();
        let mut clashes = Vec::new();
        for &job in &jobs {
            for &name in std::iter::once(&job.name).chain(job.aliases) {
                if let Some(other) = by_name.insert(name, job) {
                    clashes.push(format!(
                        "two jobs answer to the name `{name}`: {} and {}; give one of them `name = \"..\"`",
                        other.place(),
                        job.place()
                    ));
                }
            }
        }
        if clashes.is_empty() { Ok(Self { jobs, by_name }) } else { Err(clashes.join("\n")) }
    }

    /// Every job, sorted by name.
    #[must_use]
    pub fn jobs(&self) -> &[&'static JobDef] {
        &self.jobs
    }

    /// The job of that name or alias.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'static JobDef> {
        self.by_name.get(name).copied()
    }

    /// The job of that name or alias.
    ///
    /// # Errors
    /// [`Error::UnknownJob`], with the nearest name.
    pub fn find(&self, name: &str) -> Result<&'static JobDef> {
        self.get(name).ok_or_else(|| Error::UnknownJob {
            name: name.to_owned(),
            nearest: nearest(name, self.by_name.keys().copied()),
        })
    }

    /// Every name and alias with the shape of its job.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        self.by_name.iter().map(|(name, job)| (*name, job.shape()))
    }
}

/// Of the names that there are, the one that was probably meant.
pub(crate) fn nearest<'n>(wanted: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(known, wanted), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}
