use plain_worker::{job, scheduled};

#[job(retrys = 3, timeout = "soon", unique(user))]
#[scheduled("0 25 * * *", args(user_id = 7), overlap = "never")]
async fn welcome_user(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = welcome_user(7);
    let _ = welcome_user::enqueue(7);
}
