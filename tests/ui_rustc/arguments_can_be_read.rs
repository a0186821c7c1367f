use plain_worker::job;
use plain_worker::serde::Serialize;

#[derive(Serialize)]
#[serde(crate = "plain_worker::serde")]
struct WriteOnly;

#[job]
async fn takes_it(
    number: u8,
    value: WriteOnly, //~ E0277 StoredArgument
    text: String,
) {
    drop((number, value, text));
}

fn main() {
    let _ = takes_it(1, WriteOnly, String::new());
}
