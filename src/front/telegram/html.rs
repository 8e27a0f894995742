//! From [`Markup`] to Telegram's HTML: everything escaped, cut into messages between the tags.
//!
//! Tags are opened and closed around every run of text, so no cut can break one.

use crate::bot::{Block, Markup, Span};

/// Longest message, in UTF-16 code units, as Telegram counts what its parser leaves.
pub const MESSAGE: usize = 4096;
/// Longest caption, likewise.
pub const CAPTION: usize = 1024;
/// A word joiner: no width, and no part of any name or address.
const JOINER: char = '\u{2060}';

/// Text that shows as it is.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// What Telegram's clients would make links of by themselves, kept from it: names, addresses.
///
/// A mark that has no width goes where their patterns may not have one.
fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let address = word.matches('.').count() >= 3;
        let mut before = None;
        let mut rest = word.chars();
        while let Some(c) = rest.next() {
            out.push(c);
            let next = rest.clone().next();
            let breaks = match (c, next) {
                ('@', Some(n)) => n.is_alphanumeric() || n == '_',
                (':', Some('/')) => rest.as_str().starts_with("//"),
                ('.', Some(n)) if before.is_some_and(char::is_alphanumeric) => {
                    n.is_alphabetic() || (address && n.is_numeric())
                }
                _ => false,
            };
            if breaks {
                out.push(JOINER);
            }
            before = Some(c);
        }
    }
    out
}

/// A markup in which nothing that looks like a command or a tag can be tapped.
pub fn untapped(mut markup: Markup) -> Markup {
    for block in &mut markup.0 {
        let (Block::Paragraph(spans) | Block::Item(spans) | Block::Code(spans)) = block;
        for span in spans {
            let mut text = String::with_capacity(span.text.len());
            let mut before = ' ';
            for c in span.text.chars() {
                if matches!(before, '/' | '#' | '$') && c.is_alphabetic() {
                    text.push(JOINER);
                }
                text.push(c);
                before = c;
            }
            span.text = text;
        }
    }
    markup
}

/// Plain text for a caption, shortened where it must be.
pub fn caption(text: &str) -> String {
    let text = inert(text.trim());
    let text = text.as_str();
    if units(text) <= CAPTION {
        return escape(text);
    }
    format!("{}…", escape(head(text, CAPTION - 1).0))
}

/// One or more messages; none for no text.
pub fn messages(markup: &Markup) -> Vec<String> {
    let mut pages = Pages::default();
    let mut before: Option<&Block> = None;
    for block in &markup.0 {
        match (before, block) {
            (None, _) => {}
            (Some(Block::Item(_)), Block::Item(_)) => pages.push("\n", &Style::default()),
            _ => pages.push("\n\n", &Style::default()),
        }
        if matches!(block, Block::Item(_)) {
            pages.push("• ", &Style::default());
        }
        for span in block.spans() {
            let style = Style::of(block, span);
            let verbatim = style.code || style.pre || style.link.is_some();
            let text = if verbatim { span.text.clone() } else { inert(&span.text) };
            pages.push(&text, &style);
        }
        before = Some(block);
    }
    pages.end();
    pages.done
}

#[derive(Default)]
struct Style<'a> {
    bold: bool,
    italic: bool,
    code: bool,
    pre: bool,
    link: Option<&'a str>,
}

impl<'a> Style<'a> {
    fn of(block: &Block, span: &'a Span) -> Self {
        Self {
            bold: span.bold,
            italic: span.italic,
            code: span.code,
            pre: matches!(block, Block::Code(_)),
            link: span.link.as_deref(),
        }
    }

    fn dress(&self, text: &str) -> String {
        let mut out = escape(text);
        if text.trim().is_empty() {
            return out;
        }
        // Code may neither contain other styles nor stand in one (Bot API, formatting options).
        if self.pre {
            return format!("<pre>{out}</pre>");
        }
        if self.code {
            return format!("<code>{out}</code>");
        }
        for (on, tag) in [(self.italic, "i"), (self.bold, "b")] {
            if on {
                out = format!("<{tag}>{out}</{tag}>");
            }
        }
        match self.link {
            Some(link) => format!("<a href=\"{}\">{out}</a>", escape(link)),
            None => out,
        }
    }
}

#[derive(Default)]
struct Pages {
    done: Vec<String>,
    page: String,
    used: usize,
    /// Whether there is more on the page than blanks.
    seen: bool,
}

