use plain_worker::scheduled;

#[scheduled("0 0 * * *")]
#[scheduled("@daily")]
async fn the_same() {}

#[scheduled("0 0 * * *", name = "night")]
#[scheduled("0 1 * * *", name = "night")]
async fn of_one_name() {}

fn main() {
    let _ = (the_same(), of_one_name());
}
