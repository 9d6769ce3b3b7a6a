//! Random numbers for secrets.

use crate::error::Error;
use webhook::{ErrorClass, Secret};

/// 256 bits of the system's cryptographic generator, as 64 hex digits.
pub(crate) fn hex() -> Result<String, Error> {
    let mut bytes = [0; 32];
    let failed =
        || Error::Platform { reason: "the system has no random numbers".to_owned(), class: ErrorClass::Transient };
    rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).map_err(|_| failed())?;
    Ok(hex::encode(bytes))
}

pub(crate) fn secret() -> Result<Secret, Error> {
    let failed = |_| Error::Platform { reason: "a secret is empty".to_owned(), class: ErrorClass::Permanent };
    Secret::new(hex()?).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_secret_has_256_bits_and_no_two_are_the_same() {
        let all: BTreeSet<_> = (0..100).map(|_| hex().unwrap()).collect();
        assert_eq!(all.len(), 100);
        assert!(all.iter().all(|text| text.len() == 64));
        let differing = all.iter().filter(|text| text.as_bytes()[63] != text.as_bytes()[0]).count();
        assert!(differing > 50, "both ends vary: {differing}");
    }
}
