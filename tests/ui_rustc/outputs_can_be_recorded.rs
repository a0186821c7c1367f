use plain_worker::job;

struct NoOutput;

#[job]
async fn ends() -> NoOutput { //~ E0277
    NoOutput
}

#[job]
async fn ends_well() -> Result<NoOutput, String> { //~ E0277
    Ok(NoOutput)
}

fn main() {
    let _ = (ends(), ends_well());
}