impl Pages {
    fn push(&mut self, mut text: &str, style: &Style<'_>) {
        while !text.is_empty() {
            if self.page.is_empty() {
                text = text.trim_start_matches(['\n', ' ']);
            }
            let room = MESSAGE - self.used;
            if units(text) <= room {
                return self.add(text, style);
            }
            let (mut first, mut rest) = head(text, room);
            // Rather at the end of a line or a word, unless that leaves the page half empty.
            let nice = first.rfind('\n').or_else(|| first.rfind(' '));
            match nice.filter(|at| self.used + units(&first[..*at]) > MESSAGE / 2) {
                Some(at) => (first, rest) = text.split_at(at),
                None if self.used > MESSAGE / 2 => (first, rest) = ("", text),
                None => {}
            }
            self.add(first, style);
            self.end();
            text = rest;
        }
    }

    fn add(&mut self, text: &str, style: &Style<'_>) {
        self.used += units(text);
        self.seen |= !text.trim().is_empty();
        self.page.push_str(&style.dress(text));
    }

    fn end(&mut self) {
        let page = std::mem::take(&mut self.page);
        if std::mem::take(&mut self.seen) {
            self.done.push(page.trim_end().to_owned());
        }
        self.used = 0;
    }
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// As much of a text as fits into so many units, and the rest.
fn head(text: &str, most: usize) -> (&str, &str) {
    let mut used = 0;
    let fits = |(_, c): &(usize, char)| {
        used += c.len_utf16();
        used <= most
    };
    let end = text.char_indices().take_while(fits).last().map_or(0, |(at, c)| at + c.len_utf8());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_and_hostile_text() {
        let markup = Markup(vec![
            Block::Paragraph(vec![
                Span { bold: true, italic: true, ..Span::plain("a<b>") },
                Span { link: Some("https://x.y/?a=1&b=\"".into()), ..Span::plain(" & ") },
                Span { link: Some("https://x.y/".into()), ..Span::plain("here") },
            ]),
            Block::Item(vec![Span { bold: true, ..Span::code("A-1") }]),
            Block::Item(vec![Span::plain("</b>")]),
            Block::Code(vec![Span::plain("x < y")]),
        ]);
        assert_eq!(
            messages(&markup),
            [concat!(
                "<b><i>a&lt;b&gt;</i></b><a href=\"https://x.y/?a=1&amp;b=&quot;\"> &amp; </a>",
                "<a href=\"https://x.y/\">here</a>\n\n• <code>A-1</code>\n• &lt;/b&gt;\n\n",
                "<pre>x &lt; y</pre>"
            )]
        );
    }

    #[test]
    fn long_text_is_cut_between_words_and_never_inside_a_tag_or_a_character() {
        let words = "wörd 😀 <&> ".repeat(2000);
        let bold = Markup(vec![Block::Paragraph(vec![Span::bold(&words)])]);
        for (markup, full) in
            [(bold, words.clone()), (Markup::plain(&"😀".repeat(5000)), String::new())]
        {
            let pages = messages(&markup);
            assert!(pages.len() > 1);
            let mut all = String::new();
            for page in pages {
                let bare = page.replace("<b>", "").replace("</b>", "");
                let shown = bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                assert!(units(&shown) <= MESSAGE && !shown.trim().is_empty());
                assert_eq!(page.matches("<b>").count(), page.matches("</b>").count());
                all.push_str(shown.trim());
                all.push(' ');
            }
            if !full.is_empty() {
                let plain = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ");
                assert_eq!(plain(&all), plain(&full));
            }
        }
    }

    #[test]
    fn names_addresses_and_commands_in_a_text_stay_text() {
        let shown =
            |text: &str| messages(&untapped(Markup::plain(text))).join("").replace(JOINER, "|");
        for (text, inert) in [
            ("@admin and @all", "@|admin and @|all"),
            ("evil.com/x t.me/x", "evil.|com/|x t.|me/|x"),
            ("tg://resolve 1.2.3.4", "tg:|//|resolve 1.|2.|3.|4"),
            ("a@b.example", "a@|b.|example"),
            ("/kb_undo #sale $AAPL", "/|kb_undo #|sale $|AAPL"),
            ("3.5 kg, 1/2, $5, No. 4.", "3.5 kg, 1/2, $5, No. 4."),
        ] {
            assert_eq!(shown(text), inert, "{text}");
        }
        let link = Span { link: Some("https://x.y/".into()), ..Span::plain("x.y") };
        assert_eq!(
            messages(&Markup(vec![Block::Paragraph(vec![link])])),
            ["<a href=\"https://x.y/\">x.y</a>"]
        );
        assert_eq!(caption("@all"), "@\u{2060}all");
        assert_eq!(messages(&Markup::plain("/help"))[0], "/help");
    }

    #[test]
    fn nothing_to_say_is_no_message_and_a_caption_has_its_limit() {
        assert!(messages(&Markup::default()).is_empty());
        assert!(messages(&Markup::plain(" \n\n ")).is_empty());
        assert_eq!(caption(" <b> "), "&lt;b&gt;");
        assert_eq!(units(&caption(&"😀".repeat(1000))), CAPTION - 1);
    }
}
