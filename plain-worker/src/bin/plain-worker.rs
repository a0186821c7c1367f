//! The stand-alone program: looks after the jobs in a database, without the code of any.

fn main() {
    plain_worker::cli::stand_alone()
}
