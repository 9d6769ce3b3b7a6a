//! Ctrl-C and similar signals become an error that is returned up to main, so that everything that was started is
//! stopped. A second signal ends the process at once; the supervisor cleans up then.

use crate::error::{Context, Error, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

static FLAG: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From here on, a signal to end makes everything that waits fail with [`Error::Interrupted`].
pub fn listen() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&FLAG)).context("Handling signals")?;
        signal_hook::flag::register(signal, Arc::clone(&FLAG)).context("Handling signals")?;
    }
    Ok(())
}

/// Fails if a signal came.
pub fn check() -> Result<()> {
    if FLAG.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
}

/// Asks every `pause` until there is a result, the limit is reached (`None`) or a signal comes.
pub fn poll<T>(limit: Duration, pause: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let deadline = Instant::now() + limit;
    loop {
        check()?;
        if let Some(answer) = ask()? {
            return Ok(Some(answer));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(pause);
    }
}

/// Waits for a signal or until `ended` returns true.
pub fn wait(mut ended: impl FnMut() -> bool) {
    while check().is_ok() && !ended() {
        thread::sleep(Duration::from_millis(100));
    }
}

/// Waits a while, or fails if a signal comes.
pub fn pause(time: Duration) -> Result<()> {
    poll(time, Duration::from_millis(50), || Ok(None::<()>)).map(drop)
}
