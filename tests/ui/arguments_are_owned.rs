use std::borrow::Cow;

use plain_worker::job;

#[job]
async fn text(name: &str) {
    let _ = name;
}

#[job]
async fn bytes(bytes: &'static [u8]) {
    let _ = bytes;
}

#[job]
async fn inside(names: Vec<Option<&str>>) {
    let _ = names;
}

#[job]
async fn by_lifetime(name: Cow<'_, str>) {
    let _ = name;
}

#[job]
async fn from_the_worker(#[inject] state: &u8) {
    let _ = state;
}

fn main() {
    // The function stays usable: no other error comes from these.
    let _ = (text("ann"), bytes(b"ann"), inside(vec![Some("ann")]), by_lifetime("ann".into()), from_the_worker(&7));
}
