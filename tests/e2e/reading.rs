//! What is recorded is found: by the examples in every language, by `aws::jobs`, and by admin.

use crate::deployed::Deployed;
use crate::support::{Stack, assert_same, body, stack, success, unique};
use aws::jobs::{Jobs, Record};
use local::stack_dir::{StackDir, workspace};
use local::tools::Tools;
use serde_json::{Value, json};
use simulator::Options;
use std::collections::BTreeSet;
use std::fs::File;
use std::process::Command;
use webhook::Status;

#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/outcome/outcome.rs"]
mod outcome;

fn jobs(stack: &Stack, client: &aws_sdk_dynamodb::Client) -> Jobs {
    Jobs::new(client.clone(), stack.stack().table.clone())
}

fn of_callback_id(stack: &Stack, id: &str) -> Record {
    stack.dynamodb(async |client| jobs(stack, client).of_callback_id(id).await.unwrap())
}

fn of_entity(stack: &Stack, id: &str) -> Record {
    stack.dynamodb(async |client| jobs(stack, client).of_entity(id).await.unwrap())
}

/// The lines of JSON that a program prints about an order.
pub fn printed_by(stack: &Stack, program: &mut Command, callback_id: &str) -> Vec<Value> {
    let about = stack.stack();
    program.arg(callback_id).env("TABLE_NAME", &about.table).env("AWS_REGION", &about.region);
    program.env("AWS_DEFAULT_REGION", &about.region);
    if let Some(url) = &about.aws_endpoint {
        program.env("AWS_ENDPOINT_URL", url);
    }
    if let Some(keys) = &about.credentials {
        program.env("AWS_ACCESS_KEY_ID", &keys.access_key_id).env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key);
    }
    let done = program.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn in_rust(stack: &Stack, callback_id: &str) -> Vec<Value> {
    stack.dynamodb(async |client| outcome::jobs_of(&jobs(stack, client), callback_id).await.unwrap())
}

fn in_python(stack: &Stack, callback_id: &str) -> Vec<Value> {
    let python = Tools::install().unwrap().program("python");
    printed_by(stack, Command::new(python).arg(workspace().join("examples/outcome/outcome.py")), callback_id)
}

fn in_typescript(stack: &Stack, callback_id: &str) -> Vec<Value> {
    printed_by(stack, &mut typescript("outcome.ts"), callback_id)
}

/// A program of an example, installed and type-checked by make, which two tests must not run at a time.
pub fn typescript(program: &str) -> Command {
    let place = StackDir::test();
    place.create().unwrap();
    let lock = File::create(place.stack_json().with_file_name("outcome.lock")).unwrap();
    lock.lock().unwrap();
    let made = Command::new("make").arg("outcome").current_dir(workspace()).env_remove("MAKEFLAGS").output().unwrap();
    let printed = [made.stdout, made.stderr].concat();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&printed));
    drop(lock);
    let tools = workspace().join("target/tools");
    let mut node = Command::new(tools.join("node/bin/node"));
    node.arg(tools.join("outcome").join(program));
    node
}

