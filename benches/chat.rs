//! How long people wait for the web chat: 1, 8 and 64 of them at once, each asking the next
//! question as soon as the last is answered, against the real binary on a catalogue of its own.
//!
//!     cargo bench --bench chat -- [--seconds 60] [--catalogue DIR --photos DIR] [--model]
//!
//! Without a catalogue the sample one serves, with its customers' photos. The questions go out as
//! a browser sends them, and the answers come back as server-sent events. With `--model` a vision
//! model's server on this machine, which answers at once, writes them, and what is printed besides is
//! how long the first word of such an answer took, without CLIP's time: what the bot itself adds. It is
//! told apart from extracts by being heard while it grows. Where look-alikes are asked about, or nothing
//! matches well, what the bot says in place of an answer is the end of the question: how often is printed
//! as `asked back`. All share the machine.

mod shared;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use shared::{Bot, QUESTIONS, at};

const PEOPLE: [usize; 3] = [1, 8, 64];
const BOUNDARY: &str = "magpie-chat-bench";

/// One answered question, in milliseconds.
struct Asked {
    matches: f64,
    done: f64,
    own: f64,
    clip: f64,
    /// Whether the bot asked which look-alike is meant, or for another photo.
    back: bool,
    /// To the first word of a model's answer, without CLIP's time.
    first: Option<f64>,
}

fn main() {
    let (seconds, photos) = (shared::seconds(), shared::photos());
    println!("{} photos, {} kB on average", photos.len(), kilobytes(&photos));

    let data = tempfile::tempdir().expect("a temporary directory");
    let model = std::env::args().any(|a| a == "--model").then(model);
    let answer = |url: &String| format!("[answer]\nbase_url = {url:?}\napi_key = \"none\"\n");
    let config = model.as_ref().map(answer).unwrap_or_default();
    let server = Bot::start(data.path(), &shared::catalogue(), &config);
    ask(&server.address, &photos[0], QUESTIONS[0], "warm").expect("an answer or a question");
    println!(
        "people  answers  asked back  errors  /s     matches p50   p99    last word p50   p99    own p50   p99   clip p50   memory MB"
    );
    for people in PEOPLE {
        let before = server.memory();
        let (asked, errors, took) = load(&server.address, &photos, people, seconds);
        let column = |f: fn(&Asked) -> f64| {
            let mut all: Vec<f64> = asked.iter().map(f).collect();
            all.sort_by(f64::total_cmp);
            move |part: f64| at(&all, part)
        };
        let (matches, done) = (column(|a| a.matches), column(|a| a.done));
        let (own, clip) = (column(|a| a.own), column(|a| a.clip));
        println!(
            "{people:6}  {:7}  {:10}  {errors:6}  {:5.1}  {:11.1}  {:6.1}  {:13.1}  {:6.1}  {:8.2}  {:5.2}  {:8.1}   {before:.0} -> {:.0}",
            asked.len(),
            asked.iter().filter(|a| a.back).count(),
            asked.len() as f64 / took,
            matches(0.5),
            matches(0.99),
            done(0.5),
            done(0.99),
            own(0.5),
            own(0.99),
            clip(0.5),
            server.memory(),
        );
        let mut first: Vec<f64> = asked.iter().filter_map(|a| a.first).collect();
        first.sort_by(f64::total_cmp);
        let at = |p: f64| first.get((first.len() as f64 * p) as usize).copied().unwrap_or(0.0);
        if model.is_some() {
            println!(
                "        first word beside CLIP, {} answers: p50 {:.1}  p90 {:.1}  p99 {:.1} ms",
                first.len(),
                at(0.5),
                at(0.9),
                at(0.99)
            );
        }
    }
    server.stop();
}

/// A server of a vision model that answers every request at once, and its address.
fn model() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound port");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer_all(&stream));
        }
    });
    format!("http://{address}/v1")
}

fn answer_all(stream: &TcpStream) {
    let piece = |text: &str| {
        let text = serde_json::json!({"choices": [{"delta": {"content": text}}]});
        format!("data: {text}\n\n")
    };
    let pieces =
        ["{\"answer\": \"The catalogue ", "says so.\", \"used\": [], ", "\"covered\": true}"];
    let body = pieces.map(piece).concat() + "data: [DONE]\n\n";
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut request = vec![0; length];
        let read = reader.read_exact(&mut request);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut to = stream;
        if read.and_then(|()| to.write_all((head + &body).as_bytes())).is_err() {
            return;
        }
    }
}

