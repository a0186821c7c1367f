use plain_worker::job;
use plain_worker::serde::Deserialize;

#[derive(Deserialize)]
#[serde(crate = "plain_worker::serde")]
struct ReadOnly;

#[job(retries = 3, unique)]
async fn takes_it(value: Vec<ReadOnly>) { //~ E0277 StoredArgument
    drop(value);
}

fn main() {
    let _ = takes_it(vec![ReadOnly]);
}
