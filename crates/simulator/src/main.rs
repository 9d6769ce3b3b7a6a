//! The simulator as a process: prints its URL and API key as one line of JSON, then serves until it is
//! stopped.

use simulator::{Options, Simulator};
use std::io::Write;
use std::thread;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let heygen = Simulator::start(Options::default())?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", serde_json::to_string(&heygen.access())?)?;
    stdout.flush()?;
    loop {
        thread::park();
    }
}
