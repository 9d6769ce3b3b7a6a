//! The real binary's memory, for the largest body that the template allows.

#![allow(clippy::unwrap_used)]

use aws::stub::Reply;
use aws::stub::lambda::invoke;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use heygen::{Secret, sign};
use serde_json::{Value, json};

const SECRET: &str = "whsec_dGVzdF9zZWNyZXQ=";

/// The largest value of the template's `MaxBodyBytes`.
const LARGEST: usize = 4_500_000;

/// The template's smallest `MemoryMegabytes`, less 20 MB for what is not the process's own.
const AVAILABLE: u64 = 128 * 1024 * 1024 - 20_000_000;

const VARIABLES: [(&str, &str); 7] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("ENDPOINTS", "main"),
    ("SECRET_PREFIX", "s/"),
    ("QUEUE_URL", "http://queue.invalid/q"),
    ("MAX_BODY_BYTES", "4500000"),
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
