//! What Synthesia signed is accepted, and nothing else.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use synthesia::{SIGNATURE, TIMESTAMP, sign, signed};
use webhook::SignatureHeaderError::{Malformed, Missing};
use webhook::{Secret, SignatureHeaderError, Unverified};
use webhook_testing::flip;

const SECRET: &str = "6f1c2f5e-3b7a-4d52-9a77-0d6f0c1e2a34";
const BODY: &[u8] = br#"{"type":"video.completed","data":{"id":"11111111-2222-3333-4444-555555555555","status":"complete","callbackId":"order_77","download":"https://files.example.invalid/v.mp4"}}"#;
const AT_0: &str = "e3c2cce517dc7e5a2db7fd9e304c41dbb004037fd4faa031309f5dc3e74027f5";
const AT_1: &str = "fd703e63aeb42c4dd29f3225ff4de6603c853bc67341ead3ec463e3e433297dc";
const OF_THE_BODY_ALONE: &str = "778261c48bc04ae19ef9a70f77f9d08788605ecdadab18ae70c03bd90ed2d11a";

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn verifies(headers: &[(&str, &[u8])], body: &[u8], secret: &Secret) -> bool {
    let Ok(signed) = signed(headers.iter().copied()) else { return false };
    signed.verify(Unverified::new(body.to_vec()), &[secret]).is_ok()
}

fn is_accepted(signature: &str, timestamp: &str) -> bool {
    let headers = [(SIGNATURE, signature.as_bytes()), (TIMESTAMP, timestamp.as_bytes())];
    verifies(&headers, BODY, &secret(SECRET))
}

fn error(headers: &[(&str, &[u8])]) -> Option<SignatureHeaderError> {
    signed(headers.iter().copied()).err()
}

/// Computed for this project, without this code.
#[test]
fn the_test_vectors_hold() {
    assert_eq!(BODY.len(), 172);
    assert_eq!(sign(&secret(SECRET), "1760000000", BODY)[0], (SIGNATURE, AT_0.to_owned()));
    assert!(is_accepted(AT_0, "1760000000"));
    assert!(is_accepted(AT_1, "1760000001"));
    assert!(!is_accepted(AT_0, "1760000001"));
    assert!(!is_accepted(AT_1, "1760000000"));
    assert!(!is_accepted(OF_THE_BODY_ALONE, "1760000000"), "the timestamp is signed, too");
}

#[test]
fn the_timestamp_is_the_text_that_came() {
    for other in ["1760000000 ", " 1760000000", "01760000000", "1760000000.0", "+1760000000", "1760000000,1760000000"] {
        assert!(!is_accepted(AT_0, other), "{other:?}");
    }
    for text in ["2025-10-09T08:53:20Z", "soon", " ", "1760000000,1760000000"] {
        assert!(
            signed(sign(&secret(SECRET), text, BODY))
                .unwrap()
                .verify(Unverified::new(BODY.to_vec()), &[&secret(SECRET)])
                .is_ok(),
            "{text:?}"
        );
    }
    let odd: &[u8] = b"\xff17";
    assert!(
        signed([(SIGNATURE, AT_0.as_bytes()), (TIMESTAMP, odd)]).is_ok(),
        "a timestamp that is not UTF-8 may be signed, too"
    );
}

#[test]
fn the_age_is_that_of_the_timestamp() {
    let at = |timestamp: &str| signed(sign(&secret(SECRET), timestamp, BODY)).unwrap().at();
    assert_eq!(at("1760000000").unwrap().unix_timestamp(), 1_760_000_000);
    assert_eq!(at("2025-10-09T08:53:20Z"), at("1760000000"));
    assert_eq!(at("soon"), None);
}

