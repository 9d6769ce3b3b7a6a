//! A stub for Lambda around a function's real binary: its runtime API and, at the same address, AWS.

use super::{Aws, Reply};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a binary may take to start and to respond.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What a binary did with one invocation.
#[derive(Debug)]
pub struct Invoked {
    /// What it posted to the runtime API, `Err` if as a function error.
    pub result: Result<Value, Value>,
    /// What it wrote to standard output.
    pub lines: Vec<Value>,
    /// The most memory that it had at one time, in bytes. Only Linux says so.
    pub peak_memory: Option<u64>,
}

/// Starts a function's binary with only these variables, gives it one event, and stops it after its response.
///
/// # Errors
///
/// It did not start, or did not respond in time, or wrote a line that is not JSON.
pub fn invoke(
    binary: &str,
    variables: &[(&str, &str)],
    event: &Value,
    aws: impl Fn(&str, Value) -> Reply + Send + Sync + 'static,
) -> io::Result<Invoked> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (responses, received) = mpsc::channel();
    serve(listener, event.to_string(), responses, Arc::new(aws));
    let mut function = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "function")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .spawn()?;
    // Read while it runs: a pipe that is full would stop it.
    let mut stdout = function.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
    let written = std::thread::spawn(move || {
        let mut written = Vec::new();
        stdout.read_to_end(&mut written).map(|_| written)
    });
    let result = received.recv_timeout(TIMEOUT).map_err(io::Error::other);
    let peak_memory = peak_memory(function.id());
    function.kill()?;
    function.wait()?;
    let output = written.join().map_err(|_| io::Error::other("reading the output panicked"))??;
    let lines = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice(line).map_err(io::Error::other)).collect::<io::Result<_>>()?;
    Ok(Invoked { result: result?, lines, peak_memory })
}

fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
    Some(kibibytes.parse::<u64>().ok()? * 1024)
}

/// Serves each connection in a thread of its own, until the test's process ends.
fn serve(listener: TcpListener, event: String, responses: Sender<Result<Value, Value>>, aws: Arc<Aws>) {
    let (events, queued) = mpsc::channel();
    let queued = Arc::new(std::sync::Mutex::new(queued));
    // The sender lives as long as the server, so that the second request for an event waits, as it does at Lambda.
    let first = events.send(event);
    std::thread::spawn(move || {
        let _events = (events, first);
        for connection in listener.incoming().flatten() {
            let (queued, responses, aws) = (Arc::clone(&queued), responses.clone(), Arc::clone(&aws));
            std::thread::spawn(move || {
                let next = || queued.lock().ok().and_then(|queued| queued.recv().ok());
                let mut reader = BufReader::new(connection);
                while let Some(request) = Request::read(&mut reader) {
                    if respond(reader.get_mut(), &request, &next, &responses, &*aws).is_none() {
                        break;
                    }
                }
            });
        }
    });
}

fn respond(
    connection: &mut TcpStream,
    request: &Request,
    next: &dyn Fn() -> Option<String>,
    responses: &Sender<Result<Value, Value>>,
    aws: &Aws,
) -> Option<()> {
    let body = serde_json::from_slice(&request.body).unwrap_or_default();
    if let Some(operation) = request.header("x-amz-target") {
        let operation = operation.rsplit('.').next().unwrap_or_default();
        let (status, headers, body) = match aws(operation, body) {
            Reply::Ok(body) => (200, "", body),
            Reply::Error(status, body) => (status, "", body),
            Reply::FunctionError(body) => (200, "x-amz-function-error: Unhandled\r\n", body),
            Reply::Broken | Reply::Silent => return None,
        };
        return write(connection, status, headers, &body.to_string());
    }
    if request.path.ends_with("/invocation/next") {
        let until = SystemTime::now().duration_since(UNIX_EPOCH).ok()? + Duration::from_secs(30);
        let headers = format!(
            "lambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: {}\r\nlambda-runtime-invoked-function-arn: arn\r\n",
            until.as_millis()
        );
        return write(connection, 200, &headers, &next()?);
    }
    responses.send(if request.path.ends_with("/response") { Ok(body) } else { Err(body) }).ok()?;
    write(connection, 202, "", &json!({}).to_string())
}

fn write(connection: &mut TcpStream, status: u16, headers: &str, body: &str) -> Option<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} status\r\n{headers}content-type: application/json\r\ncontent-length: {length}");
    connection.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).ok()
}

struct Request {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(reader: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
            Some(line.trim_end().to_owned())
        };
        let path = line()?.split(' ').nth(1)?.to_owned();
        let mut headers = Vec::new();
        while let Some((name, value)) = line()?.split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Request { path, headers, body: Vec::new() };
        if request.header("transfer-encoding").is_some() {
            loop {
                let mut size = String::new();
                reader.read_line(&mut size).ok()?;
                let size = usize::from_str_radix(size.trim(), 16).ok()?;
                // Each chunk ends with a line break.
                let mut chunk = vec![0; size + 2];
                reader.read_exact(&mut chunk).ok()?;
                if size == 0 {
                    break;
                }
                request.body.extend(&chunk[..size]);
            }
        } else {
            let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            request.body.resize(length, 0);
            reader.read_exact(&mut request.body).ok()?;
        }
        Some(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
