//! How much memory it takes to read an answer, for answers that are made to take much.

use webhook_testing::memory::Shape;

use crate::TAVUS;

/// A kind, and an answer about it.
#[rustfmt::skip]
const SHAPES: &[(&str, Shape)] = &[
    ("video", ("[", "{},", "{}]")),
    ("video", ("", "[", "")),
    ("video", (r#"{"status":""#, "x", r#""}"#)),
    ("video", (r#"{"status":"ready","download_url":"http://"#, r"\n", r#""}"#)),
    ("video", (r#"{"status":"error","status_details":""#, r"\ud83d", r#""}"#)),
    ("video", ("{", r#""status":"ready","#, r#""status":"ready"}"#)),
    ("conversation", (r#"{"events":["#, "{},", "{}]}")),
    ("conversation", (r#"{"events":["#, r#"{"event_type":"system.shutdown"},"#, "{}]}")),
    ("conversation", (r#"{"events":[{"event_type":"system.shutdown","properties":{"shutdown_reason":""#, "x", r#""}}]}"#)),
    ("conversation", (r#"{"events":[{"event_type":"system.shutdown","timestamp":""#, "x", r#""}]}"#)),
    ("conversation", (r#"{"events":"#, "[", "}")),
];

#[test]
fn memory_stays_in_proportion_to_the_answer() {
    for (kind, shape) in SHAPES {
        TAVUS.memory_stays_in_proportion(kind, *shape);
    }
}
