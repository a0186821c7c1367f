use plain_worker::job;

#[job(retries = 3, queue = "mail", retries = 5)]
async fn twice() {}

#[job]
#[job(retries = 3)]
async fn doubly() {}

fn main() {
    let _ = (twice(), doubly());
}
