//! Who may see and do what.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

/// Something that a page shows or does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Action {
    /// See lists, states and figures.
    View,
    /// See arguments, metadata, outputs and errors, and search in them.
    ViewArguments,
    /// Make jobs run again.
    Retry,
    /// Cancel jobs.
    Cancel,
    /// Take waiting jobs away without a trace.
    Delete,
    /// Pause and resume queues, jobs, workers and schedules.
    Pause,
    /// Have a schedule, or a job that waits, run at once.
    RunNow,
    /// Change schedules and jobs that wait, and add schedules.
    Edit,
    /// Enqueue jobs by a form, where [`Dashboard::enqueue`](super::Dashboard::enqueue) opens it.
    Enqueue,
}

impl Action {
    const ALL: [Self; 9] = [
        Self::View,
        Self::ViewArguments,
        Self::Retry,
        Self::Cancel,
        Self::Delete,
        Self::Pause,
        Self::RunNow,
        Self::Edit,
        Self::Enqueue,
    ];
}

/// Who makes a request, and what they may do.
#[derive(Clone, Debug)]
pub struct Person {
    name: String,
    may: BTreeSet<Action>,
}

impl Person {
    /// Somebody who may do nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), may: BTreeSet::new() }
    }

    /// Somebody who may do everything.
    pub fn operator(name: impl Into<String>) -> Self {
        Action::ALL.into_iter().fold(Self::new(name), Self::allow)
    }

    /// Somebody who may look, also at arguments, and change nothing.
    pub fn viewer(name: impl Into<String>) -> Self {
        Self::new(name).allow(Action::View).allow(Action::ViewArguments)
    }

    /// May do this, too.
    #[must_use]
    pub fn allow(mut self, action: Action) -> Self {
        self.may.insert(action);
        self
    }

    /// May not do this.
    #[must_use]
    pub fn deny(mut self, action: Action) -> Self {
        self.may.remove(&action);
        self
    }

    /// Whether they may.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        self.may.contains(&action)
    }

    /// The name under which changes are noted.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A password that could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dashboard's password has {0} characters: give it {least} or more, made by chance", least = Auth::SHORTEST)]
pub struct WeakPassword(usize);

type Check = dyn Fn(&Parts) -> Option<Person> + Send + Sync;

/// Decides who makes a request.
#[derive(Clone)]
pub struct Auth(Arc<Kind>);

enum Kind {
    By(Box<Check>),
    Password { password: String, wrong: Mutex<Bucket> },
    Public,
}

/// How many more wrong passwords are heard.
struct Bucket {
    left: f64,
    at: Instant,
}

/// What came of a request's credentials.
pub(super) enum Verdict {
    Known(Person),
    Unknown,
    /// Asks for a name and a password.
    AskPassword,
    /// Too many wrong ones; not heard.
    TooMany,
}

impl Auth {
    const SHORTEST: usize = 12;
    /// Wrong passwords that are heard at once, and a second.
    const BURST: f64 = 10.0;

    /// The application's own check of a request; `None` lets nobody in.
    pub fn by(check: impl Fn(&Parts) -> Option<Person> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Kind::By(Box::new(check))))
    }

    /// One password for everybody, who are operators under the names that they give.
    ///
    /// Browsers ask for it (HTTP Basic); use it on this machine or behind TLS.
    /// After ten wrong passwords one a second is heard.
    ///
    /// # Errors
    /// [`WeakPassword`] for an empty or short one.
    pub fn password(password: impl Into<String>) -> Result<Self, WeakPassword> {
        let password = password.into();
        let length = password.chars().count();
        if length < Self::SHORTEST {
            return Err(WeakPassword(length));
        }
        let wrong = Mutex::new(Bucket { left: Self::BURST, at: Instant::now() });
        Ok(Self(Arc::new(Kind::Password { password, wrong })))
    }

    /// Everybody who reaches the address is an operator: for a loopback address on a machine of one's own.
    #[must_use]
    pub fn dangerously_public() -> Self {
        Self(Arc::new(Kind::Public))
    }

    /// Whether everybody is let in.
    pub(super) fn is_public(&self) -> bool {
        matches!(*self.0, Kind::Public)
    }

    pub(super) fn decide(&self, request: &Parts) -> Verdict {
        match &*self.0 {
            Kind::By(check) => check(request).map_or(Verdict::Unknown, Verdict::Known),
            Kind::Public => Verdict::Known(Person::operator("somebody")),
            Kind::Password { password, wrong } => {
                let Some((name, given)) = basic(request) else { return Verdict::AskPassword };
                // A holder of this lock does not panic; if one did, nobody is heard.
                let Ok(mut bucket) = wrong.lock() else { return Verdict::TooMany };
                let now = Instant::now();
                bucket.left = (bucket.left + (now - bucket.at).as_secs_f64()).min(Self::BURST);
                bucket.at = now;
                if bucket.left < 1.0 {
                    return Verdict::TooMany;
                }
                if same(given.as_bytes(), password.as_bytes()) {
                    let name = if name.is_empty() { "somebody" } else { name.as_str() };
                    return Verdict::Known(Person::operator(name));
                }
                bucket.left -= 1.0;
                Verdict::AskPassword
            }
        }
    }
}

/// Whether both are the same, in a time that depends on what was given only.
fn same(given: &[u8], right: &[u8]) -> bool {
    let differs = given
        .iter()
        .zip(right.iter().cycle())
        .fold(given.len() ^ right.len(), |differs, (a, b)| std::hint::black_box(differs | usize::from(a ^ b)));
    differs == 0
}

/// The name and the password of a Basic header.
fn basic(request: &Parts) -> Option<(String, String)> {
    let header = request.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, coded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(decode_base64(coded.trim())?).ok()?;
    let (name, password) = text.split_once(':')?;
    let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Some((name, password.to_owned()))
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0_u32, 0);
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(header: Option<&str>) -> Parts {
        let request = axum::http::Request::builder().uri("/");
        let request = header.into_iter().fold(request, |request, value| request.header(AUTHORIZATION, value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_the_password_opens() {
        let auth = Auth::password("correct horse").unwrap();
        // anna:correct horse
        let right = parts(Some("Basic YW5uYTpjb3JyZWN0IGhvcnNl"));
        assert!(matches!(auth.decide(&right), Verdict::Known(person) if person.name() == "anna"));
        for wrong in
            [None, Some("Basic"), Some("Basic !!"), Some("Bearer YW5uYTpjb3JyZWN0IGhvcnNl"), Some("Basic YW5uYTo=")]
        {
            assert!(!matches!(auth.decide(&parts(wrong)), Verdict::Known(_)), "{wrong:?}");
        }
        for _ in 0..12 {
            auth.decide(&parts(Some("Basic YW5uYTpub3Qgc28=")));
        }
        assert!(matches!(auth.decide(&right), Verdict::TooMany));
        for short in ["", "short", "elevenchars"] {
            assert!(Auth::password(short).is_err());
        }
    }

    #[test]
    fn equal_is_only_what_is_equal() {
        assert!(same(b"abc", b"abc"));
        for other in [&b""[..], b"ab", b"abd", b"abcabc", b"abca"] {
            assert!(!same(other, b"abc"));
        }
    }
}
