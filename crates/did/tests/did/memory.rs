//! How much memory it takes to read an answer, for answers that are made to take much.

use webhook_testing::memory::Shape;

use crate::DID;

const SHAPES: &[Shape] = &[
    ("[", "{},", "{}]"),
    ("", "[", ""),
    (r#"{"status":""#, "x", r#""}"#),
    (r#"{"status":"done","result_url":"http://"#, r"\n", r#""}"#),
    (r#"{"status":"error","error":""#, r"\ud83d", r#""}"#),
    (r#"{"status":"error","error":{"description":""#, "x", r#""}}"#),
    (r#"{"status":"error","error":{"#, r#""kind":"x","#, r#""kind":"x"}}"#),
    ("{", r#""status":"done","#, r#""status":"done"}"#),
    (r#"{"error":"#, "[", "}"),
];

#[test]
fn memory_stays_in_proportion_to_the_answer() {
    for shape in SHAPES {
        DID.memory_stays_in_proportion("talk", *shape);
    }
}
