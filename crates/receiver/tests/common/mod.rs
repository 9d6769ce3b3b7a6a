//! The receiver, with the real SDK over a stub for AWS's HTTP side.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use aws::endpoints::PlatformEndpoints;
use aws::sdk::Timeouts;
use aws::stub::{self, Reply};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::http::HeaderValue;
use receiver::{App, Callbacks, Config, invocation};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;
use webhook::{Secret, sign};

pub const SECRET: &str = "whsec_dGVzdF9zZWNyZXQ=";
pub const QUEUE: &str = "https://queue.example.invalid/queue";
pub const CONFIRM_QUEUE: &str = "https://queue.example.invalid/confirm";

/// What AWS stores and how it responds.
pub struct Aws {
    pub secret: Reply,
    pub queue: Reply,
    pub calls: Vec<String>,
    /// Of any queue.
    pub messages: Vec<String>,
    /// The names of the secrets that were read.
    pub secrets_read: Vec<String>,
    /// The queues that messages were sent to.
    pub queues: Vec<String>,
}

impl Aws {
    pub fn calls_of(&self, operation: &str) -> usize {
        self.calls.iter().filter(|call| *call == operation).count()
    }
}

pub struct Test {
    app: App,
    aws: Arc<Mutex<Aws>>,
}

pub fn stored(secret: Value) -> Reply {
    Reply::Ok(json!({"SecretString": secret.to_string()}))
}

impl Test {
    pub fn new() -> Self {
        let aws = Aws {
            secret: stored(json!({"current": SECRET})),
            queue: Reply::Ok(json!({"MessageId": "1"})),
            calls: Vec::new(),
            messages: Vec::new(),
            secrets_read: Vec::new(),
            queues: Vec::new(),
        };
        let aws = Arc::new(Mutex::new(aws));
        let seen = Arc::clone(&aws);
        let sdk = stub::sdk(Timeouts::SHORT, move |operation, input| {
            let mut aws = seen.lock().unwrap();
            aws.calls.push(operation.to_owned());
            match operation {
                "GetSecretValue" => {
                    aws.secrets_read.push(input["SecretId"].as_str().unwrap().to_owned());
                    aws.secret.clone()
                }
                "SendMessage" => {
                    aws.queues.push(input["QueueUrl"].as_str().unwrap().to_owned());
                    aws.messages.push(input["MessageBody"].as_str().unwrap().to_owned());
                    aws.queue.clone()
                }
                other => panic!("the receiver must not call {other}"),
            }
        });
        let config = Config {
            endpoints: vec!["main".into()],
            secret_prefix: "stack/endpoints/".into(),
            queue_url: QUEUE.into(),
            platform_endpoints: "synthesia/main,elevenlabs/main,tavus/main,did/main,heygen/main"
                .parse::<PlatformEndpoints>()
                .unwrap()
                .0,
            callbacks: Some(Callbacks { prefix: "stack/callbacks/".into(), queue_url: CONFIRM_QUEUE.into() }),
            longest_age: Duration::from_hours(1),
            signature_headers: "signature,heygen-signature".parse().unwrap(),
            max_body_bytes: 2_000_000,
            secret_refresh: Duration::from_secs(10),
        };
        Test { app: App::new(config, &sdk), aws }
    }

    pub fn with(secret: Reply) -> Self {
        let test = Test::new();
        test.aws().secret = secret;
        test
    }

    pub fn aws(&self) -> MutexGuard<'_, Aws> {
        self.aws.lock().unwrap()
    }

    pub async fn respond(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let start = Instant::now();
        let response = invocation::respond(Ok(&self.app), request).await;
        assert!(start.elapsed() < Duration::from_secs(5), "the response took {:?}", start.elapsed());
        response
    }

    /// Status and error code.
    pub async fn status(&self, request: ApiGatewayV2httpRequest) -> (i64, String) {
        let response = self.respond(request).await;
        let code = json_body(&response)["error"]["code"].as_str().unwrap_or_default().to_owned();
        (response.status_code, code)
    }
}

pub fn sample(name: &str) -> ApiGatewayV2httpRequest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/api-gateway").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn signed(body: &str, secret: &str) -> ApiGatewayV2httpRequest {
    let mut request = sample("delivery.json");
    let signature = sign(&Secret::new(secret).unwrap(), body.as_bytes());
    request.headers.insert("signature", HeaderValue::from_str(&signature).unwrap());
    request.body = Some(body.into());
    request
}

pub fn json_body(response: &ApiGatewayV2httpResponse) -> Value {
    response.body.as_ref().map_or(Value::Null, |body| serde_json::from_slice(body.as_ref()).unwrap_or_default())
}

pub fn header<'a>(response: &'a ApiGatewayV2httpResponse, name: &str) -> Option<&'a str> {
    response.headers.get(name)?.to_str().ok()
}
