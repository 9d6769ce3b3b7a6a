//! Whole actions over a simulated HeyGen and a Secrets Manager in memory.

#![allow(clippy::unwrap_used, clippy::panic)]

use admin::{Action, App, Config, Deployment, Limits};
use aws::env::Env;
use aws::sdk::Timeouts;
use aws::secrets::EndpointSecret;
use aws::stub::{Reply, sdk};
use serde_json::{Value, json};
use simulator::{Endpoint, Existing, Options, Simulator};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const URL: &str = "https://hooks.example.invalid";

struct World {
    heygen: Simulator,
    secrets: Arc<Mutex<BTreeMap<String, String>>>,
    config: Config,
}

impl World {
    /// A deployment with these endpoints, all configured for all events, with the default limits.
    fn new(endpoints: &str, options: Options) -> Self {
        let heygen = Simulator::start(Options { check_urls: false, ..options }).unwrap();
        let secrets = [("api-key".to_owned(), heygen.api_key().to_owned())];
        let base_url = heygen.url();
        let variables = |name: &str| match name {
            "API_URL" => Some(URL),
            "ENDPOINTS" => Some(endpoints),
            "SECRET_PREFIX" => Some("stack/"),
            "API_KEY_SECRET" => Some("api-key"),
            "TABLE_NAME" | "STACK" => Some("stack"),
            "HEYGEN_BASE_URL" => Some(&*base_url),
            _ => None,
        };
        let config = Config::read(Env::from_fn(|name| variables(name).map(str::to_owned))).unwrap();
        World {
            secrets: Arc::new(Mutex::new(secrets.into())),
            config: Config { settle: Duration::ZERO, verify: false, ..config },
            heygen,
        }
    }

    fn configure(&mut self, endpoints: Value) {
        self.config.endpoints_json = json!({ "endpoints": endpoints }).to_string();
    }

