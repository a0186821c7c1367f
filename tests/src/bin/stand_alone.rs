//! The stand-alone program `plain-worker`, as it is built from the same one line.

fn main() {
    plain_worker::cli::stand_alone()
}
