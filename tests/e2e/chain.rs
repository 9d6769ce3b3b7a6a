//! `examples/chain`: audio that ElevenLabs has made becomes a video of HeyGen's, once.

use crate::cut::{Request, serve};
use crate::examples::{Example, deploy, template};
use crate::failures::message_of;
use crate::support::{Stack, TIMEOUT, now, stack, unique};
use aws::jobs::JobItem;
use local::admin::API_KEY_SECRET;
use local::aws_api::JsonService;
use local::aws_api::QueryService::CloudFormation;
use serde_json::{Value, json};
use simulator::http::Response;
use simulator::{Access, JobKind, JobOutcome, Remote};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use webhook::{Platform, Status};

const CREATE: &str = "/v2/video/generate";
const AUDIO: &str = "elevenlabs.flows";

/// How HeyGen responds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mood {
    #[default]
    Accepts,
    /// It starts the video, and its response is lost.
    IsSilent,
    Refuses,
}

/// HeyGen's request that starts a video, in front of the stack's simulated one, which has none. One with the
/// `Idempotency-Key` of an earlier one gets the same response, and starts nothing.
#[derive(Default)]
struct Front {
    mood: Mutex<Mood>,
    /// The id of each key's video.
    started: Mutex<BTreeMap<String, String>>,
    /// The key and the body of each request.
    requests: Mutex<Vec<(String, Value)>>,
    /// When each came.
    times: Mutex<Vec<Instant>>,
}

impl Front {
    /// Returns its URL, too.
    fn start(heygen: Access) -> (Arc<Self>, String) {
        let front = Arc::new(Front::default());
        let (shared, heygen) = (Arc::clone(&front), Remote::new(heygen));
        let url = serve(move |request| {
            let (status, body) = shared.respond(request, &heygen);
            let is_silent = *shared.mood.lock().unwrap() == Mood::IsSilent;
            (!is_silent).then(|| Response { status, headers: vec![], body: body.to_string().into() })
        });
        (front, url)
    }

