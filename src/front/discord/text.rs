//! Markup as Discord's markdown, in messages of at most a given length.
//!
//! Whatever is text stays text: everything Discord would interpret is escaped, and only a link
//! that the markup itself holds becomes one.

use unicode_segmentation::UnicodeSegmentation;

use crate::bot::{Block, Markup, Span, visible};

/// Most UTF-16 units in a message; Discord counts characters, which are never more.
pub const MESSAGE: usize = 2000;
/// Keeps a break from falling between two formatting marks that would run together.
const GAP: &str = "\u{200b}";
/// Longest address that is made a link.
const LINK: usize = 512;

/// The messages that show this, each complete in itself.
pub fn pages(markup: &Markup, limit: usize) -> Vec<String> {
    let mut out = Pages { limit, start: true, ..Pages::default() };
    let mut before: Option<&Block> = None;
    for block in &markup.0 {
        if let Some(before) = before {
            let items = matches!((before, block), (Block::Item(_), Block::Item(_)));
            out.raw(if items { "\n" } else { "\n\n" });
        }
        match block {
            Block::Paragraph(spans) => spans.iter().for_each(|s| out.span(s)),
            Block::Item(spans) => {
                out.raw("- ");
                spans.iter().for_each(|s| out.span(s));
            }
            Block::Code(spans) => {
                let text: String = spans.iter().map(|s| s.text.as_str()).collect();
                out.code(&text);
            }
        }
        before = Some(block);
    }
    out.turn();
    out.done
}

/// One line of plain text with everything escaped, cut to a length.
pub fn line(text: &str, limit: usize) -> String {
    let text = visible(text).replace('\n', " ");
    cut(text.trim(), limit)
}

/// Plain text with everything escaped, cut to a length.
pub fn block(text: &str, limit: usize) -> String {
    cut(visible(text).trim(), limit)
}

fn cut(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let (mut used, mut start) = (0, true);
    for word in words(text) {
        let word = escaped(word, &mut start);
        if used + width(&word) < limit {
            used += width(&word);
            out.push_str(&word);
            continue;
        }
        // What is left of the room, without splitting an escape from what it escapes.
        for piece in word.graphemes(true) {
            if used + width(piece) + 1 >= limit || piece == "\\" {
                break;
            }
            used += width(piece);
            out.push_str(piece);
        }
        out.push('…');
        break;
    }
    out
}

/// Text for a place where Discord interprets nothing, cut to a length.
pub fn label(text: &str, limit: usize) -> String {
    let text = visible(text).replace('\n', " ");
    let text = text.trim();
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut out = String::new();
    for piece in text.graphemes(true) {
        if width(&out) + width(piece) + 1 > limit {
            break;
        }
        out.push_str(piece);
    }
    out + "…"
}

fn width(text: &str) -> usize {
    text.encode_utf16().count()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(char::is_whitespace)
}

