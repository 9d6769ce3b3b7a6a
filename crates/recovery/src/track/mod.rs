//! Registers a job that a team has started or is about to start, before or after its events.
//!
//! It writes the job's item, where the job's events will find it, and the pointer from its `callback_id`. What an event has
//! written stays, and so does what was tracked before, unless it is given anew.

pub(crate) mod callback;
pub(crate) mod commit;
pub(crate) mod merge;
pub mod tracked;

use crate::action::TrackOptions;
use crate::config::Config;
use crate::error::Error;
use crate::key::Key;
use crate::track::callback::CallbackUrls;
use crate::track::commit::{Commit, Items, until_unchanged};
use crate::track::merge::{Given, Item, merged, text};
use crate::track::tracked::{EXPECTED_BY, KEEP_FRESH, SHARD, SHARDS, Subject, TRACKED_AT, is_ours};
use aws::clock::{from_text, to_text};
use aws::error::AwsError;
use aws::jobs::{JobItem, NO_ENTITY, Record};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{self, Bool, N, S};
use serde_json::Value;
use std::time::Duration;
use time::OffsetDateTime;
use webhook::callback::is_entity_id;
use webhook::{CorrelationId, Job, Place, Platform};

/// Of a `callback_id` or an entity id, in bytes: with more, part of a key would be a digest.
const LONGEST_ID: usize = 256;

#[derive(Debug, Clone)]
pub(crate) struct Tracking {
    items: Items,
    callback_urls: CallbackUrls,
    expected_within: Duration,
}

/// Where a tracked job is.
pub(crate) struct Tracked {
    pub(crate) key: Key,
    pub(crate) expected_by: OffsetDateTime,
    pub(crate) callback_url: Option<String>,
}

impl Tracking {
    pub(crate) fn new(client: Client, secrets: aws_sdk_secretsmanager::Client, config: &Config) -> Self {
        let callback_urls = CallbackUrls::new(secrets, config.callbacks.clone(), config.public_url());
        Tracking { items: Items::new(client, config), callback_urls, expected_within: config.expected_within }
    }

    pub(crate) async fn track(&self, options: &TrackOptions, now: OffsetDateTime) -> Result<Tracked, Error> {
        check(options).map_err(Error::InvalidRequest)?;
        let subject = options.subject();
        let wrong_kind = || Error::InvalidRequest(format!("{:?} is no kind of a job", options.kind));
        let (place, job) = (subject.event().place(), subject.job().ok_or_else(wrong_kind)?);
        let key = Key { id: place.partition.to_string(), item: job.item_key() };
        // Whoever gets no URL tracks the job again, so nothing is written before.
        let callback_url = self.callback_urls.url(options).await?;
        let expected_by = now + expected_within(job.platform, self.expected_within);
        let given = given(options, &job, expected_by, now);
        let expected = until_unchanged(async || {
            let before = self.items.read(&key).await?.unwrap_or_default();
            let replaced = self.placeholder(&subject, &before).await?;
            let set = merged(&before, replaced.as_ref().map(|(_, item)| item), &given);
            let commit = Commit {
                key: &key,
                before: &before,
                set: &set,
                replaced: replaced.as_ref().map(|(key, item)| (key, item)),
                gone: replaced.iter().filter_map(|(_, item)| pointer_to(item)).collect(),
                pointer: pointer(&place, &key, &job),
            };
            let expected_by = [&set, &before].into_iter().find_map(|item| text(item, EXPECTED_BY)).map(str::to_owned);
            Ok(self.items.commit(commit).await?.then_some(expected_by))
        });
        let expected = expected.await?.and_then(|at| from_text(&at).ok());
        Ok(Tracked { key, expected_by: expected.unwrap_or(expected_by), callback_url })
    }

    /// What was tracked before the job's entity was known: in the same language, or before that was known, too.
    async fn placeholder(&self, subject: &Subject<'_>, job: &Item) -> Result<Option<(Key, Item)>, AwsError> {
        if subject.entity_id.is_none() {
            return Ok(None);
        }
        let tracked = job_item(job);
        for output_language in [subject.output_language, None] {
            let unknown = Subject { entity_id: None, output_language, ..subject.clone() };
            let Some(job) = unknown.job() else { continue };
            let key = Key { id: unknown.event().place().partition.to_string(), item: job.item_key() };
            let Some(item) = self.items.read(&key).await? else { continue };
            if tracked.is_none() || job_item(&item).zip(tracked.clone()).is_some_and(|(one, job)| one.may_become(&job))
            {
                return Ok(Some((key, item)));
            }
        }
        Ok(None)
    }

    /// Puts a job in the place of another one, which turned out to be the same: what a team wrote on the latter moves to the
    /// former. Nothing happens if one of them is gone.
    pub(crate) async fn replace(&self, replaced: &JobItem, by: &JobItem) -> Result<(), AwsError> {
        let key_of = |job: &JobItem| Key { id: job.id.clone(), item: job.item.clone() };
        let (key, other) = (key_of(by), key_of(replaced));
        until_unchanged(async || {
            let (Some(before), Some(item)) = (self.items.read(&key).await?, self.items.read(&other).await?) else {
                return Ok(Some(()));
            };
            let set = merged(&before, Some(&item), &Given::default());
            let from = text(&item, "callback_id").filter(|from| !from.is_empty() && *from != key.id);
            let commit = Commit {
                key: &key,
                before: &before,
                set: &set,
                replaced: Some((&other, &item)),
                gone: pointer_to(&item).into_iter().collect(),
                pointer: from.map(|from| pointer_item(from, format!("pointer#{}", key.item), &key.id, &key.item)),
            };
            Ok(self.items.commit(commit).await?.then_some(()))
        })
        .await
    }
}

