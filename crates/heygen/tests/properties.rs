//! Properties that hold for every input, not only for the samples.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use heygen::{Event, EventType, Job, Secret, Signature, Unverified, Verified, sign};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

fn verifies(body: &[u8], signature: &str, secret: &Secret) -> bool {
    signature
        .parse::<Signature>()
        .is_ok_and(|signature| Unverified::new(body.to_vec()).verify(&[signature], &[secret]).is_ok())
}

fn flip(bytes: &mut [u8], at: Index) {
    let bit = at.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

fn read(body: &Value) -> Event {
    heygen::read(&Verified::assume_authentic(body.to_string().into_bytes()))
}

fn secret() -> impl Strategy<Value = Secret> {
    "[ -~]{1,100}".prop_filter_map("not empty", |text| Secret::new(text).ok())
}

/// Field names that mean something, so that arbitrary JSON reaches the code that reads them.
fn field() -> impl Strategy<Value = String> {
    let meaningful = select(vec![
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
    ]);
    prop_oneof![4 => meaningful.prop_map(str::to_owned), 1 => ".*"]
}

fn text() -> impl Strategy<Value = String> {
    let types = select(EventType::KNOWN.to_vec()).prop_map(str::to_owned);
    prop_oneof![types, "https?://.*", ".*"]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(field(), inner, 0..8).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

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

fn fold(events: &[Event]) -> Option<Job> {
    events.iter().filter_map(Event::job).fold(None, |job, next| Some(Job::merge(job, next)))
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
        let event = heygen::read(&Verified::assume_authentic(body));
        prop_assert!(event.correlation_id().as_str().len() <= 1024);
    }

    #[test]
    fn any_json_can_be_read(event_type in text(), data in any_json(), other in any_json()) {
        for body in [json!({"event_type": event_type, "event_data": data}), other] {
            let event = read(&body);
            prop_assert!(event.correlation_id().as_str().len() <= 1024);
            if let Some(job) = event.job() {
                prop_assert!(job.item_key().len() <= 1024);
                prop_assert_eq!(job.decided_by, event.item_key());
            }
        }
    }

    #[test]
    fn spacing_and_unknown_fields_do_not_change_the_identity(
        event_type in select(EventType::KNOWN.to_vec()),
        id in "[a-z0-9]{1,40}",
        language in proptest::option::of("[A-Z][a-z]+"),
        unknown in any_json(),
    ) {
        let plain = json!({"event_type": event_type,
            "event_data": {"id": id, "output_language": language}});
        let mut extended = plain.clone();
        extended["event_data"]["not_yet_known"] = unknown;
        let pretty = serde_json::to_vec_pretty(&extended).unwrap();
        let pretty = heygen::read(&Verified::assume_authentic(pretty));
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
        (events, again) in events_of_one_job().prop_flat_map(|events| {
            // Everything at least once, some of it more often, in any order.
            let repeated = vec(select(events.clone()), 0..8);
            let again = repeated.prop_map({
                let events = events.clone();
                move |more| [events.clone(), more].concat()
            });
            (Just(events), again.prop_shuffle())
        })
    ) {
        prop_assert_eq!(fold(&events), fold(&again));
    }
}
