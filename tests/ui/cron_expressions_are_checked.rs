use plain_worker::scheduled;

#[scheduled("0 25 * * *")]
async fn out_of_range() {}

#[scheduled("0 9 * * MON-FRY")]
async fn not_a_day() {}

#[scheduled("0/15 * * * *")]
async fn step_without_range() {}

#[scheduled("* * * *")]
async fn four_fields() {}

#[scheduled]
async fn nothing() {}

#[scheduled(9)]
async fn a_number() {}

fn main() {
    let _ = (out_of_range(), not_a_day(), step_without_range(), four_fields(), nothing(), a_number());
}
