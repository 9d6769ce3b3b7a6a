//! The real binary's memory, for batches of bodies that are made to take much.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "no request is involved")]

#[path = "common/variables.rs"]
mod variables;

use aws::envelope::{Advisory, Delivery};
use aws::stub::Reply;
use aws::stub::lambda::invoke;
use serde_json::{Value, json};
use time::OffsetDateTime;
use variables::VARIABLES;
use webhook::Verified;

/// The template's default of `MaxBodyBytes`.
const LARGEST: usize = 1_000_000;

/// The template's smallest `MemoryMegabytes`, less 20 MB for what is not the process's own.
const AVAILABLE: u64 = 128 * 1024 * 1024 - 20_000_000;

type Bytes = &'static [u8];

/// Ten messages of one body: `begin`, as many times `element` as fit, and `end`.
fn batch(begin: Bytes, element: Bytes, end: Bytes) -> Value {
    let count = (LARGEST - begin.len() - end.len()) / element.len();
    let delivery = Delivery {
        platform: webhook::Platform::HeyGen,
        endpoint: "main".into(),
        received_at: OffsetDateTime::now_utc(),
        request_id: "request-1".into(),
        via: "delivery".into(),
        advisory: Advisory::default(),
        body: Verified::assume_authentic([begin, &element.repeat(count), end].concat()),
    };
    let body = delivery.seal().unwrap();
    let records = (0..10).map(|number| {
        json!({"messageId": number.to_string(), "eventSource": "aws:sqs", "body": body, "attributes": {},
            "messageAttributes": {}})
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

#[test]
fn ten_of_the_largest_bodies_fit_into_the_functions_memory() {
    const FAILURE: Bytes = br#"{"event_type":"a.fail","event_data":{"id":1,"message":""#;
    const LINK: Bytes = br#"{"event_type":"a.success","event_data":{"id":1,"url":"http://"#;
    let shapes: [(&str, Bytes, Bytes, Bytes); 7] = [
        ("fields without a name", b"{", br#""":0,"#, br#""":0}"#),
        ("objects of one field", b"[", br#"{"":0},"#, b"0]"),
        ("lists within lists", b"", b"[", b""),
        ("a failure", FAILURE, b"x", br#""}}"#),
        ("a failure of lone surrogates", FAILURE, br"\ud83d", br#""}}"#),
        ("a link", LINK, b"x", br#""}}"#),
        ("a link that is not UTF-8", LINK, b"\xff", br#""}}"#),
    ];
    for (name, begin, element, end) in shapes {
        let aws = |_: &str, _: Value| Reply::Ok(json!({}));
        let invoked = invoke(env!("CARGO_BIN_EXE_processor"), &VARIABLES, &batch(begin, element, end), aws).unwrap();
        assert_eq!(invoked.result.unwrap()["batchItemFailures"], json!([]), "{name}");
        // Known on Linux only.
        let peak = invoked.peak_memory.unwrap_or_default();
        println!("{name}: {} MB", peak / 1_000_000);
        assert!(peak < AVAILABLE, "{name}: {peak}");
    }
}
