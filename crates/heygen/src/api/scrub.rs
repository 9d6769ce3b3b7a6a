//! What errors may quote from a response.

/// Longer words are keys, tokens or digests.
const LONGEST_WORD: usize = 40;
/// In bytes; enough to say what is wrong.
const LONGEST_MESSAGE: usize = 300;
const LONGEST_TOKEN: usize = 128;

/// Keeps secrets out of errors: HeyGen and gateways may quote what they received.
pub(super) struct Scrub {
    pub(super) credential: String,
}

impl Scrub {
    /// A message without links and secrets; `None` if it quotes the credential or nothing is left.
    pub(super) fn message(&self, text: &str) -> Option<String> {
        if text.contains(&self.credential) {
            return None;
        }
        let mut message = String::new();
        for word in text.split_whitespace() {
            let secret = word.contains("://") || word.contains("whsec_") || word.chars().count() > LONGEST_WORD;
            let word = if secret { "…" } else { word };
            if message.len() + word.len() >= LONGEST_MESSAGE {
                break;
            }
            if !message.is_empty() {
                message.push(' ');
            }
            message.extend(word.chars().filter(|char| !char.is_control()));
        }
        (!message.is_empty()).then_some(message)
    }

    /// A code, an id or a content type; `None` unless it is short and has no special characters.
    pub(super) fn token(&self, text: &str) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:./+".contains(&byte);
        let fits = (1..=LONGEST_TOKEN).contains(&text.len()) && text.bytes().all(plain);
        (fits && !text.contains(&self.credential) && !text.contains("whsec_")).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrub() -> Scrub {
        Scrub { credential: "key with space".to_owned() }
    }

    #[test]
    fn secrets_are_removed_from_a_message() {
        for (text, expected) in [
            ("Url of this webhook endpoint is invalid", Some("Url of this webhook endpoint is invalid")),
            (" two\nlines\u{7} ", Some("two lines")),
            ("see https://x.invalid/?Signature=abc now", Some("see … now")),
            ("secret=whsec_abc leaked", Some("… leaked")),
            ("no such key: key with space", None),
            ("", None),
        ] {
            assert_eq!(scrub().message(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(scrub().message(&"x".repeat(41)).as_deref(), Some("…"));
        assert!(scrub().message(&"word ".repeat(1000)).unwrap().len() <= LONGEST_MESSAGE);
    }

    #[test]
    fn a_token_is_short_and_without_special_characters() {
        assert_eq!(scrub().token("rate_limit_exceeded").as_deref(), Some("rate_limit_exceeded"));
        assert_eq!(scrub().token("text/html").as_deref(), Some("text/html"));
        for bad in ["", "a b", "a\"b", "whsec_abc", "é", &"x".repeat(129)] {
            assert_eq!(scrub().token(bad), None, "{bad:?}");
        }
    }
}
