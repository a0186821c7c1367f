//! A command line of one's own, with the commands of plain-worker in it, beside it and below a word of its own.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use plain_worker::cli::{App, Command};
use plain_worker::job;

#[job]
async fn count_words(text: String) -> usize {
    text.split_whitespace().count()
}

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Subcommand)]
enum Commands {
    /// Serves nothing.
    Serve,
    /// Background jobs.
    #[command(subcommand)]
    Background(Command),
    #[command(flatten)]
    Beside(Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().command {
        Commands::Serve => {
            println!("served");
            ExitCode::SUCCESS
        }
        Commands::Background(command) | Commands::Beside(command) => command.run(App::new()).await,
    }
}
