//! A fake HTTP server on a free port of this machine: it records every request, and a closure
//! decides each response, which may break off, stall, never end or never come.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

/// Where nobody listens: no server gets a port this low by chance.
pub const NOBODY: &str = "http://127.0.0.1:1";

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// What is sent back.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    ending: Ending,
}

#[derive(Debug, Clone, PartialEq)]
enum Ending {
    Whole,
    /// The connection closes in the middle of the body.
    Cut,
    /// Nothing is sent until the client hangs up.
    Never,
    /// The body is sent, and then nothing until the client hangs up.
    Stalled,
    /// The body is sent again and again until the client hangs up.
    Endless,
    /// The body is sent, and the connection closes as if that were all.
    Closed,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), ending: Ending::Whole }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string()).header("content-type", "application/json")
    }

    pub fn never() -> Self {
        Self { ending: Ending::Never, ..Self::new(200, "") }
    }

    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Promises the whole body and sends half of it.
    pub fn cut(self) -> Self {
        Self { ending: Ending::Cut, ..self }
    }

    /// Sends the body and then nothing more, without an end.
    pub fn stalled(self) -> Self {
        Self { ending: Ending::Stalled, ..self }
    }

    /// Sends the body over and over.
    pub fn endless(self) -> Self {
        Self { ending: Ending::Endless, ..self }
    }

    /// Sends the body without saying how long it is, and hangs up.
    pub fn closed(self) -> Self {
        Self { ending: Ending::Closed, ..self }
    }

    fn send(&self, mut to: &TcpStream, head_only: bool) -> std::io::Result<()> {
        if self.ending == Ending::Never {
            return to.read(&mut [0]).map(drop);
        }
        let mut head = format!("HTTP/1.1 {} Fake\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if matches!(self.ending, Ending::Whole | Ending::Cut) {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        to.write_all((head + "\r\n").as_bytes())?;
        match self.ending {
            _ if head_only => Ok(()),
            Ending::Cut => to.write_all(&self.body[..self.body.len() / 2]),
            Ending::Stalled => {
                to.write_all(&self.body)?;
                to.read(&mut [0]).map(drop)
            }
            Ending::Endless => loop {
                to.write_all(&self.body)?;
            },
            _ => to.write_all(&self.body),
        }
    }
}

/// A running server; dropping it closes the port.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    closing: Arc<AtomicBool>,
    /// Connections in work, and who waits for their end.
    open: Arc<(Mutex<usize>, Condvar)>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// `respond` gets the request and how many came before it.
    pub fn new(respond: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let (requests, closing) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (log, stop) = (Arc::clone(&requests), Arc::clone(&closing));
        let respond = Arc::new(respond);
        let open: Arc<(Mutex<usize>, Condvar)> = Arc::default();
        let counted = Arc::clone(&open);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (log, respond) = (Arc::clone(&log), Arc::clone(&respond));
                let open = Arc::clone(&counted);
                *open.0.lock().expect("no handler panicked") += 1;
                std::thread::spawn(move || {
                    serve(&stream, &log, &*respond);
                    *open.0.lock().expect("no handler panicked") -= 1;
                    open.1.notify_all();
                });
            }
        });
        Self { address, requests, closing, open, accepting: Some(accepting) }
    }

    /// Whether every client is gone or goes within this time.
    pub fn is_left(&self, within: Duration) -> bool {
        let open = self.open.0.lock().expect("no handler panicked");
        let waited = self.open.1.wait_timeout_while(open, within, |open| *open > 0);
        !waited.expect("no handler panicked").1.timed_out()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no handler panicked").clone()
    }

    /// The requests so far as `GET /path`.
    pub fn lines(&self) -> Vec<String> {
        self.requests().iter().map(|r| format!("{} {}", r.method, r.path)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then lets go of the port.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(thread) = self.accepting.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

fn serve(
    stream: &TcpStream,
    log: &Mutex<Vec<Request>>,
    respond: &dyn Fn(&Request, usize) -> Reply,
) {
    // A client that went away in the middle is what some tests are about.
    let Ok(Some(request)) = read(stream) else { return };
    let before = {
        let mut log = log.lock().expect("no handler panicked");
        log.push(request.clone());
        log.len() - 1
    };
    let _ = respond(&request, before).send(stream, request.method == "HEAD");
}

fn read(stream: &TcpStream) -> std::io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, path, headers, body }))
}

/// Keeps a command from asking a proxy for this machine.
pub fn unproxied(mut command: Command) -> Command {
    command.env("NO_PROXY", "127.0.0.1");
    command
}
