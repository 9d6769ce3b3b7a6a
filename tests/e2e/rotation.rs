//! Rotations while deliveries keep coming: none is lost, and none is rejected for good.

use crate::deployed::{A, Deployed};
use crate::support::{success, unique};
use serde_json::json;
use simulator::{Disturbance, Options, Progress, Retries, RetrySignatures};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use webhook::{Secret, sign};

/// The time between two deliveries.
const PACE: Duration = Duration::from_millis(150);

/// Another caller rotates at the same time.
fn rotates_under_load(rotations: usize, by_another: usize, retry_signatures: RetrySignatures) {
    // HeyGen's retries, faster: 12 attempts, the last after 40 s.
    let retries = Retries { base: Duration::from_millis(20), attempts: 12 };
    let Some(mut admin) = Deployed::new(Options { retries, retry_signatures, ..Options::default() }) else { return };
    admin.configure(json!([{"name": A}]));
    admin.sync();
    let mut secrets = vec![admin.works(A).secret];
    // Until then, the receiver may have had the secret of an earlier test cached.
    let before = admin.deliveries().len();

    let (order, done) = (unique("order"), AtomicBool::new(false));
    let sent = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut sent = 0;
            while !done.load(Ordering::Relaxed) {
                admin
                    .emit("avatar_video.success", json!({"video_id": format!("{order}-{sent}"), "callback_id": order}));
                sent += 1;
                thread::sleep(PACE);
            }
            sent
        });
        let rotate = || admin.ask(json!({"action": "rotate", "endpoint": A})).unwrap();
        scope.spawn(move || (0..by_another).for_each(|_| drop(rotate())));
        for _ in 0..rotations {
            rotate();
            secrets.push(admin.at_heygen(A)[0].secret.clone());
        }
        done.store(true, Ordering::Relaxed);
        sender.join().unwrap()
    });
    secrets.dedup();
    assert_eq!(secrets.len(), rotations + 1, "every rotation made a new secret");
    assert!(sent > rotations * 5, "{sent} deliveries are no load");

    // Fails if a delivery was given up.
    admin.wait_until_delivered(Duration::from_secs(120)).unwrap();
    let deliveries = admin.deliveries();
    assert!(deliveries.iter().all(|delivery| delivery.progress == Progress::Delivered));
    let mut statuses = BTreeMap::new();
    for attempt in deliveries.iter().skip(before).flat_map(|delivery| &delivery.attempts) {
        *statuses.entry(attempt.status.unwrap_or(0)).or_insert(0) += 1;
    }
    println!("{rotations} rotations, {sent} deliveries; statuses: {statuses:?}");
    // 503 while the new secret is not stored yet; 401 would tell HeyGen that the signature is wrong.
    assert!(statuses.keys().all(|status| [200, 503].contains(status)), "{statuses:?}");
    let rows = admin.stack.recorded(&order, sent);
    assert_eq!((rows.events.len(), rows.jobs.len()), (sent, sent), "each once");
    admin.works(A);
}

#[test]
fn twenty_rotations_lose_nothing() {
    rotates_under_load(20, 5, RetrySignatures::CurrentSecret);
}

#[test]
fn rotations_lose_nothing_if_retries_keep_their_first_signature() {
    rotates_under_load(6, 2, RetrySignatures::FirstSecret);
}

#[test]
fn a_delivery_signed_before_a_rotation_is_taken_after_it() {
    // The second attempt comes after the rotation.
    let retries = Retries { base: Duration::from_secs(8), attempts: 3 };
    let retry_signatures = RetrySignatures::FirstSecret;
    let Some(mut admin) = Deployed::new(Options { retries, retry_signatures, ..Options::default() }) else { return };
    admin.configure(json!([{"name": A}]));
    admin.sync();
    let old = admin.works(A).secret;
    let before = admin.deliveries().len();
    let order = unique("order");
    admin.disturb(Disturbance::FirstAttemptFails);
    admin.emit("avatar_video.success", json!({"video_id": order, "callback_id": order}));
    admin.ask(json!({"action": "rotate", "endpoint": A})).unwrap();
    assert_ne!(admin.at_heygen(A)[0].secret, old);
    // Another delivery makes the receiver read the new secret, in case it still has the old one cached.
    let another = unique("order");
    admin.emit("avatar_video.success", json!({"video_id": another, "callback_id": another}));
    admin.stack.recorded(&another, 1);
    admin.wait_until_delivered(Duration::from_secs(60)).unwrap();
    let deliveries = admin.deliveries();
    let late = deliveries.iter().skip(before).find(|delivery| delivery.attempts.len() > 1).unwrap();
    let statuses: Vec<_> = late.attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [None, Some(200)]);
    admin.stack.recorded(&order, 1);
}

#[test]
fn a_leaked_secret_is_rejected_once_it_is_revoked_and_the_new_one_is_accepted() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.configure(json!([{"name": A}]));
    admin.sync();
    let leaked = admin.works(A).secret;
    let status = |secret: &Secret| {
        let body = success(&unique("order"), &unique("video"));
        admin.stack.post(A, &[("Signature", &sign(secret, &body))], &body).unwrap().status
    };
    assert_eq!(status(&leaked), 200);
    let reply = admin.ask(json!({"action": "rotate", "endpoint": A, "revoke": true})).unwrap();
    assert!(reply["old_secret_rejected_from"].is_string(), "{reply}");
    assert_eq!(status(&admin.at_heygen(A)[0].secret), 200);
    // Another process of the receiver may still use the leaked one, for a minute.
    let rejected = || Ok((status(&leaked) == 401).then_some(()));
    admin.stack.wait_for("the leaked secret to be rejected", Duration::from_secs(70), rejected).unwrap();
    admin.works(A);
}
