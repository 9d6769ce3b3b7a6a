//! Properties that hold for every input, not only for the samples.

use heygen::{Event, EventType, Secret, Signature, Unverified, sign};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use webhook_testing::json::Vocabulary;
use webhook_testing::order::{fold, repeated};
use webhook_testing::signed::can_be_read;
use webhook_testing::{authentic, flip};

fn verifies(body: &[u8], signature: &str, secret: &Secret) -> bool {
    signature
        .parse::<Signature>()
        .is_ok_and(|signature| Unverified::new(body.to_vec()).verify(&[signature], &[secret]).is_ok())
}

fn read(body: &Value) -> Event {
    heygen::read(&authentic(body.to_string()))
}

fn secret() -> impl Strategy<Value = Secret> {
    "[ -~]{1,100}".prop_filter_map("not empty", |text| Secret::new(text).ok())
}

const VOCABULARY: Vocabulary = Vocabulary {
    fields: &[
        "event_type",
        "event_data",
        "event_id",
        "callback_id",
        "video_id",
        "id",
        "output_language",
        "url",
        "clips",
        "video_url",
        "error",
        "code",
        "message",
    ],
    texts: &[EventType::KNOWN],
};

/// Events of one job: some fail it, some finish it, some repeat others.
fn events_of_one_job() -> impl Strategy<Value = Vec<Event>> {
    let types =
        select(vec!["video_translate.success", "video_translate.fail", "video_translate.preflight.download_failed"]);
    let event = (types, 0..4_u8).prop_map(|(event_type, id)| {
        read(&json!({"event_id": format!("{event_type}{id}"), "event_type": event_type,
            "event_data": {"video_translate_id": "t1", "message": format!("no speech {id}"),
                           "url": format!("https://files.example.invalid/{id}")}}))
    });
    vec(event, 1..12)
}

proptest! {
    #[test]
    fn what_was_signed_verifies(secret in secret(), body: Vec<u8>) {
        let signature = sign(&secret, &body);
        prop_assert!(verifies(&body, &signature, &secret));
        prop_assert!(verifies(&body, &signature.to_uppercase(), &secret));
    }

    #[test]
    fn a_flipped_bit_in_the_body_never_verifies(secret in secret(), body in vec(any::<u8>(), 1..300), at: Index) {
        let signature = sign(&secret, &body);
        let mut forged = body;
        flip(&mut forged, at);
        prop_assert!(!verifies(&forged, &signature, &secret));
    }

    #[test]
    fn a_flipped_bit_in_the_signature_never_verifies(secret in secret(), body: Vec<u8>, at: Index) {
        let mut mac = hex::decode(sign(&secret, &body)).unwrap();
        flip(&mut mac, at);
        prop_assert!(!verifies(&body, &hex::encode(mac), &secret));
    }

    #[test]
    fn a_flipped_bit_in_the_secret_never_verifies(secret in secret(), body: Vec<u8>, at: Index) {
        // Not the eighth bit, with which it would not be text.
        let mut other = secret.as_bytes().to_vec();
        let bit = at.index(other.len() * 7);
        other[bit / 7] ^= 1 << (bit % 7);
        let other = Secret::new(String::from_utf8(other).unwrap()).unwrap();
        prop_assert!(!verifies(&body, &sign(&secret, &body), &other));
    }

    #[test]
    fn any_bytes_can_be_read(body: Vec<u8>) {
        let event = heygen::read(&authentic(body));
        prop_assert!(event.correlation_id().as_str().len() <= 1024);
    }

    #[test]
    fn any_json_can_be_read(event_type in VOCABULARY.text(), data in VOCABULARY.any_json(), other in VOCABULARY.any_json()) {
        for body in [json!({"event_type": event_type, "event_data": data}), other] {
            can_be_read(heygen::read, &body)?;
        }
    }

    #[test]
    fn spacing_and_unknown_fields_do_not_change_the_identity(
        event_type in select(EventType::KNOWN.to_vec()),
        id in "[a-z0-9]{1,40}",
        language in proptest::option::of("[A-Z][a-z]+"),
        unknown in VOCABULARY.any_json(),
    ) {
        let plain = json!({"event_type": event_type,
            "event_data": {"id": id, "output_language": language}});
        let mut extended = plain.clone();
        extended["event_data"]["not_yet_known"] = unknown;
        let pretty = serde_json::to_vec_pretty(&extended).unwrap();
        let pretty = heygen::read(&authentic(pretty));
        prop_assert_eq!(read(&plain).identity, pretty.identity);
    }

    #[test]
    fn events_about_different_entities_or_languages_have_different_identities(
        event_type in select(EventType::KNOWN.to_vec()),
        ids in ("[a-z]{0,4}", "[a-z]{0,4}"),
        languages in ("[a-z]{0,4}", "[a-z]{0,4}"),
    ) {
        let of = |id: &str, language: &str| read(&json!({"event_type": event_type,
            "event_data": {"id": format!("x{id}"), "output_language": language}})).identity;
        prop_assert_eq!(
            of(&ids.0, &languages.0) == of(&ids.1, &languages.1),
            ids.0 == ids.1 && languages.0 == languages.1
        );
    }

    #[test]
    fn any_order_and_any_repetition_of_events_results_in_the_same_job(
        (events, again) in events_of_one_job().prop_flat_map(repeated)
    ) {
        prop_assert_eq!(fold(&events), fold(&again));
    }
}
