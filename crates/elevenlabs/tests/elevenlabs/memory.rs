//! How much memory it takes to read a body, for bodies that are made to take much.

use webhook_testing::authentic;
use webhook_testing::memory::{
    Shape, USUAL, bodies_stay_in_proportion, canonical_forms_take_16_mb_at_most, stays_in_proportion,
};

#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    (r#"{"type":"flows_template_run","data":{"id":1,"outputs":{"#, r#""":{"status":0},"#, r#""x":0}}}"#),
    (r#"{"type":"flows_template_run","data":{"id":1,"outputs":{"#, r#""x":{},"#, r#""x":0}}}"#),
    (r#"{"type":"flows_template_run","data":{"id":1,"outputs":"#, r#"{"x":"#, "}}}"),
    (r#"{"type":"flows_template_run","data":{"id":1,"outputs":{""#, "x", r#"":{"content_url":"http://"}}}}"#),
    (r#"{"type":"flows_template_run","data":{"id":1,"outputs":{"x":{"content_url":"http://"#, r"\n", r#""}}}}"#),
    (r#"{"type":"flows_generation","status":"completed","id":""#, "x", r#""}"#),
    (r#"{"type":"flows_generation","data":{"id":1,"status":"failed","error":{"#, r#""code":"","#, r#""code":0}}}"#),
    (r#"{"type":"flows_generation","data":{"id":1,"status":"failed","error_message":""#, "~", r#""}}"#),
    (r#"{"type":"speech_to_text_transcription","data":{"request_id":1,"webhook_metadata":"{"#, r#"\"callback_id\":0,"#, r#"\"x\":0}"}}"#),
    (r#"{"type":"speech_to_text_transcription","data":{"request_id":1,"transcription":{"words":["#, r#"{"text":"a","start":0.0},"#, r#"{}]}}}"#),
    (r#"{"type":"post_call_audio","data":{"conversation_id":1,"full_audio":""#, "SUQz", r#""}}"#),
    (r#"{"type":""#, "x", r#"","data":{"id":1}}"#),
    (r#"{"type":"dubbing_language_completed","event_timestamp":"#, "1", r#","data":{"id":1}}"#),
    (r#"{"look_up":{"kind":"elevenlabs.conversation","entity_id":"v"},"answer":{"status":"done","transcript":["#, "{},", "0]}}"),
    (r#"{"look_up":{"kind":"elevenlabs.flows_template_run","entity_id":"v"},"answer":{"outputs":{"#, r#""x":{},"#, r#""x":0}}}"#),
    (r#"{"look_up":{"kind":"elevenlabs.flows","entity_id":"v"},"answer":{"status":"failed","error_message":""#, "x", r#""}}"#),
];

/// A template run with as many outputs as fit, each with a port and a link of its own.
fn outputs(length: usize) -> Vec<u8> {
    let mut body = r#"{"type":"flows_template_run","data":{"id":1,"outputs":{"#.to_owned();
    for port in 0.. {
        let output = format!(r#""{port:x}":{{"content_url":"http://"}},"#);
        if body.len() + output.len() > length {
            break;
        }
        body += &output;
    }
    (body + r#""x":0}}}"#).into_bytes()
}

#[test]
fn many_outputs_take_no_more_than_any_other_body() {
    let body = outputs(USUAL);
    assert!(body.len() > 900_000);
    stays_in_proportion(&authentic(body), elevenlabs::read);
}

#[test]
fn memory_stays_in_proportion_to_the_body() {
    bodies_stay_in_proportion(SHAPES, elevenlabs::read);
}

#[test]
fn the_canonical_form_takes_16_mb_at_most() {
    canonical_forms_take_16_mb_at_most(SHAPES, elevenlabs::read);
}
