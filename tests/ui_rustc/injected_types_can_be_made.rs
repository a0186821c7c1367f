use plain_worker::job;

struct NotClone;

#[job]
async fn takes_it(#[inject] value: NotClone) { //~ E0599 NotClone: Inject
    drop(value);
}

fn main() {
    let _ = takes_it(NotClone);
}
