//! Pages served for one test, and a browser that sends exactly what it is told.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use plain_worker::Queue;
use plain_worker::dashboard::{Auth, Dashboard, serve};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Why nothing goes wrong there.
pub const WRITES: &str = "a string takes everything";

/// Pages that are served for one test.
pub struct Site {
    pub address: SocketAddr,
    _stop: tokio::sync::oneshot::Sender<()>,
}

/// An answer, as it came.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.body);
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Site {
    pub async fn of(queue: &Queue, auth: Auth) -> Self {
        Self::with(Dashboard::new(queue.clone(), auth)).await
    }

    pub async fn with(dashboard: Dashboard) -> Self {
        let (told, address) = tokio::sync::oneshot::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let listen = "127.0.0.1:0".parse().unwrap();
        tokio::spawn(serve(dashboard, listen, |address| told.send(address).unwrap(), async {
            stopped.await.unwrap_or(());
        }));
        Self { address: address.await.expect("an address"), _stop: stop }
    }

    /// Sends exactly this, with one Host unless the headers have one.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            write!(text, "Host: {}\r\n", self.address).expect(WRITES);
        }
        for (name, value) in headers {
            write!(text, "{name}: {value}\r\n").expect(WRITES);
        }
        if method != "GET" {
            write!(text, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", body.len())
                .expect(WRITES);
        }
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(format!("{text}\r\n{body}").as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            // A server that refuses a request may close before all of it is read.
            let _ = stream.read_to_end(&mut bytes).await;
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let text = tokio::time::timeout(Duration::from_secs(60), exchange).await.expect("an answer in time");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        Answer { status, head: head.to_owned(), body: if chunked { unchunked(body) } else { body.to_owned() } }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// The token and the cookie that a browser would have.
    pub async fn token(&self) -> (String, String) {
        let answer = self.get("/jobs").await;
        let cookie = answer.header("set-cookie").expect("a cookie").split(';').next().unwrap().to_owned();
        assert!(answer.header("set-cookie").unwrap().contains("HttpOnly; SameSite=Strict"));
        let token = cookie.split_once('=').unwrap().1.to_owned();
        assert_eq!(token.len(), 64);
        (token, cookie)
    }

    /// A form, as a browser sends it from one of the pages.
    pub async fn submit(&self, path: &str, fields: &str) -> Answer {
        let (token, cookie) = self.token().await;
        let body = format!("token={token}&{fields}");
        self.send("POST", path, &[("Cookie", &cookie), ("Sec-Fetch-Site", "same-origin")], &body).await
    }
}

fn unchunked(body: &str) -> String {
    let mut rest = body;
    let mut text = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        if size == 0 || after.len() < size {
            break;
        }
        text += &after[..size];
        rest = after[size..].trim_start_matches("\r\n");
    }
    text
}
