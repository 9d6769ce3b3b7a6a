//! Progress on standard error, in the style of cargo, whose own lines appear in between.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// A colour, on terminals that have colours.
#[derive(Debug, Clone, Copy)]
pub enum Paint {
    /// Success.
    Green,
    /// In progress.
    Cyan,
    /// Failed.
    Red,
    /// Less important.
    Dim,
    /// A heading.
    Bold,
}

static COLOURS: LazyLock<(bool, bool)> = LazyLock::new(|| {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    (wanted && std::io::stdout().is_terminal(), wanted && std::io::stderr().is_terminal())
});

impl Paint {
    /// Painted for standard output.
    pub fn out(self, text: impl Display) -> String {
        self.paint(text, COLOURS.0)
    }

    /// Painted for standard error.
    pub fn err(self, text: impl Display) -> String {
        self.paint(text, COLOURS.1)
    }

    fn paint(self, text: impl Display, colours: bool) -> String {
        let code = match self {
            Paint::Green => "1;32",
            Paint::Cyan => "1;36",
            Paint::Red => "1;31",
            Paint::Dim => "2",
            Paint::Bold => "1",
        };
        if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

/// Reports the start of a step: `   Deploying template.yaml`.
pub fn begin(verb: &str, what: impl Display) -> Instant {
    eprintln!("{} {what}", Paint::Cyan.err(format_args!("{verb:>12}")));
    Instant::now()
}

/// Reports the end of a step, and how long it took.
pub fn done(verb: &str, what: impl Display, since: Instant) {
    let took = Paint::Dim.err(format_args!("in {}", seconds(since.elapsed())));
    eprintln!("{} {what} {took}", Paint::Green.err(format_args!("{verb:>12}")));
}

/// Reports something else.
pub fn note(verb: &str, what: impl Display) {
    eprintln!("{} {what}", Paint::Green.err(format_args!("{verb:>12}")));
}

/// Reports the error that ends the command.
pub fn failed(what: impl Display) {
    eprintln!("{} {what}", Paint::Red.err(format_args!("{:>12}", "Error")));
}

/// `0.4 s`, `12 s`, `2 min 5 s`.
pub fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        whole @ 10..60 => format!("{whole} s"),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(Duration::from_millis(432)), "0.4 s");
        assert_eq!(seconds(Duration::from_millis(12_900)), "12 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 5 s");
    }
}
