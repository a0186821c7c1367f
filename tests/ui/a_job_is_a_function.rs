use plain_worker::job;

#[job]
struct WelcomeUser {
    user_id: i64,
}

fn main() {
    let _ = WelcomeUser { user_id: 7 }.user_id;
}
