use plain_worker::job;

fn is_transient(_: &u8) -> bool {
    true
}

#[job(retry_if = is_transient)] //~ E0308
async fn fails() -> Result<(), String> {
    Err(String::new())
}

fn main() {
    let _ = (fails(), is_transient(&1));
}
