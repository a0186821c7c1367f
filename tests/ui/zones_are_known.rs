use plain_worker::{job, scheduled};

#[job]
#[scheduled("0 9 * * *", tz = "Europe/Berln")]
async fn misspelt() {}

fn main() {
    let _ = misspelt::enqueue();
}
