//! A program whose `main` is the one of plain-worker, with a scheduled command: it guards that by itself.

use plain_worker::scheduled_command;

scheduled_command!("@yearly", "trap '' TERM; sleep 1000 & echo $! > deaf.pid; wait", name = "deaf");

fn main() {
    plain_worker::main()
}
