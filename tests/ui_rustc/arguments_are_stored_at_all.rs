use plain_worker::job;

struct Neither;

#[job]
fn takes_it(value: Neither) { //~* E0277 StoredArgument
    drop(value);
}

fn main() {
    takes_it(Neither);
}
