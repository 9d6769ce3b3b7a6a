//! Paged lists.

use std::collections::HashSet;

use serde_json::Value;

use super::transport::Call;
use super::{Api, ApiError, Kind};
use webhook::fields::Fields;

/// HeyGen's largest page.
pub(super) const LARGEST_PAGE: &str = "100";

/// Far more than any workspace has: a list whose tokens never end must not be read indefinitely.
const MOST_PAGES: usize = 1000;
const MOST_ELEMENTS: usize = 100_000;

/// An element of a list that cannot be read, with what is readable of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// HeyGen's id of the endpoint.
    pub endpoint_id: Option<String>,
    /// Its URL.
    pub url: Option<String>,
}

/// A list of which some elements may not be readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable<T> {
    /// The readable elements.
    pub elements: Vec<T>,
    /// The others.
    pub unreadable: Vec<Unreadable>,
}

/// Reads one element.
type Read<T> = Box<dyn Fn(&Value) -> Option<T> + Send + Sync>;

/// A list, page by page; v1's lists have one page. Nothing is sent before [`Pages::next`].
///
/// A list that may be incomplete is an error: one that lacks the token of its next page, whose
/// token leads back to an earlier page, or that does not end after 1,000 pages or 100,000 elements.
/// The elements of such a page are returned first. A page that is too large is requested with fewer elements.
#[must_use = "nothing is sent before `next` or `all`"]
pub struct Pages<'a, T> {
    api: &'a Api,
    call: Call,
    read: Read<T>,
    token: Option<String>,
    /// All tokens so far.
    seen: HashSet<String>,
    pages: usize,
    elements: usize,
    unreadable: Vec<Unreadable>,
    done: bool,
    /// Why there is no way to the next page.
    broken: Option<ApiError>,
}

impl<'a, T> Pages<'a, T> {
    pub(super) fn new(api: &'a Api, call: Call, read: impl Fn(&Value) -> Option<T> + Send + Sync + 'static) -> Self {
        Self {
            api,
            call,
            read: Box::new(read),
            token: None,
            seen: HashSet::new(),
            pages: 0,
            elements: 0,
            unreadable: Vec::new(),
            done: false,
            broken: None,
        }
    }

    /// Starts at the page of a token that [`Pages::token`] returned, instead of the first page.
    pub fn starting_at(mut self, token: Option<String>) -> Self {
        // A page whose token leads to itself must not be handed back.
        self.seen.extend(token.clone());
        self.token = token;
        self
    }

    /// The token with which [`Pages::starting_at`] continues after the last page; `None` at the end.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref().filter(|_| !self.done)
    }

    /// Why there is no way to the page after the last one, although HeyGen says that there is one. [`Pages::next`] returns it.
    pub fn broken(&self) -> Option<&ApiError> {
        self.broken.as_ref()
    }

    /// The elements so far that could not be read.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// The readable elements of the next page, which may be none; `None` after the last page.
    ///
    /// # Errors
    ///
    /// [`ApiError`], after which the same page can be requested again; [`Kind::RepeatedToken`];
    /// [`Kind::EndlessList`].
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, ApiError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if self.done {
            return Ok(None);
        }
        if self.pages >= MOST_PAGES || self.elements >= MOST_ELEMENTS {
            return Err(self.call.failed(Kind::EndlessList));
        }
        let body = self.page().await?;
        let fields = Fields::of(Some(&body));
        let elements = fields.get("data").and_then(Value::as_array);
        let elements = elements.ok_or_else(|| self.call.failed(Kind::Unexpected))?;

        let more = fields.get("has_more").and_then(Value::as_bool);
        match (more, fields.text("next_token")) {
            (Some(false), _) | (None, None) => self.done = true,
            (Some(true), None) => self.broken = Some(self.call.failed(Kind::Unexpected)),
            (_, Some(token)) if self.seen.contains(&token) => {
                self.broken = Some(self.call.failed(Kind::RepeatedToken));
            }
            (_, Some(token)) => {
                self.seen.insert(token.clone());
                self.token = Some(token);
            }
        }
        self.pages += 1;
        self.elements += elements.len();
        let mut page = Vec::with_capacity(elements.len());
        for element in elements {
            match (self.read)(element) {
                Some(read) => page.push(read),
                None => self.unreadable.push(Unreadable::of(element)),
            }
        }
        Ok(Some(page))
    }

    async fn page(&mut self) -> Result<Value, ApiError> {
        loop {
            let mut call = self.call.clone();
            if let Some(token) = &self.token {
                call.url.query_pairs_mut().append_pair("token", token);
            }
            match self.api.send(&call).await {
                Err(error) if error.kind == Kind::TooLarge && self.asks_for_less() => {}
                body => return body,
            }
        }
    }

    /// From now on a quarter of the elements in one page; false if it is a single one already.
    fn asks_for_less(&mut self) -> bool {
        let limit = self.call.url.query_pairs().find(|(name, _)| name == "limit");
        let Some(limit) = limit.and_then(|(_, limit)| limit.parse::<usize>().ok()).filter(|limit| *limit > 1) else {
            return false;
        };
        let query: Vec<_> = self.call.url.query_pairs().into_owned().filter(|(name, _)| name != "limit").collect();
        let limit = limit.div_ceil(4).to_string();
        self.call.url.query_pairs_mut().clear().extend_pairs(query).append_pair("limit", &limit);
        true
    }

    /// All pages as one list, for lists that are known to be short.
    ///
    /// # Errors
    ///
    /// Those of [`Pages::next`]; [`Kind::Unexpected`] if an element cannot be read.
    pub async fn all(self) -> Result<Vec<T>, ApiError> {
        let unexpected = self.call.failed(Kind::Unexpected);
        let Readable { elements, unreadable } = self.readable().await?;
        if unreadable.is_empty() { Ok(elements) } else { Err(unexpected) }
    }

    /// Like [`Pages::all`], but elements that cannot be read are no error.
    ///
    /// # Errors
    ///
    /// Those of [`Pages::next`].
    pub async fn readable(mut self) -> Result<Readable<T>, ApiError> {
        let mut elements = Vec::new();
        while let Some(page) = self.next().await? {
            elements.extend(page);
        }
        Ok(Readable { elements, unreadable: self.unreadable })
    }
}

impl Unreadable {
    fn of(element: &Value) -> Self {
        let fields = Fields::of(Some(element));
        let url = fields.get("url").and_then(Value::as_str).filter(|url| !url.is_empty());
        Self { endpoint_id: fields.text("endpoint_id"), url: url.map(str::to_owned) }
    }
}
