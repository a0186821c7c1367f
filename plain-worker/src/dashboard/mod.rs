//! Pages for staff: see, understand and steer what the queue does. One router, everything inside the binary.
//!
//! ```no_run
//! # async fn example(queue: plain_worker::Queue) -> Result<(), Box<dyn std::error::Error>> {
//! use plain_worker::dashboard::{Auth, Dashboard, Person};
//!
//! // In an application of your own, behind your own login:
//! let auth = Auth::by(|request| {
//!     let user = request.extensions.get::<String>()?; // what your own layer put there
//!     Some(if user == "anna" { Person::operator(user) } else { Person::viewer(user) })
//! });
//! let pages = Dashboard::new(queue, auth).host("staff.example.com").router();
//! let app: axum::Router = axum::Router::new().nest("/jobs", pages);
//! # Ok(())
//! # }
//! ```
//!
//! Or alone: `your-program dashboard --listen 127.0.0.1:8787`.
//!
//! Safe by default: nothing is served without an [`Auth`]; only names of this
//! machine are taken as Host; changes are POSTs that come from the pages
//! themselves, each written to the audit; pages run no script but their own and
//! load nothing from elsewhere.

mod actions;
mod assets;
mod auth;
mod bulk;
mod chart;
mod guard;
mod health;
mod json;
mod layout;
mod live;
mod pages;
mod server;
mod state;
mod words;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub use auth::{Action, Auth, Person, WeakPassword};
pub use server::serve;

use crate::queue::Queue;
use state::State;

/// The pages of a queue, to be mounted under any path of an axum application.
///
/// The router takes requests for names of this machine only; see
/// [`Dashboard`] for others.
pub fn router(queue: Queue, auth: Auth) -> Router {
    Dashboard::new(queue, auth).router()
}

/// The pages of a queue, with settings.
#[must_use = "nothing is served until `router` or `serve`"]
pub struct Dashboard {
    queue: Queue,
    auth: Auth,
    hosts: Vec<String>,
    enqueue: bool,
}

impl Dashboard {
    /// The pages of this queue for whom `auth` lets in.
    pub fn new(queue: Queue, auth: Auth) -> Self {
        Self { queue, auth, hosts: Vec::new(), enqueue: false }
    }

    /// Also takes requests for this host name or address, without a port; by default `localhost` and loopback
    /// addresses only, so that no page of another origin can pose as this one.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into().trim_end_matches('.').to_lowercase());
        self
    }

    /// Also lets operators enqueue the jobs of this program, by a form on each function's page.
    pub fn enqueue(mut self) -> Self {
        self.enqueue = true;
        self
    }

    /// The router.
    pub fn router(self) -> Router {
        let state = State::new(self.queue, self.auth, self.hosts, self.enqueue);
        Router::new()
            .route("/", get(pages::home::page))
            .route("/jobs", get(pages::jobs::page))
            .route("/jobs/{id}", get(pages::job::page))
            .route("/jobs/{id}/{action}", post(actions::on_job))
            .route("/preview", post(bulk::preview))
            .route("/bulk", post(bulk::start))
            .route("/bulk/{number}", get(bulk::progress))
            .route("/schedules", get(pages::schedules::page).post(pages::schedules::add))
            .route("/schedules/{name}", get(pages::schedules::one))
            .route("/schedules/{name}/{action}", post(pages::schedules::act))
            .route("/queues", get(pages::queues::page))
            .route("/workers", get(pages::workers::page))
            .route("/functions", get(pages::functions::page))
            .route("/functions/{name}", get(pages::functions::one).post(pages::functions::enqueue))
            .route("/audit", get(pages::audit::page))
            .route("/pause", post(actions::pause))
            .route("/resume", post(actions::resume))
            .route("/suggest", get(pages::jobs::suggestions))
            .route("/live", get(live::stream))
            .route("/metrics", get(health::metrics))
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .route("/assets/{name}", get(assets::serve))
            .fallback(layout::nowhere)
            .layer(DefaultBodyLimit::max(256 * 1024))
            .layer(from_fn_with_state(state.clone(), guard::guard))
            .with_state(state)
    }
}
