use plain_worker::job;

struct Mailer;

impl Mailer {
    #[job]
    async fn welcome_user(&self, user_id: i64) {
        let _ = user_id;
    }
}

fn main() {
    let _ = Mailer.welcome_user(7);
}
