//! The one layer around every page: whose host, who, from where, and the headers of every answer.

use std::net::IpAddr;

use axum::extract::{OriginalUri, Request, State as Shared};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, ORIGIN, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::auth::{Action, Person, Verdict};
use super::state::State;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const COOKIE_NAME: &str = "plain_worker_form";

/// What pages know of the request around them.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// The path under which the router is mounted, without a slash at its end.
    pub(super) base: String,
    pub(super) person: Person,
    /// What a form of these pages sends back, equal to the cookie.
    pub(super) token: String,
}

impl Visit {
    pub(super) fn may(&self, action: Action) -> bool {
        self.person.may(action)
    }
}

pub(super) async fn guard(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let mut answer = match admit(&state, request) {
        Ok(request) => {
            let token = request.extensions().get::<Visit>().map(|visit| visit.token.clone()).unwrap_or_default();
            let known = cookie(request.headers()).is_some();
            let base = request.extensions().get::<Visit>().map(|visit| visit.base.clone()).unwrap_or_default();
            let mut answer = next.run(request).await;
            if !known && !token.is_empty() {
                let path = if base.is_empty() { "/" } else { base.as_str() };
                let cookie = format!("{COOKIE_NAME}={token}; Path={path}; HttpOnly; SameSite=Strict");
                if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                    answer.headers_mut().append(SET_COOKIE, cookie);
                }
            }
            answer
        }
        Err(refusal) => *refusal,
    };
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// The request with its [`Visit`], or the answer that refuses it.
fn admit(state: &State, request: Request) -> Result<Request, Box<Response>> {
    let (mut parts, body) = request.into_parts();
    if !is_ours(&parts, state.hosts()) {
        let text =
            "this host name is not one that the dashboard answers to: name it with `Dashboard::host` or `--host`\n";
        return Err(Box::new((StatusCode::MISDIRECTED_REQUEST, text).into_response()));
    }
    // Whether it lives tells nothing about anybody.
    if parts.method == Method::GET && matches!(parts.uri.path(), "/healthz" | "/readyz") {
        return Ok(Request::from_parts(parts, body));
    }
    let person = match state.auth().decide(&parts) {
        Verdict::Known(person) => person,
        Verdict::Unknown => return Err(Box::new((StatusCode::UNAUTHORIZED, "log in first\n").into_response())),
        Verdict::AskPassword => {
            let ask = [(WWW_AUTHENTICATE, "Basic realm=\"plain-worker\", charset=\"UTF-8\"")];
            return Err(Box::new((StatusCode::UNAUTHORIZED, ask, "a name and the password, please\n").into_response()));
        }
        Verdict::TooMany => {
            let later = [(RETRY_AFTER, "2")];
            return Err(Box::new((StatusCode::TOO_MANY_REQUESTS, later, "too many wrong passwords\n").into_response()));
        }
    };
    if !person.may(Action::View) {
        return Err(Box::new((StatusCode::FORBIDDEN, "you may not see these pages\n").into_response()));
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) && !comes_from_us(&parts) {
        let text = "refused: a change must come from a form of these pages\n";
        return Err(Box::new((StatusCode::FORBIDDEN, text).into_response()));
    }
    let token = cookie(&parts.headers).unwrap_or_else(new_token);
    let base = base_of(&parts);
    parts.extensions.insert(Visit { base, person, token });
    Ok(Request::from_parts(parts, body))
}

/// The path under which the router is mounted.
fn base_of(parts: &Parts) -> String {
    let inner = parts.uri.path();
    let whole = parts.extensions.get::<OriginalUri>().map_or(inner, |uri| uri.0.path());
    let base = whole.strip_suffix(inner).unwrap_or(if inner == "/" { whole } else { "" });
    base.trim_end_matches('/').to_owned()
}

fn new_token() -> String {
    rand::random::<[u8; 32]>().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The token of the visitor's cookie, if it is one of ours.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, token) = pairs.find(|(name, _)| *name == COOKIE_NAME)?;
    (token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit())).then(|| token.to_owned())
}

/// Whether a browser says that one of our pages sends this. Forms carry the token besides.
fn comes_from_us(parts: &Parts) -> bool {
    if let Some(site) = parts.headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let (Some(origin), Some(host)) = (parts.headers.get(ORIGIN), host_of(parts)) else { return false };
    let origin = origin.to_str().ok().and_then(|text| text.split_once("://")).map(|(_, authority)| authority);
    origin.is_some_and(|authority| authority.eq_ignore_ascii_case(&host))
}

fn host_of(parts: &Parts) -> Option<String> {
    let mut all = parts.headers.get_all(HOST).iter();
    match (all.next(), all.next()) {
        (Some(host), None) => host.to_str().ok().map(str::to_owned),
        (None, None) => parts.uri.authority().map(|authority| authority.as_str().to_owned()),
        _ => None,
    }
}

fn is_ours(parts: &Parts, known: &[String]) -> bool {
    host_of(parts).is_some_and(|host| is_known_host(&host, known))
}

/// Whether a Host is a loopback name or address, or one of the known, read as such and not by its beginning.
fn is_known_host(host: &str, known: &[String]) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    let name = if let Some(rest) = host.strip_prefix('[') {
        match rest.split_once(']') {
            Some((address, "")) => address,
            Some((address, port)) if port.strip_prefix(':').is_some_and(is_port) => address,
            _ => return false,
        }
    } else {
        match host.split_once(':') {
            None => host,
            Some((name, port)) if is_port(port) => name,
            Some(_) => return false,
        }
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
    match name.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || known.contains(&name),
        Err(_) => name == "localhost" || known.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::is_known_host;

    #[test]
    fn hosts_are_read_and_not_guessed() {
        let known = ["staff.example.com".to_owned(), "10.0.0.7".to_owned()];
        for ours in [
            "localhost",
            "LOCALHOST:8787",
            "127.0.0.1",
            "127.0.0.1:8787",
            "127.9.9.9",
            "[::1]",
            "[::1]:80",
            "localhost.",
            "staff.example.com",
            "Staff.Example.com:443",
            "10.0.0.7:1",
        ] {
            assert!(is_known_host(ours, &known), "{ours}");
        }
        for other in [
            "",
            ".",
            "127.0.0.1.evil.com",
            "localhost.evil.com",
            "evil.com",
            "127.0.0.1:8787@evil.com",
            "evil.com:80",
            "me@localhost",
            "127.0.0.1:",
            "127.0.0.1:99999999",
            "[::1",
            "[::1]evil",
            "[::2]",
            "0.0.0.0",
            "10.0.0.8",
            "localhost:80:80",
            "staff.example.com.evil.com",
            "2130706433",
            "127.1",
            "localhost..",
        ] {
            assert!(!is_known_host(other, &known), "{other}");
        }
    }
}
