//! Which order a video was made for. HeyGen's v3 does not say it in its lists; v1's status call does, as long as v1 answers.

use heygen::api::{Api, ApiError};
use std::sync::atomic::{AtomicUsize, Ordering};

/// After so many errors in a run, HeyGen is not asked any more: each of them takes time.
const MOST_ERRORS: usize = 3;

pub(crate) struct Orders<'a> {
    /// `None` if HeyGen's lists are not read.
    api: Option<&'a Api>,
    errors: AtomicUsize,
}

impl<'a> Orders<'a> {
    pub(crate) fn new(api: Option<&'a Api>) -> Self {
        Orders { api, errors: AtomicUsize::new(0) }
    }

    /// The `callback_id` of a video; `None` also if HeyGen does not say it. Nothing waits for it.
    pub(crate) async fn of_video(&self, video_id: &str) -> Option<String> {
        let api = self.api.filter(|_| self.errors.load(Ordering::Relaxed) < MOST_ERRORS)?;
        match api.callback_id_of_video(video_id).await {
            Ok(callback_id) => callback_id,
            Err(error) => {
                let count = if is_gone(&error) { MOST_ERRORS } else { 1 };
                if self.errors.fetch_add(count, Ordering::Relaxed) == 0 {
                    tracing::warn!(%error, class = error.class.as_str(), "HeyGen's v1 does not say which callback_id a video has");
                }
                None
            }
        }
    }
}

/// The videos that are asked for exist, so that an unknown one means that the call does not.
fn is_gone(error: &ApiError) -> bool {
    matches!(error.status, Some(404 | 410))
}
