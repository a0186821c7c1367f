//! A durable job and the whole command line: `cargo run -p examples --bin shortest -- enqueue welcome_user '{"user_id":7}'`

use plain_worker::job;

#[job]
async fn welcome_user(user_id: i64) {
    println!("welcome, user {user_id}!");
}

fn main() {
    plain_worker::main()
}
