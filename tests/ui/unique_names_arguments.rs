use plain_worker::job;

#[job(unique(user))]
async fn misspelt(users: i64, #[inject] db: u8) {
    let _ = (users, db);
}

#[job(unique(db))]
async fn injected(user_id: i64, #[inject] db: u8) {
    let _ = (user_id, db);
}

#[job(unique(user_id, user_id))]
async fn twice(user_id: i64) {
    let _ = user_id;
}

#[job(until = "start")]
async fn until_alone() {}

#[job(unique(user_id, until = "start"))]
async fn until_inside(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = (misspelt(7, 7), injected(7, 7), twice(7), until_alone(), until_inside(7));
}
