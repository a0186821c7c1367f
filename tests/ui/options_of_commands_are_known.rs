use plain_worker::scheduled_command;

scheduled_command!("@daily", "true", timout = "1s", unique);

scheduled_command!("@daily", "true", retries = 1, retries = 2, timeout = "soon");

scheduled_command!("@daily", "true", directory = 7, keep_env("A=B"), clear_env = true, env("A"));

scheduled_command!("@daily", "true", name = "", overlap = "never");

fn main() {}