    fn respond(&self, request: &Request, heygen: &Remote) -> (u16, Value) {
        let header = |name| request.headers.iter().find(|(header, _)| header == name).unwrap().1.clone();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", CREATE));
        assert_eq!(header("x-api-key"), heygen.access().api_key);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let (key, callback_id) = (header("idempotency-key"), body["callback_id"].as_str().unwrap().to_owned());
        self.times.lock().unwrap().push(Instant::now());
        self.requests.lock().unwrap().push((key.clone(), body.clone()));
        if *self.mood.lock().unwrap() == Mood::Refuses {
            let message = format!("cannot read {}", body["video_inputs"][0]["voice"]["audio_url"]);
            return (400, json!({"error": {"code": "invalid_parameter", "message": message}}));
        }
        let start = || {
            let soon = Duration::from_millis(10);
            heygen.start_job(&JobKind::Video, Some(&callback_id), &JobOutcome::Succeeds, soon).unwrap()
        };
        let video = self.started.lock().unwrap().entry(key).or_insert_with(start).clone();
        (200, json!({"error": null, "data": {"video_id": video}}))
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

/// The example beside the stack.
struct Chain {
    stack: Stack,
    name: String,
    example: Example,
    front: Arc<Front>,
    /// What the function asked of recovery.
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Chain {
    /// `None` for a stack in a real account.
    fn new() -> Option<Self> {
        let stack = stack();
        let Some(heygen) = stack.stack().simulator.clone() else {
            println!("left out: there is no simulated HeyGen");
            return None;
        };
        let name = unique("chain");
        let (front, url) = Front::start(heygen);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (shared, aws) = (Arc::clone(&asked), stack.stack().aws_endpoint.clone().unwrap());
        let lambda = serve(move |request| {
            shared.lock().unwrap().push(serde_json::from_slice(&request.body).unwrap());
            request.send(&aws)
        });
        let program = std::fs::read_to_string(local::stack_dir::workspace().join("examples/chain/chain.py")).unwrap();
        let lines: String = program.lines().map(|line| format!("          {line}\n")).collect();
        let mut template = template("chain.yaml");
        for (there, here) in [
            // In place of what `aws cloudformation package` does.
            ("      Code: chain/\n", format!("      Code:\n        ZipFile: |\n{lines}").as_str()),
            // Other tests' jobs succeed as well.
            ("        detail:\n", format!("        detail:\n          entity_id: [{{prefix: {name}}}]\n").as_str()),
            ("VisibilityTimeout: 180", "VisibilityTimeout: 7"),
            ("Timeout: 30", "Timeout: 5"),
            ("        Variables:\n", &format!("        Variables:\n          AWS_ENDPOINT_URL_LAMBDA: {lambda}\n")),
        ] {
            assert_eq!(template.matches(there).count(), 1, "{there}");
            template = template.replace(there, here);
        }
        let described = stack.stack();
        let parameters = [
            ("TableName", described.table.as_str()),
            ("RecoveryFunction", &described.functions.recovery),
            ("ApiKeySecret", API_KEY_SECRET),
            ("HeygenBaseUrl", &url),
            ("Receives", "4"),
        ];
        let example = deploy(&stack, &name, &template, &parameters);
        Some(Chain { stack, name, example, front, asked })
    }

    /// The ids of audio and of its order.
    fn ids(&self, case: &str) -> (String, String) {
        (unique(&format!("{}-{case}", self.name)), unique(&format!("{}-{case}-order", self.name)))
    }

    /// As an application does that wants a video of the audio.
    fn track(&self, audio: &str, order: &str) {
        let body = json!({"video_inputs": [{"voice": {"type": "audio", "audio_url": "{audio}"}}], "dimension": {"width": 1280}});
        let track = json!({"action": "track", "callback_id": order, "kind": AUDIO, "entity_id": audio,
                           "attributes": {"next": {"path": CREATE, "body": body}}});
        local::recovery::ask(self.stack.stack(), &track).unwrap();
    }

    /// ElevenLabs reports the audio, with a link until then, in Unix seconds.
    fn made(&self, audio: &str, until: u64) {
        let body = json!({"type": "flows_generation", "event_timestamp": 1_760_000_000, "data": {
            "id": audio, "status": "completed", "content_url": link(audio, until), "content_mime_type": "audio/mpeg"}});
        let message = message_of(Platform::ElevenLabs, body.to_string().into_bytes());
        self.send(&self.stack.stack().queue_url, &message);
    }

    fn send(&self, queue: &str, message: &str) {
        let send =
            async |sqs: &aws_sdk_sqs::Client| sqs.send_message().queue_url(queue).message_body(message).send().await;
        self.stack.sqs(send).unwrap();
    }

    /// The event of the audio once more.
    fn again(&self, audio: &str, order: &str) {
        let event = json!({"id": audio, "item": format!("job#{AUDIO}#{audio}"), "callback_id": order});
        self.send(self.example.output("QueueUrl"), &event.to_string());
    }

    fn job(&self, order: &str, kind: &str) -> Option<JobItem> {
        self.stack.record(order).unwrap().jobs.into_iter().find(|job| job.kind == kind)
    }

    /// Waits until the order has its video, and returns it.
    fn video(&self, order: &str) -> JobItem {
        let video = || {
            let is_noted = self.job(order, AUDIO).is_some_and(|audio| !audio.attributes["next_job"].is_null());
            let video = self.job(order, "avatar_video").filter(|_| is_noted);
            Ok(video
                .filter(|video| video.status == Some(Status::Succeeded) && !video.attributes["tracked_at"].is_null()))
        };
        self.stack.wait_for("the video", TIMEOUT, video).unwrap()
    }

    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        self.stack.wait_for(what, TIMEOUT, || Ok(is_so().then_some(()))).unwrap();
    }

    /// Waits until the function has handled all that it was given.
    fn settled(&self) {
        use aws_sdk_sqs::types::QueueAttributeName::{
            ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
        };
        self.wait_until("an empty queue", || {
            let count = async |sqs: &aws_sdk_sqs::Client| {
                let get = sqs.get_queue_attributes().queue_url(self.example.output("QueueUrl"));
                let get = get.attribute_names(ApproximateNumberOfMessages);
                get.attribute_names(ApproximateNumberOfMessagesNotVisible).send().await
            };
            self.stack.sqs(count).unwrap().attributes().unwrap().values().all(|count| count == "0")
        });
    }

    fn explained(&self, order: &str) -> String {
        let explain = json!({"action": "explain", "callback_id": order});
        local::recovery::ask(self.stack.stack(), &explain).unwrap()["text"].as_str().unwrap().to_owned()
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let _ = self.stack.api().query(CloudFormation, "DeleteStack", &[("StackName", &self.name)]);
    }
}

fn link(audio: &str, until: u64) -> String {
    format!("https://files.example.invalid/{audio}.mp3?Expires={until}&Signature=canary-link-chain")
}

fn in_an_hour() -> u64 {
    now() / 1000 + 3_600
}

#[test]
fn chain_audio_becomes_one_video_of_its_order_however_often_its_event_comes() {
    let Some(chain) = Chain::new() else { return };
    let (audio, order) = chain.ids("once");
    let until = in_an_hour();
    chain.track(&audio, &order);
    chain.made(&audio, until);
    let video = chain.video(&order);
    assert_eq!(video.attributes["made_from"], json!(audio));

    let explained = chain.explained(&order);
    for part in [&audio, &video.entity_id, &format!("next_job {}", video.entity_id), &format!("made_from {audio}")] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    assert!(!explained.contains("canary-link"), "{explained}");

    for _ in 0..3 {
        chain.again(&audio, &order);
    }
    chain.settled();
    let requests = chain.front.requests();
    let body = json!({"video_inputs": [{"voice": {"type": "audio", "audio_url": link(&audio, until)}}],
                      "dimension": {"width": 1280}, "callback_id": order});
    assert_eq!(requests.iter().map(|(_, body)| body).collect::<Vec<_>>(), [&body]);
    assert_eq!(chain.stack.record(&order).unwrap().jobs.len(), 2);
}

#[test]
fn chain_an_invocation_that_is_killed_before_its_note_repeats_the_request_with_the_same_key_and_alone() {
    let Some(chain) = Chain::new() else { return };
    let (audio, order) = chain.ids("killed");
    chain.track(&audio, &order);
    chain.front.is(Mood::IsSilent);
    chain.made(&audio, in_an_hour());
    chain.wait_until("the request to HeyGen", || !chain.front.requests().is_empty());
    chain.front.is(Mood::Accepts);
    // The first one waits for its response until it is killed.
    for _ in 0..2 {
        chain.again(&audio, &order);
    }
    chain.video(&order);
    chain.settled();
    let requests = chain.front.requests();
    assert_eq!((requests.len(), &requests[0]), (2, &requests[1]));
    let times = chain.front.times.lock().unwrap().clone();
    assert!(times[1] - times[0] > Duration::from_secs(3), "two at once: {times:?}");
    assert_eq!(chain.stack.record(&order).unwrap().jobs.len(), 2);
}

#[test]
fn chain_a_link_that_has_expired_is_not_given_to_heygen_but_a_new_one_is_asked_for() {
    let Some(chain) = Chain::new() else { return };
    let (audio, order) = chain.ids("expired");
    chain.track(&audio, &order);
    chain.made(&audio, now() / 1000 + 60);
    let error = || chain.job(&order, AUDIO).unwrap().attributes["next_error"].clone();
    chain.wait_until("the note", || !error().is_null());
    assert!(chain.front.requests().is_empty());
    let refresh = json!({"action": "refresh", "entity_id": audio});
    assert!(chain.asked.lock().unwrap().contains(&refresh), "{:?}", chain.asked.lock().unwrap());

    // What a refresh brings.
    let until = in_an_hour();
    chain.made(&audio, until);
    chain.video(&order);
    let requests = chain.front.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].1["video_inputs"][0]["voice"]["audio_url"], json!(link(&audio, until)));
    chain.wait_until("no error", || error().is_null());
}

