use plain_worker::job;

#[job]
fn numbers() -> impl Iterator<Item = u8> {
    0..3
}

#[job]
fn for_ever() -> ! {
    loop {}
}

fn main() {
    let _ = numbers();
    let _: fn() -> ! = for_ever;
}
