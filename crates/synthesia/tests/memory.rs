//! How much memory it takes to read a body, for bodies that are made to take much.
//!
//! `cargo test -p synthesia --test memory -- --nocapture` prints the table.

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
        let event = synthesia::read(&body);
        drop((event.job(), event));
    })
    .bytes_max
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
