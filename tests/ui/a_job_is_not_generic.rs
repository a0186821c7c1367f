use plain_worker::job;

#[job]
async fn of_any_type<T: Send>(value: T) {
    drop(value);
}

#[job]
async fn of_any_length<const N: usize>(value: [u8; N]) {
    drop(value);
}

#[job]
async fn of_some_type(value: impl Send) {
    drop(value);
}

fn main() {
    let _ = of_any_type(7);
    let _ = of_any_length([7]);
    let _ = of_some_type(7);
}