type Language = (&'static str, fn(&Stack, &str) -> Vec<Value>);
const LANGUAGES: [Language; 3] = [("Rust", in_rust), ("Python", in_python), ("TypeScript", in_typescript)];

/// The jobs as a set of texts; two are never the same.
fn set(jobs: &[Value]) -> BTreeSet<String> {
    let set: BTreeSet<_> = jobs.iter().map(Value::to_string).collect();
    assert_eq!(set.len(), jobs.len(), "a job is printed twice");
    set
}

#[test]
fn the_examples_print_the_outcome_of_an_order() {
    let stack = stack();
    let (id, other) = (unique("order"), unique("other"));
    let (video, translation, group) = (unique("video"), unique("translation"), unique("group"));
    let failed =
        json!({"video_translate_id": translation, "callback_id": id, "output_language": "es", "msg": "no credit"});
    for event in [
        success(&id, &video),
        body("video_translate.fail", failed),
        // Found by its video, which the order has.
        body("avatar_video_caption.success", json!({"video_id": video})),
        body("photo_avatar_train.success", json!({"group_id": group, "callback_id": id})),
        // Another order on the same entities; of its two orders, the video's job has the smaller callback_id.
        success(&other, &video),
        body("photo_avatar_train.fail", json!({"group_id": group, "callback_id": other})),
        body("avatar_video_gif.fail", json!({"video_id": video, "callback_id": other})),
    ] {
        stack.accepted(&event);
    }
    stack.recorded(&video, 4);
    stack.recorded(&group, 2);
    stack.recorded(&id, 4);

    let link = format!("https://files.example.invalid/{video}.mp4?X-Amz-Signature=canary-link-e2e");
    let of_video = [
        json!({"kind": "avatar_video", "entity_id": video, "status": "succeeded", "links": {"video": link}}),
        json!({"kind": "avatar_video_caption", "entity_id": video, "status": "succeeded"}),
    ];
    let of_order = [
        json!({"kind": "photo_avatar_train", "entity_id": group, "status": "succeeded"}),
        json!({"kind": "video_translate", "entity_id": translation, "output_language": "es", "status": "failed", "reason": "no_credit",
               "failure": {"message": "no credit"}}),
    ];
    let of_other = [
        json!({"kind": "photo_avatar_train", "entity_id": group, "status": "failed", "reason": "will_not_pass"}),
        json!({"kind": "avatar_video_gif", "entity_id": video, "status": "failed", "reason": "will_not_pass"}),
    ];
    for (language, printed) in LANGUAGES {
        for (id, own) in [(&id, &of_order), (&other, &of_other)] {
            let expected = [of_video.as_slice(), own].concat();
            assert_same(language, &set(&printed(&stack, id)), "expected", &set(&expected));
        }
        assert!(printed(&stack, &unique("unknown")).is_empty(), "{language}");
    }
}

/// Of this size, few jobs are more than the 1 MB that one query returns: an item has its failure twice.
const LONG_REASON: usize = 80_000;

#[test]
fn an_order_that_takes_several_queries_is_read_whole() {
    let stack = stack();
    let (id, translation, video) = (unique("order"), unique("translation"), unique("video"));
    let languages: Vec<_> = (0..8).map(|n| format!("language {n}")).collect();
    for language in &languages {
        let reason = "x".repeat(LONG_REASON);
        let data =
            json!({"video_translate_id": translation, "callback_id": id, "output_language": language, "msg": reason});
        stack.accepted(&body("video_translate.fail", data));
    }
    // Events that are 1.4 MB together, before the jobs in the order of keys.
    for n in 0..4 {
        let data = json!({"video_id": video, "callback_id": id, "percent": n, "padding": "x".repeat(340_000)});
        stack.accepted(&body("avatar_video.progress", data));
    }
    stack.accepted(&success(&id, &video));
    let record = stack.recorded(&id, languages.len() + 5);

    assert_eq!((record.jobs.len(), record.events.len()), (languages.len() + 1, languages.len() + 5));
    let whole = record.events.iter().filter(|event| event.body.as_ref().is_some_and(|body| body.len() > 340_000));
    assert_eq!(whole.count(), 4);
    assert_eq!(of_callback_id(&stack, &id), record);
    assert_eq!(of_entity(&stack, &video).events.len(), 5);
    let expected = set(&in_rust(&stack, &id));
    assert_eq!(expected.len(), languages.len() + 1);
    for (language, printed) in LANGUAGES {
        assert_same(language, &set(&printed(&stack, &id)), "Rust", &expected);
    }
}

#[test]
fn a_group_has_the_jobs_of_all_its_orders_and_an_order_those_of_all_its_entities() {
    let stack = stack();
    let (one, other, group) = (unique("one"), unique("other"), unique("group"));
    let train = |callback_id: &str, group: &str| {
        body("photo_avatar_train.success", json!({"group_id": group, "callback_id": callback_id}))
    };
    let (video, second_group) = (unique("video"), unique("group"));
    for event in [
        train(&one, &group),
        train(&other, &group),
        body("photo_avatar_train.fail", json!({"group_id": group})),
        train(&one, &second_group),
        success(&one, &video),
    ] {
        stack.accepted(&event);
    }
    stack.recorded(&group, 3);
    stack.recorded(&one, 3);

    let of_group = of_entity(&stack, &group);
    let callback_ids: BTreeSet<_> = of_group.jobs.iter().map(|job| job.callback_id.as_deref()).collect();
    assert_eq!(callback_ids, [None, Some(one.as_str()), Some(&other)].into());
    assert_eq!(of_group.events.len(), 3);
    let of_order = of_callback_id(&stack, &one);
    let entities: BTreeSet<_> = of_order.jobs.iter().map(|job| job.entity_id.as_str()).collect();
    assert_eq!(entities, [group.as_str(), &second_group, &video].into());
    assert_eq!(of_order.events.len(), 3);
}

#[test]
fn admin_shows_what_is_recorded_without_links_that_can_be_followed() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    let (id, video, group) = (unique("order"), unique("video"), unique("group"));
    let stack = &admin.stack;
    let unreachable = "Cannot fetch https://files.example.invalid/a.png?X-Amz-Signature=canary-link-e2e";
    stack.accepted(&success(&id, &video));
    let failed = json!({"group_id": group, "callback_id": id, "error": {"code": "bad_input", "message": unreachable}});
    let identity = stack.accepted(&body("photo_avatar_train.fail", failed));
    stack.recorded(&id, 2);

    let of_order = admin.ask(json!({"action": "jobs", "callback_id": id})).unwrap();
    let of_group = admin.ask(json!({"action": "jobs", "entity_id": group})).unwrap();
    assert_eq!((of_order["jobs"].as_array().unwrap().len(), of_order["events"].as_array().unwrap().len()), (2, 2));
    assert!(!format!("{of_order} {of_group}").contains("canary"), "a link's query");
    let videos: Vec<_> =
        of_order["jobs"].as_array().unwrap().iter().filter(|job| job["kind"] == "avatar_video").collect();
    assert_eq!(videos[0]["status"], json!(Status::Succeeded));
    assert_eq!(videos[0]["links"]["video"], format!("files.example.invalid/{video}.mp4"));
    let (training, event) = (&of_group["jobs"][0], &of_group["events"][0]);
    assert_eq!(
        training["failure"],
        json!({"code": "bad_input", "message": "Cannot fetch files.example.invalid/a.png"})
    );
    assert_eq!((training["callback_id"].as_str(), event["identity"].as_str()), (Some(id.as_str()), Some(&*identity)));
    assert_eq!((&event["event_type"], &event["endpoint"]), (&json!("photo_avatar_train.fail"), &json!("main")));

    let nothing = admin.ask(json!({"action": "jobs", "callback_id": unique("unknown")})).unwrap();
    assert_eq!(nothing["text"], "Jobs: 0. Events: 0.");
    let error = admin.ask(json!({"action": "jobs", "callback_id": id, "entity_id": group})).unwrap_err().to_string();
    assert!(error.contains("not both"), "{error}");
}
