//! Secrets Manager and the table in memory, as far as admin uses them to change something.

use aws::stub::Reply;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use time::Duration;

#[derive(Default)]
pub struct Memory {
    /// The current version of each secret.
    current: BTreeMap<String, String>,
    /// By secret and id of the version.
    versions: BTreeMap<(String, String), String>,
    deleted: BTreeSet<String>,
    /// The table's items, by partition and sort key.
    items: BTreeMap<(String, String), Value>,
    /// How far the present is ahead of the callers' clocks: it makes a lease expire.
    ahead: Duration,
    /// Lets everyone have every lease, as if it had been deleted by hand.
    pub grants_every_lease: bool,
    /// The response to a request for the parameter of SSM.
    pub parameter: Option<Reply>,
}

impl Memory {
    pub fn get(&self, secret: &str) -> Option<&str> {
        let version = self.current.get(secret)?.clone();
        self.versions.get(&(secret.to_owned(), version)).map(String::as_str)
    }

    pub fn put(&mut self, secret: &str, value: &str) {
        let version = format!("version-{}", self.versions.len());
        self.current.insert(secret.to_owned(), version.clone());
        self.versions.insert((secret.to_owned(), version), value.to_owned());
    }

    pub fn is_deleted(&self, secret: &str) -> bool {
        self.deleted.contains(secret)
    }

    pub fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }

    pub fn respond(&mut self, operation: &str, input: &Value) -> Reply {
        match operation {
            "PutItem" | "DeleteItem" => self.change_item(operation, input),
            // Nothing was verified.
            "Query" => Reply::Ok(json!({"Items": [], "Count": 0})),
            "GetParameter" => self.parameter.clone().unwrap(),
            _ => self.respond_as_secrets_manager(operation, input),
        }
    }

    fn change_item(&mut self, operation: &str, input: &Value) -> Reply {
        if !self.meets_condition(input) {
            let item = self.items.get(&key(input)).cloned().unwrap_or_default();
            return Reply::Error(400, json!({"__type": "ConditionalCheckFailedException", "Item": item}));
        }
        if operation == "PutItem" {
            self.items.insert(key(input), input["Item"].clone());
        } else {
            self.items.remove(&key(input));
        }
        Reply::Ok(json!({}))
    }

    /// Whether the condition of a `PutItem` or `DeleteItem` holds: terms with `OR` between them.
    pub fn meets_condition(&self, input: &Value) -> bool {
        let item = self.items.get(&key(input));
        self.grants_every_lease
            || input["ConditionExpression"].as_str().unwrap().split(" OR ").any(|term| self.holds(term, item, input))
    }

    fn holds(&self, term: &str, item: Option<&Value>, input: &Value) -> bool {
        let attribute = |name: &str| {
            let name = input["ExpressionAttributeNames"][name].as_str().unwrap_or(name);
            item.and_then(|item| item.get(name))
        };
        let value = |name: &str| &input["ExpressionAttributeValues"][name];
        let number = |value: &Value| value["N"].as_str().unwrap().parse::<i128>().unwrap();
        match term.split_whitespace().collect::<Vec<_>>()[..] {
            [name, "=", other] => attribute(name) == Some(value(other)),
            [name, "<>", other] => attribute(name) != Some(value(other)),
            [name, "<=", now] => {
                let now = number(value(now)) + self.ahead.whole_milliseconds();
                attribute(name).is_some_and(|attribute| number(attribute) <= now)
            }
            [_] => {
                let name = term.strip_prefix("attribute_not_exists(").and_then(|rest| rest.strip_suffix(')'));
                attribute(name.unwrap()).is_none()
            }
            _ => panic!("{term}"),
        }
    }

    fn respond_as_secrets_manager(&mut self, operation: &str, input: &Value) -> Reply {
        let name = input["SecretId"].as_str().or(input["Name"].as_str()).unwrap_or_default().to_owned();
        let exists = self.current.contains_key(&name);
        match operation {
            "CreateSecret" if exists => Reply::error(400, "ResourceExistsException"),
            "CreateSecret" => self.set(&name, input),
            _ if !exists => Reply::error(400, "ResourceNotFoundException"),
            "RestoreSecret" => {
                self.deleted.remove(&name);
                Reply::Ok(json!({}))
            }
            _ if self.is_deleted(&name) => Reply::error(400, "InvalidRequestException"),
            "GetSecretValue" => Reply::Ok(json!({"SecretString": self.get(&name), "VersionId": self.current[&name]})),
            "PutSecretValue" => self.set(&name, input),
            "DeleteSecret" => {
                self.deleted.insert(name);
                Reply::Ok(json!({}))
            }
            _ => panic!("{operation}"),
        }
    }

    /// A repetition with the same token changes nothing, and with another value it is an error.
    fn set(&mut self, name: &str, input: &Value) -> Reply {
        let text = |field: &str| input[field].as_str().unwrap().to_owned();
        let (token, value) = (text("ClientRequestToken"), text("SecretString"));
        match self.versions.get(&(name.to_owned(), token.clone())) {
            Some(stored) if *stored != value => return Reply::error(400, "ResourceExistsException"),
            Some(_) => {}
            None => {
                self.current.insert(name.to_owned(), token.clone());
                self.versions.insert((name.to_owned(), token.clone()), value);
            }
        }
        Reply::Ok(json!({"VersionId": token}))
    }
}

/// Partition and sort key of the item that a call changes.
fn key(input: &Value) -> (String, String) {
    let item = input.get("Item").unwrap_or(&input["Key"]);
    let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
    (text("id"), text("item"))
}
