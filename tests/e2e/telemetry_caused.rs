//! Deliveries and actions after which every metric and every log key was written.

use crate::dead_letters::put_dead_letter;
use crate::deployed::{A, Deployed};
use crate::failures::message;
use crate::support::{Stack, body, now, success, unique};
use crate::usage::Account;
use serde_json::{Value, json};
use webhook::sign;

/// Deliveries and syncs with every outcome that an alarm or a dashboard names.
pub fn make_everything_happen(admin: &mut Deployed) {
    let stack = &admin.stack;
    let (id, secret) = (unique("order"), stack.secret("main").unwrap());
    let sent = (now() / 1000).to_string();
    let taken = success(&id, &unique("video"));
    for _ in 0..2 {
        let headers = [("Signature", &*sign(&secret, &taken)), ("Heygen-Timestamp", &*sent)];
        assert_eq!(stack.posted(&headers, &taken).status, 200);
    }
    stack.accepted(&body("avatar_video.fail", json!({"video_id": unique("video"), "callback_id": id})));
    stack.accepted(&body("hologram.rendered", json!({"callback_id": id})));
    assert_eq!(stack.post("unset", &[("Signature", &"0".repeat(64))], b"{}").unwrap().status, 503);
    for headers in [&[][..], &[("Signature", "nonsense")], &[("Signature", &*"0".repeat(64))]] {
        assert_eq!(stack.posted(headers, b"{}").status, 401);
    }
    let poison = async |sqs: &aws_sdk_sqs::Client| {
        sqs.send_message().queue_url(&stack.stack().queue_url).message_body("poison of telemetry").send().await
    };
    stack.sqs(poison).unwrap();
    let whole = success(&id, &unique("video"));
    stack.accepted(&whole[..whole.len() - 2]);
    // A message that cannot be dead-lettered, either: SQS accepts no empty ones.
    let empty = json!({"Records": [{"messageId": "empty", "receiptHandle": "none", "body": ""}]});
    stack.api().invoke(&stack.stack().functions.processor, empty.to_string().as_bytes()).unwrap();
    let full = unique("video");
    stack.fill_job(&full, 409_000);
    stack.accepted(&success(&id, &full));
    stack.recorded(&id, 5);
    let data = json!({"video_id": unique("video"), "callback_id": id, "msg": "insufficient_credit"});
    stack.accepted(&body("avatar_video.fail", data));
    stack.accepted(&body("avatar_video.success", json!({"video_id": unique("video"), "duration": 12.5})));
    recover_everything(stack, &id);

    // Changed, unchanged, held back, rejected, failed.
    admin.configure(json!([{"name": A, "events": ["avatar_video.success"]}]));
    admin.sync();
    admin.sync();
    admin.stack.put_secret(A, &json!({})).unwrap();
    admin.sync();
    admin.ask(json!({"action": "sync", "checksum": "0"})).unwrap_err();
    admin.set_variables(&[("API_KEY_SECRET", "does/not/exist")]);
    admin.ask(json!({"action": "sync"})).unwrap_err();
}

/// A tracked job that is overdue, a dead letter that is sent back, and what the schedule does.
fn recover_everything(stack: &Stack, id: &str) {
    let ask = |request: Value| local::recovery::ask(stack.stack(), &request).unwrap();
    put_dead_letter(stack, &message(success(id, &unique("video"))));
    ask(json!({"action": "redrive", "dry_run": false, "callback_id": id}));
    let account = Account::of(stack).unwrap();
    account.set(json!({"billing_type": "usage_based", "usage_based": {
        "remaining_credits": 100, "spending_current_usd": 1, "spending_cap_usd": 50,
    }}));
    let long_ago = "2026-01-01T00:00:00Z";
    ask(json!({"action": "track", "callback_id": unique("overdue"), "kind": "avatar_video", "expected_by": long_ago}));
    ask(json!({"action": "recover"}));
}
