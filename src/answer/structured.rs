//! The shape of a model's answer, and reading it while it is being written.
//!
//! The model is asked for `{"answer": …, "used": […], "covered": …}`, by a schema where the server
//! knows them. [`so_far`] finds the answer's text in however much has arrived, each time from the
//! beginning; [`read`] takes the whole. Both also take what models make of it without a schema: fences
//! around it, thoughts or a sentence before it, line breaks in strings, or no JSON at all.

use serde_json::{Value, json};

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reading {
    pub answer: String,
    /// Ids as the model gives them, whether or not they exist.
    pub used: Vec<String>,
    /// None: it does not say.
    pub covered: Option<bool>,
}

/// The schema as OpenAI's `response_format` takes it.
pub(super) fn schema() -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema": {
        "type": "object",
        "properties": {
            "answer": {"type": "string"},
            "used": {"type": "array", "items": {"type": "string"}},
            "covered": {"type": "boolean"}
        },
        "required": ["answer", "used", "covered"],
        "additionalProperties": false
    }}})
}

/// The answer's text in a beginning of what the model writes; none while that cannot be told.
pub(super) fn so_far(content: &str) -> Option<String> {
    let body = bare(content)?;
    let text = match body.find('{') {
        None => body.to_owned(),
        Some(at) => match member(body.get(at..)?, "answer") {
            Some(raw) => decoded(raw),
            // A sentence before the object says nothing yet.
            None => return None,
        },
    };
    Some(text).filter(|t| !t.trim().is_empty())
}

/// A whole answer; its text is empty when there is none.
pub(super) fn read(content: &str) -> Reading {
    let Some(body) = bare(content) else { return Reading::default() };
    let Some(object) = body.find('{').and_then(|at| body.get(at..)) else {
        return Reading { answer: body.trim().to_owned(), ..Reading::default() };
    };
    let first = serde_json::Deserializer::from_str(object).into_iter::<Value>().next();
    if let Some(Ok(value)) = first
        && let Some(answer) = value.get("answer").and_then(Value::as_str)
    {
        let used = value.get("used").and_then(Value::as_array).into_iter().flatten();
        let used = used.filter_map(Value::as_str).map(str::to_owned).collect();
        let covered = value.get("covered").and_then(Value::as_bool);
        return Reading { answer: answer.trim().to_owned(), used, covered };
    }
    // Broken JSON with an answer in it, or text that only has a brace.
    let answer = match member(object, "answer") {
        Some(raw) => decoded(raw),
        None if object.trim_start_matches('{').trim_start().starts_with('"') => String::new(),
        None => body.to_owned(),
    };
    Reading { answer: answer.trim().to_owned(), ..Reading::default() }
}

/// Without the thoughts and fences that some models put around their answers; none while those
/// have only begun.
fn bare(content: &str) -> Option<&str> {
    let mut body = content.trim_start();
    if let Some(thought) = body.strip_prefix("<think>") {
        body = thought.split_once("</think>")?.1.trim_start();
    } else if body.len() < "<think>".len() && "<think>".starts_with(body) {
        return None;
    }
    let Some(fenced) = body.strip_prefix("```") else {
        return Some(body).filter(|b| !(b.len() < 3 && "```".starts_with(b)));
    };
    let (_, inner) = fenced.split_once('\n')?;
    Some(inner.split_once("\n```").map_or(inner, |(inner, _)| inner))
}

/// The string that an object has under a key, as it is written, up to its closing quote or as far as it
/// goes; none when the object's beginning does not reach it, or holds something else there.
fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let mut rest = object.strip_prefix('{')?.trim_start();
    loop {
        let (name, closed) = string(rest)?;
        if !closed {
            return None;
        }
        rest = rest.get(name.len() + 2..)?.trim_start().strip_prefix(':')?.trim_start();
        if name == key {
            return string(rest).map(|(raw, _)| raw);
        }
        rest = rest.get(value_end(rest)?..)?.trim_start().strip_prefix(',')?.trim_start();
    }
}

/// A string's inside, as it is written, and whether its closing quote has come.
fn string(text: &str) -> Option<(&str, bool)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some((inner.get(..at)?, true)),
            _ => {}
        }
    }
    Some((inner, false))
}

