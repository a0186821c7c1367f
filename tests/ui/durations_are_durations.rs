use plain_worker::job;

#[job(timeout = "30 parsecs")]
async fn unknown_unit() {}

#[job(timeout = 30)]
async fn no_unit() {}

#[job(timeout = "0s")]
async fn no_time() {}

#[job(expires_in = "0ms")]
async fn at_once() {}

#[job(expires_in = "5000years")]
async fn far_away() {}

fn main() {
    let _ = (unknown_unit(), no_unit(), no_time(), at_once(), far_away());
}
