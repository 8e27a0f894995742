//! The line to a fake server, which a test can cut: as a plug that is pulled, where connections break
//! and none can be made, or as a hole, into which everything vanishes without a word.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Longest that a test waits for an attempt.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    Cut,
    Hole,
}

/// How the line is, and how many connections were tried in vain since it was cut.
#[derive(Debug, Clone, Copy)]
struct Now {
    state: State,
    tried: usize,
}

#[derive(Clone)]
pub struct Line(Arc<watch::Sender<Now>>);

impl Line {
    /// A line to a free port of this machine.
    pub async fn new() -> (Self, Tap) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self(Arc::new(watch::channel(Now { state: State::Whole, tried: 0 }).0));
        (line.clone(), Tap { listener, line })
    }

    /// Breaks every connection, and refuses new ones.
    pub fn cut(&self) {
        self.set(State::Cut);
    }

    /// Lets nothing through any more. What is open stays open and dead, even when it is mended.
    pub fn swallow(&self) {
        self.set(State::Hole);
    }

    pub fn mend(&self) {
        self.set(State::Whole);
    }

    fn set(&self, state: State) {
        self.0.send_replace(Now { state, tried: 0 });
    }

    /// Waits until so many connections were tried in vain.
    pub async fn tried(&self, times: usize) {
        let mut now = self.0.subscribe();
        let waiting = now.wait_for(|now| now.tried >= times);
        tokio::time::timeout(PATIENCE, waiting).await.expect("attempts").unwrap();
    }
}

/// The server's end.
pub struct Tap {
    listener: TcpListener,
    line: Line,
}

impl Tap {
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}

impl Listener for Tap {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            let mut state = State::Whole;
            self.line.0.send_modify(|now| {
                state = now.state;
                now.tried += usize::from(state != State::Whole);
            });
            match state {
                State::Cut => drop(stream),
                _ => return (Wire::new(stream, &self.line, state == State::Hole), address),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub struct Wire {
    stream: TcpStream,
    /// Ends with what became of the line.
    change: Pin<Box<dyn Future<Output = State> + Send>>,
    fate: State,
}

impl Wire {
    fn new(stream: TcpStream, line: &Line, dead: bool) -> Self {
        let mut now = line.0.subscribe();
        let change = Box::pin(async move {
            match now.wait_for(|now| now.state != State::Whole).await {
                Ok(now) => now.state,
                Err(_) => State::Whole,
            }
        });
        Self { stream, change, fate: if dead { State::Hole } else { State::Whole } }
    }

    fn fate(&mut self, context: &mut Context<'_>) -> State {
        if self.fate == State::Whole
            && let Poll::Ready(fate) = self.change.as_mut().poll(context)
        {
            self.fate = fate;
        }
        self.fate
    }
}

fn broken<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(ErrorKind::ConnectionReset.into()))
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.fate(context) {
            State::Whole => Pin::new(&mut self.stream).poll_read(context, buffer),
            State::Cut => broken(),
            State::Hole => Poll::Pending,
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.fate(context) {
            State::Whole => Pin::new(&mut self.stream).poll_write(context, bytes),
            State::Cut => broken(),
            State::Hole => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.fate(context) {
            State::Whole => Pin::new(&mut self.stream).poll_flush(context),
            State::Cut => broken(),
            State::Hole => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.fate(context) {
            State::Hole => Poll::Pending,
            _ => Pin::new(&mut self.stream).poll_shutdown(context),
        }
    }
}
