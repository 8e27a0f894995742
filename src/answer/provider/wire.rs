//! Chat completions as they go over the wire, read with as little as an answer needs: servers agree on
//! the names of fields and on little else.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::answer::prompt::{Message, Part, Prompt, Role};
use crate::answer::{Usage, structured};
use crate::config::Structured;

/// The parts of a request that some servers refuse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub structured: Structured,
    /// Whether the usage is asked for.
    pub usage: bool,
    pub temperature: Option<f32>,
    /// Whether length is limited by `max_completion_tokens`, else by `max_tokens`.
    pub completion: bool,
}

impl Shape {
    /// What to leave out after a server refused a request with these words; none when nothing is left
    /// that it could mean.
    pub fn without(self, words: &str) -> Option<Self> {
        let words = words.to_lowercase();
        let says = |list: &[&str]| list.iter().any(|w| words.contains(w));
        let mut next = self;
        if says(&["response_format", "json_schema", "json_object", "structured output", "grammar"])
        {
            next.structured = Structured::None;
        }
        if says(&["stream_options", "include_usage"]) {
            next.usage = false;
        }
        if says(&["temperature"]) {
            next.temperature = None;
        }
        if says(&["max_tokens", "max_completion_tokens"]) {
            next.completion = !self.completion;
        }
        if next == self {
            // It does not say what; then without anything that it need not know.
            next = Self { structured: Structured::None, usage: false, temperature: None, ..self };
        }
        (next != self).then_some(next)
    }
}

/// What goes with every request to one server.
pub(super) struct Limits<'a> {
    pub model: &'a str,
    pub max_tokens: u32,
    pub detail: &'a str,
}

/// A request's body.
pub(super) fn body(prompt: &Prompt, limits: &Limits<'_>, shape: Shape) -> Value {
    let messages: Vec<Value> = prompt.messages.iter().map(|m| message(m, limits.detail)).collect();
    let mut body = Map::new();
    body.insert("model".into(), json!(limits.model));
    body.insert("stream".into(), json!(true));
    if shape.usage {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    if let Some(temperature) = shape.temperature {
        // As it was written: 0.2, not what an f32 makes of it in an f64.
        let written = temperature.to_string().parse::<f64>().unwrap_or(f64::from(temperature));
        body.insert("temperature".into(), json!(written));
    }
    let limit = if shape.completion { "max_completion_tokens" } else { "max_tokens" };
    body.insert(limit.into(), json!(limits.max_tokens));
    let format = match shape.structured {
        _ if !prompt.structured => None,
        Structured::Auto | Structured::Schema => Some(structured::schema()),
        Structured::Object => Some(json!({"type": "json_object"})),
        Structured::None => None,
    };
    body.extend(format.map(|f| ("response_format".to_owned(), f)));
    body.insert("messages".into(), json!(messages));
    Value::Object(body)
}

fn message(message: &Message, detail: &str) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    if let [Part::Text(text)] = &message.parts[..] {
        return json!({"role": role, "content": text});
    }
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Picture(jpeg) => {
            let url = format!("data:image/jpeg;base64,{jpeg}");
            json!({"type": "image_url", "image_url": {"url": url, "detail": detail}})
        }
    });
    json!({"role": role, "content": parts.collect::<Vec<_>>()})
}

/// A whole completion, or one event of a streamed one.
#[derive(Deserialize)]
pub(super) struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<WireUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Said>,
    message: Option<Said>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<Content>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Value>),
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

