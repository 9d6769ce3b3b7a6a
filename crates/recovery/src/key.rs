//! The key of an item of the table.

use aws_sdk_dynamodb::types::AttributeValue::{self, S};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub id: String,
    pub item: String,
}

impl Key {
    pub(crate) fn to_item(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([("id".to_owned(), S(self.id.clone())), ("item".to_owned(), S(self.item.clone()))])
    }
}
