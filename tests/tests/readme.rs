//! The test that the README shows is a test.

use std::sync::{Arc, Mutex};

use plain_worker::job;

#[derive(Clone, Default)]
struct Mailer(Arc<Mutex<Vec<i64>>>);

impl Mailer {
    fn send(&self, user_id: i64) {
        self.0.lock().expect("no holder panics").push(user_id);
    }

    fn sent(&self) -> Vec<i64> {
        self.0.lock().expect("no holder panics").clone()
    }
}

#[job]
async fn welcome_user(user_id: i64, #[inject] mailer: Mailer) {
    mailer.send(user_id);
}

async fn sign_up(user_id: i64) -> plain_worker::Result<()> {
    welcome_user::enqueue(user_id).await?;
    Ok(())
}

use plain_worker::testing::{TestQueue, assert_enqueued};

#[tokio::test]
async fn a_new_user_is_welcomed() -> plain_worker::Result<()> {
    let jobs = TestQueue::in_memory().await?;
    jobs.scope(sign_up(7)).await?; // the handler
    assert_enqueued!(jobs, welcome_user { user_id: 7 });

    let mailer = Mailer::default(); // the job, with a fake
    jobs.worker().state(mailer.clone()).drain().await?;
    assert_eq!(mailer.sent(), [7]);
    Ok(())
}

#[test]
fn the_readme_shows_this_test() {
    let readme = include_str!("../../README.md");
    let shown = readme.split("## Tests of your own").nth(1).and_then(|rest| rest.split("```").nth(1));
    let shown = shown.and_then(|block| block.strip_prefix("rust\n")).expect("the block").trim();
    assert!(shown.contains("assert_enqueued!") && include_str!("readme.rs").contains(shown), "{shown}");
}
