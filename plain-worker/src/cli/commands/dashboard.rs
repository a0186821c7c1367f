use std::net::SocketAddr;

use clap::Args;

use super::super::app::App;
use super::super::exit::{Code, Failure, Outcome};
use super::super::log::Level;
use super::super::output::print;
use super::super::settings::{Settings, Tables};
use super::super::signals::Stop;
use crate::dashboard::{Auth, Dashboard, serve};

/// Serve the pages for staff: see, understand and steer what the queue does
///
/// On an address of this machine only nobody is asked who they are, unless a password is set; any other address needs
/// one, of 12 characters or more. Put TLS in front of it there.
#[derive(Debug, Args)]
pub(in super::super) struct Pages {
    /// The address to listen on; port 0 is any free one, which is printed
    #[arg(long, value_name = "ADDRESS", env = "PLAIN_WORKER_DASHBOARD_LISTEN", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// The password that browsers ask for; better set by its variable, since others can see flags
    #[arg(long, value_name = "TEXT", env = "PLAIN_WORKER_DASHBOARD_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Answer requests for this host name, too; only names of this machine by default; may be repeated
    #[arg(long, value_name = "NAME", env = "PLAIN_WORKER_DASHBOARD_HOST", value_delimiter = ',')]
    host: Vec<String>,
    /// Let people enqueue the jobs of this program by a form
    #[arg(long, env = "PLAIN_WORKER_DASHBOARD_ENQUEUE")]
    enqueue: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Pages {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        // A variable that is set to nothing is a password that was meant and is missing.
        let emptied = std::env::var_os("PLAIN_WORKER_DASHBOARD_PASSWORD").is_some_and(|text| text.is_empty());
        let password = self.password.or_else(|| emptied.then(String::new));
        let auth = match password {
            Some(password) => Auth::password(password).map_err(|error| Failure::wrong(error.to_string()))?,
            None => Auth::dangerously_public(),
        };
        let queue = self.settings.open(app, Tables::Require, Level::Info).await?;
        let pages = self.host.into_iter().fold(Dashboard::new(queue.clone(), auth), Dashboard::host);
        let pages = if self.enqueue { pages.enqueue() } else { pages };
        let stop = Stop::listen()?;
        // Nothing reads the answer of a print that a closed pipe refuses; the pages are served all the same.
        let started = |address| drop(print(&format!("the dashboard is at http://{address}")));
        serve(pages, self.listen, started, async move { stop.told().await }).await?;
        queue.close().await;
        Ok(Code::Done)
    }
}
