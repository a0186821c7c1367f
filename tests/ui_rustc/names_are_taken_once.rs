use plain_worker::job;

struct welcome_user {
    pub user_id: i64,
}

#[job] //~ E0428
async fn welcome_user(user_id: i64) {
    let _ = user_id;
}

fn main() {}
