//! How much memory it takes to read a body, for bodies that are made to take much.
//!
//! `cargo test -p heygen --test memory -- --nocapture` prints the tables.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use allocation_counter::measure;
use heygen::Verified;

/// The default of the template's parameter `MaxBodyBytes`.
const USUAL: usize = 1_000_000;

/// The longest body that has a canonical form, for which the whole body is held as a tree.
const LONGEST_CANONICAL: usize = 128 * 1024;

/// A body: what it begins with, its numbered elements, and what it ends with. Each `~` becomes a byte that is not UTF-8.
struct Shape {
    name: &'static str,
    begin: &'static str,
    element: fn(usize) -> String,
    end: &'static str,
}

const fn shape(name: &'static str, begin: &'static str, element: fn(usize) -> String, end: &'static str) -> Shape {
    Shape { name, begin, element, end }
}

#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    shape("numbers of one digit", "[", |_| "0,".into(), "0]"),
    shape("empty objects", "[", |_| "{},".into(), "{}]"),
    shape("objects of one field", "[", |_| r#"{"":0},"#.into(), "0]"),
    shape("fields without a name", "{", |_| r#""":0,"#.into(), r#""":0}"#),
    shape("lists within lists", "", |_| "[".into(), ""),
    shape("objects within objects", r#"{"event_data":"#, |_| r#"{"a":"#.into(), ""),
    shape("fields that might be ids", r#"{"event_data":{"#, |n| format!(r#""{n:x}_id":0,"#), r#""id":0}}"#),
    shape("fields that might be links", r#"{"event_data":{"#, |n| format!(r#""{n:x}url":0,"#), r#""id":0}}"#),
    shape("clips without a link", r#"{"event_data":{"clips":["#, |_| r#"{"id":0},"#.into(), "0]}}"),
    shape("clips with a link", r#"{"event_type":"a.success","event_data":{"id":1,"clips":["#, |n| format!(r#"{{"id":{n},"video_url":"http://"}},"#), "0]}}"),
    shape("one number", "", |_| "7".into(), ""),
    shape("an id that is a number", r#"{"event_type":"a.fail","event_data":{"id":"#, |_| "7".into(), "}}"),
    shape("an id", r#"{"event_type":"a.fail","event_data":{"callback_id":"x","id":""#, |_| "x".into(), r#""}}"#),
    shape("an event type", r#"{"event_type":""#, |_| "x".into(), r#"","event_data":{"id":1}}"#),
    shape("a failure", r#"{"event_type":"a.fail","event_data":{"id":1,"message":""#, |_| "x".into(), r#""}}"#),
    shape("a failure of lone surrogates", r#"{"event_type":"a.fail","event_data":{"id":1,"message":""#, |_| r"\ud83d".into(), r#""}}"#),
    shape("a link of escapes", r#"{"event_type":"a.success","event_data":{"id":1,"url":"http://"#, |_| r"\n".into(), r#""}}"#),
    shape("a text of links", r#"{"a":""#, |_| "://?".into(), r#""}"#),
    shape("no JSON", "", |_| "x".into(), ""),
    shape("no UTF-8", "", |_| "~".into(), ""),
    shape("a failure that is not UTF-8", r#"{"event_type":"a.fail","event_data":{"id":1,"message":""#, |_| "~".into(), r#""}}"#),
    shape("a link that is not UTF-8", r#"{"event_type":"a.success","event_data":{"id":1,"url":"http://"#, |_| "~".into(), r#""}}"#),
    shape("an id that is not UTF-8", r#"{"event_type":"a.fail","event_data":{"id":""#, |_| "~".into(), r#""}}"#),
];

impl Shape {
    /// A body of this shape that is nearly `length` bytes long.
    fn body(&self, length: usize) -> Vec<u8> {
        let mut body = self.begin.to_owned();
        for number in 0.. {
            let element = (self.element)(number);
            if body.len() + element.len() + self.end.len() > length {
                break;
            }
            body += &element;
        }
        let mut body = (body + self.end).into_bytes();
        for byte in body.iter_mut().filter(|byte| **byte == b'~') {
            *byte = 0xff;
        }
        body
    }
}

/// The most bytes that are allocated at one time while a body is read, and what its event and job keep. The body itself
/// is not counted.
fn allocated(body: Vec<u8>) -> (u64, i64) {
    let body = Verified::assume_authentic(body);
    let mut kept = None;
    let used = measure(|| {
        let event = heygen::read(&body);
        kept = Some((event.job(), event));
    });
    (used.bytes_max, used.bytes_current)
}

#[test]
fn memory_stays_in_proportion_to_the_body() {
    println!("| body of 1 MB | bytes per byte while it is read | kept |\n|---|---|---|");
    for shape in SHAPES {
        let body = shape.body(USUAL);
        let length = body.len();
        assert!(length > USUAL - 100, "{}: {length}", shape.name);
        let (most, kept) = allocated(body);
        println!("| {} | {:.1} | {:.1} |", shape.name, most as f64 / length as f64, kept as f64 / length as f64);
        assert!(most <= 10 * length as u64, "{}: {most}", shape.name);
    }
}

#[test]
fn the_canonical_form_takes_16_mb_at_most() {
    println!("| body of 128 KiB | MB while it is read |\n|---|---|");
    for shape in SHAPES {
        let (most, _) = allocated(shape.body(LONGEST_CANONICAL));
        println!("| {} | {:.1} |", shape.name, most as f64 / 1e6);
        assert!(most <= 16_000_000, "{}: {most}", shape.name);
    }
}
