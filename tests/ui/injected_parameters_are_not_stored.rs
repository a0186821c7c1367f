use plain_worker::job;

#[job]
async fn both(#[inject] #[serde(default)] db: u8) {
    let _ = db;
}

#[job]
async fn with_options(#[inject(State)] db: u8) {
    let _ = db;
}

fn main() {
    let _ = (both(7), with_options(7));
}
