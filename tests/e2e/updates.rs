//! Updates of the stack, as CloudFormation asks for them: none of them ends in a rollback that fails.

use crate::cloudformation::{CloudFormation, status};
use crate::deployed::{A, B, Deployed};
use crate::support::now;
use serde_json::{Value, json};
use simulator::{Fault, Options, When};

/// An update from one `endpoints.json` to another.
fn update(new: &Value, old: &Value) -> Value {
    let properties = |endpoints: &Value| json!({"Endpoints": format!("{A},{B}"), "EndpointsJson": json!({ "endpoints": endpoints }).to_string()});
    json!({"RequestType": "Update", "PhysicalResourceId": "heygen-endpoints",
        "ResourceProperties": properties(new), "OldResourceProperties": properties(old)})
}

#[test]
fn an_update_succeeds_without_heygen_says_what_was_not_done_and_counts_as_a_failed_sync() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    admin.sync();
    let (all, one) =
        (json!([{"name": A}, {"name": B}]), json!([{"name": A, "events": ["avatar_video.success"]}, {"name": B}]));
    admin.configure(one.clone());
    let denied = Fault::Error { status: 401, code: "unauthorized", retry_after: None };
    for (when, fault, reason) in [
        (When::Next("PATCH", "/v3/webhooks/endpoints/*"), Fault::internal(), "HeyGen failed"),
        (When::Next("GET", "/v3/webhooks/endpoints"), denied, "rejects the API key"),
    ] {
        let since = now();
        admin.inject(when, fault);
        let response = cloudformation.asks(&admin, "create.json", update(&one, &all));
        assert_eq!(status(&response), ("SUCCESS", "heygen-endpoints"));
        let text = response["Data"]["Text"].as_str().unwrap();
        assert!(text.contains("not applied at HeyGen") && text.contains(reason), "{text}");
        admin.logged(since, &["EndpointSyncs", "\"Outcome\":\"failed\""]);
        assert_eq!(admin.at_heygen(A)[0].events, None);
    }
    admin.sync();
    assert!(admin.works(A).events.is_some());

    // What is held back is reported, not a failure: that would roll the configuration back.
    admin.stack.put_secret(B, &json!({})).unwrap();
    let response = cloudformation.asks(&admin, "create.json", update(&one, &all));
    assert_eq!(status(&response), ("SUCCESS", "heygen-endpoints"));
    assert!(response["Data"]["Text"].as_str().unwrap().contains("Held back: 1 to adopt"), "{response}");
}

#[test]
fn an_update_fails_for_what_heygen_rejects_only_if_its_rollback_has_nothing_to_do() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    admin.sync();
    let all = json!([{"name": A}, {"name": B}]);
    let wrong = json!([{"name": A, "events": ["no.such.event"]}, {"name": B}]);
    admin.configure(wrong.clone());
    let response = cloudformation.asks(&admin, "create.json", update(&wrong, &all));
    assert_eq!(status(&response), ("FAILED", "heygen-endpoints"));
    assert!(response["Reason"].as_str().unwrap().contains("HeyGen does not accept the request"), "{response}");
    // The rollback, which the function's variables may not have followed yet.
    assert_eq!(status(&cloudformation.asks(&admin, "create.json", update(&all, &wrong))).0, "SUCCESS");
    admin.configure(all.clone());
    assert_eq!(status(&cloudformation.asks(&admin, "create.json", update(&all, &wrong))).0, "SUCCESS");
    admin.works(A);

    // B was changed and A was not, so the rollback has to change B again, and HeyGen may reject that, too.
    let half = json!([{"name": A, "events": ["no.such.event"]}, {"name": B, "events": ["avatar_video.fail"]}]);
    admin.configure(half.clone());
    let response = cloudformation.asks(&admin, "create.json", update(&half, &all));
    assert_eq!(status(&response).0, "SUCCESS");
    assert!(response["Data"]["Text"].as_str().unwrap().contains("HeyGen does not accept the request"), "{response}");
}

#[test]
fn an_update_fails_for_an_invalid_file_and_its_rollback_does_not() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    let cloudformation = CloudFormation::new();
    let (all, invalid) = (json!([{"name": A}, {"name": B}]), json!([{"name": A, "events": []}]));
    admin.configure(invalid.clone());
    let response = cloudformation.asks(&admin, "create.json", update(&invalid, &all));
    assert_eq!(status(&response).0, "FAILED");
    assert!(response["Reason"].as_str().unwrap().contains("endpoints[0].events"), "{response}");
    // The function's variables may still be the new ones.
    assert_eq!(status(&cloudformation.asks(&admin, "create.json", update(&all, &invalid))).0, "SUCCESS");
}
