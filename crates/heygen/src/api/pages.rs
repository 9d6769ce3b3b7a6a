//! Paged lists.

use std::collections::HashSet;

use serde_json::Value;

use super::transport::Call;
use super::{Api, ApiError, Kind};
use crate::fields::Fields;

/// HeyGen's largest page.
pub(super) const LARGEST_PAGE: &str = "100";

/// A list, page by page; v1's lists have one page. Nothing is sent before [`Pages::next`].
///
/// A list that may be incomplete is an error: one that lacks the token of its next page, or whose
/// token leads back to an earlier page.
#[must_use = "nothing is sent before `next` or `all`"]
pub struct Pages<'a, T> {
    api: &'a Api,
    call: Call,
    read: fn(&Value) -> Option<T>,
    token: Option<String>,
    /// All tokens so far.
    seen: HashSet<String>,
    done: bool,
}

impl<'a, T> Pages<'a, T> {
    pub(super) fn new(api: &'a Api, call: Call, read: fn(&Value) -> Option<T>) -> Self {
        Self { api, call, read, token: None, seen: HashSet::new(), done: false }
    }

    /// Starts at the page of a token that [`Pages::token`] returned, instead of the first page.
    pub fn starting_at(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    /// The token with which [`Pages::starting_at`] continues after the last page; `None` at the end.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref().filter(|_| !self.done)
    }

    /// The next page, which may be empty; `None` after the last one.
    ///
    /// # Errors
    ///
    /// [`ApiError`], after which the same page can be requested again; [`Kind::Unexpected`] for an
    /// element that cannot be read; [`Kind::RepeatedToken`].
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, ApiError> {
        if self.done {
            return Ok(None);
        }
        let mut call = self.call.clone();
        if let Some(token) = &self.token {
            call.url.query_pairs_mut().append_pair("token", token);
        }
        let body = self.api.send(&call).await?;
        let fields = Fields::of(Some(&body));
        let elements = fields.get("data").and_then(Value::as_array);
        let page: Option<Vec<T>> = elements.and_then(|elements| elements.iter().map(self.read).collect());
        let page = page.ok_or_else(|| call.failed(Kind::Unexpected))?;

        let more = fields.get("has_more").and_then(Value::as_bool);
        match (more, fields.text("next_token")) {
            (Some(false), _) | (None, None) => self.done = true,
            (Some(true), None) => return Err(call.failed(Kind::Unexpected)),
            (_, Some(token)) if self.seen.contains(&token) => return Err(call.failed(Kind::RepeatedToken)),
            (_, Some(token)) => {
                self.seen.insert(token.clone());
                self.token = Some(token);
            }
        }
        Ok(Some(page))
    }

    /// All pages as one list, for lists that are known to be short.
    ///
    /// # Errors
    ///
    /// Those of [`Pages::next`].
    pub async fn all(mut self) -> Result<Vec<T>, ApiError> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }
}
