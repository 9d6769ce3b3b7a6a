//! How much memory it takes to read an answer, for answers that are made to take much.

use allocation_counter::measure;
use webhook::LookUp;

const LENGTH: usize = 1_000_000;

/// A kind, what an answer begins with, its repeated element, and what it ends with.
const SHAPES: &[(&str, &str, &str, &str)] = &[
    ("video", "[", "{},", "{}]"),
    ("video", "", "[", ""),
    ("video", r#"{"status":""#, "x", r#""}"#),
    ("video", r#"{"status":"ready","download_url":"http://"#, r"\n", r#""}"#),
    ("video", r#"{"status":"error","status_details":""#, r"\ud83d", r#""}"#),
    ("video", "{", r#""status":"ready","#, r#""status":"ready"}"#),
    ("conversation", r#"{"events":["#, "{},", "{}]}"),
    ("conversation", r#"{"events":["#, r#"{"event_type":"system.shutdown"},"#, "{}]}"),
    (
        "conversation",
        r#"{"events":[{"event_type":"system.shutdown","properties":{"shutdown_reason":""#,
        "x",
        r#""}}]}"#,
    ),
    ("conversation", r#"{"events":[{"event_type":"system.shutdown","timestamp":""#, "x", r#""}]}"#),
    ("conversation", r#"{"events":"#, "[", ""),
];

#[test]
fn memory_stays_in_proportion_to_the_answer() {
    for (kind, begin, element, end) in SHAPES {
        let count = (LENGTH - begin.len() - end.len()) / element.len();
        // Nesting has to be closed, or it is no JSON.
        let end = if *element == "[" {
            "]".repeat(count) + if begin.is_empty() { "" } else { "}" }
        } else {
            (*end).to_owned()
        };
        let answer = format!("{begin}{}{end}", element.repeat(count));
        let look_up = LookUp {
            kind: format!("tavus.{kind}"),
            entity_id: "x".to_owned(),
            callback_id: None,
            answer: Some(serde_json::from_str(&answer).unwrap()),
            failure: None,
        };
        let body = look_up.to_verified();
        let used = measure(|| drop(tavus::read(&body).job()));
        println!("{begin}{element}…: {:.1} bytes per byte", used.bytes_max as f64 / answer.len() as f64);
        assert!(used.bytes_max <= 10 * answer.len() as u64, "{begin}{element}…: {}", used.bytes_max);
    }
}
