use plain_worker::job;

struct NoError;

#[job]
async fn fails() -> Result<(), NoError> { //~ E0277
    Err(NoError)
}

fn main() {
    let _ = fails();
}
