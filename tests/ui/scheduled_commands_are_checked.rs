use plain_worker::scheduled_command;

scheduled_command!("0 25 * * *", ["true"]);

scheduled_command!("@daily", "true", tz = "Berlin");

scheduled_command!();

scheduled_command!("@daily");

scheduled_command!("@daily", 7);

scheduled_command!("@daily", "cmd: ");

scheduled_command!("@daily", "a\0b");

scheduled_command!("@daily", []);

scheduled_command!("@daily", ["", "x"]);

scheduled_command!("@daily", ["echo", 7]);

fn main() {}
