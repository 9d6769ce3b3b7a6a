//! How much memory it takes to read a body, for bodies that are made to take much.

use webhook_testing::memory::{Shape, bodies_stay_in_proportion, canonical_forms_take_16_mb_at_most};

#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    (r#"{"type":"video.completed","data":{"#, r#""id":0,"#, r#""id":0}}"#),
    (r#"{"type":"video.completed","data":{"id":1,"captions":{"#, r#""srt":"http://","#, r#""vtt":0}}}"#),
    (r#"{"type":"video.completed","data":{"id":1,"#, r#""captions":{"srt":""},"#, r#""x":0}}"#),
    (r#"{"type":"video.completed","data":{"id":""#, "x", r#""}}"#),
    (r#"{"type":"video.completed","data":{"id":"#, "7", "}}"),
    (r#"{"type":""#, "x", r#"","data":{"id":1}}"#),
    (r#"{"type":"video.failed","data":{"id":1,"message":""#, r"\ud83d", r#""}}"#),
    (r#"{"type":"video.failed","data":{"id":1,"message":""#, "~", r#""}}"#),
    (r#"{"type":"video.completed","data":{"id":1,"download":"http://"#, r"\n", r#""}}"#),
    (r#"{"type":"video.completed","data":{"id":1,"lastUpdatedAt":""#, "x", r#""}}"#),
    (r#"{"type":"video.completed","data":{"id":1,"duration":"0:00:"#, "1", r#""}}"#),
    (r#"{"look_up":{"kind":"synthesia.video","entity_id":"v"},"answer":["#, "{},", "0]}"),
    (r#"{"look_up":{"kind":"synthesia.video","entity_id":"v"},"answer":{"status":"error","message":""#, "x", r#""}}"#),
    (r#"{"look_up":{"kind":"synthesia.video","entity_id":""#, "x", r#""}}"#),
];

#[test]
fn memory_stays_in_proportion_to_the_body() {
    bodies_stay_in_proportion(SHAPES, synthesia::read);
}

#[test]
fn the_canonical_form_takes_16_mb_at_most() {
    canonical_forms_take_16_mb_at_most(SHAPES, synthesia::read);
}
