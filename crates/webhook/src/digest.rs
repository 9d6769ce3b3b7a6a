//! Digests for keys: unambiguous ones of several parts, and replacements for texts that are too long.

use sha2::{Digest, Sha256};

/// The SHA-256 of `parts`, as 64 lower-case hex digits.
///
/// The domain and each part are preceded by their length, so that `("a", "bc")` and `("ab", "c")`
/// differ, and digests made for different purposes never collide.
pub fn digest(domain: &str, parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&domain.as_bytes()).chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// The SHA-256 of some bytes, as 64 lower-case hex digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What begins a digest that stands for a text.
const DIGEST: &str = "sha256:";

/// The text itself, or `sha256:<hex of its SHA-256>` if it is longer than `limit` bytes, or begins
/// like such a digest and could be taken for another text's. Never cut short: two long texts with one
/// beginning stay apart.
pub fn shortened(text: &str, limit: usize) -> String {
    if text.len() <= limit && !text.starts_with(DIGEST) {
        return text.to_owned();
    }
    format!("{DIGEST}{}", sha256(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let all = [
            digest("d", &[b"a", b"bc"]),
            digest("d", &[b"ab", b"c"]),
            digest("d", &[b"abc"]),
            digest("d", &[b"abc", b""]),
            digest("da", &[b"bc"]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[index + 1..].contains(one), "{index}");
        }
    }

    #[test]
    fn only_what_is_too_long_is_hashed() {
        assert_eq!(shortened("abc", 3), "abc");
        let digest = shortened("abc", 2);
        assert_eq!(digest, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_ne!(shortened(&digest, 100), digest, "a text that looks like another's digest");
    }
}
