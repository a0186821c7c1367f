use plain_worker::job;

type Outcome = Result<u8, String>;

#[job]
async fn ends() -> Outcome { //~ E0080 `Outcome` is a `Result` under another name
    Ok(1)
}

fn main() {
    let _ = ends();
}
