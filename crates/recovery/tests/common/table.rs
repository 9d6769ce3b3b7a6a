//! DynamoDB in memory, as far as recovery uses it.

use aws::stub::Reply;
use serde_json::{Map, Value, json};

pub struct Table {
    /// Items per page of a scan.
    pub page: usize,
    pub items: Vec<Map<String, Value>>,
    /// The sort keys of the jobs that the pipe publishes because they are told again.
    pub told: Vec<String>,
}

impl Default for Table {
    fn default() -> Self {
        Table { page: 3, items: Vec::new(), told: Vec::new() }
    }
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
                let prefix = value(":prefix")["S"].as_str().unwrap_or_default();
                let is_meant = |item: &&Map<String, Value>| {
                    item["id"] == *value(":id") && item["item"]["S"].as_str().unwrap().starts_with(prefix)
                };
                let found: Vec<_> = self.items.iter().filter(is_meant).collect();
                Reply::Ok(json!({"Items": found, "Count": found.len()}))
            }
            "Scan" => {
                let from = self.at(&input["ExclusiveStartKey"]).map_or(0, |at| at + 1);
                let page: Vec<_> = self.items.iter().skip(from).take(self.page).collect();
                let last = page.last().filter(|_| from + self.page < self.items.len());
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
            // Conditions are about the version.
            "PutItem" | "DeleteItem" => {
                let key = if operation == "PutItem" { &input["Item"] } else { &input["Key"] };
                let at = self.at(key);
                let is_free = input["ConditionExpression"].is_null()
                    || at.is_some_and(|at| self.items[at]["version"] == *value(":version"));
                if !is_free {
                    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                    return Reply::Error(400, json!({"__type": kind}));
                }
                at.map(|at| self.items.remove(at));
                if operation == "PutItem" {
                    self.put(key);
                }
                Reply::Ok(json!({}))
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