#[test]
fn headers_are_found_in_any_case_and_order_and_joined_by_a_gateway() {
    let (good, bad, at) = (AT_0.as_bytes(), &[b'0'; 64][..], &b"1760000000"[..]);
    let joined = [bad, b" ,\t", good].concat();
    for headers in [
        vec![("synthesia-signature", good), ("synthesia-timestamp", at)],
        vec![("SYNTHESIA-TIMESTAMP", at), ("host", b"x"), ("SYNTHESIA-SIGNATURE", good)],
        vec![(SIGNATURE, bad), (TIMESTAMP, at), (SIGNATURE, good)],
        vec![(SIGNATURE, &joined), (TIMESTAMP, at)],
        vec![(SIGNATURE, b"garbage"), (SIGNATURE, good), (TIMESTAMP, at), (TIMESTAMP, b"1")],
    ] {
        assert!(verifies(&headers, BODY, &secret(SECRET)), "{}", headers.len());
    }
}

#[test]
fn a_request_has_eight_signatures_at_most() {
    let good = AT_0.as_bytes();
    let after = |others: usize| {
        let joined = [&[&[b'0'; 64][..], b","].concat().repeat(others), good].concat();
        verifies(&[(SIGNATURE, &joined), (TIMESTAMP, b"1760000000")], BODY, &secret(SECRET))
    };
    assert!(after(7));
    assert!(!after(8));
    let garbage = [&b"garbage,".repeat(1_000), good].concat();
    assert!(verifies(&[(SIGNATURE, &garbage), (TIMESTAMP, b"1760000000")], BODY, &secret(SECRET)));
}

#[test]
fn a_missing_signature_is_not_taken_for_a_malformed_one() {
    let (good, at) = (AT_0.as_bytes(), &b"1760000000"[..]);
    assert_eq!(error(&[]), Some(Missing));
    assert_eq!(error(&[(TIMESTAMP, at)]), Some(Missing));
    assert_eq!(error(&[("X-Synthesia-Signature", good), (TIMESTAMP, at)]), Some(Missing));
    assert_eq!(error(&[(SIGNATURE, good)]), Some(Malformed), "no timestamp");
    assert_eq!(error(&[(SIGNATURE, good), (TIMESTAMP, b"")]), Some(Malformed), "an empty timestamp");
    for value in [&b""[..], b",", b"sha256=0123", &[0xff; 64], &good[1..], b"t=1760000000,v0=00"] {
        assert_eq!(error(&[(SIGNATURE, value), (TIMESTAMP, at)]), Some(Malformed));
    }
    assert_eq!(error(&[(SIGNATURE, good), (TIMESTAMP, at)]), None);
}

proptest! {
    #[test]
    fn what_was_signed_verifies_and_nothing_with_a_flipped_bit(
        key in "[ -~]{1,100}", timestamp in "[ -~]{1,40}", body in vec(any::<u8>(), 1..300), at: Index,
    ) {
        let secret = secret(&key);
        let [(_, signature), _] = sign(&secret, &timestamp, &body);
        let check = |signature: &[u8], timestamp: &[u8], body: &[u8]| {
            verifies(&[(SIGNATURE, signature), (TIMESTAMP, timestamp)], body, &secret)
        };
        prop_assert!(check(signature.as_bytes(), timestamp.as_bytes(), &body));
        prop_assert!(check(signature.to_uppercase().as_bytes(), timestamp.as_bytes(), &body));

        let mut mac = hex::decode(&signature).unwrap();
        flip(&mut mac, at);
        prop_assert!(!check(hex::encode(mac).as_bytes(), timestamp.as_bytes(), &body));
        let mut other = timestamp.clone().into_bytes();
        flip(&mut other, at);
        prop_assert!(!check(signature.as_bytes(), &other, &body));
        let mut other = body.clone();
        flip(&mut other, at);
        prop_assert!(!check(signature.as_bytes(), timestamp.as_bytes(), &other));
    }

    #[test]
    fn no_header_panics(name in prop_oneof![Just(SIGNATURE.to_owned()), Just(TIMESTAMP.to_owned()), ".*"], values in vec(vec(any::<u8>(), 0..200), 0..4)) {
        let headers = values.iter().map(|value| (name.as_str(), value.as_slice()));
        let _ = signed(headers.chain([(SIGNATURE, AT_0.as_bytes())]));
    }
}