/// A word with Discord's marks escaped; `start` says whether it starts a line, and then whether
/// the next one does.
fn escaped(word: &str, start: &mut bool) -> String {
    let mut out = String::with_capacity(word.len() + 4);
    let bare = word.trim_end();
    let numbered = bare.strip_suffix(['.', ')']).filter(|n| !n.is_empty());
    let number = *start && numbered.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let mut head = *start;
    for (at, c) in word.char_indices() {
        let special = match c {
            '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '@' => true,
            '#' | '-' | '+' => head,
            '.' | ')' => number && at + 1 == bare.len(),
            // An address would become a link.
            ':' => word.get(at..).is_some_and(|rest| rest.starts_with("://")),
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
        head &= c.is_whitespace();
    }
    *start = word.ends_with('\n') || (*start && bare.is_empty());
    out
}

#[derive(Default)]
struct Pages {
    limit: usize,
    done: Vec<String>,
    now: String,
    used: usize,
    /// The next word starts a line.
    start: bool,
}

impl Pages {
    fn push(&mut self, text: &str) {
        self.used += width(text);
        self.now.push_str(text);
    }

    /// Marks between blocks; nothing at the top of a page.
    fn raw(&mut self, text: &str) {
        if self.used + width(text) > self.limit {
            self.turn();
        }
        if !(self.now.is_empty() && text.trim().is_empty()) {
            self.push(text);
        }
        self.start = true;
    }

    fn turn(&mut self) {
        let page = std::mem::take(&mut self.now);
        let page = page.trim_end();
        if !page.is_empty() {
            self.done.push(page.to_owned());
        }
        (self.used, self.start) = (0, true);
    }

    fn span(&mut self, span: &Span) {
        let text = span.text.as_str();
        let inner = text.trim();
        if inner.is_empty() {
            return self.words(text, "", "", false);
        }
        let link =
            span.link.as_deref().filter(|l| width(l) <= LINK && !l.contains(['<', '>', ' ']));
        let code = span.code && !inner.contains('`');
        let (mut open, mut close) = (String::new(), String::new());
        for (on, mark) in [(span.bold, "**"), (span.italic, "*"), (code, "`")] {
            if on {
                open.push_str(mark);
                close.insert_str(0, mark);
            }
        }
        if let Some(link) = link {
            open.insert(0, '[');
            // The angle brackets keep Discord from fetching a preview, and any bracket inside.
            close.push_str(&format!("](<{link}>)"));
        }
        // Discord does not take a mark beside a space for one.
        let lead = text.len() - text.trim_start().len();
        let trail = text.trim_end().len();
        self.words(text.get(..lead).unwrap_or_default(), "", "", false);
        self.words(inner, &open, &close, code);
        self.words(text.get(trail..).unwrap_or_default(), "", "", false);
    }

    /// Words inside marks, which are closed and opened again around a page's end.
    fn words(&mut self, text: &str, open: &str, close: &str, code: bool) {
        if text.is_empty() {
            return;
        }
        let mut opened = false;
        let room = self.limit.saturating_sub(width(open) + width(close) + 2).max(1);
        for word in words(text) {
            let whole = width(&escaped(word, &mut true)) <= room;
            let pieces = if whole { vec![word] } else { word.graphemes(true).collect() };
            for piece in pieces {
                let shown = |mut start: bool| {
                    let text = if code { piece.to_owned() } else { escaped(piece, &mut start) };
                    // A grapheme can be made arbitrarily long by marks upon marks.
                    (if width(&text) > room { "…".to_owned() } else { text }, start)
                };
                let (mut text, mut start) = shown(self.start);
                let marks = width(close) + if opened { 0 } else { width(open) + 1 };
                if self.used + width(&text) + marks > self.limit {
                    if opened {
                        let kept = self.now.trim_end().len();
                        self.now.truncate(kept);
                        self.push(close);
                        opened = false;
                    }
                    self.turn();
                    (text, start) = shown(true);
                }
                if !opened {
                    let same = open.chars().next().is_some_and(|c| self.now.ends_with(c));
                    if same {
                        self.push(GAP);
                    }
                    self.push(open);
                    opened = true;
                }
                self.push(&text);
                self.start = start;
            }
        }
        if opened {
            self.push(close);
        }
    }

    /// A block of code; on each page one of its own.
    fn code(&mut self, text: &str) {
        let text = text.replace("``", &format!("`{GAP}`"));
        // The marks, and room for a line.
        if self.used + 40 > self.limit {
            self.turn();
        }
        self.push("```\n");
        for line in text.split_inclusive('\n') {
            let fits = width(line) + 8 <= self.limit;
            let pieces: Vec<&str> = if fits { vec![line] } else { line.graphemes(true).collect() };
            for piece in pieces {
                let piece = if width(piece) + 8 > self.limit { "…" } else { piece };
                if self.used + width(piece) + 4 > self.limit {
                    self.push(if self.now.ends_with('\n') { "```" } else { "\n```" });
                    self.turn();
                    self.push("```\n");
                }
                self.push(piece);
            }
        }
        self.push(if self.now.ends_with('\n') { "```" } else { "\n```" });
        self.start = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(markup: &Markup) -> String {
        pages(markup, MESSAGE).join("⏎")
    }

    #[test]
    fn text_stays_text() {
        for (text, shown) in [
            ("**b** _i_ ~s~ ||x|| `c`", r"\*\*b\*\* \_i\_ \~s\~ \|\|x\|\| \`c\`"),
            ("# head\n- item\n> quote\n1. one", "\\# head\n\\- item\n\\> quote\n1\\. one"),
            ("LM-1 costs 3.50 (#4)", "LM-1 costs 3.50 (#4)"),
            ("@everyone <@1> <#2>", r"\@everyone \<\@1\> \<#2\>"),
            ("[x](https://e.com)", r"\[x\](https\://e.com)"),
            ("-# small", r"\-# small"),
        ] {
            assert_eq!(one(&Markup::plain(text)), shown, "{text:?}");
            assert_eq!(block(text, 500), shown, "{text:?}");
        }
    }

    #[test]
    fn markup_becomes_marks() {
        let markup = Markup::from_markdown(
            "It is **1 kg** and *red*, `A_1` [page](https://e.com/a_(b)).\n\n- a\n- b\n\n```\nx *y*\n```",
        );
        assert_eq!(
            one(&markup),
            "It is **1 kg** and *red*, `A_1` [page](<https://e.com/a_(b)>).\n\n- a\n- b\n\n```\nx *y*\n```"
        );
    }

    #[test]
    fn no_text_closes_a_block_of_code() {
        for ticks in 1..12 {
            let text = format!("a{}b", "`".repeat(ticks));
            let shown = one(&Markup(vec![Block::Code(vec![Span::plain(&text)])]));
            assert_eq!(shown.matches("```").count(), 2, "{shown}");
        }
    }

    #[test]
    fn no_page_is_too_long_or_breaks_a_mark() {
        let long = "word ".repeat(700);
        let markup = Markup(vec![
            Block::Paragraph(vec![Span::bold(&long)]),
            Block::Code(vec![Span::plain(&"line of code\n".repeat(400))]),
            Block::Item(vec![Span::code(&"x".repeat(5000))]),
            Block::Paragraph(vec![Span::plain(&"*".repeat(5000))]),
            Block::Paragraph(vec![Span {
                link: Some("https://example.com/".into()),
                ..Span::plain(&long)
            }]),
            Block::Paragraph(vec![Span::plain(&"👩‍👩‍👧".repeat(900))]),
        ]);
        for limit in [200, MESSAGE] {
            let pages = pages(&markup, limit);
            assert!(pages.len() > 5);
            for page in &pages {
                assert!(width(page) <= limit, "{}", width(page));
                assert_eq!(page.matches("```").count() % 2, 0, "{page}");
                let open = page.matches("](<https://example.com/>)").count();
                assert_eq!(page.matches('[').count(), open, "{page}");
            }
            let bold: Vec<&String> = pages.iter().filter(|p| p.contains("**word")).collect();
            assert!(bold.len() > 1 && bold.iter().all(|p| p.contains("word**")));
        }
    }

    #[test]
    fn cutting_leaves_no_half_escape() {
        for limit in 2..40 {
            for text in
                ["a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p", "one two three four five six seven eight"]
            {
                let cut = line(text, limit);
                assert!(width(&cut) <= limit, "{cut}");
                assert!(!cut.trim_end_matches('…').ends_with('\\'), "{cut}");
            }
        }
        assert_eq!(label("ab\ncd", 10), "ab cd");
        assert_eq!(label("abcdef", 4), "abc…");
    }
}
