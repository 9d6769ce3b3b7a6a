//! The APIs of the platforms that have no simulator here: each path has an answer, and each call is noted.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Default)]
struct State {
    /// By path, below which stands the platform: `/tavus/v2/videos/v1`. A query is left out.
    answers: BTreeMap<String, (u16, String, String)>,
    calls: Vec<String>,
    /// How many calls there are at once, and the most there were.
    running: usize,
    most: usize,
}

/// On loopback, until the test's process ends.
pub struct Apis {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Apis {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || respond(connection, &state));
            }
        });
        Apis { address, state }
    }

    /// The base URL of a platform.
    pub fn url(&self, platform: &str) -> String {
        format!("http://{}/{platform}", self.address)
    }

    pub fn answers(&self, path: &str, status: u16, body: &str) {
        self.answers_with(path, status, "retry-after: 1\r\n", body);
    }

    /// With these lines of headers.
    pub fn answers_with(&self, path: &str, status: u16, headers: &str, body: &str) {
        let answer = (status, headers.to_owned(), body.to_owned());
        self.state.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    /// The paths that were asked for since the last call of this.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// The most calls that there were at once.
    pub fn most_at_once(&self) -> usize {
        self.state.lock().unwrap().most
    }
}

fn respond(mut connection: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut lines = BufReader::new(connection.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let is_keyed =
        lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).any(|line| line.contains("api-key-1"));
    let path = request.split(' ').nth(1)?.to_owned();
    let (status, headers, body) = {
        let mut state = state.lock().ok()?;
        state.calls.push(path.clone());
        state.running += 1;
        state.most = state.most.max(state.running);
        // That of one page, or else of the list.
        let answer = state.answers.get(&path).or_else(|| state.answers.get(path.split('?').next()?)).cloned();
        let (none, unknown) = (String::new(), r#"{"message": "unknown"}"#.to_owned());
        if is_keyed { answer.unwrap_or((404, none, unknown)) } else { (401, none, "{}".to_owned()) }
    };
    // Long enough for a second call at once to be seen.
    thread::sleep(std::time::Duration::from_millis(5));
    state.lock().ok()?.running -= 1;
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n"
    );
    connection.write_all(format!("{head}{body}").as_bytes()).ok()
}
