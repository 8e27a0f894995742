//! The offline answerer: sentences and attributes of the best match that bear on the question.
//!
//! No model writes anything here. The entry is split into units (the description's
//! sentences, and each attribute), units are scored by the question's stemmed words weighted
//! by how rare they are in the entry (Robertson and Spärck Jones' idf), and the best are
//! quoted. English questions also reach the words that answers to them use: "how heavy" finds
//! "weighs 1.2 kg" (the table `CONCEPTS`). When nothing bears on the question, the answer says that the
//! catalogue does not say.

use std::collections::HashSet;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

use super::{Answer, Inquiry, Origin};
use crate::catalogue::Product;
use crate::words::say;

/// Units quoted at most.
const MOST: usize = 2;
/// A further unit must score this share of the best one.
const CLOSE: f32 = 0.75;
/// Share of the question's weight that the best unit must hold to count as an answer.
const BEARS: f32 = 0.34;
/// An attribute's name says what it is about, so a word found there counts more.
const NAME_WEIGHT: f32 = 1.4;
/// A word that the question only implies counts less than one it says.
const IMPLIED: f32 = 0.75;
/// "How much", "how long": an answer to that holds a number.
const NUMBER_WEIGHT: f32 = 1.35;

/// Words of questions, and the words that answers to them use. A trigger of several words counts
/// when all are in the question, one that starts with "how" when they stand together.
const CONCEPTS: &[(&[&str], &str)] = &[
    (&["heavy", "weigh", "weight", "how light", "mass"], "weight weighs kg g gram kilogram"),
    (
        &[
            "big",
            "size",
            "dimensions",
            "large",
            "tall",
            "wide",
            "high",
            "deep",
            "thick",
            "long is",
            "fit",
        ],
        "size dimensions measures mm cm m width height depth diameter tall wide long length",
    ),
    (
        &["capacity", "store", "hold", "much water", "volume"],
        "capacity kwh wh mah litre liter l ml stores holds gb",
    ),
    (
        &["battery", "long last", "runtime", "run", "charge last", "hours", "playtime"],
        "battery life lasts hours days weeks months enough runtime run playtime",
    ),
    (&["charge", "recharge", "charging"], "charge charges charging recharges usb minutes"),
    (
        &["port", "usb", "connector", "socket", "plug", "hdmi", "jack"],
        "port ports usb hdmi connector socket jack ethernet",
    ),
    (&["carry", "load", "lift"], "carries load payload lifts holds kg"),
    (&["cost", "price", "expensive", "how much is", "pay"], "price costs eur usd"),
    (
        &[
            "waterproof",
            "water",
            "rain",
            "wet",
            "splash",
            "shower",
            "swim",
            "bath",
            "bathroom",
            "pool",
            "outdoor",
            "outside",
        ],
        "water resistance waterproof splash rain ip ipx rated ip54 ip65 ip67 ipx4 ipx5 ipx7 ipx8 outdoor underwater",
    ),
    (
        &["clean", "wash", "care", "dishwasher", "maintain", "descale"],
        "care clean wipe wash cloth rinse damp descale",
    ),
    (&["warranty", "guarantee", "broken"], "warranty guarantee years"),
    (&["colour", "color"], "colour color"),
    (
        &[
            "work with",
            "compatible",
            "compatibility",
            "support",
            "app",
            "pair",
            "iphone",
            "android",
            "alexa",
        ],
        "compatibility compatible works app ios android matter supports bluetooth",
    ),
    (
        &["box", "included", "come with", "package", "contents"],
        "box includes included comes contents",
    ),
    (&["loud", "noise", "noisy", "quiet", "decibel"], "noise quiet loud db sound"),
    (&["bright", "lumen", "brightness"], "bright brightness lumens lm lux"),
    (
        &["power", "watt", "watts", "voltage", "consume", "consumption"],
        "power w watts kw output draws",
    ),
    (&["range", "far", "cover", "area"], "range metres m covers area square"),
    (&["made of", "material"], "material made"),
    (&["from", "origin", "country", "grown"], "country origin from details"),
    (&["taste", "flavour", "flavor", "sweet"], "taste flavour sweet acidic mellow"),
    (
        &["resolution", "screen", "display", "megapixel"],
        "resolution display screen pixels inch megapixel",
    ),
    (
        &["fast", "speed", "quickly", "long does it take", "boil"],
        "speed fast minutes seconds boils",
    ),
    (&["temperature", "hot", "cold", "freezing"], "temperature degrees celsius °c"),
];

