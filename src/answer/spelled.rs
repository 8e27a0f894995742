//! Numbers that a text spells out, written in digits: "two to three weeks" as "2 to 3 weeks". What a number
//! word is in each language, `text2num` knows; ordinals stay words, since "the second hour" is no amount.

use std::borrow::Cow;
use std::sync::LazyLock;

use text2num::{Language, Token, find_numbers};
use whatlang::{Detector, Lang};

static LANGUAGES: LazyLock<[(Lang, Language); 7]> = LazyLock::new(|| {
    [
        (Lang::Eng, Language::english()),
        (Lang::Deu, Language::german()),
        (Lang::Fra, Language::french()),
        (Lang::Spa, Language::spanish()),
        (Lang::Ita, Language::italian()),
        (Lang::Nld, Language::dutch()),
        (Lang::Por, Language::portugese()),
    ]
});

/// A word, or what stands between two.
struct Piece<'a>(&'a str);

impl Token for &Piece<'_> {
    fn text(&self) -> Cow<'_, str> {
        self.0.into()
    }

    fn text_lowercase(&self) -> Cow<'_, str> {
        self.0.to_lowercase().into()
    }

    /// English reads "o" as zero, in several languages it is "or" or "the".
    fn not_a_number_part(&self) -> bool {
        matches!(self.0, "o" | "O" | "os" | "Os")
    }
}

/// The text in digits, as its own language counts, and as English does, since short texts are easily taken
/// for another language; none where nothing changes.
pub(super) fn in_digits(text: &str) -> Option<String> {
    let all = LANGUAGES.iter().map(|(lang, _)| *lang).collect();
    let told = Detector::with_allowlist(all).detect_lang(text).unwrap_or(Lang::Eng);
    let known = |lang: Lang| LANGUAGES.iter().find(move |(known, _)| *known == lang);
    let languages = [told, Lang::Eng].into_iter().filter_map(known);
    languages.fold(None, |done, (_, language)| {
        replaced(done.as_deref().unwrap_or(text), language).or(done)
    })
}

/// The text in digits in each language in which it then is another.
pub(super) fn in_any_digits(text: &str) -> impl Iterator<Item = String> {
    LANGUAGES.iter().filter_map(move |(_, language)| replaced(text, language))
}

fn replaced(text: &str, language: &Language) -> Option<String> {
    let pieces = pieces(text);
    let mut found = find_numbers(pieces.iter(), language, 0.0);
    // What is written in digits has its own reading, "1.200" more than one.
    let spelled = |from: usize, to: usize| {
        let words = pieces.get(from..to).unwrap_or_default();
        !words.iter().any(|p| p.0.contains(char::is_numeric))
    };
    let word = |at: Option<usize>| at.and_then(|at| pieces.get(at)).map_or("", |p| p.0);
    // "2 thousand" is not 1,000, and "zwei an der Wand" is no span of years: units are not shortened
    // behind a word.
    let plain = |from: usize, to: usize| {
        let (before, after) = (word(from.checked_sub(2)), word(Some(to + 1)));
        let short = after.len() == 1 && super::units::is_unit(after)
            || matches!(&*after.to_lowercase(), "an" | "ma");
        let years = after == "an" && matches!(language, Language::French(_));
        !before.contains(char::is_numeric) && (!short || years)
    };
    found.retain(|number| {
        let (from, to) = (number.start, number.end);
        !number.is_ordinal && spelled(from, to) && plain(from, to)
    });
    if found.is_empty() {
        return None;
    }
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for number in found {
        out.extend(pieces.get(at..number.start).unwrap_or_default().iter().map(|p| p.0));
        out.push_str(&number.text);
        at = number.end;
    }
    out.extend(pieces.get(at..).unwrap_or_default().iter().map(|p| p.0));
    Some(out)
}

/// Words and what is between them. A hyphen belongs to a number ("twenty-five"), not to its unit
/// ("two-year").
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let (mut begin, mut in_word) = (0, false);
    for (at, c) in text.char_indices() {
        let word = c.is_alphanumeric() || (in_word && matches!(c, '-' | '\''));
        if word != in_word && at > begin {
            push(text.get(begin..at).unwrap_or_default(), &mut out);
            begin = at;
        }
        in_word = word;
    }
    push(text.get(begin..).unwrap_or_default(), &mut out);
    out
}

fn push<'a>(piece: &'a str, out: &mut Vec<Piece<'a>>) {
    match piece.rfind('-').and_then(|at| piece.split_at_checked(at)) {
        Some((number, unit)) if super::units::is_unit(unit.trim_start_matches('-')) => {
            out.extend([Piece(number), Piece(unit)]);
        }
        _ => out.push(Piece(piece)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_digits_and_the_rest_stays() {
        for (text, digits) in [
            (
                "It takes six weeks to arrive at your house.",
                "It takes 6 weeks to arrive at your house.",
            ),
            ("The battery lasts twenty-five to thirty hours.", "The battery lasts 25 to 30 hours."),
            (
                "It comes with a two-year warranty from us.",
                "It comes with a 2-year warranty from us.",
            ),
            ("Der Akku hält fünfundzwanzig Stunden lang.", "Der Akku hält 25 Stunden lang."),
            ("La batterie dure quatre-vingt-dix minutes.", "La batterie dure 90 minutes."),
        ] {
            assert_eq!(in_digits(text).as_deref(), Some(digits), "{text}");
        }
        for text in
            ["It has the second hour for free.", "It holds 1.200 l.", "", "重さは2キロです。"]
        {
            assert_eq!(in_digits(text), None, "{text}");
        }
    }

    #[test]
    fn a_few_words_are_read_in_every_language() {
        assert!(in_any_digits("sechs Wochen").any(|t| t == "6 Wochen"));
        assert!(in_any_digits("two years").any(|t| t == "2 years"));
    }
}