/// How long a job may take by default: less where the platform hardly tries again to deliver what was not taken, or not at
/// all, so that looking is what makes the record complete.
fn expected_within(platform: Platform, configured: Duration) -> Duration {
    match platform {
        Platform::HeyGen => configured,
        Platform::Synthesia | Platform::ElevenLabs | Platform::Tavus | Platform::Did => configured / 4,
    }
}

/// Says what is wrong with a request.
fn check(options: &TrackOptions) -> Result<(), String> {
    let platform = Platform::of_kind(&options.kind);
    if options.callback_id.is_empty() || options.callback_id.len() > LONGEST_ID {
        return Err(format!("callback_id: 1 to {LONGEST_ID} bytes are needed"));
    }
    let is_id = |id: &str| match platform {
        Platform::HeyGen => heygen::api::is_id(id) && id.len() <= LONGEST_ID && !id.starts_with(NO_ENTITY),
        _ => is_entity_id(id),
    };
    if let Some(id) = options.entity_id.as_ref().filter(|id| !is_id(id)) {
        let title = platform.title();
        return Err(format!(
            "entity_id: {id:?} is no id of {title}'s. Leave it out until {title} has responded with one"
        ));
    }
    if platform != Platform::HeyGen {
        check_kind(options, platform)?;
    }
    match options.attributes.keys().find(|name| is_ours(name)) {
        Some(name) => Err(format!("attributes: {name:?} is an attribute of heygen-webhooks, choose another name")),
        None => Ok(()),
    }
}

/// Of a platform whose kinds are all known.
fn check_kind(options: &TrackOptions, platform: Platform) -> Result<(), String> {
    let kinds: Vec<_> = platforms::kinds(platform).iter().map(|kind| platforms::job_kind(platform, kind)).collect();
    if !kinds.contains(&options.kind) {
        return Err(format!(
            "{:?} is no kind of a job. Those of {}: {}",
            options.kind,
            platform.title(),
            kinds.join(", ")
        ));
    }
    let of_heygen = [("entity_field", &options.entity_field), ("output_language", &options.output_language)];
    match of_heygen.into_iter().find(|(_, value)| value.is_some()) {
        Some((name, _)) => Err(format!("{name}: only HeyGen's kinds have one")),
        None => Ok(()),
    }
}

fn given(options: &TrackOptions, job: &Job, expected_by: OffsetDateTime, now: OffsetDateTime) -> Given {
    let mut anew: Item = options.attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
    let mut at_first = Item::from([
        ("kind".to_owned(), short(&job.kind)),
        ("entity_id".to_owned(), short(&job.entity_id)),
        ("status".to_owned(), S("pending".to_owned())),
        ("status_rank".to_owned(), N("0".to_owned())),
        ("updated_at".to_owned(), S(to_text(now))),
        (TRACKED_AT.to_owned(), S(to_text(now))),
        (EXPECTED_BY.to_owned(), S(to_text(expected_by))),
        (SHARD.to_owned(), S(SHARDS[fastrand::usize(..SHARDS.len())].to_owned())),
    ]);
    if job.platform != Platform::HeyGen {
        at_first.insert("platform".to_owned(), S(job.platform.name().to_owned()));
    }
    at_first.extend(job.output_language.as_ref().map(|language| ("output_language".to_owned(), short(language))));
    anew.insert("callback_id".to_owned(), short(&options.callback_id));
    anew.extend(options.expected_by.map(|at| (EXPECTED_BY.to_owned(), S(to_text(at)))));
    anew.extend(options.keep_fresh.map(|keep| (KEEP_FRESH.to_owned(), Bool(keep))));
    Given { anew, at_first, times: 1 }
}

fn job_item(item: &Item) -> Option<JobItem> {
    Record::of([item.clone()]).jobs.pop()
}

fn pointer(place: &Place, key: &Key, job: &Job) -> Option<Item> {
    let from = place.pointer_from.as_ref()?;
    Some(pointer_item(from.as_str(), place.pointer_key(Some(job)), &key.id, &key.item))
}

fn pointer_item(from: &str, key: String, partition: &str, job: &str) -> Item {
    let texts = [("id", from), ("partition", partition), ("job", job)];
    let item = texts.into_iter().map(|(name, text)| (name.to_owned(), S(text.to_owned())));
    item.chain([("item".to_owned(), S(key))]).collect()
}

/// The key of the pointer from a job's `callback_id` to its item.
fn pointer_to(item: &Item) -> Option<Key> {
    let id = text(item, "callback_id").filter(|id| !id.is_empty())?;
    Some(Key { id: id.to_owned(), item: format!("pointer#{}", text(item, "item")?) })
}

/// A text that is part of a key, as it is there.
fn short(text: &str) -> AttributeValue {
    S(CorrelationId::of(text).to_string())
}

/// JSON as DynamoDB has it.
fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => Bool(*value),
        Value::Number(number) => N(number.to_string()),
        Value::String(text) => S(text.clone()),
        Value::Array(values) => AttributeValue::L(values.iter().map(attribute).collect()),
        Value::Object(fields) => {
            AttributeValue::M(fields.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
        }
    }
}
