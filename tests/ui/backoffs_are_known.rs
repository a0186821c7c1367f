use plain_worker::job;

#[job(backoff = "15s")]
async fn text() {}

#[job(backoff = expotential("15s"))]
async fn misspelt() {}

#[job(backoff = exponential("15s", "1h"))]
async fn cap_without_name() {}

#[job(backoff = list())]
async fn no_waits() {}

#[job(backoff = linear("soon"))]
async fn bad_duration() {}

fn main() {
    let _ = (text(), misspelt(), cap_without_name(), no_waits(), bad_duration());
}