    fn ask(&self, request: Value) -> Result<Value, String> {
        let secrets = Arc::clone(&self.secrets);
        let aws = sdk(Timeouts { attempts: 1, ..Timeouts::LONG }, move |operation, input| {
            // The lease: there is one run at a time here.
            if ["PutItem", "DeleteItem"].contains(&operation) {
                return Reply::Ok(json!({}));
            }
            if operation == "Query" {
                return Reply::Ok(json!({"Items": []}));
            }
            let mut secrets = secrets.lock().unwrap();
            let name = input["SecretId"].as_str().or(input["Name"].as_str()).unwrap().to_owned();
            match (operation, input["SecretString"].as_str()) {
                ("CreateSecret", Some(value)) => drop(secrets.insert(name, value.to_owned())),
                (_, _) if !secrets.contains_key(&name) => return Reply::error(400, "ResourceNotFoundException"),
                ("PutSecretValue", Some(value)) => drop(secrets.insert(name, value.to_owned())),
                ("DeleteSecret", _) => drop(secrets.remove(&name)),
                ("GetSecretValue", _) => return Reply::Ok(json!({ "SecretString": secrets[&name] })),
                (other, _) => panic!("{other}"),
            }
            Reply::Ok(json!({}))
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let reply = runtime.block_on(App::new(self.config.clone(), &aws).run(Action::read(request).unwrap()));
        reply.map(|reply| reply.to_json()).map_err(|error| error.to_string())
    }

    /// What a scheduled sync did, such as `["main replace"]`.
    fn sync(&self) -> Vec<String> {
        done(&self.ask(json!({"action": "sync"})).unwrap())
    }

    fn store(&self, name: &str, value: Value) {
        self.secrets.lock().unwrap().insert(format!("stack/{name}"), value.to_string());
    }

    fn stored(&self, name: &str) -> EndpointSecret {
        serde_json::from_str(&self.secrets.lock().unwrap()[&format!("stack/{name}")]).unwrap()
    }

    fn url_of(&self, name: &str) -> String {
        self.config.deployment.url_of(name)
    }

    /// The only endpoint at HeyGen with this name's URL, whose secret is the stored one.
    fn works(&self, name: &str) -> Endpoint {
        let all = self.heygen.endpoints().into_iter().filter(|endpoint| endpoint.url == self.url_of(name));
        let [endpoint] = <[Endpoint; 1]>::try_from(all.collect::<Vec<_>>()).unwrap();
        assert!(endpoint.enabled);
        assert_eq!(self.stored(name).current.as_ref(), Some(&endpoint.secret));
        endpoint
    }
}

fn changes(list: &Value) -> Vec<String> {
    let text =
        |change: &Value| format!("{} {}", change["endpoint"].as_str().unwrap(), change["change"].as_str().unwrap());
    list.as_array().unwrap().iter().map(text).collect()
}

fn done(reply: &Value) -> Vec<String> {
    changes(&reply["done"])
}

fn text(reply: &Value) -> &str {
    reply["text"].as_str().unwrap()
}

#[test]
fn a_scheduled_sync_replaces_a_disabled_endpoint_whatever_else_has_to_be_done() {
    let mut world = World::new("main,second,third", Options::default());
    world.config.limits = Limits { removals: 0, percent: 0 };
    world.configure(json!([{"name": "main"}, {"name": "second"}]));
    world.sync();
    let before = world.works("main");
    world.heygen.disable(&before.endpoint_id);
    // The other endpoint's secret is lost, and a third one is new.
    let registered = world.works("second").endpoint_id;
    world.store("second", json!({"registered": {"endpoint_id": registered}}));
    world.configure(json!([{"name": "main"}, {"name": "second"}, {"name": "third"}]));

    assert_eq!(world.sync(), ["main replace", "second rotate", "third create"]);
    assert_ne!(world.works("main").endpoint_id, before.endpoint_id);
    assert_eq!(world.works("second").endpoint_id, registered);
    world.works("third");
    assert_eq!(world.heygen.endpoints().len(), 3);
    assert!(world.sync().is_empty());
}

#[test]
fn deletions_over_the_limits_are_held_back_and_reported_and_everything_else_is_done() {
    let mut world = World::new("a,b,c,d", Options::default());
    world.sync();
    world.configure(json!([{"name": "a", "events": ["avatar_video.fail"]}]));
    let prune = json!({"action": "sync", "prune": true});
    let reply = world.ask(prune.clone()).unwrap();
    assert_eq!(done(&reply), ["a update", "b delete"]);
    assert_eq!(changes(&reply["held_back"]), ["c delete", "d delete"]);
    assert_eq!(changes(&reply["left"]["changes"]), ["c delete", "d delete"]);
    assert!(text(&reply).contains("Held back: 2 to delete") && text(&reply).contains("\"force\": true"), "{reply:#}");
    // Without prune, a deletion was not asked for.
    assert!(world.ask(json!({"action": "sync"})).unwrap()["held_back"].as_array().unwrap().is_empty());

    let limits = world.config.limits;
    world.config.limits = Limits { removals: 0, percent: 100 };
    assert!(done(&world.ask(prune.clone()).unwrap()).is_empty(), "0 is none at all");
    world.config.limits = limits;
    assert_eq!(done(&world.ask(json!({"action": "sync", "prune": true, "force": true})).unwrap()).len(), 2);
    world.configure(json!([]));
    assert_eq!(done(&world.ask(prune).unwrap()), ["a delete"], "the last one may go, too");
}

#[test]
fn an_endpoint_that_is_registered_keeps_its_secret_when_the_url_changes() {
    for version in [heygen::api::ApiVersion::V3, heygen::api::ApiVersion::V1] {
        let mut world = World::new("main,second", Options { endpoints: Existing::foreign(3), ..Options::default() });
        world.config.version = version;
        world.sync();
        let before = world.works("main");
        world.config.deployment = Deployment::new("https://new.example.invalid", None, "main,second");
        assert_eq!(world.sync(), ["main update", "second update"]);
        let now = world.works("main");
        assert_eq!((now.endpoint_id, now.secret), (before.endpoint_id, before.secret));
        assert_eq!(world.heygen.endpoints().len(), 5);
    }
}

#[test]
fn a_deployment_that_is_created_anew_under_another_url_twice_leaves_no_endpoint_behind() {
    let mut world = World::new("main", Options::default());
    world.sync();
    let first = world.works("main");
    for url in ["https://second.example.invalid", "https://third.example.invalid"] {
        world.config.deployment = Deployment::new(url, None, "main");
        world.sync();
        assert_eq!(world.works("main").secret, first.secret);
        assert_eq!(world.heygen.endpoints().len(), 1);
        assert!(world.sync().is_empty());
    }
}

#[test]
fn what_our_notes_say_is_listed_as_ours_and_pruned_wherever_its_url_leads() {
    let mut world = World::new("main", Options { endpoints: Existing::foreign(1), ..Options::default() });
    world.sync();
    world.config.deployment = Deployment::new("https://new.example.invalid", None, "main");
    let listed = world.ask(json!({"action": "list"})).unwrap();
    assert_eq!((&listed["owned"], &listed["foreign"]), (&json!(1), &json!(1)));
    let main = listed["endpoints"].as_array().unwrap().iter().find(|endpoint| endpoint["endpoint"] == "main").unwrap();
    assert_eq!((&main["state"], &main["drift"]), (&json!("registered"), &json!("update")));
    world.configure(json!([]));
    assert_eq!(done(&world.ask(json!({"action": "sync", "prune": true})).unwrap()), ["main delete"]);
    assert_eq!(world.heygen.endpoints().len(), 1);
}

#[test]
fn an_endpoint_that_another_deployment_may_use_is_adopted_only_with_adopt() {
    let mut world = World::new("main", Options::default());
    world.heygen.register(Existing::new(world.url_of("main")));
    let theirs = world.heygen.endpoints();
    world.configure(json!([{"name": "main", "events": ["avatar_video.fail"]}]));
    let reply = world.ask(json!({"action": "sync", "prune": true, "force": true})).unwrap();
    assert_eq!((done(&reply), changes(&reply["held_back"])), (vec![], vec!["main adopt".to_owned()]));
    assert!(text(&reply).contains("Held back: 1 to adopt") && text(&reply).contains("(only with \"adopt\": true)"));
    assert_eq!(world.heygen.endpoints(), theirs);

    let reply = world.ask(json!({"action": "sync", "adopt": true})).unwrap();
    assert_eq!(done(&reply), ["main adopt", "main update"]);
    let adopted = world.works("main");
    assert_eq!(adopted.endpoint_id, theirs[0].endpoint_id);
    assert_ne!(adopted.secret, theirs[0].secret);
}

#[test]
fn a_disabled_endpoint_that_we_did_not_register_is_left_and_a_new_one_registered() {
    let world = World::new("main", Options::default());
    world.heygen.register(Existing { enabled: false, ..Existing::new(world.url_of("main")) });
    assert_eq!(world.sync(), ["main create"]);
    assert_eq!(world.heygen.endpoints().len(), 2);
    assert_eq!(world.stored("main").current.as_ref(), Some(&world.heygen.endpoints()[1].secret));
}

#[test]
fn where_a_url_may_exist_only_once_a_replacement_deletes_first_and_nothing_else_is_lost() {
    let mut world = World::new("main", Options { unique_urls: true, ..Options::default() });
    world.configure(json!([{"name": "main", "events": ["avatar_video.fail"]}]));
    world.sync();
    let before = world.works("main");
    world.configure(json!([{"name": "main"}]));
    let planned = world.ask(json!({"action": "plan"})).unwrap();
    assert!(text(&planned).contains("first if HeyGen accepts only one endpoint per URL"), "{planned:#}");
    assert_eq!(world.sync(), ["main replace"]);
    assert_ne!(world.works("main").endpoint_id, before.endpoint_id);
    assert!(world.stored("main").previous.iter().any(|previous| previous.secret == before.secret));
    assert!(world.sync().is_empty());
}

#[test]
fn a_url_that_heygen_returns_in_another_form_is_no_difference() {
    for form in [
        "https://hooks.example.invalid:443/webhooks/heygen/main/",
        "HTTPS://Hooks.example.invalid/webhooks/heygen/m%61in",
    ] {
        let world = World::new("main", Options::default());
        let endpoint_id = world.heygen.register(Existing::new(form));
        world.store("main", json!({"current": "whsec_x", "registered": {"endpoint_id": endpoint_id}}));
        assert!(world.sync().is_empty(), "{form}");
        assert_eq!(world.heygen.mutating_calls(), 0);
    }
}

#[test]
fn a_url_is_listed_without_its_query() {
    let world = World::new("main", Options::default());
    world.heygen.register(Existing::new(format!("{}?token=canary", world.url_of("main"))));
    for action in ["list", "plan", "sync"] {
        let reply = world.ask(json!({ "action": action })).unwrap();
        assert!(!reply.to_string().contains("canary"), "{reply:#}");
    }
    assert_eq!(world.ask(json!({"action": "list"})).unwrap()["endpoints"][0]["url"], world.url_of("main"));
}

#[test]
fn a_confirmed_update_that_heygen_did_not_make_is_not_reported_as_done() {
    let mut world = World::new("main", Options { ignore_updates: true, ..Options::default() });
    world.sync();
    world.configure(json!([{"name": "main", "events": ["avatar_video.fail"]}]));
    let reply = world.ask(json!({"action": "sync"})).unwrap();
    assert_eq!((done(&reply), changes(&reply["left"]["changes"])), (vec![], vec!["main update".to_owned()]));
    assert!(text(&reply).contains("HeyGen confirmed the update, but does not list it"), "{reply:#}");
}

#[test]
fn a_plan_of_other_endpoints_shows_what_deploying_them_would_change() {
    let world = World::new("main,second", Options::default());
    world.sync();
    let calls = world.heygen.mutating_calls();
    let plan = |endpoints: Value| world.ask(json!({"action": "plan", "endpoints": endpoints}));
    let planned = plan(json!([{"name": "main", "events": ["avatar_video.fail"]}, {"name": "third"}])).unwrap();
    assert_eq!(changes(&planned["changes"]), ["main update", "third create", "second delete"]);
    assert!(plan(json!([{"name": "main", "event": []}])).unwrap_err().contains("endpoints[0].event"));
    assert!(plan(json!([{"url": "x"}])).unwrap_err().contains("endpoints[0]"));
    assert_eq!(world.heygen.mutating_calls(), calls);
}

#[test]
fn a_person_deletes_by_id_and_what_is_in_use_or_of_others_only_with_force() {
    let world = World::new("main,second", Options { endpoints: Existing::foreign(1), ..Options::default() });
    world.sync();
    let duplicate = world.heygen.register(Existing::new(world.url_of("main")));
    let (used, foreign) = (world.works("second").endpoint_id, world.heygen.endpoints()[0].endpoint_id.clone());
    let delete = |id: &str, force| world.ask(json!({"action": "delete", "endpoint_id": id, "force": force}));
    for (id, word) in [(&*used, "second receives"), (&*foreign, "not this deployment's"), ("ep_gone", "no endpoint")] {
        let error = delete(id, false).unwrap_err();
        assert!(error.contains("left as it is") && error.contains(word), "{error}");
    }
    assert_eq!(world.heygen.endpoints().len(), 4);
    assert_eq!(delete(&duplicate, false).unwrap()["done"]["endpoint"], "main");
    world.works("main");
    delete(&used, true).unwrap();
    delete(&foreign, true).unwrap();
    assert_eq!(world.heygen.endpoints().len(), 1);
    assert_eq!(world.sync(), ["second create"]);
    world.works("second");
}

#[test]
fn a_person_adopts_by_id_and_what_leads_elsewhere_only_with_force() {
    for version in [heygen::api::ApiVersion::V3, heygen::api::ApiVersion::V1] {
        let mut world = World::new("main,second", Options { endpoints: Existing::foreign(1), ..Options::default() });
        world.config.version = version;
        world.configure(json!([]));
        let here = world.heygen.register(Existing::new(world.url_of("second")));
        let foreign = world.heygen.endpoints()[0].endpoint_id.clone();
        let adopt = |id: &str, name: Option<&str>, force| {
            world.ask(json!({"action": "adopt", "endpoint_id": id, "endpoint": name, "force": force}))
        };
        for (name, word) in [(None, "\"endpoint\""), (Some("main"), "\"force\""), (Some("third"), "unknown endpoint")] {
            let error = adopt(&foreign, name, false).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert_eq!(world.heygen.mutating_calls(), 0);
        adopt(&here, None, false).unwrap();
        world.works("second");
        let error = adopt(&foreign, Some("second"), true).unwrap_err();
        assert!(error.contains("delete that first"), "{error}");
        adopt(&foreign, Some("main"), true).unwrap();
        world.configure(json!([{"name": "main"}, {"name": "second"}]));
        assert_eq!(world.sync(), ["main update"]);
        assert_eq!(world.works("main").endpoint_id, foreign);
    }
}

#[test]
fn a_stored_secret_that_cannot_be_read_is_left_alone_and_reported() {
    let world = World::new("main,second", Options::default());
    world.sync();
    world.store("main", json!("not a secret"));
    let reply = world.ask(json!({"action": "sync", "prune": true, "force": true})).unwrap();
    assert_eq!((&reply["left"]["unreadable"], &reply["left"]["unchanged"]), (&json!(["main"]), &json!(["second"])));
    assert!(
        done(&reply).is_empty() && text(&reply).contains("Nothing to do, but 1 secret cannot be read."),
        "{reply:#}"
    );
}

#[test]
fn an_endpoint_whose_name_and_url_are_changed_at_once_is_found_when_the_name_is_back() {
    let mut world = World::new("main,second", Options::default());
    world.sync();
    world.config.deployment = Deployment::new("https://new.example.invalid", None, "main");
    assert_eq!(world.sync(), ["main update"]);
    world.config.deployment = Deployment::new("https://new.example.invalid", None, "main,second");
    world.configure(json!([{"name": "main"}, {"name": "second", "enabled": false}]));
    assert_eq!(done(&world.ask(json!({"action": "sync", "prune": true})).unwrap()), ["second delete"]);
    assert_eq!(world.heygen.endpoints().len(), 1);
}