/// Words that ask rather than say what is asked about.
const STOP: &str = "a an and any are as at be been but by can could do does for from get give got had has \
have how i if in into is it its just know long many may me much must my of on one or our out please should \
really show so some tell that the their them there these they thing this those to too up us use used was we well were \
what when where which who why will with would you your photo picture image about product";

/// Answers from the best match's own text.
pub fn answer(inquiry: &Inquiry) -> Answer {
    let language = inquiry.language.as_str();
    let Some(best) = inquiry.evidence.first() else {
        let text = say(language, "extract-nothing", &[]);
        let covered = Some(false);
        return Answer { text, covered, ..Answer::default() };
    };
    let product = &best.product;
    let name = format!("{} [{}]", product.title, product.id);
    let opening = if inquiry.confident { "extract-from" } else { "extract-closest" };
    let opening = say(language, opening, &[("name", name.into())]);
    let quotes = quotes(&inquiry.question, product);
    let covered = !quotes.is_empty();
    let said = match covered {
        true => quotes.join(" "),
        false => say(language, "extract-not-said", &[]),
    };
    let text = format!("{opening} {said}");
    let sources = vec![product.id.clone()];
    Answer {
        text,
        origin: Origin::Extractive,
        sources,
        covered: Some(covered),
        ..Answer::default()
    }
}

/// One quotable piece of an entry.
struct Unit {
    text: String,
    words: HashSet<String>,
    /// Words of the attribute's name; empty for a sentence.
    name: HashSet<String>,
    has_number: bool,
}

/// The units of an entry that answer the question, in the entry's order; empty when none does.
fn quotes(question: &str, product: &Product) -> Vec<String> {
    let language = Language::new();
    let units = units(product, &language);
    let asked = language.query(question, product);
    if asked.is_empty() {
        // "What is this?": the entry itself is the answer.
        return units.into_iter().map(|u| u.text).take(MOST).collect();
    }
    let rarity = |word: &str| {
        let having = units.iter().filter(|u| u.words.contains(word)).count() as f32;
        (1.0 + (units.len() as f32 - having + 0.5) / (having + 0.5)).ln()
    };
    let weights: Vec<(&Asked, f32)> = asked.iter().map(|a| (a, a.weight(&rarity))).collect();
    let whole: f32 = weights.iter().map(|(_, w)| w).sum();
    let counts = asks_for_a_number(question);
    let scores: Vec<f32> = units.iter().map(|u| score(u, &weights, counts)).collect();
    let best = scores.iter().copied().fold(0.0, f32::max);
    if best < BEARS * whole || best == 0.0 {
        return Vec::new();
    }
    let mut ranked: Vec<usize> = (0..units.len()).filter(|&i| scores[i] >= CLOSE * best).collect();
    ranked.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    ranked.truncate(MOST);
    ranked.sort_unstable();
    ranked.into_iter().map(|i| units[i].text.clone()).collect()
}

/// One thing the question asks for.
struct Asked {
    /// The question's own words.
    said: Vec<String>,
    /// Words that answers to it use.
    implied: Vec<String>,
}

impl Asked {
    fn weight(&self, rarity: &impl Fn(&str) -> f32) -> f32 {
        self.said.iter().chain(&self.implied).map(|w| rarity(w)).fold(0.0, f32::max)
    }

    /// How much of this a unit speaks of, 0 to about 2.
    fn share(&self, unit: &Unit) -> f32 {
        let hits = |words: &[String]| words.iter().filter(|w| unit.words.contains(*w)).count();
        let (said, implied) = (hits(&self.said), hits(&self.implied));
        if said + implied == 0 {
            return 0.0;
        }
        let named = self.said.iter().chain(&self.implied).any(|w| unit.name.contains(w));
        // A unit that speaks of the matter in several of its words is the better quote.
        let several = 1.0 + 0.15 * (said + implied - 1).min(3) as f32;
        (if said > 0 { 1.0 } else { IMPLIED }) * several * if named { NAME_WEIGHT } else { 1.0 }
    }
}

