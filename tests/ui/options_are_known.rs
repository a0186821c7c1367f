use plain_worker::job;

#[job(retrys = 3)]
async fn misspelt(user_id: i64) {
    let _ = user_id;
}

#[job(colour = "red", retries = 3)]
async fn invented() {}

fn main() {
    // The job is there in spite of its bad option.
    let _ = misspelt::enqueue(7);
    let _ = misspelt { user_id: 7 }.run_in_worker();
    let _ = invented();
}
