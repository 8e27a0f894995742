//! A vision model whose words come when a test says them.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use magpie::config::Settings;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc, watch};

/// A vision model whose words come when the test says so; none ends an answer.
pub struct Model {
    pub url: String,
    says: mpsc::UnboundedSender<Option<String>>,
    pub asked: Arc<watch::Sender<usize>>,
}

#[derive(Clone)]
struct Words {
    words: Arc<Mutex<mpsc::UnboundedReceiver<Option<String>>>>,
    asked: Arc<watch::Sender<usize>>,
}

impl Model {
    pub async fn new() -> Self {
        let (says, words) = mpsc::unbounded_channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(watch::channel(0).0);
        let words = Words { words: Arc::new(Mutex::new(words)), asked: Arc::clone(&asked) };
        let app = Router::new()
            .route("/v1/chat/completions", post(complete))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(words);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, says, asked }
    }

    pub fn say(&self, words: &str) {
        self.says.send(Some(words.to_owned())).unwrap();
    }

    /// Waits until it was asked so often.
    pub async fn asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        let waiting = asked.wait_for(|n| *n >= times);
        tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
    }

    pub fn end(&self) {
        self.says.send(None).unwrap();
    }
}

async fn complete(State(words): State<Words>) -> impl IntoResponse {
    let event = |delta: Value| {
        let choices =
            json!([{"index": 0, "delta": delta, "finish_reason": null, "logprobs": null}]);
        let chunk = json!({"id": "c-1", "object": "chat.completion.chunk", "created": 1,
            "model": "m", "choices": choices});
        format!("data: {chunk}\n\n")
    };
    words.asked.send_modify(|n| *n += 1);
    let newer = words.asked.subscribe();
    let stream = futures_util::stream::unfold(Some(newer), move |state| {
        let words = Arc::clone(&words.words);
        async move {
            let mut newer = state?;
            // Whoever asked before has gone.
            let word = tokio::select! {
                biased;
                _ = newer.changed() => None,
                word = async { words.lock().await.recv().await } => word.flatten(),
            };
            Some(match word {
                Some(word) => {
                    (Ok::<_, std::io::Error>(event(json!({ "content": word }))), Some(newer))
                }
                None => (Ok("data: [DONE]\n\n".to_owned()), None),
            })
        }
    });
    ([("content-type", "text/event-stream")], Body::from_stream(stream))
}

pub fn with_model(settings: &mut Settings, model: &Model) {
    settings.answer.base_url = model.url.clone();
    settings.answer.api_key = "sk-sesame4711".to_owned().into();
}