fn score(unit: &Unit, asked: &[(&Asked, f32)], counts: bool) -> f32 {
    let bears: f32 = asked.iter().map(|(asked, weight)| weight * asked.share(unit)).sum();
    bears * if counts && unit.has_number { NUMBER_WEIGHT } else { 1.0 }
}

fn units(product: &Product, language: &Language) -> Vec<Unit> {
    let sentences = product.description.lines().flat_map(|line| line.unicode_sentences());
    let sentences = sentences.map(str::trim).filter(|s| !s.is_empty()).map(|s| Unit {
        text: s.to_owned(),
        words: language.words(s).collect(),
        name: HashSet::new(),
        has_number: has_number(s),
    });
    let attributes = product.attributes.iter().map(|(key, value)| {
        let name = key.replace('_', " ");
        let text = format!("{}: {value}.", capitalised(&name));
        let has_number = has_number(&text);
        Unit {
            words: language.words(&text).collect(),
            name: language.words(&name).collect(),
            has_number,
            text,
        }
    });
    sentences.chain(attributes).collect()
}

/// Whether a text states a quantity, in digits or words.
fn has_number(text: &str) -> bool {
    const NUMBERS: &[&str] =
        &["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve"];
    text.contains(|c: char| c.is_ascii_digit())
        || text.unicode_words().any(|w| NUMBERS.contains(&w.to_lowercase().as_str()))
}

