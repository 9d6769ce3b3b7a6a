//! Elements of HeyGen's lists that cannot be read.

use crate::world::World;
use serde_json::{Value, json};
use simulator::{Existing, Fault, When};

const LIST: When = When::Next("GET", "/v3/webhooks/endpoints");

fn foreign() -> Existing {
    Existing::new("https://team.example.invalid/hooks")
}

/// Edits the element of the list with this URL.
fn edit(url: &str, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Fault {
    let url = url.to_owned();
    Fault::edit(move |_, body| {
        let elements = body["data"].as_array_mut().unwrap();
        edit(elements.iter_mut().find(|element| element["url"] == url.as_str()).unwrap());
    })
}

fn oddities() -> [fn(&mut Value); 6] {
    [
        |element| element["url"] = Value::Null,
        |element| element["url"] = json!(5),
        |element| element["events"] = json!("all"),
        |element| element["events"] = json!([1, null]),
        |element| drop(element.as_object_mut().unwrap().remove("endpoint_id")),
        |element| *element = json!("endpoint"),
    ]
}

#[test]
fn a_foreign_endpoint_that_cannot_be_read_is_left_alone_and_reported() {
    for oddity in oddities() {
        let world = World::new("v3", "main");
        world.register(foreign());
        let before = world.endpoints();
        world.inject(LIST, edit(&foreign().url, oddity));
        world.inject(LIST, edit(&foreign().url, oddity));
        let text = world.sync().unwrap()["text"].clone();
        assert!(text.as_str().unwrap().contains("1 endpoint at HeyGen could not be read, left alone"), "{text}");
        world.settled("main").unwrap();
        assert_eq!(world.endpoints()[0], before[0]);
        for action in ["plan", "list"] {
            world.inject(LIST, edit(&foreign().url, oddity));
            let text = world.run(json!({ "action": action })).unwrap()["text"].clone();
            assert!(text.as_str().unwrap().contains("could not be read"), "{text}");
        }
    }
}

#[test]
fn nothing_is_changed_for_an_endpoint_that_may_be_the_unreadable_one() {
    for oddity in oddities() {
        let mut world = World::new("v3", "main,second");
        world.configure(json!([{"name": "main"}, {"name": "second", "enabled": false}]));
        world.sync().unwrap();
        world.configure(json!([{"name": "main"}, {"name": "second"}]));
        let main = world.settled("main").unwrap();
        world.inject(LIST, edit(&main.url, oddity));
        world.sync().unwrap();
        assert_eq!(world.settled("main").unwrap(), main, "no second one, and no new secret");
        world.settled("second").unwrap();
    }
}

#[test]
fn an_event_or_an_event_type_that_cannot_be_read_is_counted() {
    let world = World::new("v3", "main");
    let odd = || Fault::edit(|_, body| body["data"].as_array_mut().unwrap().push(json!({"event_type": null})));
    world.inject(When::Next("GET", "/v3/webhooks/event-types"), odd());
    assert_eq!(world.run(json!({"action": "event-types"})).unwrap()["unreadable"], 1);
    world.inject(When::Next("GET", "/v3/webhooks/events"), odd());
    assert_eq!(world.run(json!({"action": "deliveries"})).unwrap()["unreadable"], 1);
}