fn kilobytes(photos: &[Vec<u8>]) -> usize {
    photos.iter().map(Vec::len).sum::<usize>() / photos.len().max(1) / 1000
}

fn load(
    address: &str,
    photos: &[Vec<u8>],
    people: usize,
    seconds: u64,
) -> (Vec<Asked>, usize, f64) {
    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let photos = Arc::new(photos.to_vec());
    let threads: Vec<_> = (0..people)
        .map(|person| {
            let (photos, address) = (Arc::clone(&photos), address.to_owned());
            std::thread::spawn(move || {
                let (mut asked, mut errors, mut turn) = (Vec::new(), 0, person * 7);
                while Instant::now() < end {
                    let photo = &photos[turn % photos.len()];
                    let question = QUESTIONS[turn % QUESTIONS.len()];
                    match ask(&address, photo, question, &format!("p{people}-{person}")) {
                        Ok(one) => asked.push(one),
                        Err(e) => {
                            eprintln!("{e}");
                            errors += 1;
                        }
                    }
                    turn += 1;
                }
                (asked, errors)
            })
        })
        .collect();
    let mut all = (Vec::new(), 0);
    for thread in threads {
        let (asked, errors) = thread.join().expect("a client that does not panic");
        all.0.extend(asked);
        all.1 += errors;
    }
    (all.0, all.1, started.elapsed().as_secs_f64())
}

/// Asks one question and reads its events to the end.
fn ask(address: &str, photo: &[u8], question: &str, conversation: &str) -> Result<Asked, String> {
    let mut body = Vec::new();
    for (name, value) in [("question", question), ("conversation", conversation)] {
        body.extend(
            format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .bytes(),
        );
    }
    body.extend(format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"p.jpg\"\r\ncontent-type: image/jpeg\r\n\r\n").bytes());
    body.extend(photo);
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
    let head = format!(
        "POST /api/ask HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\nconnection: close\r\n\
         cookie: magpie_user={:032x}\r\ncontent-type: multipart/form-data; boundary={BOUNDARY}\r\n\
         content-length: {}\r\n\r\n",
        user_id(conversation),
        body.len(),
    );
    let failed = |e: std::io::Error| e.to_string();
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).map_err(failed)?;
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).map_err(failed)?;
    let (mut text, mut buffer) = (String::new(), [0; 16384]);
    let (mut matches, mut first) = (None, None);
    loop {
        let n = stream.read(&mut buffer).map_err(failed)?;
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        let now = started.elapsed().as_secs_f64() * 1e3;
        if matches.is_none() && text.contains("event: matches") {
            matches = Some(now);
        }
        if first.is_none() && text.contains("event: growing") {
            first = Some(now);
        }
        if let Some(at) = text.find("event: done").filter(|_| n == 0 || text.contains("total\":")) {
            let (heard, data) = (|event: &str| text.contains(event), &text[at..]);
            let back = !heard("event: answer") && heard("event: text");
            let said = heard("event: answer") || back;
            let json = data.split_once("data: ").map(|(_, d)| d.lines().next().unwrap_or_default());
            let done: Value =
                serde_json::from_str(json.unwrap_or_default()).map_err(|e| e.to_string())?;
            let time = |name: &str| done["timings"][name].as_f64().unwrap_or(0.0);
            return match matches {
                Some(matches) if said && !heard("event: problem") => {
                    let clip = time("clip");
                    let first = first.map(|first| first - clip);
                    Ok(Asked { matches, done: now, own: time("own"), clip, back, first })
                }
                _ => Err(text.chars().take(300).collect()),
            };
        }
        if n == 0 {
            return Err(format!("cut short: {}", text.chars().take(300).collect::<String>()));
        }
    }
}

/// A user id for each conversation.
fn user_id(name: &str) -> u128 {
    name.bytes().fold(0x6d61_6770_6965, |id, b| id.wrapping_mul(0x0100_0000_01b3) ^ u128::from(b))
}
