//! Jobs of other platforms that nobody tracked, and whose webhooks are lost, are brought back from the platforms' lists.

use crate::platforms::Platforms;
use crate::support::{disturbed_stack, unique};
use serde_json::{Value, json};
use simulator::{Disturbance, Ends, JobKind, JobOutcome, Options, Product, StartJob};
use std::time::Duration;
use webhook::callback::Callback;
use webhook::{Platform, Secret, Status};

/// Of which nothing is ever reported.
fn lost(kind: JobKind, order: Option<&str>) -> StartJob {
    StartJob {
        kind,
        callback_id: order.map(str::to_owned),
        callback_url: None,
        outcome: JobOutcome::Succeeds,
        ends: Ends::After(Duration::ZERO),
        disturbance: Some(Disturbance::Lost),
    }
}

fn missed(reply: &Value) -> i64 {
    reply["sources"].as_array().unwrap().iter().map(|source| source["missed"].as_i64().unwrap()).sum()
}

#[test]
fn a_job_that_nobody_tracked_and_whose_webhook_is_lost_is_brought_back_once_and_anothers_is_left() {
    let Some(stack) = disturbed_stack() else { return };
    let mut options = Options::default();
    for platform in [&mut options.synthesia, &mut options.elevenlabs, &mut options.did] {
        platform.largest_page = 1;
    }
    let platforms = Platforms::deploy_with(&stack, options, &[]);
    let backfill = || platforms.ask(&json!({"action": "backfill"}));
    // What ended before is not this deployment's.
    let before = platforms.second.heygen.start_jobs(vec![lost(Product::ElevenLabsVideo.into(), None)]).concat();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(missed(&backfill()), 0);

    let order = unique("untracked");
    let known = platforms.callback_url(&unique("known"), "did.talk");
    let (base, _) = known.split_once("/webhooks/").unwrap();
    let name = format!("{}/callbacks/did/main", platforms.second.name);
    let stored = stack.secrets(async |secrets| aws::secrets::fetch(secrets, &name).await).unwrap().unwrap();
    let url = |secret: &Secret| {
        let text = |text: &str| text.to_owned();
        let (platform, endpoint, kind) = (Platform::Did, text("main"), text("talk"));
        format!("{base}{}", Callback { platform, endpoint, kind, correlation: order.clone() }.path(secret))
    };
    let foreign = Secret::new("of another deployment").unwrap();
    let ids = platforms.second.heygen.start_jobs(vec![
        lost(Product::SynthesiaVideo.into(), Some(&order)),
        lost(Product::ElevenLabsSpeech.into(), None),
        lost(Product::DidTalk.calling(url(&stored.current.unwrap())), Some(&order)),
        // Of colleagues.
        lost(Product::SynthesiaVideo.into(), None),
        lost(Product::DidTalk.into(), Some(&order)),
        lost(Product::DidTalk.calling(url(&foreign)), Some(&order)),
    ]);
    std::thread::sleep(Duration::from_secs(2));
    let reply = backfill();
    assert_eq!(missed(&reply), 3, "{reply}");
    for (id, found_by, kind) in
        [(&ids[0], &order, "synthesia.video"), (&ids[1], &ids[1], "elevenlabs.flows"), (&ids[2], &order, "did.talk")]
    {
        let job = platforms.ended(found_by, id);
        assert_eq!((job.kind.as_str(), job.status), (kind, Some(Status::Succeeded)));
        assert!(!job.links.is_empty(), "{kind}");
    }
    let again = backfill();
    assert_eq!(missed(&again), 0, "{again}");
    for id in ids[3..].iter().chain([&before]) {
        assert!(platforms.client.record(id).unwrap().jobs.is_empty(), "{id}");
    }
    platforms.delete();
}
