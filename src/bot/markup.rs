//! The small markup that every platform can show.
//!
//! Catalogue text and users' words become [`Markup::plain`], where nothing is interpreted. A
//! model's answer becomes [`Markup::from_markdown`], which keeps emphasis, code, lists and http
//! links and turns everything else, HTML above all, into plain text.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde::Serialize;
use utoipa::ToSchema;

/// Text as a list of blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Markup(pub Vec<Block>);

/// A paragraph, a list item or a block of code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase", tag = "kind", content = "spans")]
pub enum Block {
    Paragraph(Vec<Span>),
    Item(Vec<Span>),
    Code(Vec<Span>),
}

/// A run of text in one style.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Span {
    pub text: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bold: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub italic: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub code: bool,
    /// Where it leads; http or https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Block {
    pub fn spans(&self) -> &[Span] {
        match self {
            Self::Paragraph(spans) | Self::Item(spans) | Self::Code(spans) => spans,
        }
    }
}

impl Markup {
    /// Text in which nothing is interpreted; blank lines part paragraphs.
    pub fn plain(text: &str) -> Self {
        let text = visible(text);
        let blocks = text.split("\n\n").map(|p| p.trim_matches('\n')).filter(|p| !p.is_empty());
        Self(blocks.map(|p| Block::Paragraph(vec![Span::plain(p)])).collect())
    }

    /// A model's Markdown (CommonMark): emphasis, code, lists and http links are kept; headings
    /// become bold paragraphs; images, HTML and other links become their text.
    pub fn from_markdown(text: &str) -> Self {
        let text = visible(text);
        let mut reader = Reader::default();
        for event in Parser::new_ext(&text, Options::empty()) {
            reader.take(event);
        }
        reader.close();
        Self(reader.blocks)
    }

    /// Keeps the links to these addresses; of any other only the text stays. Addresses that are
    /// written out stay where they lead to the same hosts, and become an ellipsis elsewhere.
    pub fn linking_only(mut self, allowed: &[String]) -> Self {
        let hosts: Vec<String> = allowed.iter().filter_map(|link| host(link)).collect();
        for block in &mut self.0 {
            let (Block::Paragraph(spans) | Block::Item(spans) | Block::Code(spans)) = block;
            for span in spans {
                span.link = span.link.take().filter(|link| allowed.contains(link));
                if let Some(text) = without_addresses(&span.text, &hosts) {
                    span.text = text;
                }
            }
        }
        self
    }

