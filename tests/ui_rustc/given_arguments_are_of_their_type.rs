use plain_worker::scheduled;

#[scheduled("@daily", args(depth = "eu"))] //~ E0277
async fn text_for_a_number(depth: u8) {
    let _ = depth;
}

#[scheduled("@daily", args(depth = 1u16))] //~ E0308
async fn another_number(depth: u8) {
    let _ = depth;
}

fn main() {
    let _ = (text_for_a_number(1), another_number(1));
}
