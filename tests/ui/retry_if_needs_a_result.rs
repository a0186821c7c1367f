use plain_worker::job;

fn is_transient(_: &String) -> bool {
    true
}

#[job(retry_if = is_transient)]
async fn cannot_fail() {}

fn main() {
    let _ = (cannot_fail(), is_transient(&String::new()));
}
