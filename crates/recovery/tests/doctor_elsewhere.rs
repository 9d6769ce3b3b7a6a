//! What the doctor finds of other platforms than HeyGen.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::elsewhere::Elsewhere;
use serde_json::{Value, json};

/// The findings of other platforms, as `code: message`.
fn findings(world: &Elsewhere) -> Vec<String> {
    let reply: Value = world.ask(json!({"action": "doctor", "verify": false})).unwrap();
    let findings = reply["findings"].as_array().unwrap().iter();
    let all = findings
        .map(|finding| format!("{}: {}", finding["code"].as_str().unwrap(), finding["message"].as_str().unwrap()));
    all.filter(|finding| finding.starts_with("platform-") || finding.starts_with("callback")).collect()
}

#[test]
fn platforms_that_answer_their_keys_are_no_finding_and_are_asked_once() {
    let world = Elsewhere::new();
    assert_eq!(findings(&world), Vec::<String>::new());
    assert_eq!(world.apis.calls().len(), 4, "an answer that the job is unknown is an answer");
}

#[test]
fn each_platforms_key_is_looked_at_by_itself() {
    let world = Elsewhere::new();
    {
        let mut aws = world.aws.lock().unwrap();
        aws.secrets.remove("tavus-key");
        aws.secrets.insert("did-key".to_owned(), "wrong".to_owned());
        aws.secrets.insert("elevenlabs-key".to_owned(), "two words".to_owned());
        aws.secrets.remove("shop/callbacks/did/main");
    }
    let found = findings(&world);
    for expected in [
        "platform-key-missing: The secret of Tavus's API key",
        "platform-key-missing: The secret of ElevenLabs's API key",
        "platform-key-rejected: D-ID does not accept",
        "callback-secret-missing: The callback secret of did/main",
    ] {
        assert!(found.iter().any(|found| found.starts_with(expected)), "{expected} is not in {found:?}");
    }
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn endpoints_without_a_key_are_named() {
    let world = Elsewhere::new().with("TAVUS_API_KEY_SECRET", "").with("SYNTHESIA_API_KEY_SECRET", "");
    let found = findings(&world);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().any(|found| found.contains("callbacks of Tavus") && found.contains("none is recorded")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|found| found.contains("endpoints of Synthesia") && found.contains("not brought back")),
        "{found:?}"
    );
    let unused = Elsewhere::new().with("PLATFORM_ENDPOINTS", "").with("TAVUS_API_KEY_SECRET", "");
    assert_eq!(findings(&unused), Vec::<String>::new(), "it is not used");
}
