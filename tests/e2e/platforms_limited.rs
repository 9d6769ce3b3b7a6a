//! A platform that says that it was asked too often.

use crate::platforms::{DUE, Platforms};
use crate::support::{disturbed_stack, settled, unique};
use local::platforms::products;
use serde_json::json;
use simulator::{Disturbance, Fault, JobOutcome, Product, RetryAfter, When};
use std::thread;
use webhook::{Platform, Status};

#[test]
fn a_platform_that_limits_look_ups_is_left_alone_for_the_run_and_no_other_is() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[]);
    let order = unique("limited");
    let lost = |product: Product| platforms.start(product, &order, JobOutcome::Succeeds, Some(Disturbance::Lost));
    let limited = [Product::TavusVideo, Product::TavusVideo].map(lost);
    let others: Vec<_> = products().into_iter().filter(|product| *product != Product::TavusVideo).map(lost).collect();
    thread::sleep(DUE);
    let tavus = platforms.second.heygen.api(Platform::Tavus);
    tavus.inject(When::Next("GET", "/v2/videos/*"), Fault::rate_limited(RetryAfter::Seconds(3_600)));
    assert_eq!(tavus.calls(), []);

    platforms.ask(&json!({"action": "recover"}));
    for id in &others {
        assert_eq!(platforms.ended(&order, id).status, Some(Status::Succeeded));
    }
    settled(&platforms.client);
    assert_eq!(tavus.calls().iter().map(|call| call.status).collect::<Vec<_>>(), [Some(429)]);
    for id in &limited {
        assert_eq!(platforms.vias(&order, id), [""; 0]);
    }

    platforms.ask(&json!({"action": "recover"}));
    for id in &limited {
        assert_eq!(platforms.ended(&order, id).status, Some(Status::Succeeded));
        assert_eq!(platforms.vias(&order, id), ["sweep"]);
    }
    platforms.delete();
}
