//! A minimal HTTP/1.1 server, one request per connection, so that a test sees the bytes as they were
//! sent, and a response can break at any point.

use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request as it was sent.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method and target: `GET /v3/videos/vid_1`.
    pub line: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_str(&self.body).unwrap()
    }
}

/// How the server responds to a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status, further header lines, body.
    Response(u16, String, Vec<u8>),
    /// Closes the connection without a response.
    Drop,
    /// The head of a response with this status and a part of its body, then closes the connection.
    Cut(u16),
    /// Never responds.
    Silent,
}

impl Reply {
    pub fn json(status: u16, body: Value) -> Self {
        Self::Response(status, "Content-Type: application/json\r\n".into(), body.to_string().into_bytes())
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        let Self::Response(status, headers, body) = self else { panic!("only a response has headers") };
        Self::Response(status, format!("{headers}{name}: {value}\r\n"), body)
    }
}

pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Responds to each request with what `respond` returns for it.
    pub async fn start(respond: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let respond = Arc::new(Mutex::new(respond));
        let requests = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (respond, requests) = (Arc::clone(&respond), Arc::clone(&requests));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    if let Some(request) = read(&mut stream).await {
                        requests.lock().unwrap().push(request.clone());
                        let reply = respond.lock().unwrap()(&request);
                        write(stream.into_inner(), reply).await;
                    }
                });
            }
        });
        Self { url, seen }
    }

    /// Responds with `replies` in turn, and with the last one from then on.
    pub async fn replying(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<_> = replies.into_iter().collect();
        Self::start(move |_| if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() }).await
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The only request.
    pub fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|request| request.line).collect()
    }
}

/// `None` if it is not a complete request.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let line = line.trim_end().strip_suffix(" HTTP/1.1")?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut request = Seen { line, headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

async fn write(mut stream: TcpStream, reply: Reply) {
    let (status, headers, length, body) = match reply {
        Reply::Response(status, headers, body) => (status, headers, body.len(), body),
        Reply::Cut(status) => (status, String::new(), 100, b"{\"data\":".to_vec()),
        Reply::Drop => return,
        Reply::Silent => std::future::pending().await,
    };
    let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    // The client may have closed the connection.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
}
