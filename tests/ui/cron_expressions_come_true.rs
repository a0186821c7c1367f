use plain_worker::scheduled;

#[scheduled("0 0 30 2 *")]
async fn never() {}

fn main() {
    let _ = never();
}
