//! What ElevenLabs signed is accepted, and nothing else.

use elevenlabs::{SIGNATURE, sign, signed};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use webhook::SignatureHeaderError::{Malformed, Missing};
use webhook::{Secret, SignatureHeaderError, Unverified};
use webhook_testing::flip;

const SECRET: &str = "wsec_0123456789abcdef";
const FLOWS: &str = r#"{"type":"flows_generation","event_timestamp":1760000000,"data":{"id":"gen_1","status":"completed","content_url":"https://files.example.invalid/g.mp4","content_mime_type":"video/mp4"}}"#;
const OF_FLOWS: &str = "70f2d50aab4265d7152ef9fa92a9995111566a4fe610ed9fade83d661322a41b";
const SPEECH: &str = r#"{"type":"speech_to_text_transcription","event_timestamp":1760000000,"data":{"request_id":"req_1","webhook_metadata":{"order":"order_78"},"transcription":{"language_code":"de","text":"Grüße"}}}"#;
const OF_SPEECH: &str = "ee440576cde12cf6f7f450f6ebff94032df80c5cef6a31189ee7f6369ec2b297";
const OF_NOTHING: &str = "2cf67187b8cde78a2cab7d4b736fac0dd8453321aedce1d45ee1a057ef33e30e";

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn verifies(headers: &[(&str, &[u8])], body: &[u8], secret: &Secret) -> bool {
    let Ok(signed) = signed(headers.iter().copied()) else { return false };
    signed.verify(Unverified::new(body.to_vec()), &[secret]).is_ok()
}

/// Whether the body of Flows is accepted with this header.
fn is_accepted(value: &str) -> bool {
    verifies(&[(SIGNATURE, value.as_bytes())], FLOWS.as_bytes(), &secret(SECRET))
}

fn error(headers: &[(&str, &[u8])]) -> Option<SignatureHeaderError> {
    signed(headers.iter().copied()).err()
}

/// Computed for this project, without this code.
#[test]
fn the_test_vectors_hold() {
    assert_eq!((FLOWS.len(), SPEECH.len()), (183, 194));
    for (body, signature) in [(FLOWS, OF_FLOWS), (SPEECH, OF_SPEECH), ("", OF_NOTHING)] {
        let value = format!("t=1760000000,v0={signature}");
        assert!(verifies(&[(SIGNATURE, value.as_bytes())], body.as_bytes(), &secret(SECRET)), "{body}");
        assert_eq!(sign(&secret(SECRET), "1760000000", body.as_bytes()), [(SIGNATURE, value.clone())]);
        for other in ["{}", &format!("{body} ")] {
            assert!(!verifies(&[(SIGNATURE, value.as_bytes())], other.as_bytes(), &secret(SECRET)), "{body}");
        }
        let decoded = secret(SECRET.trim_start_matches("wsec_"));
        assert!(
            !verifies(&[(SIGNATURE, value.as_bytes())], body.as_bytes(), &decoded),
            "the prefix is part of the key"
        );
    }
    assert!(!is_accepted(&format!("t=1760000001,v0={OF_FLOWS}")));
    let of_the_body_alone = webhook::sign(&secret(SECRET), FLOWS.as_bytes());
    assert!(!is_accepted(&format!("t=1760000000,v0={of_the_body_alone}")), "the timestamp is signed, too");
}

#[test]
fn the_header_is_read_leniently() {
    let zeros = "0".repeat(64);
    for value in [
        format!("t=1760000000,v0={OF_FLOWS}"),
        format!(" t=1760000000 ,\tv0={OF_FLOWS} "),
        format!("v0={OF_FLOWS},t=1760000000"),
        format!("t=1760000000,v0={}", OF_FLOWS.to_uppercase()),
        format!("t=1760000000,v0={zeros},v0={OF_FLOWS}"),
        format!("t=1760000000,v0=garbage,v0={OF_FLOWS},v0="),
        format!("t=1760000000,v1={zeros},x,,v0={OF_FLOWS},=,t0=1"),
        // A gateway joins a repeated header with commas.
        format!("t=1760000000,v0={OF_FLOWS},t=1760000000,v0={OF_FLOWS}"),
    ] {
        assert!(is_accepted(&value), "{value}");
    }
}

#[test]
fn the_timestamp_is_the_text_that_came() {
    for other in ["01760000000", "1760000000.0", "+1760000000", "1760000000 0", "\"1760000000\""] {
        assert!(!is_accepted(&format!("t={other},v0={OF_FLOWS}")), "{other}");
        let headers = sign(&secret(SECRET), other, FLOWS.as_bytes());
        assert!(is_accepted(&headers[0].1), "{other}");
    }
    let at = signed(sign(&secret(SECRET), "1760000000", b"")).unwrap().at();
    assert_eq!(at.unwrap().unix_timestamp(), 1_760_000_000);
    assert_eq!(signed(sign(&secret(SECRET), "soon", b"")).unwrap().at(), None);
}

