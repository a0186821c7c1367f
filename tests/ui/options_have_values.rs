use plain_worker::job;

#[job(retries)]
async fn without() {}

#[job(retries = -1)]
async fn negative() {}

#[job(priority = 40000)]
async fn too_high() {}

#[job(queue = 7)]
async fn not_text() {}

#[job(allow_unknown = true)]
async fn with() {}

#[job(on_lost = "retyr")]
async fn misspelt() {}

#[job(aliases)]
async fn without_list() {}

#[job(unique = user_id)]
async fn assigned(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = (without(), negative(), too_high(), not_text(), with(), misspelt(), without_list(), assigned(7));
}
