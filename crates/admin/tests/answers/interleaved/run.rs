//! A run of admin that stops at each of its calls until it is let through.

use admin::{App, Config, invocation};
use aws::sdk::Timeouts;
use aws::stub::{Reply, sdk};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use simulator::http::Response;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::Notify;

/// A call waits for as long as the schedule takes.
const LONG: Duration = Duration::from_secs(3600);
/// The function's time in the template.
const TIME: Duration = Duration::from_secs(300);

/// A call that a run makes.
#[derive(Debug, Clone)]
pub enum Call {
    Aws { operation: String, input: Value },
    HeyGen { method: String, path: String, headers: Vec<(String, String)>, body: Vec<u8> },
}

impl Call {
    pub fn is_change(&self) -> bool {
        match self {
            Call::Aws { operation, .. } => operation != "GetSecretValue",
            Call::HeyGen { method, .. } => method != "GET",
        }
    }

    /// Whether the order of these two calls may make a difference.
    pub fn meets(&self, other: &Call) -> bool {
        let target = |call: &Call| match call {
            Call::Aws { input, .. } => {
                input["SecretId"].as_str().or(input["Name"].as_str()).unwrap_or("table").to_owned()
            }
            Call::HeyGen { .. } => "HeyGen".to_owned(),
        };
        target(self) == target(other)
    }
}

/// Without bodies: they may have secrets.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Aws { operation, .. } => f.write_str(operation),
            Call::HeyGen { method, path, .. } => write!(f, "{method} {path}"),
        }
    }
}

pub enum Answer {
    Aws(Reply),
    HeyGen(Response),
    /// The response is lost.
    Nothing,
    /// The run is killed.
    Death,
}

/// How a run ended.
pub enum End {
    Done,
    Failed { class: String, text: String },
    Killed,
}

/// What a run reports.
pub enum Event {
    Calls(usize, Call, Sender<Answer>),
    Ends(usize, End),
}

/// Starts a run that invokes the function with this payload.
pub fn start(number: usize, config: &Config, payload: &Value, events: &Sender<Event>) -> JoinHandle<()> {
    let (config, payload, events) = (config.clone(), payload.clone(), events.clone());
    let gate = Gate { number, events: events.clone(), death: Arc::new(Notify::new()) };
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let end = runtime.block_on(async {
            tokio::select! {
                biased;
                () = gate.death.notified() => End::Killed,
                end = invoke(config, payload, &gate) => end,
            }
        });
        // Closes its connections.
        drop(runtime);
        // The schedule may have ended already, with an error.
        let _ = events.send(Event::Ends(number, end));
    })
}

async fn invoke(config: Config, payload: Value, gate: &Gate) -> End {
    let timeouts = Timeouts { attempts: 1, attempt: LONG, operation: LONG };
    let aws = gate.clone();
    let sdk = sdk(timeouts, move |operation, input| aws.aws(operation, input));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(gate.clone().accept(listener));
    let app = App::new(Config { base_url, ..config }, &sdk);
    let mut context = Context::default();
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + TIME;
    context.deadline = u64::try_from(deadline.as_millis()).unwrap();
    let response = Box::pin(invocation::respond(Ok(&app), LambdaEvent::new(payload, context))).await;
    response.map_or_else(|error| End::Failed { class: error.error_type, text: error.error_message }, |_| End::Done)
}

/// Where the calls of a run wait. It blocks the run's thread, which has nothing else to do.
#[derive(Clone)]
struct Gate {
    number: usize,
    events: Sender<Event>,
    death: Arc<Notify>,
}

impl Gate {
    fn pass(&self, call: Call) -> Answer {
        let (sender, answer) = channel();
        let sent = self.events.send(Event::Calls(self.number, call, sender));
        let answer = sent.ok().and_then(|()| answer.recv().ok()).unwrap_or(Answer::Death);
        if matches!(answer, Answer::Death) {
            self.death.notify_one();
        }
        answer
    }

    fn aws(&self, operation: &str, input: Value) -> Reply {
        match self.pass(Call::Aws { operation: operation.to_owned(), input }) {
            Answer::Aws(reply) => reply,
            Answer::Nothing => Reply::Broken,
            _ => Reply::Silent,
        }
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.clone().serve(stream));
        }
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(call) = read(&mut stream).await {
            match self.pass(call) {
                Answer::HeyGen(response) => write(&mut stream, &response).await,
                Answer::Nothing => return,
                // The caller must not see that the connection is closed.
                _ => std::future::pending().await,
            }
        }
    }
}

/// Reads a request; `None` at the end of the connection.
async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    let length = headers.iter().find(|(name, _)| *name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = bytes.split_off(head + 4);
    while body.len() < length.unwrap_or(0) {
        stream.read_buf(&mut body).await.ok()?;
    }
    let own = ["host", "content-length"];
    let headers = headers.into_iter().filter(|(name, _)| !own.contains(name));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(Call::HeyGen { method, path, headers, body })
}

async fn write(stream: &mut TcpStream, response: &Response) {
    let content_type = response.header("content-type").unwrap_or_default();
    let (status, length) = (response.status, response.body.len());
    let head = format!("HTTP/1.1 {status} -\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), &response.body].concat()).await.unwrap();
}
