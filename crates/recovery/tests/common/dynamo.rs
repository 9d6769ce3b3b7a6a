//! DynamoDB in memory, with the conditions and the updates of tracking and sweeping.

use super::table::text;
use aws::stub::Reply;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub type Item = Map<String, Value>;

/// By partition key and sort key.
#[derive(Default)]
pub struct Dynamo {
    pub items: BTreeMap<(String, String), Item>,
}

fn string(value: &Value) -> String {
    value["S"].as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> Option<i64> {
    value["N"].as_str()?.parse().ok()
}

fn key(key: &Value) -> (String, String) {
    (string(&key["id"]), string(&key["item"]))
}

/// A name, which may be a placeholder.
fn name<'a>(input: &'a Value, name: &'a str) -> &'a str {
    input["ExpressionAttributeNames"][name].as_str().unwrap_or(name)
}

impl Dynamo {
    pub fn put(&mut self, item: &Value) {
        self.items.insert(key(item), item.as_object().unwrap().clone());
    }

    pub fn job(&self, id: &str) -> &Item {
        let of_job = |(at, item): &&(String, String)| at == id && item.starts_with("job#");
        let found: Vec<_> = self.items.keys().filter(of_job).collect();
        let [found] = found[..] else { panic!("{found:?} of {id}") };
        &self.items[found]
    }

    pub fn call(&mut self, operation: &str, input: &Value) -> Reply {
        match operation {
            "GetItem" => match self.items.get(&key(&input["Key"])) {
                Some(item) => Reply::Ok(json!({ "Item": item })),
                None => Reply::Ok(json!({})),
            },
            "Query" => {
                let found: Vec<_> =
                    self.items.values().filter(|item| is_true(input, "KeyConditionExpression", item)).collect();
                Reply::Ok(json!({"Items": found, "Count": found.len()}))
            }
            "UpdateItem" => match self.holds(input) {
                true => {
                    self.update(input);
                    Reply::Ok(json!({}))
                }
                false => Reply::error(400, "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"),
            },
            "PutItem" => match self.holds(input) {
                true => {
                    self.put(&input["Item"]);
                    Reply::Ok(json!({}))
                }
                false => Reply::error(400, "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"),
            },
            "DeleteItem" => {
                self.items.remove(&key(&input["Key"]));
                Reply::Ok(json!({}))
            }
            "TransactWriteItems" => {
                let writes: Vec<_> = input["TransactItems"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .flat_map(|write| write.as_object().unwrap())
                    .collect();
                if !writes.iter().all(|(_, write)| self.holds(write)) {
                    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
                    let reason = |write: &Value| match self.holds(write) {
                        true => json!({"Code": "None"}),
                        false => json!({"Code": "ConditionalCheckFailed", "Item": self.items.get(&key(&write["Key"]))}),
                    };
                    let reasons: Vec<_> = writes.iter().map(|(_, write)| reason(write)).collect();
                    return Reply::Error(400, json!({"__type": kind, "CancellationReasons": reasons}));
                }
                for (kind, write) in writes {
                    match kind.as_str() {
                        "Put" => self.put(&write["Item"]),
                        "Delete" => drop(self.items.remove(&key(&write["Key"]))),
                        _ => self.update(write),
                    }
                }
                Reply::Ok(json!({}))
            }
            _ => panic!("{operation} is not expected"),
        }
    }

    fn holds(&self, write: &Value) -> bool {
        let empty = Item::new();
        let at = if write["Item"].is_null() { &write["Key"] } else { &write["Item"] };
        is_true(write, "ConditionExpression", self.items.get(&key(at)).unwrap_or(&empty))
    }

    fn update(&mut self, input: &Value) {
        let (id, sort) = key(&input["Key"]);
        let item = self.items.entry((id.clone(), sort.clone())).or_default();
        item.insert("id".to_owned(), text(&id));
        item.insert("item".to_owned(), text(&sort));
        let (mut expression, mut added) = (input["UpdateExpression"].as_str().unwrap(), "");
        if let Some((before, after)) = expression.split_once(" ADD ") {
            (expression, added) = (before, after);
        }
        let set = |value: &str| input["ExpressionAttributeValues"][value]["SS"].as_array().cloned();
        if let Some((at, new)) = added.split_once(' ').and_then(|(at, value)| Some((at, set(value)?))) {
            let known = item.entry(at).or_insert(json!({"SS": []}));
            known["SS"].as_array_mut().unwrap().extend(new);
        } else if let Some((at, value)) = added.split_once(' ') {
            let sum = item.get(at).and_then(number).unwrap_or(0)
                + number(&input["ExpressionAttributeValues"][value]).unwrap();
            item.insert(at.to_owned(), json!({"N": sum.to_string()}));
        }
        let (verb, parts) = expression.split_once(' ').unwrap();
        for part in parts.split(", ") {
            match part.split_once(" = ") {
                Some((at, value)) if verb == "SET" => {
                    item.insert(name(input, at).to_owned(), input["ExpressionAttributeValues"][value].clone());
                }
                None if verb == "REMOVE" => drop(item.remove(name(input, part))),
                _ => panic!("{verb} {part} is not expected"),
            }
        }
    }
}

fn is_true(input: &Value, expression: &str, item: &Item) -> bool {
    let Some(conditions) = input[expression].as_str() else { return true };
    let is_true = |conditions: &str| conditions.split(" AND ").all(|condition| is_one_true(input, condition, item));
    conditions.split(" OR ").any(is_true)
}

fn is_one_true(input: &Value, condition: &str, item: &Item) -> bool {
    let within = |function: &str| condition.strip_prefix(function)?.strip_prefix('(')?.strip_suffix(')');
    let value = |value: &str| &input["ExpressionAttributeValues"][value];
    let attribute = |at: &str| item.get(name(input, at));
    if let Some(at) = within("attribute_exists") {
        return attribute(at).is_some();
    }
    if let Some(at) = within("attribute_not_exists") {
        return attribute(at).is_none();
    }
    if let Some((at, prefix)) = within("begins_with").and_then(|within| within.split_once(", ")) {
        return attribute(at).is_some_and(|found| string(found).starts_with(&string(value(prefix))));
    }
    let [at, sign, with] = condition.split(' ').collect::<Vec<_>>()[..] else { panic!("{condition} is not expected") };
    match sign {
        "=" => attribute(at) == Some(value(with)),
        "<=" => attribute(at).and_then(number) <= number(value(with)) && attribute(at).is_some(),
        _ => panic!("{condition} is not expected"),
    }
}
