//! How much memory it takes to read a body that is made to take much.

use allocation_counter::measure;
use webhook::Verified;

use crate::{Read, authentic};

/// The default of the template's parameter `MaxBodyBytes`.
pub const USUAL: usize = 1_000_000;

/// The longest body that has a canonical form, for which the whole body is held as a tree.
const LONGEST_CANONICAL: usize = 128 * 1024;

/// What a body begins with, its repeated element, and what it ends with. Each `~` becomes a byte that is not UTF-8.
pub type Shape = (&'static str, &'static str, &'static str);

/// Bodies that are of no platform.
const OF_NO_PLATFORM: &[Shape] = &[
    ("[", "0,", "0]"),
    ("[", "{},", "{}]"),
    ("[", r#"{"":0},"#, "0]"),
    ("{", r#""":0,"#, r#""":0}"#),
    ("", "[", ""),
    (r#"{"data":"#, r#"{"data":"#, ""),
    (r#"{"a":""#, "://?", r#""}"#),
    ("", "x", ""),
    ("", "~", ""),
];

fn repeated((begin, element, end): Shape, length: usize) -> (String, usize) {
    let count = (length - begin.len() - end.len()) / element.len();
    (format!("{begin}{}", element.repeat(count)), count)
}

fn body(shape: Shape, length: usize) -> Verified {
    let mut body = (repeated(shape, length).0 + shape.2).into_bytes();
    for byte in body.iter_mut().filter(|byte| **byte == b'~') {
        *byte = 0xff;
    }
    authentic(body)
}

/// An answer of this shape. Lists within lists are closed, or it would be no JSON.
pub fn answer(shape: Shape) -> String {
    let (text, count) = repeated(shape, USUAL);
    let close = if shape.1 == "[" { "]".repeat(count) } else { String::new() };
    text + &close + shape.2
}

/// The most bytes that are allocated at one time while a body is read. The body itself is not counted.
fn allocated(body: &Verified, read: Read) -> u64 {
    measure(|| {
        let event = read(body);
        drop((event.job(), event));
    })
    .bytes_max
}

fn name(body: &Verified) -> String {
    let begin: Vec<u8> = body.body().iter().copied().take(80).collect();
    String::from_utf8_lossy(&begin).into_owned()
}

/// Reading the body takes ten bytes at most for each of its own.
pub fn stays_in_proportion(body: &Verified, read: Read) {
    let (length, most) = (body.body().len() as u64, allocated(body, read));
    println!("{:.1} bytes per byte: {}…", most as f64 / length as f64, name(body));
    assert!(most <= 10 * length, "{}…: {most} for {length}", name(body));
}

/// The same for a body of each shape, and of those that are of no platform.
pub fn bodies_stay_in_proportion(shapes: &[Shape], read: Read) {
    for shape in OF_NO_PLATFORM.iter().chain(shapes) {
        stays_in_proportion(&body(*shape, USUAL), read);
    }
}

/// Where the whole body is held as a tree, that takes 16 MB at most.
pub fn canonical_forms_take_16_mb_at_most(shapes: &[Shape], read: Read) {
    for shape in OF_NO_PLATFORM.iter().chain(shapes) {
        let most = allocated(&body(*shape, LONGEST_CANONICAL), read);
        assert!(most <= 16_000_000, "{shape:?}: {most}");
    }
}
