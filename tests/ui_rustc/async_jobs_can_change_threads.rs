use std::rc::Rc;

use plain_worker::job;

#[job]
async fn holds_an_rc() { //~ nocode future is not `Send`
    let rc = Rc::new(1);
    std::future::ready(()).await;
    drop(rc);
}

fn main() {
    let _ = holds_an_rc();
}
