use plain_worker::job;

#[job(name = "")]
async fn empty() {}

#[job(queue = "nul\0")]
async fn nul() {}

#[job(name = "12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890x")]
async fn long() {}

#[job(aliases("old", "older", "old"))]
async fn named_twice() {}

fn main() {
    let _ = (empty(), nul(), long(), named_twice());
}
