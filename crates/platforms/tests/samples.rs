//! The sample deliveries of each platform, read as the functions read them. What each says in detail is tested in the
//! platform's own crate.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use webhook::{Event, Job, Platform, Status, Verified};

fn samples(platform: Platform) -> Vec<(String, Event)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/deliveries").join(platform.name());
    let files = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let read = |path: &Path| {
        let body = Verified::assume_authentic(fs::read(path).unwrap());
        (path.file_name().unwrap().to_string_lossy().into_owned(), platforms::read(platform, &body))
    };
    files.map(|file| read(&file.unwrap().path())).collect()
}

fn signed() -> impl Iterator<Item = Platform> {
    Platform::ALL.into_iter().filter(|platform| *platform != Platform::HeyGen && platform.is_signed())
}

#[test]
fn every_sample_is_read_by_its_own_platform() {
    for platform in Platform::ALL.into_iter().filter(|platform| *platform != Platform::HeyGen) {
        for (file, event) in samples(platform) {
            assert_eq!((event.platform, event.is_json), (platform, true), "{platform}/{file}");
            let is_marked = |link: &String| link.contains("canary-link-");
            assert!(event.links.values().all(is_marked), "{platform}/{file}: tests would not notice if a link leaked");
        }
    }
}

#[test]
fn a_platform_that_signs_has_samples_of_each_kind_and_of_jobs_that_succeeded_and_failed() {
    for platform in signed() {
        let events: Vec<Event> = samples(platform).into_iter().map(|(_, event)| event).collect();
        let jobs: Vec<Job> = events.iter().filter_map(Event::job).collect();
        let kinds: BTreeSet<_> = jobs.iter().map(|job| job.kind.clone()).collect();
        let known = platforms::kinds(platform).iter().map(|kind| platforms::job_kind(platform, kind)).collect();
        assert_eq!(kinds, known, "{platform}");
        let has = |what: &dyn Fn(&Job) -> bool| jobs.iter().any(what);
        assert!(has(&|job| job.status == Status::Succeeded && !job.links.is_empty()), "{platform}: none with a link");
        assert!(has(&|job| job.status == Status::Failed && job.failure.is_some()), "{platform}: none failed");
        let names_an_order = |event: &Event| event.job().is_some() && event.callback_id.is_some();
        assert!(events.iter().any(names_an_order), "{platform}: none has the caller's own value");
    }
}
