//! Paged lists with opaque tokens.

use crate::rejection::Rejection;
use crate::{lock, random};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;

const DEFAULT_LIMIT: usize = 10;
const LARGEST_LIMIT: usize = 100;

/// The issued tokens, each with its list and the number of its page's first item.
#[derive(Default)]
pub(crate) struct Pages {
    tokens: Mutex<HashMap<String, (&'static str, u64)>>,
}

impl Pages {
    /// One page of a list of numbered items. Numbers ascend; items may be deleted between two pages.
    pub(crate) fn page(
        &self,
        list: &'static str,
        limit: Option<usize>,
        token: Option<&str>,
        items: impl Iterator<Item = (u64, Value)>,
    ) -> Result<Value, Rejection> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=LARGEST_LIMIT).contains(&limit) {
            return Err(Rejection::invalid("limit", "limit must be between 1 and 100"));
        }
        let first = match token {
            None => 0,
            Some(token) => self.first_of(list, token).ok_or_else(|| Rejection::invalid("token", "unknown token"))?,
        };
        let mut items = items.skip_while(|(number, _)| *number < first);
        let data: Vec<_> = items.by_ref().take(limit).map(|(_, item)| item).collect();
        let next_token = items.next().map(|(number, _)| self.token(list, number));
        Ok(json!({"data": data, "has_more": next_token.is_some(), "next_token": next_token}))
    }

    fn first_of(&self, list: &str, token: &str) -> Option<u64> {
        let tokens = lock(&self.tokens);
        tokens.get(token).filter(|(of, _)| *of == list).map(|(_, number)| *number)
    }

    fn token(&self, list: &'static str, number: u64) -> String {
        let token = random::opaque();
        lock(&self.tokens).insert(token.clone(), (list, number));
        token
    }
}
