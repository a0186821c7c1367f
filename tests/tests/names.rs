//! Two jobs that answer to one name are refused at the start, with both places.

use plain_worker::{Registry, job};

mod letters {
    use plain_worker::job;

    #[job]
    pub async fn welcome() {}
}

mod parcels {
    use plain_worker::job;

    #[job(name = "parcel", aliases("welcome"))]
    pub async fn welcome() {}
}

#[job]
async fn of_another_name() {}

#[test]
fn two_jobs_of_one_name_are_refused_with_both_places() {
    let line = |text: &str| 1 + include_str!("names.rs").lines().position(|line| line.contains(text)).expect("a line");
    let first = line("pub async fn welcome");
    let second = line("aliases(\"welcome\"") + 1;
    let text = Registry::of_program().expect_err("a clash").to_string();
    let file = file!();
    assert_eq!(
        text,
        format!(
            "two jobs answer to the name `welcome`: {file}:{second} and {file}:{first}; give one of them `name = \"..\"`"
        )
    );
    // Only the start refuses them: the functions are what they were.
    drop((letters::welcome(), parcels::welcome(), of_another_name()));
}
