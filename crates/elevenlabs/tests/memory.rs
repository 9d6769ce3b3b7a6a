//! How much memory it takes to read a body, for bodies that are made to take much.
//!
//! `cargo test -p elevenlabs --test memory -- --nocapture` prints the table.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use allocation_counter::measure;
use webhook::Verified;

/// The default of the template's parameter `MaxBodyBytes`.
const USUAL: usize = 1_000_000;

/// The longest body that has a canonical form, for which the whole body is held as a tree.
const LONGEST_CANONICAL: usize = 128 * 1024;

/// What a body begins with, its repeated element, and what it ends with. Each `~` becomes a byte that is not UTF-8.
#[rustfmt::skip]
const SHAPES: &[(&str, &str, &str)] = &[
    ("[", "0,", "0]"),
    ("[", "{},", "{}]"),
    ("[", r#"{"":0},"#, "0]"),
    ("{", r#""":0,"#, r#""":0}"#),
    ("", "[", ""),
    (r#"{"data":"#, r#"{"data":"#, ""),
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
    (r#"{"a":""#, "://?", r#""}"#),
    ("", "x", ""),
    ("", "~", ""),
];

fn body((begin, element, end): (&str, &str, &str), length: usize) -> Vec<u8> {
    let count = (length - begin.len() - end.len()) / element.len();
    let mut body = format!("{begin}{}{end}", element.repeat(count)).into_bytes();
    for byte in body.iter_mut().filter(|byte| **byte == b'~') {
        *byte = 0xff;
    }
    body
}

/// The most bytes that are allocated at one time while a body is read. The body itself is not counted.
fn allocated(body: Vec<u8>) -> u64 {
    let body = Verified::assume_authentic(body);
    measure(|| {
        let event = elevenlabs::read(&body);
        drop((event.job(), event));
    })
    .bytes_max
}

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
    let length = body.len() as u64;
    assert!(length > 900_000);
    let most = allocated(body);
    println!("{:.1} bytes per byte of outputs", most as f64 / length as f64);
    assert!(most <= 10 * length, "{most}");
}

#[test]
fn memory_stays_in_proportion_to_the_body() {
    for shape in SHAPES {
        let body = body(*shape, USUAL);
        let length = body.len() as u64;
        let most = allocated(body);
        println!("{:.1} bytes per byte: {}{}…", most as f64 / length as f64, shape.0, shape.1);
        assert!(most <= 10 * length, "{shape:?}: {most}");
    }
}

#[test]
fn the_canonical_form_takes_16_mb_at_most() {
    for shape in SHAPES {
        let most = allocated(body(*shape, LONGEST_CANONICAL));
        assert!(most <= 16_000_000, "{shape:?}: {most}");
    }
}
