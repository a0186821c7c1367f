//! The shortest program with a command line.

use plain_worker::job;

/// Welcomes a user.
#[job]
async fn welcome_user(user_id: i64) -> String {
    format!("welcome, user {user_id}!")
}

fn main() {
    plain_worker::main()
}
