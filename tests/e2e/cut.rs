//! A proxy that cuts one call: before it arrives, or before its response is back.

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
    /// It is done, and its response is lost.
    After,
}

/// What happens to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// It is killed: none of its later calls arrives.
    Dies,
    /// It continues, and may retry.
    Lives,
}

/// One cut, shared by all proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The number of the call, from 1.
    pub at: usize,
    pub side: Side,
    pub caller: Caller,
}

/// The calls of one run, to HeyGen and to AWS.
#[derive(Default)]
pub struct Calls {
    cut: Option<Cut>,
    count: AtomicUsize,
    happened: AtomicBool,
    pub died: Notify,
    /// Method and path, or AWS operation; for messages.
    pub names: Mutex<Vec<String>>,
}

impl Calls {
    pub fn new(cut: Option<Cut>) -> Arc<Self> {
        Arc::new(Calls { cut, ..Calls::default() })
    }

    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    pub fn happened(&self) -> bool {
        self.happened.load(Ordering::SeqCst)
    }

    /// Starts a proxy to `upstream` that lasts as long as this process; returns its URL.
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

    /// Handles the one request of a connection. Without a response, the connection is closed.
    fn pass(&self, mut stream: TcpStream, upstream: &str) -> Option<()> {
        let request = Request::read(&stream)?;
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        self.names.lock().unwrap().push(request.name());
        let cut = self.cut.filter(|cut| number == cut.at || number > cut.at && cut.caller == Caller::Dies);
        self.happened.fetch_or(cut.is_some(), Ordering::SeqCst);
        let arrives = cut.is_none_or(|cut| cut.side == Side::After && number == cut.at);
        let response = arrives.then(|| request.send(upstream));
        match cut {
            None => write(&mut stream, &response??),
            Some(Cut { caller: Caller::Dies, .. }) => {
                self.died.notify_one();
                None
            }
            Some(_) => None,
        }
    }
}

pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn read(stream: &TcpStream) -> Option<Self> {
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

    /// With unchanged headers: AWS's signature covers them, `Host` included.
    pub fn send(&self, upstream: &str) -> Option<Response> {
        let own = ["connection", "content-length", "transfer-encoding"];
        let headers: Vec<_> = self.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let http = Http::new(Duration::from_secs(30));
        http.send(&self.method, &format!("{upstream}{}", self.path), &headers, &self.body).ok()
    }
}

/// Starts a server that lasts as long as this process; returns its URL. A request without a response waits for one until
/// its sender gives up.
pub fn serve(respond: impl Fn(&Request) -> Option<Response> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut withheld = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let Some(request) = Request::read(&stream) else { continue };
            match respond(&request) {
                Some(response) => drop(write(&mut stream, &response)),
                None => withheld.push(stream),
            }
        }
    });
    url
}

fn write(stream: &mut TcpStream, response: &Response) -> Option<()> {
    let own = ["connection", "content-length", "transfer-encoding"];
    let headers = response.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = response.body.len();
    let head =
        format!("HTTP/1.1 {} -\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n", response.status);
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&response.body).ok()
}