#[test]
fn chain_a_video_that_heygen_refuses_is_tried_again_and_explain_shows_why_there_is_none() {
    let Some(chain) = Chain::new() else { return };
    let (audio, order) = chain.ids("refused");
    chain.track(&audio, &order);
    chain.front.is(Mood::Refuses);
    chain.made(&audio, in_an_hour());
    let given_up = || {
        let receive = async |sqs: &aws_sdk_sqs::Client| {
            sqs.receive_message().queue_url(chain.example.output("GivenUpQueueUrl")).wait_time_seconds(1).send().await
        };
        let got = chain.stack.sqs(receive).unwrap();
        Ok(got.messages().first().map(|message| message.body().unwrap().to_owned()))
    };
    let event = chain.stack.wait_for("the dead letter", TIMEOUT, given_up).unwrap();
    assert_eq!(chain.front.requests().len(), 4, "as often as the parameter Receives says");

    let explained = chain.explained(&order);
    for part in ["next_error Refused: HeyGen: status 400 invalid_parameter", "not finished"] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    assert!(!explained.contains("canary-link"), "{explained}");
    assert_eq!(chain.job(&order, "avatar_video").unwrap().status, Some(Status::Pending));

    // Redriven, when the reason is gone.
    chain.front.is(Mood::Accepts);
    chain.send(chain.example.output("QueueUrl"), &event);
    chain.video(&order);
    chain.settled();
    assert!(!chain.explained(&order).contains("next_error"));
}

#[test]
fn chain_audio_of_no_order_becomes_a_video_when_it_is_tracked() {
    let Some(chain) = Chain::new() else { return };
    let (audio, order) = chain.ids("late");
    chain.made(&audio, in_an_hour());
    let group = json!({"logGroupName": format!("/aws/lambda/{}", chain.name)});
    chain.wait_until("the log line", || {
        let events = chain.stack.api().json(JsonService::Logs, "FilterLogEvents", &group).unwrap();
        events.to_string().contains("no callback_id")
    });
    assert!(chain.front.requests().is_empty());
    chain.track(&audio, &order);
    chain.video(&order);
    assert_eq!(chain.front.requests().len(), 1);
}
