//! A proxy that cuts one call: before it gets there, or after it was done and before the answer is back.

use simulator::http::{Http, Response};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::sync::Notify;

/// Where a call is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It never arrives.
    Before,
    /// It is done, and its answer is lost.
    After,
}

/// What becomes of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// It dies at this moment: no call of it arrives any more.
    Dies,
    /// It lives, and may try again.
    Lives,
}

/// One cut, over all proxies that share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Which call; the first is 1.
    pub at: usize,
    pub side: Side,
    pub caller: Caller,
}

/// The calls of one run, whomever they are for.
#[derive(Default)]
pub struct Calls {
    cut: Option<Cut>,
    count: AtomicUsize,
    happened: AtomicBool,
    pub died: Notify,
    /// Each with its method or operation, for messages.
    pub names: Mutex<Vec<String>>,
}

impl Calls {
    pub fn new(cut: Option<Cut>) -> Arc<Self> {
        Arc::new(Calls { cut, ..Calls::default() })
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Whether the cut call was made.
    pub fn happened(&self) -> bool {
        self.happened.load(Ordering::SeqCst)
    }

    /// A proxy to `upstream`, as long as this process lives; its URL.
    pub fn proxy(self: &Arc<Self>, upstream: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (calls, upstream) = (Arc::clone(self), upstream.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (calls, upstream) = (Arc::clone(&calls), upstream.clone());
                thread::spawn(move || calls.pass(stream, &upstream));
            }
        });
        url
    }

    /// One request per connection. What is not answered is hung up on.
    fn pass(&self, mut stream: TcpStream, upstream: &str) -> Option<()> {
        let request = Request::read(&stream)?;
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        self.names.lock().unwrap().push(request.name());
        let cut = self.cut.filter(|cut| number == cut.at || number > cut.at && cut.caller == Caller::Dies);
        self.happened.fetch_or(cut.is_some(), Ordering::SeqCst);
        let arrives = cut.is_none_or(|cut| cut.side == Side::After && number == cut.at);
        let answer = arrives.then(|| request.send(upstream));
        match cut {
            None => write(&mut stream, &answer??),
            Some(Cut { caller: Caller::Dies, .. }) => {
                self.died.notify_one();
                None
            }
            Some(_) => None,
        }
    }
}

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut words = lines.first()?.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let headers: Vec<_> = lines.iter().skip(1).filter_map(header).collect();
        let length =
            headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        Some(Request { method, path, headers, body })
    }

    fn name(&self) -> String {
        let operation = self.headers.iter().find(|(name, _)| name == "x-amz-target").map(|(_, value)| value.clone());
        operation.unwrap_or_else(|| format!("{} {}", self.method, self.path))
    }

    /// With the headers as they came: AWS's signature covers them, `Host` included.
    fn send(&self, upstream: &str) -> Option<Response> {
        let own = ["connection", "content-length", "transfer-encoding"];
        let headers: Vec<_> = self.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let http = Http::new(Duration::from_secs(30));
        http.send(&self.method, &format!("{upstream}{}", self.path), &headers, &self.body).ok()
    }
}

fn write(stream: &mut TcpStream, answer: &Response) -> Option<()> {
    let own = ["connection", "content-length", "transfer-encoding"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = answer.body.len();
    let head =
        format!("HTTP/1.1 {} -\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n", answer.status);
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&answer.body).ok()
}
