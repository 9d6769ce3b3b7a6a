//! Without a permission of its role, `admin` changes nothing that it could not keep, and says what it may not do.

use crate::deployed::{A, B, Deployed};
use crate::permissions::Without;
use crate::second::Second;
use crate::support::{disturbed_stack, now};
use heygen::EventType;
use local::admin::API_KEY_SECRET;
use local::aws_api::JsonService;
use serde_json::{Value, json};
use simulator::Options;

#[test]
fn without_put_secret_value_nothing_is_registered_whose_secret_could_not_be_stored() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:PutSecretValue", "endpoints");
        let error = admin.ask(json!({"action": "sync"})).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:PutSecretValue failed: AccessDenied"), "{error}");
        assert!(admin.endpoints().is_empty());
    }
    admin.sync();
    admin.works(A);
}

#[test]
fn without_create_secret_nothing_is_registered_and_without_delete_secret_nothing_is_deleted() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:CreateSecret", "endpoints");
        let error = admin.ask(json!({"action": "sync"})).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:CreateSecret failed: AccessDenied"), "{error}");
        assert!(admin.endpoints().is_empty());
    }
    admin.sync();
    admin.set_variables(&[("ENDPOINTS", A)]);
    let prune = json!({"action": "sync", "prune": true, "force": true});
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:DeleteSecret", "endpoints");
        let error = admin.ask(prune.clone()).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:DeleteSecret failed: AccessDenied"), "{error}");
        assert_eq!(admin.endpoints().len(), 2);
    }
    admin.ask(prune).unwrap();
    assert_eq!(admin.endpoints().len(), 1);
    admin.set_variables(&[("ENDPOINTS", &format!("{A},{B}"))]);
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:RestoreSecret", "endpoints");
        let error = admin.ask(json!({"action": "sync"})).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:RestoreSecret failed: AccessDenied"), "{error}");
    }
    admin.sync();
    admin.works(B);
}

/// Without the action, admin's request is an error that names the call; with it again, it is answered.
fn is_answered_only_with(action: &str, resource_with: &str, request: &Value) {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    admin.sync();
    {
        let _without = Without::new(&admin.stack, "admin", action, resource_with);
        let error = admin.ask(request.clone()).unwrap_err().to_string();
        assert!(error.contains(&format!("{action} failed: AccessDenied")), "{error}");
    }
    admin.ask(request.clone()).unwrap();
}

#[test]
fn without_put_item_admin_has_no_lease_and_changes_nothing() {
    is_answered_only_with("dynamodb:PutItem", "table", &json!({"action": "sync"}));
}

#[test]
fn without_delete_item_admin_keeps_its_lease_and_says_so() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    {
        let _without = Without::new(&admin.stack, "admin", "dynamodb:DeleteItem", "table");
        let since = now();
        admin.sync();
        admin.logged(since, &["the lease could not be released", "AccessDenied"]);
    }
    admin.release_lease();
    admin.sync();
}

#[test]
fn without_update_item_admin_verifies_and_says_that_the_result_is_not_kept() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    admin.sync();
    let verified_at = || admin.ask(json!({"action": "list"})).unwrap()["endpoints"][0]["verified_at"].clone();
    let before = verified_at();
    {
        let _without = Without::new(&admin.stack, "admin", "dynamodb:UpdateItem", "table");
        let since = now();
        assert_eq!(admin.sync()["verified"][0]["problem"], Value::Null);
        admin.logged(since, &["the verification was not stored", "AccessDenied"]);
    }
    assert_eq!(verified_at(), before);
    admin.sync();
    assert_ne!(verified_at(), before);
}

#[test]
fn without_get_secret_value_admin_changes_nothing() {
    is_answered_only_with("secretsmanager:GetSecretValue", "endpoints", &json!({"action": "sync"}));
}

#[test]
fn without_query_admin_says_what_it_may_not_read() {
    is_answered_only_with("dynamodb:Query", "table", &json!({"action": "jobs", "callback_id": "an-order"}));
}

#[test]
fn without_get_secret_value_of_the_api_key_admin_says_so() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    // With the key that the stack was deployed with.
    admin.restore();
    {
        let _without = Without::new(&admin.stack, "admin", "secretsmanager:GetSecretValue", API_KEY_SECRET);
        let error = admin.ask(json!({"action": "list"})).unwrap_err().to_string();
        assert!(error.contains("secretsmanager:GetSecretValue failed: AccessDenied"), "{error}");
    }
    admin.ask(json!({"action": "list"})).unwrap();
}

#[test]
fn without_get_parameter_nothing_is_changed_and_with_it_a_long_file_is_applied() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options { check_urls: false, ..Options::default() });
    let name = format!("/{}/endpoints", second.name);
    let names = ["main", "second", "third"];
    let put = |events: &[&str]| {
        let endpoints = names.map(|name| json!({"name": name, "events": events}));
        let text = format!("{:#}", json!({ "endpoints": endpoints }));
        let parameter = json!({"Name": name, "Type": "String", "Value": text, "Overwrite": true});
        stack.api().json(JsonService::Ssm, "PutParameter", &parameter).unwrap();
        text.len()
    };
    let registered = || {
        let endpoints = second.heygen.endpoints();
        assert_eq!(endpoints.len(), names.len());
        endpoints.into_iter().map(|endpoint| endpoint.events.unwrap().len()).max().unwrap()
    };
    assert!(put(EventType::KNOWN) > 3_000);
    let parameters = [("EndpointsParameter", name.as_str()), ("Endpoints", &names.join(","))];
    let client = second.client(&stack, &second.deploy(&parameters).unwrap());
    assert_eq!(registered(), EventType::KNOWN.len());

    put(&EventType::KNOWN[..1]);
    let sync = || local::admin::ask(client.stack(), &json!({"action": "sync"}));
    {
        let _without = Without::new(&client, "admin", "ssm:GetParameter", "parameter/");
        let error = sync().unwrap_err().to_string();
        assert!(error.contains("ssm:GetParameter failed: AccessDenied"), "{error}");
        assert_eq!(registered(), EventType::KNOWN.len());
    }
    sync().unwrap();
    assert_eq!(registered(), 1);
    second.delete(&stack);
}