#[test]
fn the_header_has_two_names_in_any_case() {
    let good = format!("t=1760000000,v0={OF_FLOWS}");
    for name in ["ElevenLabs-Signature", "elevenlabs-signature", "ELEVENLABS-SIGNATURE", "X-ElevenLabs-Signature"] {
        assert!(verifies(&[("host", b"x"), (name, good.as_bytes())], FLOWS.as_bytes(), &secret(SECRET)), "{name}");
    }
    for (first, second) in [("t=1760000000", &good), ("garbage", &good), (&format!("t=1,v0={}", &OF_FLOWS[1..]), &good)]
    {
        let headers = [("x-elevenlabs-signature", first.as_bytes()), (SIGNATURE, second.as_bytes())];
        assert!(
            verifies(&headers, FLOWS.as_bytes(), &secret(SECRET)),
            "a header without a signature is passed over: {first}"
        );
    }
}

#[test]
fn a_signature_counts_for_its_own_timestamp_only() {
    let good = format!("t=1760000000,v0={OF_FLOWS}");
    let other = format!("t=1,v0={}", "0".repeat(64));
    let both = |first: &str, second: &str| {
        let headers = [(SIGNATURE, first.as_bytes()), ("x-elevenlabs-signature", second.as_bytes())];
        verifies(&headers, FLOWS.as_bytes(), &secret(SECRET))
    };
    assert!(both(&good, &other));
    assert!(!both(&other, &good));
    assert!(!is_accepted(&format!("t=1,v0={OF_FLOWS},t=1760000000")));
}

#[test]
fn a_request_has_eight_signatures_at_most() {
    let zeros = format!("v0={},", "0".repeat(64));
    let after = |others: usize| format!("t=1760000000,{}v0={OF_FLOWS}", zeros.repeat(others));
    assert!(is_accepted(&after(7)));
    assert!(!is_accepted(&after(8)));
    let (first, second) = (after(7).replace(OF_FLOWS, &"0".repeat(64)), after(0));
    let headers = [(SIGNATURE, first.as_bytes()), (SIGNATURE, second.as_bytes())];
    assert!(!verifies(&headers, FLOWS.as_bytes(), &secret(SECRET)), "in several headers, too");
    assert!(is_accepted(&format!("{}t=1760000000,v0={OF_FLOWS}", "v0=garbage,".repeat(1_000))));
}

#[test]
fn a_missing_signature_is_not_taken_for_a_malformed_one() {
    assert_eq!(error(&[]), Some(Missing));
    assert_eq!(error(&[("Signature", b"t=1,v0=00"), ("ElevenLabs-Signature-2", b"x")]), Some(Missing));
    for value in [
        String::new(),
        ",".to_owned(),
        "t=1760000000".to_owned(),
        "t=1760000000,v0=".to_owned(),
        format!("v0={OF_FLOWS}"),
        format!("t=,v0={OF_FLOWS}"),
        format!("T=1760000000,V0={OF_FLOWS}"),
        format!("t = 1760000000,v0 = {OF_FLOWS}"),
        format!("t=1760000000;v0={OF_FLOWS}"),
        format!("t=1760000000,v1={OF_FLOWS}"),
        format!("t=1760000000,v0={}", &OF_FLOWS[1..]),
        OF_FLOWS.to_owned(),
    ] {
        assert_eq!(error(&[(SIGNATURE, value.as_bytes())]), Some(Malformed), "{value:?}");
    }
    assert_eq!(error(&[(SIGNATURE, &[0xff; 64])]), Some(Malformed), "not UTF-8");
}

proptest! {
    #[test]
    fn what_was_signed_verifies_and_nothing_with_a_flipped_bit(
        key in "[ -~]{1,100}", timestamp in "[0-9]{1,12}", body in vec(any::<u8>(), 1..300), at: Index,
    ) {
        let secret = secret(&key);
        let [(_, value)] = sign(&secret, &timestamp, &body);
        let check = |value: &[u8], body: &[u8]| verifies(&[(SIGNATURE, value)], body, &secret);
        prop_assert!(check(value.as_bytes(), &body));

        let (_, signature) = value.split_once("v0=").unwrap();
        let mut mac = hex::decode(signature).unwrap();
        flip(&mut mac, at);
        let forged = format!("t={timestamp},v0={}", hex::encode(mac));
        prop_assert!(!check(forged.as_bytes(), &body));
        let mut other = timestamp.clone().into_bytes();
        flip(&mut other, at);
        prop_assert!(!check(&[b"t=", &other[..], b",v0=", signature.as_bytes()].concat(), &body));
        let mut other = body.clone();
        flip(&mut other, at);
        prop_assert!(!check(value.as_bytes(), &other));
    }

    #[test]
    fn no_header_panics(values in vec(vec(any::<u8>(), 0..200), 0..4), texts in vec("[tv01=, a-f]{0,200}", 0..4)) {
        let values = values.iter().map(Vec::as_slice).chain(texts.iter().map(String::as_bytes));
        let _ = signed(values.map(|value| (SIGNATURE, value)));
    }
}