    /// The text alone, a block a line.
    pub fn text(&self) -> String {
        let line = |b: &Block| {
            let text: String = b.spans().iter().map(|s| s.text.as_str()).collect();
            if matches!(b, Block::Item(_)) { format!("- {text}") } else { text }
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Span {
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    pub fn bold(text: &str) -> Self {
        Self { bold: true, ..Self::plain(text) }
    }

    pub fn code(text: &str) -> Self {
        Self { code: true, ..Self::plain(text) }
    }
}

/// Drops what a reader cannot see but a renderer obeys: control characters, and the marks that
/// reverse or hide text (Unicode TR 9 overrides and isolates, zero-width characters but the joiners
/// that scripts and emoji need).
pub fn visible(text: &str) -> String {
    let hidden = |c: char| {
        matches!(c,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().filter(|&c| !(hidden(c) || c.is_control() && c != '\n')).collect()
}

/// A link as it may be shown: http or https, with a host and without a password.
pub fn web_link(target: &str) -> Option<String> {
    let url = reqwest::Url::parse(target.trim()).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && plain).then(|| url.to_string())
}

fn host(link: &str) -> Option<String> {
    reqwest::Url::parse(link).ok()?.host_str().map(str::to_owned)
}

/// A text in which addresses of other hosts are ellipses; none when it has no addresses.
fn without_addresses(text: &str, hosts: &[String]) -> Option<String> {
    let address = |word: &str| {
        let lower = word.to_lowercase();
        lower.find("://").or_else(|| lower.find("www.")).is_some()
    };
    if !address(text) {
        return None;
    }
    let word = |word: &str| {
        let kept = word.trim_end_matches(char::is_whitespace);
        let bare = kept.trim_matches(|c: char| "()[]<>\"'“”„.,;:!?*_".contains(c));
        let full = if bare.contains("://") { bare.to_owned() } else { format!("https://{bare}") };
        let known =
            web_link(&full).and_then(|link| host(&link)).is_some_and(|h| hosts.contains(&h));
        if !address(word) || known { word.to_owned() } else { word.replace(kept, "…") }
    };
    Some(text.split_inclusive(char::is_whitespace).map(word).collect())
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    spans: Vec<Span>,
    bold: usize,
    italic: usize,
    links: Vec<Option<String>>,
    items: usize,
    code: bool,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.push(&text, false);
            }
            Event::Code(text) => self.push(&text, true),
            Event::SoftBreak => self.push(" ", false),
            Event::HardBreak => self.push("\n", false),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Link { dest_url, .. } => self.links.push(web_link(&dest_url)),
            Tag::Heading { .. } => {
                self.close();
                self.bold += 1;
            }
            Tag::Item => {
                self.close();
                self.items += 1;
            }
            Tag::CodeBlock(_) => {
                self.close();
                self.code = true;
            }
            Tag::Paragraph | Tag::HtmlBlock => self.close(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Link => drop(self.links.pop()),
            TagEnd::Heading(_) => {
                self.close();
                self.bold = self.bold.saturating_sub(1);
            }
            TagEnd::Item => {
                self.close();
                self.items = self.items.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                self.close();
                self.code = false;
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.close(),
            _ => {}
        }
    }

    fn push(&mut self, text: &str, code: bool) {
        let span = Span {
            text: text.to_owned(),
            bold: self.bold > 0,
            italic: self.italic > 0,
            code,
            link: self.links.last().cloned().flatten(),
        };
        match self.spans.last_mut() {
            Some(last)
                if Span { text: String::new(), ..last.clone() }
                    == Span { text: String::new(), ..span.clone() } =>
            {
                last.text.push_str(&span.text);
            }
            _ => self.spans.push(span),
        }
    }

    fn close(&mut self) {
        if let Some(last) = self.spans.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        let spans: Vec<Span> =
            std::mem::take(&mut self.spans).into_iter().filter(|s| !s.text.is_empty()).collect();
        if spans.is_empty() {
            return;
        }
        self.blocks.push(match (self.code, self.items) {
            (true, _) => Block::Code(spans),
            (_, 0) => Block::Paragraph(spans),
            _ => Block::Item(spans),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_markdown() {
        let markup = Markup::from_markdown(
            "It weighs **1.1 kg** ([kettle](https://example.com/k)).\n\n- `A-1`\n- two\n\n# Head\n\n```\nx\n```",
        );
        let spans: Vec<&Span> = markup.0.iter().flat_map(|b| b.spans()).collect();
        assert!(spans.iter().any(|s| s.bold && s.text == "1.1 kg"));
        assert!(spans.iter().any(|s| s.link.as_deref() == Some("https://example.com/k")));
        assert!(markup.0.contains(&Block::Item(vec![Span::code("A-1")])));
        assert!(markup.0.contains(&Block::Paragraph(vec![Span::bold("Head")])));
        assert!(matches!(markup.0.last(), Some(Block::Code(_))));
    }

    #[test]
    fn html_and_odd_links_are_text() {
        for hostile in [
            "<img src=x onerror=alert(1)>",
            "a <script>alert(1)</script> b",
            "[click](javascript:alert(1))",
            "[click](https://user:pw@example.com/)",
            "![pic](https://example.com/x.png)",
        ] {
            let markup = Markup::from_markdown(hostile);
            assert!(markup.0.iter().flat_map(|b| b.spans()).all(|s| s.link.is_none()), "{hostile}");
            assert!(!markup.is_empty(), "{hostile}");
        }
        assert!(Markup::from_markdown("<b>x</b>").text().contains("<b>"));
    }

    #[test]
    fn addresses_written_out_lead_to_known_hosts_only() {
        let allowed = ["https://shop.example/kettle".to_owned()];
        for (text, shown) in [
            ("See https://shop.example/other, please.", "See https://shop.example/other, please."),
            ("See https://evil.example/x now", "See … now"),
            ("See (HTTP://EVIL.EXAMPLE) now", "See … now"),
            ("tg://resolve?domain=x www.evil.example", "… …"),
            ("https://shop.example@evil.example/", "…"),
            ("https://shop.example.evil.example/", "…"),
            ("www.shop.example is ours", "… is ours"),
            ("3.5 kg, e.g. this", "3.5 kg, e.g. this"),
        ] {
            let markup = Markup::from_markdown(text).linking_only(&allowed);
            assert_eq!(markup.text(), shown, "{text}");
        }
    }

    #[test]
    fn plain_text_is_left_alone_but_for_what_nobody_sees() {
        assert_eq!(Markup::plain("**a**\n\nb").text(), "**a**\nb");
        assert_eq!(Markup::plain("abc\u{202e}fdp.exe\u{0}").text(), "abcfdp.exe");
    }
}
