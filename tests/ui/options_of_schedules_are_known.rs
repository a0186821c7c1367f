use plain_worker::scheduled;

#[scheduled("0 9 * * *", zone = "UTC")]
async fn invented() {}

#[scheduled("0 9 * * *", tz = "UTC", tz = "UTC")]
async fn twice() {}

#[scheduled("0 9 * * *", catch_up = "some")]
async fn bad_word() {}

fn main() {
    let _ = (invented(), twice(), bad_word());
}