/// Whether a question is answered by a quantity.
fn asks_for_a_number(question: &str) -> bool {
    const AFTER_HOW: &[&str] = &[
        "much", "many", "long", "heavy", "big", "large", "far", "fast", "tall", "wide", "high",
        "deep", "bright", "loud", "often", "old", "thick",
    ];
    let words: Vec<String> = question.unicode_words().map(str::to_lowercase).collect();
    words.windows(2).any(|pair| pair[0] == "how" && AFTER_HOW.contains(&pair[1].as_str()))
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

struct Language {
    stemmer: Stemmer,
    stop: HashSet<&'static str>,
}

impl Language {
    fn new() -> Self {
        Self {
            stemmer: Stemmer::create(Algorithm::English),
            stop: STOP.split_whitespace().collect(),
        }
    }

    /// Stems of a text's words; "1.2kg" counts as "1.2" and "kg".
    fn words<'a>(&'a self, text: &'a str) -> impl Iterator<Item = String> + 'a {
        text.unicode_words().flat_map(split_number).map(|w| self.stem(w))
    }

    fn stem(&self, word: &str) -> String {
        self.stemmer.stem(&word.to_lowercase()).into_owned()
    }

    /// What the question asks for. The product's own name says nothing about that.
    fn query(&self, question: &str, product: &Product) -> Vec<Asked> {
        let all: Vec<String> =
            question.unicode_words().flat_map(split_number).map(str::to_lowercase).collect();
        let spoken = all.join(" ");
        let stems: HashSet<String> = all.iter().map(|w| self.stem(w)).collect();
        let name: HashSet<String> = self.words(&product.title).collect();
        let mut covered: HashSet<String> = HashSet::new();
        let mut asked = Vec::new();
        // Phrases first: the "water" of "how much water" does not ask whether it is waterproof.
        for phrases in [true, false] {
            for (triggers, answers) in CONCEPTS {
                let hit: Vec<Vec<String>> = triggers
                    .iter()
                    .filter(|t| t.contains(' ') == phrases)
                    // "What is this, and how much can it carry?" does not ask how much it is.
                    .filter(|t| !t.starts_with("how ") || spoken.contains(*t))
                    .map(|t| t.split(' ').map(|w| self.stem(w)).collect::<Vec<_>>())
                    .filter(|t| t.iter().all(|w| stems.contains(w) && !covered.contains(w)))
                    .collect();
                let Some(first) = hit.first() else { continue };
                // A phrase is only a cue; a single word may stand in the answer itself.
                let said = if phrases { Vec::new() } else { first.clone() };
                let implied: HashSet<String> = answers
                    .split(' ')
                    .map(|w| self.stem(w))
                    .filter(|w| !said.contains(w))
                    .collect();
                asked.push(Asked { said, implied: implied.into_iter().collect() });
                covered.extend(hit.into_iter().flatten());
            }
        }
        for word in all.iter().filter(|w| !self.stop.contains(w.as_str())) {
            let stem = self.stem(word);
            if !name.contains(&stem) && covered.insert(stem.clone()) {
                asked.push(Asked { said: vec![stem], implied: Vec::new() });
            }
        }
        asked
    }
}

/// "1.2kg" as number and unit.
fn split_number(word: &str) -> impl Iterator<Item = &str> {
    let unit = word
        .find(|c: char| c.is_alphabetic())
        .filter(|_| word.starts_with(|c: char| c.is_ascii_digit()));
    let (number, unit) = unit.map_or((word, ""), |at| word.split_at(at));
    [number, unit].into_iter().filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Evidence;

    fn lamp() -> Product {
        Product {
            id: "lamp".into(),
            title: "Aura Desk Lamp".into(),
            description: "The Aura is a dimmable desk lamp with a brass arm. It weighs 1.2 kg. A \
                          charge lasts up to 12 hours. Wipe it with a dry cloth; never use solvents. \
                          It gives 600 lumens."
                .into(),
            attributes: [
                ("price".to_owned(), "89 EUR".to_owned()),
                ("water_resistance".to_owned(), "none, indoor use only".to_owned()),
            ]
            .into_iter()
            .collect(),
            images: vec![],
        }
    }

    fn ask(question: &str) -> String {
        answer(&Inquiry {
            question: question.into(),
            photo: vec![],
            evidence: vec![Evidence { product: lamp(), score: 0.9, picture: None }],
            confident: true,
            ..Inquiry::default()
        })
        .text
    }

    #[test]
    fn the_sentence_that_bears_on_the_question_is_quoted() {
        for (question, fact) in [
            ("How heavy is it?", "1.2 kg"),
            ("what does this lamp weigh", "1.2 kg"),
            ("How long does the battery last?", "12 hours"),
            ("how do I clean it?", "dry cloth"),
            ("How much does it cost?", "89 EUR"),
            ("What is this, and how much does it weigh?", "1.2 kg"),
            ("how much is it", "89 EUR"),
            ("Is the Aura waterproof?", "indoor use only"),
            ("how bright is it", "600 lumens"),
            ("is the arm brass?", "brass arm"),
        ] {
            let text = ask(question);
            assert!(text.contains(fact), "{question}: {text}");
            assert!(text.contains("extract") && text.contains("[lamp]"), "{text}");
        }
    }

    #[test]
    fn what_the_entry_does_not_say_is_said_plainly() {
        for question in ["Does it have a USB port?", "Who designed it?", "Can it play music?"] {
            assert!(ask(question).contains("does not say"), "{question}: {}", ask(question));
        }
    }

    #[test]
    fn what_is_this_gets_the_entrys_beginning() {
        assert!(ask("What is this?").contains("dimmable desk lamp"));
    }

    #[test]
    fn doubt_and_nothing_are_said() {
        let mut inquiry = Inquiry {
            question: "how heavy?".into(),
            photo: vec![],
            evidence: vec![Evidence { product: lamp(), score: 0.3, picture: None }],
            ..Inquiry::default()
        };
        assert!(answer(&inquiry).text.contains("no confident match"));
        inquiry.evidence.clear();
        let nothing = answer(&inquiry);
        assert!(nothing.text.contains("Nothing in the catalogue") && nothing.sources.is_empty());
    }

    #[test]
    fn numbers_and_units_part() {
        assert_eq!(split_number("1.2kg").collect::<Vec<_>>(), ["1.2", "kg"]);
        assert_eq!(split_number("kg").collect::<Vec<_>>(), ["kg"]);
        assert_eq!(split_number("42").collect::<Vec<_>>(), ["42"]);
    }
}
