//! The credentials of the platforms' APIs, as they are stored in Secrets Manager.

use crate::error::{AwsError, ErrorClass};
use crate::secrets::fetch_text;
use aws_sdk_secretsmanager::Client;
use heygen::api::Credential;
use serde_json::Value;
use thiserror::Error;
use webhook::Platform;

#[derive(Debug, Error)]
pub enum ApiKeyError {
    /// With what to do about it.
    #[error("no {title} API key: {1}", title = .0.title())]
    Missing(Platform, String),
    #[error("{0}")]
    Aws(#[from] AwsError),
}

impl ApiKeyError {
    pub fn class(&self) -> ErrorClass {
        match self {
            ApiKeyError::Missing(..) => ErrorClass::Denied,
            ApiKeyError::Aws(error) => error.class,
        }
    }
}

/// Reads HeyGen's credential from the secret of this name or ARN. Call it again each time: it may have been changed.
pub async fn read(client: &Client, secret: Option<&str>) -> Result<Credential, ApiKeyError> {
    let advice = "store it in Secrets Manager, and set the deployment's parameter ApiKeySecret to that secret's name, \
                  or ApiKeySecretArn to its ARN";
    stored(client, Platform::HeyGen, secret, advice).await
}

/// The same for the key of another platform, which is one text. It may be `Basic …` or `Bearer …`: then it is the whole
/// value of the header.
pub async fn read_key(client: &Client, platform: Platform, secret: Option<&str>) -> Result<String, ApiKeyError> {
    let advice = "store it in Secrets Manager, and set the deployment's parameter for it to that secret's name or ARN";
    match stored(client, platform, secret, advice).await? {
        Credential::ApiKey(key) => Ok(key),
        Credential::Bearer(token) => Ok(format!("Bearer {token}")),
    }
}

async fn stored(
    client: &Client,
    platform: Platform,
    secret: Option<&str>,
    advice: &str,
) -> Result<Credential, ApiKeyError> {
    let missing = |advice: String| ApiKeyError::Missing(platform, advice);
    let name = secret.ok_or_else(|| missing(advice.to_owned()))?;
    let text = fetch_text(client, name).await?;
    let text = text.ok_or_else(|| missing(format!("store it as the value of the secret {name}")))?;
    // The value is not shown: it may be another secret.
    credential(platform, &text).ok_or_else(|| {
        missing(format!(
            "the value of the secret {name} is not an API key. Store the key alone, or as {{\"api_key\": \"...\"}} with no \
             other key beside it"
        ))
    })
}

/// The text is the API key, in quotes or not, or an object with one field for it, such as `{"HEYGEN_API_KEY": "…"}`, which
/// is how Secrets Manager's console stores it, or `{"bearer": "…"}`. `None` for anything else, which must not be sent.
fn credential(platform: Platform, text: &str) -> Option<Credential> {
    let text = text.trim();
    let api_key = |text: &str| api_key(platform, text);
    match serde_json::from_str(text) {
        Ok(Value::String(key)) => api_key(&key),
        Ok(Value::Object(fields)) => {
            let credentials = fields.iter().filter_map(|(name, value)| field(platform, name, value.as_str()?));
            let mut credentials = credentials.collect::<Vec<_>>();
            credentials.pop().filter(|_| credentials.is_empty())?
        }
        // A key may consist of digits.
        Ok(Value::Number(_)) | Err(_) => {
            api_key(text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(text))
        }
        Ok(_) => None,
    }
}

/// `None` if a field with this name is no credential; `Some(None)` if its value cannot be one.
fn field(platform: Platform, name: &str, value: &str) -> Option<Option<Credential>> {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match name.as_str() {
        "bearer" => Some(is_plain(value.trim()).then(|| Credential::Bearer(value.trim().to_owned()))),
        name if name == "key" || name.strip_suffix("key") == Some(platform.name()) || name.ends_with("apikey") => {
            Some(api_key(platform, value))
        }
        _ => None,
    }
}

fn api_key(platform: Platform, text: &str) -> Option<Credential> {
    let text = text.trim();
    let schemes = if platform == Platform::HeyGen { &[][..] } else { &["Basic ", "Bearer "] };
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    is_plain(rest).then(|| Credential::ApiKey(text.to_owned()))
}

/// Whether the text has only characters that a key may have: no white space, no quotes and no braces.
fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'{}".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(text: &str) -> Option<Credential> {
        super::credential(Platform::HeyGen, text)
    }

    #[test]
    fn a_key_is_read_in_each_form_that_it_is_usually_stored_in() {
        for text in [
            "abc+/=",
            " abc+/= \r\n",
            r#""abc+/=""#,
            "'abc+/='",
            r#"{"HEYGEN_API_KEY": "abc+/="}"#,
            r#"{"heygen-api-key": "abc+/=\n"}"#,
            r#"{"api_key": "abc+/=", "note": "the team's", "since": 2026}"#,
            r#"{"apiKey": " abc+/= "}"#,
            r#"{"key": "abc+/="}"#,
        ] {
            assert_eq!(credential(text), Some(Credential::ApiKey("abc+/=".to_owned())), "{text}");
        }
        assert_eq!(credential(r#"{"bearer": "abc"}"#), Some(Credential::Bearer("abc".to_owned())));
        assert_eq!(credential("12345"), Some(Credential::ApiKey("12345".to_owned())));
    }

    #[test]
    fn what_may_be_another_value_is_not_sent_as_a_key() {
        for text in [
            "",
            "  ",
            "two words",
            r#"{"HEYGEN_API_KEY": "abc", "OPENAI_API_KEY": "def"}"#,
            r#"{"HEYGEN_API_KEY": "abc", "bearer": "def"}"#,
            r#"{"HEYGEN_API_KEY": "a b"}"#,
            r#"{"HEYGEN_API_KEY": ""}"#,
            r#"{"password": "abc"}"#,
            r#"{"HEYGEN_API_KEY": "abc""#,
            "{}",
            "[]",
            r#"["abc"]"#,
            "null",
            r#""abc"#,
        ] {
            assert_eq!(credential(text), None, "{text}");
        }
    }

    #[test]
    fn the_key_of_another_platform_may_name_its_scheme() {
        for (text, key) in [
            ("abc:def", Some("abc:def")),
            ("Basic abc:def", Some("Basic abc:def")),
            (r#"{"DID_API_KEY": "Bearer abc"}"#, Some("Bearer abc")),
            (r#"{"did_key": "abc"}"#, Some("abc")),
            (r#"{"heygen_key": "abc"}"#, None),
            (r#"{"DID_API_KEY": "abc", "TAVUS_API_KEY": "def"}"#, None),
            ("Token abc", None),
            ("Basic a b", None),
            ("Basic", Some("Basic")),
        ] {
            let expected = key.map(|key| Credential::ApiKey(key.to_owned()));
            assert_eq!(super::credential(Platform::Did, text), expected, "{text}");
        }
        assert_eq!(credential("Basic abc"), None);
    }
}
