//! The real binary's memory, for a body of the largest size that is accepted by default.

#![allow(clippy::unwrap_used)]

use aws::stub::Reply;
use aws::stub::lambda::invoke;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use webhook::{Secret, sign};

const SECRET: &str = "whsec_dGVzdF9zZWNyZXQ=";

/// The template's default of `MaxBodyBytes`.
const LARGEST: usize = 1_000_000;

/// Half of the template's smallest `MemoryMegabytes`.
const AVAILABLE: u64 = 64 * 1024 * 1024;

const VARIABLES: [(&str, &str); 6] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("ENDPOINTS", "main"),
    ("SECRET_PREFIX", "s/"),
    ("QUEUE_URL", "http://queue.invalid/q"),
];

fn delivery(body: &[u8]) -> Value {
    let mut delivery: Value = serde_json::from_str(include_str!("../../../events/api-gateway/delivery.json")).unwrap();
    delivery["headers"]["signature"] = json!(sign(&Secret::new(SECRET).unwrap(), body));
    delivery["body"] = json!(BASE64.encode(body));
    delivery["isBase64Encoded"] = json!(true);
    delivery
}

#[test]
fn the_largest_body_fits_into_the_functions_memory() {
    let link = br#"{"event_type":"a.success","event_data":{"id":1,"url":"http://"#;
    for (name, begin, element, end) in [
        // Each takes three bytes once it is read.
        ("a link that is not UTF-8", &link[..], &b"\xff"[..], &br#""}}"#[..]),
        ("objects of one field", b"[", br#"{"":0},"#, b"0]"),
    ] {
        let count = (LARGEST - begin.len() - end.len()) / element.len();
        let delivery = delivery(&[begin, &element.repeat(count), end].concat());
        let aws = |operation: &str, _: Value| match operation {
            "GetSecretValue" => Reply::Ok(json!({"SecretString": json!({"current": SECRET}).to_string()})),
            _ => Reply::Ok(json!({"MessageId": "1"})),
        };
        let invoked = invoke(env!("CARGO_BIN_EXE_receiver"), &VARIABLES, &delivery, aws).unwrap();
        assert_eq!(invoked.result.unwrap()["statusCode"], 200, "{name}");
        // Known on Linux only.
        let peak = invoked.peak_memory.unwrap_or_default();
        println!("{name}: {} MB", peak / 1_000_000);
        assert!(peak < AVAILABLE, "{name}: {peak}");
    }
}
