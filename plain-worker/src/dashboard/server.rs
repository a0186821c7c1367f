//! The pages alone, on an address of their own.

use std::net::SocketAddr;

use super::Dashboard;
use crate::error::{Error, Result};

/// Serves the pages on an address until `stop` is ready, and calls `started` with the address that was taken (a port
/// of 0 is any free one).
///
/// # Errors
/// [`Error::Setting`] when the address is no loopback address and everybody would be let in, or cannot be listened on.
pub async fn serve(
    dashboard: Dashboard,
    listen: SocketAddr,
    started: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    if !listen.ip().is_loopback() && dashboard.auth.is_public() {
        return Err(Error::Setting(format!(
            "the dashboard would be open to everybody who reaches {listen}: give it a password, or listen on 127.0.0.1"
        )));
    }
    let cannot = |error: std::io::Error| Error::Setting(format!("the dashboard cannot listen on {listen}: {error}"));
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(cannot)?;
    started(listener.local_addr().map_err(cannot)?);
    // Pages that watch never end by themselves: their connections are dropped with this future.
    tokio::select! {
        served = async { axum::serve(listener, dashboard.router()).await } => served.map_err(cannot),
        () = stop => Ok(()),
    }
}
