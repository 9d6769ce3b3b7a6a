//! How much memory it takes to read an answer, for answers that are made to take much.

use allocation_counter::measure;
use webhook::LookUp;

const LENGTH: usize = 1_000_000;

/// What an answer begins with, its repeated element, and what it ends with.
const SHAPES: &[(&str, &str, &str)] = &[
    ("[", "{},", "{}]"),
    ("", "[", ""),
    (r#"{"status":""#, "x", r#""}"#),
    (r#"{"status":"done","result_url":"http://"#, r"\n", r#""}"#),
    (r#"{"status":"error","error":""#, r"\ud83d", r#""}"#),
    (r#"{"status":"error","error":{"description":""#, "x", r#""}}"#),
    (r#"{"status":"error","error":{"#, r#""kind":"x","#, r#""kind":"x"}}"#),
    ("{", r#""status":"done","#, r#""status":"done"}"#),
    (r#"{"error":"#, "[", ""),
];

#[test]
fn memory_stays_in_proportion_to_the_answer() {
    for (begin, element, end) in SHAPES {
        let count = (LENGTH - begin.len() - end.len()) / element.len();
        // Nesting has to be closed, or it is no JSON.
        let end = if *element == "[" {
            "]".repeat(count) + if begin.is_empty() { "" } else { "}" }
        } else {
            (*end).to_owned()
        };
        let answer = format!("{begin}{}{end}", element.repeat(count));
        let look_up = LookUp {
            kind: "did.talk".to_owned(),
            entity_id: "x".to_owned(),
            callback_id: None,
            answer: Some(serde_json::from_str(&answer).unwrap()),
            failure: None,
        };
        let body = look_up.to_verified();
        let used = measure(|| drop(did::read(&body).job()));
        println!("{begin}{element}…: {:.1} bytes per byte", used.bytes_max as f64 / answer.len() as f64);
        assert!(used.bytes_max <= 10 * answer.len() as u64, "{begin}{element}…: {}", used.bytes_max);
    }
}
