//! The URL: whom to trust, and what our own sessions are set to.

use std::net::IpAddr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{Connection, Row};

use crate::error::{Error, Result};
use crate::store::fault::while_trying;
use crate::store::{QueueOptions, without_password};

/// What the sessions of our own pool are set to, so that no statement of ours can hang for ever.
///
/// Our statements walk indexes: their plans are made once, and must not be those of the empty tables that they may have
/// been made for; they are never worth compiling.
const SESSION: &[(&str, &str)] = &[
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("jit", "off"),
    ("enable_seqscan", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// Whether the sessions have our settings: those of an application's pool or of a pooler do not.
pub(super) fn keeps_plans(options: &PgConnectOptions) -> bool {
    options.get_options().is_some_and(|set| set.contains("enable_seqscan=off") && set.contains("force_generic_plan"))
}

/// The database in words, without user and password.
pub(super) fn describe(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    match options.get_socket() {
        Some(socket) => format!("Postgres database {database} at {}", socket.display()),
        None => format!("Postgres database {database} at {}:{}", options.get_host(), options.get_port()),
    }
}

/// Whether nobody can stand between us and the server.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
}

/// Whether the user chose how the server is to be trusted.
fn says_sslmode(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair.starts_with("sslmode=") || pair.starts_with("ssl-mode="))
        || std::env::var_os("PGSSLMODE").is_some()
}

/// What the URL says, with our own settings where it says nothing.
pub(super) fn read(url: &str) -> Result<(PgConnectOptions, bool), String> {
    let mut options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| match error {
        sqlx::Error::Configuration(reason) => reason.to_string(),
        other => other.to_string(),
    })?;
    let verify = !says_sslmode(url) && !is_local(&options);
    if verify {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    if options.get_application_name().is_none() {
        options = options.application_name("plain-worker");
    }
    Ok((options, verify))
}

pub(super) async fn connect(url: &str, settings: &QueueOptions) -> Result<PgPool> {
    let wrong = |reason| Error::Url { url: without_password(url), reason };
    let (options, verify) = read(url).map_err(wrong)?;
    let fault = while_trying("open the database", &describe(&options));
    let said = options.get_options().unwrap_or_default().to_owned();
    let ours = SESSION.iter().copied().filter(|(name, _)| !said.contains(name));
    let mut opened = open(options.clone().options(ours), settings).await;
    let pooler = match &opened {
        Ok(pool) => !takes_settings(pool).await.map_err(&fault)?,
        Err(error) => refuses_settings(error),
    };
    if pooler {
        // Its sessions are not ours to set, nor does it know the one thing that sqlx sets by itself.
        opened = open(options.extra_float_digits(None), settings).await;
    }
    opened.map_err(|error| match error {
        sqlx::Error::Tls(reason) if verify => wrong(format!(
            "the server could not be verified ({reason}): a host that is not local must show a certificate of its name; \
             name its authority with `sslrootcert=FILE`, or write `sslmode=require` to trust it unseen"
        )),
        other => fault(other),
    })
}

async fn open(options: PgConnectOptions, settings: &QueueOptions) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(settings.pool_size.unwrap_or(8).max(1))
        .acquire_timeout(Duration::from_secs(20))
        // sqlx tests a connection when it comes back; only one that has lain idle since may be dead.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > Duration::from_secs(1) {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await
}

/// Whether a session was set as we asked: a pooler may be told to let such settings fall.
async fn takes_settings(pool: &PgPool) -> Result<bool, sqlx::Error> {
    if !keeps_plans(&pool.connect_options()) {
        return Ok(true);
    }
    let row = sqlx::raw_sql("SELECT current_setting('plan_cache_mode') = 'force_generic_plan'").fetch_one(pool).await?;
    row.try_get(0)
}

/// Whether the server is one that takes no settings at the start of a session.
pub(super) fn refuses_settings(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some("08P01") && error.message().contains("startup parameter"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_elsewhere_must_show_a_certificate() {
        let mode = |url: &str| read(url).map(|(options, _)| format!("{:?}", options.get_ssl_mode()));
        assert_eq!(mode("postgres://u:secret@db.example.com/app"), Ok("VerifyFull".to_owned()));
        assert_eq!(mode("postgres://u@127.0.0.1.example.com/app"), Ok("VerifyFull".to_owned()));
        assert_eq!(mode("postgres://u@db.example.com/app?sslmode=require"), Ok("Require".to_owned()));
        for local in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "%2Fvar%2Frun"] {
            let url = format!("postgres://u@{local}/app");
            assert_eq!(mode(&url), Ok("Prefer".to_owned()), "{local}");
        }
    }

    #[test]
    fn no_text_holds_the_password() {
        for url in ["postgres://u:secret@host:port/app", "postgres://u:secret@h/app?sslmode=none"] {
            let reason = read(url).map(drop).unwrap_err();
            assert!(!reason.contains("secret"), "{reason}");
        }
        let (options, _) = read("postgres://u:secret@localhost:5433/app").unwrap();
        assert_eq!(describe(&options), "Postgres database app at localhost:5433");
    }
}
