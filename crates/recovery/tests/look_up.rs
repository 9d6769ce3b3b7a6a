//! Asking a platform for one job: what is tried again, and what an error says.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::elsewhere::Elsewhere;
use serde_json::{Value, json};

const VIDEO: &str = "/tavus/v2/videos/v1";

/// A job that has ended, whose links may be refreshed.
fn ended() -> Elsewhere {
    let world = Elsewhere::new();
    world.track("order", "tavus.video", Some("v1"));
    let answer = json!({"video_id": "v1", "status": "ready", "download_url": "https://files.example.invalid/v1.mp4"});
    world.apis.answers(VIDEO, 200, &answer.to_string());
    world.sweep();
    world.record();
    world.apis.calls();
    world
}

fn refresh(world: &Elsewhere) -> Result<Value, String> {
    world.ask(json!({"action": "refresh", "callback_id": "order"}))
}

#[test]
fn only_what_may_pass_is_tried_again_and_no_longer_wait_is_waited_for_than_there_is_time() {
    for (status, headers, body, tries) in [
        (500, "", "{}", 5),
        (503, "", "canary", 5),
        (429, "", "{}", 5),
        (429, "retry-after: 9999\r\n", "{}", 1),
        (429, "ratelimit-reset: 9999\r\n", "{}", 1),
        (503, "retry-after: 18446744073709551615\r\n", "{}", 1),
        (400, "", r#"{"error": "canary"}"#, 1),
        (401, "", r#"{"message": "canary"}"#, 1),
        (402, "", "{}", 1),
        (403, "", "{}", 1),
        (451, "", "{}", 1),
        (302, "location: /canary\r\n", "{}", 1),
        (200, "", "<html>canary</html>", 1),
        (404, "", "<html>canary</html>", 1),
    ] {
        let world = ended();
        world.apis.answers_with(VIDEO, status, headers, body);
        let error = refresh(&world).unwrap_err();
        assert_eq!(world.apis.calls().len(), tries, "{status} {headers}");
        for secret in ["canary", "api-key-1", "://", "v2/videos"] {
            assert!(!error.contains(secret), "{error}");
        }
        assert!(error.starts_with("Tavus could not be asked: ") && error.contains(&status.to_string()), "{error}");
    }
}

#[test]
fn an_answer_of_more_than_8_mib_is_not_read() {
    let world = ended();
    world.apis.answers_with(VIDEO, 200, "", &format!("\"{}\"", "x".repeat(8 << 20)));
    assert!(refresh(&world).unwrap_err().contains("8 MiB"));
}

#[test]
fn a_platform_that_is_down_is_not_taken_for_one_that_does_not_know_the_job() {
    let world = ended().with("TAVUS_BASE_URL", "http://127.0.0.1:9");
    let error = refresh(&world).unwrap_err();
    assert!(error.contains("no connection"), "{error}");
}

#[test]
fn a_base_url_that_is_none_is_named_as_a_setting() {
    for url in ["tavusapi.com", "https://user:canary@x.invalid", "https://x.invalid/?key=canary", "ftp://x.invalid"] {
        let error = refresh(&ended().with("TAVUS_BASE_URL", url)).unwrap_err();
        assert!(error.contains("base URL") && !error.contains("canary"), "{error}");
    }
}