/// Where a value ends that is not wanted; none when it goes on.
fn value_end(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                let (inner, closed) = string(text.get(at..)?)?;
                if !closed {
                    return None;
                }
                at += inner.len() + 1;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth == 0 => return Some(at),
            b']' | b'}' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// A string's text. An escape that is not whole yet is left out; a surrogate without its other half
/// becomes a replacement character.
fn decoded(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let Some(taken) = escape(rest, &mut out) else { return out };
        rest = rest.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Decodes the escape that a text starts with and returns its length; none when more has to come.
fn escape(text: &str, out: &mut String) -> Option<usize> {
    let kind = text.chars().nth(1)?;
    let plain = match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' | 'f' => ' ',
        'u' => return unicode(text, out),
        other => other,
    };
    out.push(plain);
    Some(1 + kind.len_utf8())
}

fn unicode(text: &str, out: &mut String) -> Option<usize> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    if text.len() < 6 {
        return None;
    }
    let Some(first) = unit(2) else {
        out.push('\u{fffd}');
        return Some(2);
    };
    if !(0xd800..0xdc00).contains(&first) {
        out.push(char::from_u32(first).unwrap_or('\u{fffd}'));
        return Some(6);
    }
    let after = text.get(6..).unwrap_or_default();
    if after.len() < 6 && (r"\u".starts_with(after) || after.starts_with(r"\u")) {
        return None;
    }
    match unit(8).filter(|second| after.starts_with(r"\u") && (0xdc00..0xe000).contains(second)) {
        Some(second) => {
            let point = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            out.push(char::from_u32(point).unwrap_or('\u{fffd}'));
            Some(12)
        }
        None => {
            out.push('\u{fffd}');
            Some(6)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "Es wiegt \"2,5 kg\" – 👍🏽\n\\o/ {x}, [lamp]: \u{1}ü";

    /// The same object as different writers write it.
    fn writings() -> Vec<String> {
        let whole = json!({"answer": ANSWER, "used": ["lamp"], "covered": true}).to_string();
        let ascii: String = ANSWER
            .encode_utf16()
            .map(|u| match u {
                0x20..=0x7e if u != 0x22 && u != 0x5c => char::from(u as u8).to_string(),
                _ => format!("\\u{u:04X}"),
            })
            .collect();
        vec![
            whole.clone(),
            format!(r#"{{ "covered" : true , "used":["lamp"], "answer" : "{ascii}" }}"#),
            format!(
                r#"{{"notes":{{"answer":"no","a":[1,"]}}"]}},"used":["lamp"],"covered":true,"answer":"{ascii}"}}"#
            ),
            format!("```json\n{whole}\n```"),
            format!("<think>\n{{\"answer\": \"hm\"}}\n</think>\n\n{whole}"),
            format!("Here it is:\n{whole}\nAnything else?"),
        ]
    }

    #[test]
    fn the_answer_grows_at_every_split_point() {
        for written in writings() {
            let mut last = String::new();
            for end in (0..=written.len()).filter(|end| written.is_char_boundary(*end)) {
                match so_far(&written[..end]) {
                    Some(text) if written.starts_with("Here") && end < 14 => {
                        assert!(written.starts_with(&text), "{text}");
                    }
                    Some(text) => {
                        assert!(ANSWER.starts_with(&text), "{written}: {text:?}");
                        assert!(text.len() >= last.len(), "{written}: {last:?} then {text:?}");
                        last = text;
                    }
                    None => assert!(last.is_empty(), "{written}: {last:?} then nothing"),
                }
            }
            assert_eq!(last, ANSWER, "{written}");
            let reading = read(&written);
            assert_eq!(
                (reading.answer.as_str(), reading.covered),
                (ANSWER, Some(true)),
                "{written}"
            );
            assert_eq!(reading.used, ["lamp"], "{written}");
        }
    }

    #[test]
    fn what_is_no_json_is_the_answer_itself() {
        for plain in ["It weighs 2 kg [lamp].", "a {b} c", "`code` first"] {
            assert_eq!(read(plain), Reading { answer: plain.into(), ..Reading::default() });
        }
        assert_eq!(so_far("It wei").as_deref(), Some("It wei"));
        for early in ["", " ", "`", "``", "```", "```js", "<th", "<think>what", "{", "{\"ans"] {
            assert_eq!(so_far(early), None, "{early:?}");
        }
    }

    #[test]
    fn broken_json_keeps_its_answer() {
        for (broken, answer) in [
            ("{\"answer\": \"two\nlines\", \"used\": [", "two\nlines"),
            ("{\"answer\": \"cut sho", "cut sho"),
            ("{\"answer\": \"x \\ud83d y\"}", "x \u{fffd} y"),
            ("{\"answer\": \"\\ud83d\\u0041\"}", "\u{fffd}A"),
            ("{\"answer\": \"\\uZZZZ!\"}", "\u{fffd}ZZZZ!"),
            ("{\"answer\": 3}", ""),
            ("{\"response\": \"x\"}", ""),
            ("{}", "{}"),
        ] {
            assert_eq!(read(broken).answer, answer, "{broken}");
        }
    }

    #[test]
    fn nothing_that_arrives_is_too_odd_to_read() {
        let odd = "{\"answer\":\"\\u\\\\\",[{é\"`<think>";
        for end in (0..=odd.len()).filter(|end| odd.is_char_boundary(*end)) {
            for start in (0..=end).filter(|start| odd.is_char_boundary(*start)) {
                let _ = (so_far(&odd[start..end]), read(&odd[start..end]));
            }
        }
    }
}
