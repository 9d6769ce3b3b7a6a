//! Paged lists with opaque tokens.

use crate::rejection::Rejection;
use crate::{lock, random};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;

const DEFAULT_LIMIT: usize = 10;
const LARGEST_LIMIT: usize = 100;

/// The place of an item in its list: a time or 0, and a number that no other item of the list has.
pub(crate) type Key = (i128, u64);

/// The order of a list, by its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

/// The issued tokens, each with its list and the key of its page's first item.
#[derive(Default)]
pub(crate) struct Pages {
    tokens: Mutex<HashMap<String, (&'static str, Key)>>,
}

impl Pages {
    /// One page of a list of items that are in this order. Items may be added and deleted between two pages. Only those
    /// of the page are shown.
    pub(crate) fn page<T>(
        &self,
        list: &'static str,
        limit: Option<usize>,
        token: Option<&str>,
        order: Order,
        items: impl Iterator<Item = (Key, T)>,
        show: impl Fn(T) -> Value,
    ) -> Result<Value, Rejection> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=LARGEST_LIMIT).contains(&limit) {
            return Err(Rejection::invalid("limit", "limit must be between 1 and 100"));
        }
        let first = match token {
            None => None,
            Some(token) => {
                Some(self.first_of(list, token).ok_or_else(|| Rejection::invalid("token", "unknown token"))?)
            }
        };
        let mut items = items.skip_while(|(key, _)| {
            first.is_some_and(|first| match order {
                Order::OldestFirst => *key < first,
                Order::NewestFirst => *key > first,
            })
        });
        let data: Vec<_> = items.by_ref().take(limit).map(|(_, item)| show(item)).collect();
        let next_token = items.next().map(|(key, _)| self.token(list, key));
        Ok(json!({"data": data, "has_more": next_token.is_some(), "next_token": next_token}))
    }

    fn first_of(&self, list: &str, token: &str) -> Option<Key> {
        let tokens = lock(&self.tokens);
        tokens.get(token).filter(|(of, _)| *of == list).map(|(_, key)| *key)
    }

    fn token(&self, list: &'static str, key: Key) -> String {
        let token = random::opaque();
        lock(&self.tokens).insert(token.clone(), (list, key));
        token
    }
}
