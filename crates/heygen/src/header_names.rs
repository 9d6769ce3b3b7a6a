//! Where a request may carry its signature.

use std::str::FromStr;

/// The names of the headers that may carry a signature, in lower case.
///
/// HeyGen's documents name `Signature` (v1, and v3 since about September 2026) and
/// `Heygen-Signature` (v3 before that); the default is both. A receiver that requires the one
/// which does not come rejects everything, so the list is configuration, not code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderNames(Vec<String>);

/// A list of header names that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeaderNames {
    /// No name at all: nothing could ever be verified.
    #[error("no header name given")]
    Empty,
    /// Not a token in the sense of RFC 9110, section 5.1.
    #[error("{0:?} is not a header name")]
    NotAName(String),
}

impl HeaderNames {
    /// The names, in lower case, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Default for HeaderNames {
    fn default() -> Self {
        Self(vec!["signature".to_owned(), "heygen-signature".to_owned()])
    }
}

/// Reads a comma-separated list, such as `Signature, X-HeyGen-Signature`.
impl FromStr for HeaderNames {
    type Err = InvalidHeaderNames;

    fn from_str(list: &str) -> Result<Self, InvalidHeaderNames> {
        if list.trim().is_empty() {
            return Err(InvalidHeaderNames::Empty);
        }
        list.split(',').map(header_name).collect::<Result<_, _>>().map(Self)
    }
}

fn header_name(item: &str) -> Result<String, InvalidHeaderNames> {
    let name = item.trim();
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Err(InvalidHeaderNames::NotAName(name.to_owned()));
    }
    Ok(name.to_ascii_lowercase())
}

/// `tchar` of RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(list: &str) -> Vec<String> {
        let names: HeaderNames = list.parse().unwrap();
        names.iter().map(str::to_owned).collect()
    }

    #[test]
    fn both_documented_names_are_the_default() {
        let names = HeaderNames::default();
        assert_eq!(names.iter().collect::<Vec<_>>(), ["signature", "heygen-signature"]);
    }

    #[test]
    fn a_list_is_trimmed_and_lower_cased() {
        assert_eq!(parsed("Signature"), ["signature"]);
        assert_eq!(parsed(" Signature , X-HeyGen-Signature"), ["signature", "x-heygen-signature"]);
    }

    #[test]
    fn what_is_not_a_list_of_header_names_is_refused() {
        use InvalidHeaderNames::{Empty, NotAName};
        for (list, error) in [
            ("", Empty),
            ("  ", Empty),
            (",", NotAName(String::new())),
            ("signature,", NotAName(String::new())),
            ("my signature", NotAName("my signature".to_owned())),
            ("signature:", NotAName("signature:".to_owned())),
            ("signaturé", NotAName("signaturé".to_owned())),
        ] {
            assert_eq!(list.parse::<HeaderNames>(), Err(error), "{list:?}");
        }
    }
}
