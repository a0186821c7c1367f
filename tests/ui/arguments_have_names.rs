use plain_worker::job;

#[job]
async fn taken_apart((left, right): (u8, u8)) {
    let _ = (left, right);
}

#[job]
async fn ignored(_: u8) {}

fn main() {
    let _ = taken_apart((1, 2));
    let _ = ignored(1);
}
