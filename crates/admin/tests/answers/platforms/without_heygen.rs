//! A deployment that has endpoints at other platforms, and no API key of HeyGen.

use super::SIGNED;
use super::world::{Others, report};
use serde_json::{Value, json};

const ALL: &str = "synthesia/main,elevenlabs/main,tavus/main";

fn without_heygen(endpoints: &str) -> Others {
    let mut world = Others::new(endpoints);
    world.config.api_key_secret = None;
    world
}

#[test]
fn the_endpoints_of_other_platforms_are_kept_in_sync_and_heygen_is_left_alone() {
    let world = without_heygen(ALL);
    let plan = world.run(json!({"action": "plan"})).unwrap();
    assert_eq!(report(&plan, "tavus/main")["left"][0]["change"], "create_secret");
    let reply = world.sync();
    assert!(reply["text"].as_str().unwrap().contains("no API key of HeyGen is configured"), "{reply}");
    assert!(reply["left"]["changes"].as_array().unwrap().is_empty(), "{reply}");
    SIGNED.into_iter().for_each(|endpoint| drop(world.settled(endpoint).unwrap()));
    assert!(world.secret("callback/tavus/main").unwrap().current.is_some());
    let list = world.run(json!({"action": "list"})).unwrap();
    assert_eq!((&list["endpoints"], &report(&list, "tavus/main")["secret"]), (&json!([]), &json!(true)));
    assert_eq!(world.heygen.calls().len(), 0);
    assert_eq!(world.heygen.endpoints().len(), 0);
}

#[test]
fn a_stack_is_created_updated_and_deleted_with_them() {
    let mut world = without_heygen(ALL);
    world.config.deregister_on_delete = true;
    for (request, id) in [("Create", None), ("Update", Some("heygen-endpoints")), ("Delete", Some("heygen-endpoints"))]
    {
        let (status, response) = world.cloudformation(request, id);
        assert_eq!(status, "SUCCESS", "{response}");
        assert!(!response.contains("not applied"), "{response}");
        assert_eq!(world.webhooks().len(), if request == "Delete" { 0 } else { 2 }, "{request}");
    }
    assert!(world.memory.lock().unwrap().is_deleted("callback/tavus/main"));
}

/// It may have been forgotten.
#[test]
fn a_missing_key_is_an_error_where_heygen_is_the_only_platform() {
    let world = without_heygen("");
    for action in ["sync", "plan", "list"] {
        let error = world.run(json!({ "action": action })).map(|reply: Value| reply.to_string()).unwrap_err();
        assert!(error.to_string().contains("no HeyGen API key"), "{action}: {error}");
    }
}
