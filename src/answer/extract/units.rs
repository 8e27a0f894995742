//! An entry in quotable pieces, and a question in what it says: both read once, then compared.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use crate::catalogue::Product;
use crate::reading::meaning::{Vector, together};
use crate::reading::topics::{self, Topics};
use crate::reading::{Word, lists, readable, spoken, words};

/// What a clause counts that only says why somebody asks.
const ASIDE: f32 = 0.45;
/// Words that open a question, in English and German.
const OPENERS: &str = "how what whats what's where where's which who whose when why can could does do did is are \
will would should may any has have isn't doesn't can't wie was wo wann welche welcher welches wer woher woraus \
kann darf ist sind hat gibt gibt's geht muss lässt funktioniert passt gehört brauche brauch ab";
const OPENS_YES_NO: &str = "can could does do is are will would should may any has have isn't doesn't can't kann \
darf ist sind hat gibt gibt's geht muss lässt funktioniert passt";
/// "How much", "how long": an answer to that holds a number.
const ASK_NUMBER: &[&str] = &[
    "how much",
    "how many",
    "how long",
    "how heavy",
    "how big",
    "how large",
    "how far",
    "how fast",
    "how tall",
    "how wide",
    "how high",
    "how deep",
    "how bright",
    "how loud",
    "how often",
    "how old",
    "how thick",
    "how hot",
    "how cold",
    "wie viel",
    "wie viele",
    "wie lange",
    "wie lang",
    "wie schwer",
    "wie groß",
    "wie weit",
    "wie hoch",
    "wie breit",
    "wie tief",
    "wie dick",
    "wie laut",
    "wie hell",
    "wie oft",
    "wie teuer",
    "wie heiß",
    "wie schnell",
];

/// One quotable piece of an entry.
pub struct Unit {
    /// As it is quoted.
    pub text: String,
    pub words: Vec<Word>,
    /// Words of the attribute's name; none for a sentence.
    pub name: Vec<Word>,
    pub vector: Option<Vector>,
    pub name_vector: Option<Vector>,
    pub topics: Topics,
    pub name_topics: Topics,
    pub tokens: Vec<String>,
}

/// A question as it is compared.
pub struct Asked {
    /// Each telling word with how much it counts, 0 to 1.
    pub words: Vec<(Word, f32)>,
    pub vector: Option<Vector>,
    pub topics: Topics,
    pub tokens: Vec<String>,
    pub wants_number: bool,
    pub yes_no: bool,
}

/// The entry's sentences, then its attributes.
pub fn units(product: &Product) -> Vec<Unit> {
    let language = spoken(&product.description);
    let sentences = product.description.lines().flat_map(|line| line.unicode_sentences());
    let sentences = sentences.map(str::trim).filter(|s| !s.is_empty());
    let sentences = sentences.map(|s| unit(s.to_owned(), s, "", language));
    let attributes = product.attributes.iter().filter(|(_, value)| !value.contains("://"));
    let attributes = attributes.map(|(key, value)| {
        let name = key.replace('_', " ");
        unit(format!("{}: {value}.", capitalised(&name)), value, &name, language)
    });
    sentences.chain(attributes).collect()
}

fn unit(text: String, value: &str, name: &str, language: Option<&str>) -> Unit {
    let (value, name) = (&*readable(value, language), &*readable(name, language));
    let german = language == Some("de");
    let (words, name_words) = (words(value, german), words(name, german));
    let (tokens, name_tokens) = (topics::tokens(value), topics::tokens(name));
    let all = words.iter().chain(&name_words);
    let vector = together(all.filter_map(|w| w.meaning.as_ref().map(|m| (&m.vector, m.weight))));
    let named = name_words.iter().filter_map(|w| w.meaning.as_ref().map(|m| (&m.vector, m.weight)));
    Unit {
        name_vector: together(named),
        topics: topics::told(&tokens),
        name_topics: topics::told(&name_tokens),
        vector,
        words,
        name: name_words,
        tokens,
        text,
    }
}

/// Reads a question about a product, whose own name says nothing in it.
pub fn asked(question: &str, product: &Product) -> Asked {
    let language = spoken(question);
    let question = &*readable(question, language);
    let german = language == Some("de");
    let title: HashSet<String> = words(&product.title, false).into_iter().map(|w| w.stem).collect();
    let clauses: Vec<&str> = question.split_inclusive(['.', '?', '!', ';', ',', '\n']).collect();
    let first = |clause: &str| clause.to_lowercase().unicode_words().next().map(str::to_owned);
    let opens = |clause: &str, with: &str| first(clause).is_some_and(|w| lists(with, &w));
    let asks = |clause: &str| clause.ends_with('?') || opens(clause, OPENERS);
    let any = clauses.iter().any(|c| asks(c));
    let mut kept = Vec::new();
    for clause in &clauses {
        let emphasis = if !any || asks(clause) { 1.0 } else { ASIDE };
        let told =
            words(clause, german).into_iter().filter(|w| w.telling && !title.contains(&w.stem));
        kept.extend(told.map(|w| {
            let weight = w.meaning.as_ref().map_or(0.7, |m| m.weight);
            (w, emphasis * weight)
        }));
    }
    let tokens = topics::tokens(question);
    let mut asked = topics::asked(&tokens);
    for clause in clauses.iter().filter(|c| any && !asks(c)) {
        // What only an aside speaks of is asked for less.
        let aside = topics::asked(&topics::tokens(clause));
        let rest: String = clauses.iter().filter(|c| *c != clause).copied().collect();
        let rest = topics::asked(&topics::tokens(&rest));
        for ((topic, aside), rest) in asked.iter_mut().zip(aside).zip(rest) {
            *topic = if aside > rest { rest.max(ASIDE * *topic) } else { *topic };
        }
    }
    let meanings =
        kept.iter().filter_map(|(w, weight)| w.meaning.as_ref().map(|m| (&m.vector, *weight)));
    let spoken = tokens.join(" ");
    Asked {
        vector: together(meanings),
        topics: asked,
        wants_number: ASK_NUMBER.iter().any(|phrase| spoken.contains(phrase)),
        yes_no: clauses.iter().any(|c| opens(c, OPENS_YES_NO)),
        words: kept,
        tokens,
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
