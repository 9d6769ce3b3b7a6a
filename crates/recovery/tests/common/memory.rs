//! A table and queues in memory.

use super::dynamo::Dynamo;
use super::{Sqs, app};
use aws::stub::Reply;
use serde_json::Value;
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub struct World {
    pub table: Dynamo,
    pub sqs: Sqs,
    pub calls: usize,
}

impl World {
    pub fn call(&mut self, operation: &str, input: &Value) -> Reply {
        self.calls += 1;
        match operation {
            "Query" | "Scan" | "UpdateItem" | "PutItem" | "DeleteItem" => self.table.call(operation, input),
            _ => self.sqs.call(operation, input),
        }
    }

    /// The entities whose jobs were told to the bus.
    pub fn told(&self) -> Vec<String> {
        self.table.told.iter().map(|item| item.rsplit('#').next().unwrap().to_owned()).collect()
    }
}

/// A function whose AWS this is.
pub fn on(world: &Arc<Mutex<World>>) -> recovery::App {
    let world = Arc::clone(world);
    app(move |operation, input| world.lock().unwrap().call(operation, &input))
}
