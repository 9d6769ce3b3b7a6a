//! A list of another platform than HeyGen, page by page.

use crate::backfill::ours::ours;
use crate::look_up::Platforms;
use crate::look_up::error::{Failed, LookUpError, Problem};
use crate::own_urls::OwnUrls;
use platforms::list;
use std::collections::BTreeSet;
use webhook::list::{Element, Page};
use webhook::{LookUp, Platform, Status};

/// Far more than any account has: a list whose tokens never end must not be read indefinitely.
const MOST_PAGES: usize = 1_000;

/// One page of a list, in the platform's order. A page that cannot be read is not taken for the last one.
pub(crate) async fn page(
    platforms: &Platforms<'_>,
    platform: Platform,
    list: &str,
    token: Option<&str>,
) -> Result<Page, LookUpError> {
    let failed = |problem, status| LookUpError::Call(Failed { platform, problem, status, retry_after: None });
    let path = list::path(platform, list, token).ok_or_else(|| failed(Problem::NoCall, None))?;
    let answer = platforms.page(platform, &path).await?.ok_or_else(|| failed(Problem::Refused, Some(404)))?;
    list::page(platform, list, answer.get().as_bytes()).ok_or_else(|| failed(Problem::NotJson, None))
}

/// As with HeyGen's lists, the elements of a page whose token leads back to an earlier one are returned before the error.
pub(crate) struct Pages<'a> {
    platforms: &'a Platforms<'a>,
    own_urls: &'a OwnUrls,
    platform: Platform,
    list: &'static str,
    token: Option<String>,
    /// All tokens so far.
    seen: BTreeSet<String>,
    pub(crate) unreadable: usize,
    is_done: bool,
    /// Why there is no way to the next page.
    broken: Option<LookUpError>,
}

impl<'a> Pages<'a> {
    /// From the first page, or from that of a token.
    pub(crate) fn new(
        platforms: &'a Platforms<'a>,
        own_urls: &'a OwnUrls,
        (platform, list): (Platform, &'static str),
        token: Option<String>,
    ) -> Self {
        let seen = token.iter().cloned().collect();
        Pages { platforms, own_urls, platform, list, token, seen, unreadable: 0, is_done: false, broken: None }
    }

    /// `None` after the last page.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Listed>>, LookUpError> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        if self.is_done {
            return Ok(None);
        }
        let Page { elements, unreadable, next } =
            page(self.platforms, self.platform, self.list, self.token.as_deref()).await?;
        self.unreadable += unreadable;
        self.is_done = next.is_none();
        self.token = next.filter(|next| self.seen.len() < MOST_PAGES && self.seen.insert(next.clone()));
        if !self.is_done && self.token.is_none() {
            let (platform, problem) = (self.platform, Problem::Endless);
            self.broken = Some(LookUpError::Call(Failed { platform, problem, status: None, retry_after: None }));
        }
        Ok(Some(elements.iter().map(|element| Listed::of(self.own_urls, self.platform, element)).collect()))
    }

    /// Of the next page; `None` at the end.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// A job of such a list.
pub(crate) struct Listed {
    pub(crate) platform: Platform,
    pub(crate) entity_id: String,
    pub(crate) created: Option<i64>,
    /// What the platform says of it, if it has ended and was meant for this deployment.
    pub(crate) ended: Option<LookUp>,
}

impl Listed {
    fn of(own_urls: &OwnUrls, platform: Platform, element: &Element) -> Self {
        let has_ended = |look_up: &LookUp| {
            let job = platforms::read(platform, &look_up.to_verified()).job();
            job.is_some_and(|job| job.status != Status::Pending)
        };
        let ended = ours(own_urls, platform, element).filter(has_ended);
        Listed { platform, entity_id: element.entity_id.clone(), created: element.created, ended }
    }
}
