//! Brings back the end of one entity of another platform than HeyGen, of which a job is recorded here.

use crate::action::BackfillOptions;
use crate::backfill::source::is_missing;
use crate::error::Error;
use crate::look_up::Platforms;
use crate::measures;
use crate::reply::{BackfillReply, SourceReply};
use crate::send::Sender;
use crate::sweep::fresh::{Said, said};
use aws::jobs::Jobs;
use webhook::Platform;

/// The `via` of what is brought back.
const VIA: &str = "backfill";

/// `None` if no such job is recorded here: only its kind says which platform to ask.
pub(crate) async fn entity(
    platforms: &Platforms<'_>,
    jobs: &Jobs,
    sender: &Sender<'_>,
    options: &BackfillOptions,
) -> Result<Option<BackfillReply>, Error> {
    let Some(id) = &options.entity_id else { return Ok(None) };
    let mut of_it = jobs.of_entity(id).await?.jobs;
    of_it.retain(|job| Platform::of_kind(&job.kind) != Platform::HeyGen);
    if of_it.is_empty() {
        return Ok(None);
    }
    let mut reply = SourceReply::of_entity();
    for job in &of_it {
        let platform = Platform::of_kind(&job.kind);
        let Some(Said { body, event }) = said(platforms, platform, job).await? else { continue };
        reply.listed += 1;
        let is_wanted = options.event_type.is_none() || options.event_type == event.event_type;
        if is_wanted && event.job().is_some_and(|ended| is_missing(job, ended.status)) {
            sender.send_of(platform, body, VIA).await?;
            reply.missed += 1;
            measures::missed(1);
        }
    }
    Ok(Some(BackfillReply::new(vec![reply], None)))
}