impl Chunk {
    /// What it adds to the answer's text.
    pub fn text(&self) -> String {
        let choice = self.choices.iter().flatten().next();
        let said = choice.and_then(|c| c.delta.as_ref().or(c.message.as_ref()));
        match said.and_then(|s| s.content.as_ref()) {
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                parts.iter().filter_map(|p| p["text"].as_str()).collect()
            }
            None => String::new(),
        }
    }

    /// What the server says went wrong in the middle.
    pub fn error(&self) -> Option<String> {
        self.error.as_ref().filter(|e| !e.is_null()).map(|e| complaint(&e.to_string()).0)
    }

    /// Why the model would not answer.
    pub fn refusal(&self) -> Option<&str> {
        let choice = self.choices.iter().flatten().next()?;
        choice
            .delta
            .as_ref()
            .or(choice.message.as_ref())?
            .refusal
            .as_deref()
            .filter(|r| !r.is_empty())
    }

    pub fn finish(&self) -> Option<&str> {
        self.choices.iter().flatten().next()?.finish_reason.as_deref().filter(|f| !f.is_empty())
    }

    pub fn usage(&self) -> Option<Usage> {
        let WireUsage { prompt_tokens, completion_tokens, prompt_tokens_details } =
            self.usage.as_ref()?;
        Some(Usage {
            // No prompt is empty: a server that says so has not counted.
            input_tokens: (*prompt_tokens).filter(|tokens| *tokens > 0)?,
            cached_tokens: prompt_tokens_details
                .as_ref()
                .and_then(|d| d.cached_tokens)
                .unwrap_or(0),
            output_tokens: completion_tokens.unwrap_or(0),
        })
    }
}

/// What a server says is wrong, from a body that may be JSON, a page, or anything.
pub(super) fn complaint(body: &str) -> (String, Option<String>) {
    let value: Option<Value> = serde_json::from_str(body).ok();
    let error = value.as_ref().map(|v| v.get("error").unwrap_or(v));
    let field = |name| error.and_then(|e| e.get(name)).and_then(Value::as_str).map(str::to_owned);
    let said = field("message").or_else(|| error.and_then(Value::as_str).map(str::to_owned));
    let kind = field("code").or_else(|| field("type"));
    (said.unwrap_or_else(|| body.to_owned()), kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        structured: Structured::Auto,
        usage: true,
        temperature: Some(0.2),
        completion: false,
    };

    #[test]
    fn a_refusal_names_what_to_leave_out() {
        for (words, next) in [
            (
                "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
                Shape { completion: true, ..SHAPE },
            ),
            ("'temperature' does not support 0.2", Shape { temperature: None, ..SHAPE }),
            (
                "response_format.json_schema is unknown",
                Shape { structured: Structured::None, ..SHAPE },
            ),
            ("stream_options: extra fields not permitted", Shape { usage: false, ..SHAPE }),
            (
                "Bad Request",
                Shape { structured: Structured::None, usage: false, temperature: None, ..SHAPE },
            ),
        ] {
            assert_eq!(SHAPE.without(words), Some(next), "{words}");
        }
        let bare = SHAPE.without("Bad Request").unwrap();
        assert_eq!(bare.without("Bad Request"), None);
    }

    #[test]
    fn chunks_of_many_servers_are_read() {
        let read = |text: &str| serde_json::from_str::<Chunk>(text).unwrap();
        assert_eq!(read(r#"{"choices":[{"delta":{"content":"a"}}]}"#).text(), "a");
        assert_eq!(
            read(r#"{"choices":[{"message":{"content":[{"type":"text","text":"b"}]}}]}"#).text(),
            "b"
        );
        assert_eq!(read(r#"{"choices":[{"delta":{"content":null}}]}"#).text(), "");
        assert_eq!(read(r#"{"choices":null}"#).text(), "");
        let last = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,
            "prompt_tokens_details":{"cached_tokens":4}}}"#;
        let usage = Usage { input_tokens: 9, cached_tokens: 4, output_tokens: 3 };
        assert_eq!(read(last).usage(), Some(usage));
        assert_eq!(
            complaint(r#"{"error":{"message":"m","code":"c"}}"#),
            ("m".into(), Some("c".into()))
        );
        assert_eq!(complaint(r#"{"error":"m"}"#), ("m".into(), None));
        assert_eq!(complaint("<html>"), ("<html>".into(), None));
    }
}
