//! What `#[job]` and `#[scheduled]` write: definitions, payloads, and the start of a run.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use plain_worker::__private::{PayloadError, RunEnd, Started};
use plain_worker::{
    BoxError, Inject, Job, JobDef, MissingState, OnLost, Registry, Scope, States, UniqueUntil, job, scheduled,
};

fn definition<J: Job>() -> &'static JobDef {
    J::DEFINITION
}

/// Runs a job from its stored arguments, as a worker does.
async fn run_with<J: Job>(arguments: &str, states: States) -> RunEnd {
    match start::<J>(arguments, states).expect("readable arguments") {
        Started::Async(future) => future.await,
        Started::Blocking(call) => call(),
    }
}

async fn run<J: Job>(arguments: &str) -> RunEnd {
    run_with::<J>(arguments, States::default()).await
}

fn start<J: Job>(arguments: &str, states: States) -> Result<Started, PayloadError> {
    (J::DEFINITION.start)(arguments, &Scope::detached(states))
}

fn unreadable<J: Job>(arguments: &str) -> String {
    match (J::DEFINITION.check)(arguments) {
        Ok(()) => "readable".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn json<J: Job>(job: &J) -> String {
    serde_json::to_string(job).expect("JSON")
}

/// Welcomes a user.
///
/// By letter.
#[job]
async fn welcome_user(user_id: i64) -> Result<String, std::num::TryFromIntError> {
    let user_id = u8::try_from(user_id)?;
    Ok(format!("welcome, {user_id}"))
}

#[tokio::test]
async fn the_function_stays_callable() {
    assert_eq!(welcome_user(7).await.expect("small"), "welcome, 7");
    assert_eq!(add(1, 2), 3);
}

#[test]
fn a_bare_job_has_the_defaults() {
    let job = definition::<welcome_user>();
    assert_eq!(job.name, "welcome_user");
    assert_eq!(job.doc, "Welcomes a user.\n\nBy letter.");
    assert!(job.file.ends_with("expansion.rs"), "{}", job.file);
    let source = include_str!("expansion.rs").lines().position(|line| line.starts_with("async fn welcome_user"));
    assert_eq!(Some(job.line as usize), source.map(|line| line + 1));
    assert!(!job.blocking);
    assert!(job.aliases.is_empty() && job.injected.is_empty() && job.schedules.is_empty());
    let options = &job.options;
    assert_eq!((options.queue, options.priority, options.retries), ("default", 0, 0));
    assert!(options.timeout.is_none() && options.expires_in.is_none() && options.unique.is_none());
    assert_eq!(options.on_lost, OnLost::Retry);
    let [argument] = job.arguments else { panic!("{:?}", job.arguments) };
    assert_eq!(
        (argument.name, argument.type_text, argument.optional, argument.redacted),
        ("user_id", "i64", false, false)
    );
}

#[tokio::test]
async fn an_async_job_ends_with_its_output_or_its_error() {
    assert_eq!(json(&welcome_user { user_id: 7 }), r#"{"user_id":7}"#);
    assert!(matches!(start::<welcome_user>(r#"{"user_id":7}"#, States::default()), Ok(Started::Async(_))));
    let end = run::<welcome_user>(r#"{"user_id":7}"#).await;
    assert_eq!(end.expect("a good end").as_deref(), Some(r#""welcome, 7""#));
    let failure = run::<welcome_user>(r#"{"user_id":7000}"#).await.expect_err("a bad end");
    assert!(failure.error.is::<std::num::TryFromIntError>());
    assert!(failure.retry);
}

#[test]
fn arguments_of_another_shape_are_refused_by_name() {
    assert_eq!(unreadable::<welcome_user>(r#"{"user_id":7}"#), "readable");
    assert!(unreadable::<welcome_user>("{}").contains("`user_id`"));
    assert!(unreadable::<welcome_user>(r#"{"user_id":"seven"}"#).contains("expected i64"));
    assert!(unreadable::<welcome_user>(r#"{"user_id":7,"newer":1}"#).contains("`newer`"));
    assert!(start::<welcome_user>("{}", States::default()).is_err());
}

#[job]
fn add(left: u32, right: u32) -> u32 {
    left + right
}

#[job]
fn say_nothing() {}

#[job]
async fn say_nothing_later() -> () {}

#[tokio::test]
async fn a_plain_function_is_a_blocking_job() {
    assert!(definition::<add>().blocking);
    assert!(matches!(start::<add>(r#"{"left":1,"right":2}"#, States::default()), Ok(Started::Blocking(_))));
    assert_eq!(run::<add>(r#"{"left":1,"right":2}"#).await.expect("a good end").as_deref(), Some("3"));
}

#[tokio::test]
async fn no_output_is_recorded_as_none() {
    assert_eq!(json(&say_nothing {}), "{}");
    assert_eq!(run::<say_nothing>("{}").await.expect("a good end"), None);
    assert_eq!(run::<say_nothing_later>("{}").await.expect("a good end"), None);
}

#[job]
async fn panics() {
    panic!("at the disco");
}

#[tokio::test]
async fn a_panic_goes_through_to_the_worker() {
    let panicked = tokio::spawn(async { run::<panics>("{}").await.is_ok() }).await.expect_err("a panic");
    assert_eq!(panicked.into_panic().downcast_ref(), Some(&"at the disco"));
}

type Fallible<T> = Result<T, BoxError>;

mod results {
    pub type Result<T = ()> = std::result::Result<T, super::BoxError>;
}

#[job]
async fn by_alias() -> results::Result {
    Err("by alias".into())
}

#[job]
async fn by_anyhow(fail: bool) -> anyhow::Result<u8> {
    anyhow::ensure!(!fail, "by anyhow");
    Ok(1)
}

#[job]
fn by_string() -> Result<(), String> {
    Err("by string".to_owned())
}

#[tokio::test]
async fn any_error_will_do() {
    assert_eq!(run::<by_alias>("{}").await.expect_err("fails").error.to_string(), "by alias");
    assert_eq!(run::<by_anyhow>(r#"{"fail":true}"#).await.expect_err("fails").error.to_string(), "by anyhow");
    assert_eq!(run::<by_anyhow>(r#"{"fail":false}"#).await.expect("ends well").as_deref(), Some("1"));
    assert_eq!(run::<by_string>("{}").await.expect_err("fails").error.to_string(), "by string");
    let _: Fallible<()> = Ok(());
}

#[job]
async fn nowhere() -> f64 {
    f64::NAN
}

#[tokio::test]
async fn an_output_that_cannot_be_kept_is_a_failure_without_retry() {
    let failure = run::<nowhere>("{}").await.expect_err("NaN");
    assert!(!failure.retry && failure.error.to_string().contains("cannot be recorded"), "{}", failure.error);
}

#[derive(Debug, thiserror::Error)]
#[error("refused, transient: {transient}")]
struct Refusal {
    transient: bool,
}

impl Refusal {
    fn is_transient(&self) -> bool {
        self.transient
    }
}

#[job(
    name = "mail.send",
    aliases("send_mail", "mail"),
    queue = "mail",
    priority = -7,
    retries = 5,
    retry_if = Refusal::is_transient,
    backoff = exponential("2s", cap = "1m"),
    timeout = "1m 30s",
    unique(to, r#type),
    until = "start",
    expires_in = "2h",
    on_lost = "fail",
    allow_unknown,
)]
async fn send_mail(
    to: String,
    #[serde(rename = "kind")] r#type: Option<u8>,
    #[redact] token: String,
    #[serde(default)] mut tags: Vec<(i64, String)>,
) -> Result<usize, Refusal> {
    tags.clear();
    match r#type {
        None => Ok(to.len() + token.len()),
        Some(kind) => Err(Refusal { transient: kind == 1 }),
    }
}

#[test]
fn every_option_is_in_the_definition() {
    let job = definition::<send_mail>();
    assert_eq!((job.name, job.aliases), ("mail.send", &["send_mail", "mail"][..]));
    let options = &job.options;
    assert_eq!((options.queue, options.priority, options.retries), ("mail", -7, 5));
    assert_eq!(options.timeout, Some(Duration::from_secs(90)));
    assert_eq!(options.expires_in, Some(Duration::from_secs(2 * 60 * 60)));
    assert_eq!(options.on_lost, OnLost::Fail);
    assert!(options.allow_unknown);
    let third = options.backoff.delay_after(3).as_secs_f64();
    assert!((6.4..=9.6).contains(&third), "{third}");
    assert!(options.backoff.delay_after(30) <= Duration::from_secs(72));
    let unique = options.unique.expect("unique");
    assert_eq!((unique.arguments, unique.until), (&["to", "kind"][..], UniqueUntil::Start));
    let shown: Vec<_> = job.arguments.iter().map(|one| (one.name, one.type_text, one.optional, one.redacted)).collect();
    assert_eq!(
        shown,
        [
            ("to", "String", false, false),
            ("type", "Option<u8>", true, false),
            ("token", "String", false, true),
            ("tags", "Vec<(i64, String)>", true, false),
        ]
    );
    assert_eq!(job.shape().len(), 16);
    assert_ne!(job.shape(), definition::<add>().shape());
}

#[tokio::test]
async fn attributes_of_arguments_reach_serde() {
    let mail = send_mail { to: "ann".to_owned(), r#type: Some(1), token: "t".to_owned(), tags: Vec::new() };
    assert_eq!(json(&mail), r#"{"to":"ann","kind":1,"token":"t","tags":[]}"#);
    assert_eq!(
        run::<send_mail>(r#"{"to":"ann","token":"t","newer":1}"#).await.expect("ends well").as_deref(),
        Some("4")
    );
}

#[tokio::test]
async fn retry_if_decides_by_the_error() {
    for (kind, retry) in [(1, true), (2, false)] {
        let arguments = format!(r#"{{"to":"","token":"","kind":{kind}}}"#);
        assert_eq!(run::<send_mail>(&arguments).await.expect_err("fails").retry, retry);
    }
}

#[test]
fn the_twin_is_cloned_compared_and_shown_without_its_secrets() {
    let mail = send_mail { to: "ann".to_owned(), r#type: None, token: "hush".to_owned(), tags: Vec::new() };
    assert_eq!(mail.clone(), mail);
    assert_ne!(send_mail { to: "bob".to_owned(), ..mail.clone() }, mail);
    assert_eq!(format!("{mail:?}"), r#"send_mail { to: "ann", type: None, token: (redacted), tags: [] }"#);
    assert_eq!(say_nothing {}, say_nothing {});
}

/// Neither `Clone`, `Debug` nor `PartialEq`.
#[derive(serde::Serialize, serde::Deserialize)]
struct Opaque {
    inner: BTreeMap<String, u8>,
}

#[job(unique, backoff = list("1s", "10s"))]
async fn take_opaque(opaque: Opaque) -> usize {
    opaque.inner.len()
}

fn my_backoff(failures: u32) -> Duration {
    Duration::from_secs(u64::from(failures) * 7)
}

#[job(backoff = custom(my_backoff))]
fn with_custom_backoff() {}

#[job(backoff = fixed("10s"))]
fn with_fixed_backoff() {}

#[job(backoff = linear("10s", cap = "15s"))]
fn with_linear_backoff() {}

#[test]
fn an_argument_needs_serde_and_nothing_else() {
    assert_eq!(json(&take_opaque { opaque: Opaque { inner: BTreeMap::new() } }), r#"{"opaque":{"inner":{}}}"#);
    let unique = definition::<take_opaque>().options.unique.expect("unique");
    assert_eq!((unique.arguments, unique.until), (&[][..], UniqueUntil::End));
}

#[test]
fn each_kind_of_backoff_can_be_written() {
    assert_eq!(definition::<with_custom_backoff>().options.backoff.delay_after(2), Duration::from_secs(14));
    let near = |wait: Duration, seconds: f64| (wait.as_secs_f64() / seconds - 1.0).abs() <= 0.2001;
    assert!(near(definition::<with_fixed_backoff>().options.backoff.delay_after(5), 10.0));
    assert!(near(definition::<with_linear_backoff>().options.backoff.delay_after(5), 15.0));
    assert!(near(definition::<take_opaque>().options.backoff.delay_after(2), 10.0));
}

#[derive(Clone)]
struct Counter(Arc<AtomicU32>);

/// Made anew for each run, out of a state; not `Clone` itself.
struct Ticket(u32);

impl Inject for Ticket {
    fn check(states: &States) -> Result<(), MissingState> {
        if states.contains::<Counter>() { Ok(()) } else { Err(MissingState { type_name: "Counter" }) }
    }

    fn inject(scope: &Scope) -> Result<Self, MissingState> {
        let counter = scope.get::<Counter>().ok_or(MissingState { type_name: "Counter" })?;
        Ok(Self(counter.0.fetch_add(1, Ordering::SeqCst)))
    }
}

/// A type that is a state and an `Inject` of its own: the impl goes first.
#[derive(Clone, PartialEq, Debug)]
struct Both(&'static str);

impl Inject for Both {
    fn check(_: &States) -> Result<(), MissingState> {
        Ok(())
    }

    fn inject(_: &Scope) -> Result<Self, MissingState> {
        Ok(Self("by its impl"))
    }
}

#[job]
async fn with_state(
    #[inject] ticket: Ticket,
    name: String,
    #[inject] counter: Counter,
    #[inject] both: Both,
) -> (u32, String, u32, String) {
    (ticket.0, name, counter.0.load(Ordering::SeqCst), both.0.to_owned())
}

#[job]
fn with_state_blocking(#[inject] counter: Counter) -> u32 {
    counter.0.load(Ordering::SeqCst)
}

#[tokio::test]
async fn parameters_are_injected_by_their_own_impl_or_from_the_states() {
    let mut states = States::default();
    states.insert(Counter(Arc::new(AtomicU32::new(40))));
    states.insert(Both("from the states"));
    let job = definition::<with_state>();
    assert_eq!(job.arguments.len(), 1);
    let names: Vec<_> = job.injected.iter().map(|one| (one.name, one.type_text)).collect();
    assert_eq!(names, [("ticket", "Ticket"), ("counter", "Counter"), ("both", "Both")]);
    for injected in job.injected {
        (injected.check)(&states).expect("there");
    }
    let end = run_with::<with_state>(r#"{"name":"ann"}"#, states.clone()).await.expect("ends well");
    assert_eq!(end.as_deref(), Some(r#"[40,"ann",41,"by its impl"]"#));
    assert_eq!(run_with::<with_state_blocking>("{}", states).await.expect("ends well").as_deref(), Some("41"));
    // A direct call gives everything by hand.
    let counter = Counter(Arc::new(AtomicU32::new(1)));
    assert_eq!(with_state(Ticket(1), "bob".to_owned(), counter, Both("by hand")).await.3, "by hand");
}

#[test]
fn a_missing_state_is_named() {
    let checks: Vec<_> =
        definition::<with_state>().injected.iter().map(|one| (one.check)(&States::default()).err()).collect();
    let [Some(ticket), Some(counter), None] = checks.as_slice() else { panic!("{checks:?}") };
    assert_eq!(ticket.type_name, "Counter");
    assert!(counter.type_name.ends_with("::Counter"));
    let Err(error) = start::<with_state>(r#"{"name":""}"#, States::default()) else { panic!("started") };
    assert!(error.to_string().contains("Counter"));
}

/// A job in a module, for others of the crate.
mod inner {
    pub(crate) mod deeper {
        use super::super::job;

        #[job]
        pub(in super::super) async fn nested(value: super::Value) -> u8 {
            value.0
        }
    }

    #[derive(serde::Serialize, serde::Deserialize, Clone, Copy)]
    pub(super) struct Value(pub(super) u8);
}

#[tokio::test]
async fn a_job_may_stand_in_modules_and_functions() {
    use inner::deeper::nested;

    #[job(name = "local")]
    async fn in_a_body(number: u8) -> u8 {
        nested(inner::Value(number)).await
    }

    assert_eq!(run::<in_a_body>(r#"{"number":3}"#).await.expect("ends well").as_deref(), Some("3"));
    assert_eq!(json(&nested { value: inner::Value(3) }), r#"{"value":3}"#);
    assert!(Registry::of_program().expect("no clash").get("local").is_some());
}

#[job]
async fn r#match(r#type: u8) -> u8 {
    r#type
}

#[tokio::test]
async fn raw_names_are_stored_plain() {
    assert_eq!(definition::<r#match>().name, "match");
    assert_eq!(json(&r#match { r#type: 1 }), r#"{"type":1}"#);
    assert_eq!(run::<r#match>(r#"{"type":1}"#).await.expect("ends well").as_deref(), Some("1"));
}

#[job]
async fn conditional(
    always: u8,
    #[cfg(not(any()))] there: u8,
    #[cfg(any())] absent: NoSuchType,
    #[cfg_attr(not(any()), serde(rename = "renamed"))] attributed: u8,
    #[cfg_attr(any(), serde(rename = "not"))] plain: u8,
) -> u8 {
    always + there + attributed + plain
}

#[cfg(any())]
#[job]
async fn absent_above(value: NoSuchType) {}

#[job]
#[cfg(any())]
async fn absent_below(value: NoSuchType) {}

#[tokio::test]
async fn conditions_on_arguments_hold() {
    assert_eq!(conditional(1, 2, 3, 4).await, 10);
    let job = conditional { always: 1, there: 2, attributed: 3, plain: 4 };
    assert_eq!(json(&job), r#"{"always":1,"there":2,"renamed":3,"plain":4}"#);
    assert_eq!(run::<conditional>(&json(&job)).await.expect("ends well").as_deref(), Some("10"));
}

macro_rules! make_job {
    ($name:ident, $type:ty, $retries:literal) => {
        #[job(retries = $retries)]
        async fn $name(value: $type, other: $crate::inner::Value) -> $type {
            let _ = other;
            value
        }
    };
}

make_job!(made, u16, 3);

#[tokio::test]
async fn a_job_may_come_out_of_a_macro() {
    assert_eq!(definition::<made>().options.retries, 3);
    assert_eq!(run::<made>(r#"{"value":9,"other":1}"#).await.expect("ends well").as_deref(), Some("9"));
}

type Maybe<T> = Option<T>;

#[job]
async fn under_another_name(maybe: Maybe<u8>) -> bool {
    maybe.is_some()
}

#[test]
fn an_option_is_known_under_any_name() {
    assert!(definition::<under_another_name>().arguments[0].optional);
    assert_eq!(unreadable::<under_another_name>("{}"), "readable");
}

#[job(crate = ::plain_worker)]
async fn with_a_path() {}

#[job(crate = "plain_worker")]
async fn with_a_path_as_text() {}

#[scheduled("0 3 * * *", tz = "Europe/Berlin", name = "nightly", catch_up = "none", overlap = "queue")]
#[job(queue = "night")]
async fn above() {}

fn region() -> String {
    "us".to_owned()
}

#[job]
#[scheduled("@hourly", args(region = "eu"))]
#[scheduled("*/5 * * * mon", args(region = region(), depth = 2 + 1))]
async fn below(#[serde(rename = "area")] region: String, #[serde(default)] depth: u8) -> String {
    region + &depth.to_string()
}

#[scheduled("30 4 * * *")]
fn alone() -> u8 {
    1
}

#[tokio::test]
async fn schedules_stand_above_below_and_alone() {
    let [nightly] = definition::<above>().schedules else { panic!("not one") };
    assert_eq!((nightly.name, nightly.expression, nightly.zone), (Some("nightly"), "0 3 * * *", Some("Europe/Berlin")));
    assert_eq!((nightly.catch_up, nightly.overlap), (Some("none"), Some("queue")));
    assert_eq!((nightly.arguments)().expect("arguments"), "{}");
    assert_eq!(definition::<above>().options.queue, "night");

    let [first, second] = definition::<below>().schedules else { panic!("not two") };
    assert_eq!((first.name, first.expression, first.zone, first.catch_up), (None, "0 * * * *", None, None));
    assert_eq!((first.arguments)().expect("arguments"), r#"{"area":"eu"}"#);
    assert_eq!(second.expression, "*/5 * * * MON");
    let arguments = (second.arguments)().expect("arguments");
    assert_eq!(arguments, r#"{"area":"us","depth":3}"#);
    assert_eq!(run::<below>(&arguments).await.expect("ends well").as_deref(), Some(r#""us3""#));

    assert_eq!(definition::<alone>().schedules.len(), 1);
    assert!(definition::<alone>().blocking);
}

#[test]
fn every_job_is_registered_once() {
    let registry = Registry::of_program().expect("no clash");
    for name in ["welcome_user", "mail.send", "send_mail", "nested", "made", "alone", "match", "with_a_path"] {
        assert!(registry.get(name).is_some(), "{name}");
    }
    assert_eq!(registry.jobs().iter().filter(|job| job.name == "mail.send").count(), 1);
}

#[test]
fn enqueues_have_the_types_that_the_documentation_says() {
    fn shown(value: impl Debug) -> String {
        format!("{value:?}")
    }
    assert!(shown(welcome_user::enqueue(7).delay(Duration::from_secs(1))).contains("welcome_user"));
    assert!(shown(welcome_user { user_id: 7 }.run_in_worker()).contains("welcome_user"));
    let _ = welcome_user::enqueue_all((0..3).map(|user_id| welcome_user { user_id }));
    let id = "0190163d-8694-739b-aea5-966c26f8ad91".parse().expect("an id");
    assert_eq!(welcome_user::handle(id).id(), id);
}
