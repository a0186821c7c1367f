use plain_worker::job;

mod own {
    pub struct Result;
}

#[job]
async fn ends() -> own::Result { //~* E0277 a job's return type that is called `Result` must be `core::result::Result`
    own::Result
}

fn main() {
    let _ = ends();
}
