//! DynamoDB in memory, as far as a replay uses it.

use aws::stub::Reply;
use serde_json::{Map, Value, json};

/// Items per page of a scan.
const PAGE: usize = 3;

#[derive(Default)]
pub struct Table {
    pub items: Vec<Map<String, Value>>,
    /// The sort keys of the jobs that the pipe publishes because they are told again.
    pub told: Vec<String>,
}

pub fn text(text: &str) -> Value {
    json!({ "S": text })
}

impl Table {
    pub fn put(&mut self, item: &Value) {
        self.items.push(item.as_object().unwrap().clone());
    }

    fn at(&self, key: &Value) -> Option<usize> {
        self.items.iter().position(|item| item["id"] == key["id"] && item["item"] == key["item"])
    }

    pub fn call(&mut self, operation: &str, input: &Value) -> Reply {
        let value = |name: &str| &input["ExpressionAttributeValues"][name];
        match operation {
            "Query" => {
                let found: Vec<_> = self.items.iter().filter(|item| item["id"] == *value(":id")).collect();
                Reply::Ok(json!({"Items": found, "Count": found.len()}))
            }
            "Scan" => {
                let from = self.at(&input["ExclusiveStartKey"]).map_or(0, |at| at + 1);
                let page: Vec<_> = self.items.iter().skip(from).take(PAGE).collect();
                let last = page.last().filter(|_| from + PAGE < self.items.len());
                let last = last.map(|item| json!({"id": item["id"], "item": item["item"]}));
                let time = input["ExpressionAttributeNames"]["#time"].as_str().unwrap();
                let string = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
                let is_meant = |item: &&&Map<String, Value>| {
                    string(&item["item"]).starts_with(&string(value(":prefix")))
                        && item.get(time).is_some_and(|at| string(at) >= string(value(":since")))
                };
                let found: Vec<_> = page.iter().filter(is_meant).collect();
                let mut reply = json!({"Items": found, "Count": found.len()});
                if let Some(last) = last {
                    reply["LastEvaluatedKey"] = last;
                }
                Reply::Ok(reply)
            }
            "UpdateItem" => {
                let failed = |old: Option<&Map<String, Value>>| {
                    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                    Reply::Error(400, json!({"__type": kind, "Item": old}))
                };
                let Some(at) = self.at(&input["Key"]) else { return failed(None) };
                let item = &mut self.items[at];
                let is_marked = item.contains_key("replayed_at");
                match input["UpdateExpression"].as_str().unwrap() {
                    "REMOVE replayed_at" if is_marked => drop(item.remove("replayed_at")),
                    "SET replayed_at = :now" if !is_marked && item.contains_key("job_event") => {
                        assert!(input["ConditionExpression"].as_str().unwrap().contains("attribute_exists(job_event)"));
                        item.insert("replayed_at".to_owned(), value(":now").clone());
                        self.told.push(self.items[at]["item"]["S"].as_str().unwrap().to_owned());
                    }
                    _ => return failed(Some(item)),
                }
                Reply::Ok(json!({}))
            }
            _ => panic!("{operation} is not expected"),
        }
    }
}
