use plain_worker::{job, scheduled};

#[scheduled("0 9 * * *")]
async fn without(region: String, depth: u8) {
    let _ = (region, depth);
}

#[job]
#[scheduled("0 9 * * *", args(region = "eu"))]
async fn with_some(region: String, #[serde(default)] depth: u8, width: u8) {
    let _ = (region, depth, width);
}

#[scheduled("0 9 * * *", args(reigon = "eu"))]
async fn misspelt(#[serde(default)] region: String) {
    let _ = region;
}

#[scheduled("0 9 * * *", args(region = "eu", region = "us"))]
async fn twice(region: String) {
    let _ = region;
}

fn main() {
    let _ = (without(String::new(), 1), with_some(String::new(), 1, 1), misspelt(String::new()));
    let _ = twice::enqueue(String::new());
}
