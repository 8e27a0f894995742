//! What tells look-alikes apart: the attribute in which they differ that somebody with the thing before
//! them can see, and which of them an answer in words means.

use std::collections::HashSet;

use crate::catalogue::Product;
use crate::reading::{asks, is_empty, lists, naming_stems};

/// Parts of names of attributes that can be seen, those seen best first.
const SEEN: &[&str] = &[
    "colour",
    "color",
    "farbe",
    "port",
    "anschl",
    "button",
    "navigation",
    "shape",
    "form",
    "base",
    "finish",
    "material",
    "pattern",
    "muster",
    "size",
    "größe",
    "dimension",
    "maß",
    "diameter",
    "width",
    "height",
    "length",
    "print",
    "label",
    "variant",
    "capacity",
    "model",
];
/// Parts of names of those that cannot, or that nobody would look for.
const UNSEEN: &[&str] = &[
    "price",
    "preis",
    "url",
    "link",
    "warranty",
    "garantie",
    "box",
    "sku",
    "ean",
    "gtin",
    "category",
    "kategorie",
    "stock",
    "delivery",
    "shipping",
];
/// Longest value that is offered, in characters.
const LONGEST: usize = 60;

/// What to ask of somebody who has one of several products before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The attribute's name as people read it; none where the titles must do.
    pub attribute: Option<String>,
    /// For each product, in their order: its id, and its value or its title.
    pub choices: Vec<Choice>,
}

/// One of the products to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub product: String,
    pub title: String,
    /// What the product's entry says of the attribute, or its title.
    pub value: String,
}

/// What tells these products apart best.
pub fn difference(products: &[Product]) -> Difference {
    let first = products.first();
    let keys = first.into_iter().flat_map(|p| p.attributes.keys());
    let best =
        keys.filter_map(|key| Some((rank(key)?, key))).filter(|(_, key)| tells(products, key));
    let best = best.min_by_key(|(rank, _)| *rank).map(|(_, key)| key);
    let choice = |product: &Product| Choice {
        product: product.id.clone(),
        title: product.title.clone(),
        value: best.and_then(|key| product.attributes.get(key)).unwrap_or(&product.title).clone(),
    };
    Difference {
        attribute: best.map(|key| key.replace('_', " ").trim().to_owned()),
        choices: products.iter().map(choice).collect(),
    }
}

/// How well an attribute can be seen, 0 the best; none when not at all.
fn rank(key: &str) -> Option<usize> {
    let key = key.to_lowercase();
    if UNSEEN.iter().any(|part| key.contains(part)) {
        return None;
    }
    Some(SEEN.iter().position(|part| key.contains(part)).unwrap_or(SEEN.len()))
}

/// Whether every product says something short of it, and no two the same.
fn tells(products: &[Product], key: &str) -> bool {
    let values: Vec<String> = products
        .iter()
        .filter_map(|p| p.attributes.get(key))
        .map(|v| v.trim().to_lowercase())
        .collect();
    let short = values.iter().all(|v| !v.is_empty() && v.chars().count() <= LONGEST);
    let apart: HashSet<&String> = values.iter().collect();
    short && values.len() == products.len() && apart.len() == values.len()
}

/// What an answer to such a question means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// The choice at this place.
    One(usize),
    /// None of them.
    Neither,
    /// It is no answer.
    Unclear,
}

/// Which choice a question names that nobody asked to choose: by words that stand in no other product's
/// entry, numbers left aside, for they may count anything.
pub fn named(question: &str, choices: &[Choice], products: &[Product]) -> Option<usize> {
    let asked: HashSet<String> =
        all_stems(question).into_iter().filter(|stem| !stem.starts_with('#')).collect();
    let whole = |p: &Product| {
        let attributes: String = p.attributes.iter().map(|(k, v)| format!(" {k} {v}")).collect();
        all_stems(&format!("{} {}{attributes}", p.title, p.description))
    };
    let scores: Vec<usize> = choices
        .iter()
        .map(|choice| {
            let others = products.iter().filter(|p| p.id != choice.product);
            let others: HashSet<String> = others.flat_map(whole).collect();
            let own: HashSet<String> =
                all_stems(&format!("{} {}", choice.value, choice.title)).into_iter().collect();
            own.iter().filter(|stem| asked.contains(*stem) && !others.contains(*stem)).count()
        })
        .collect();
    leader(&scores)
}

/// The place of the highest score, if it is above 0 and no other is as high.
fn leader(scores: &[usize]) -> Option<usize> {
    let best = scores.iter().copied().max().filter(|best| *best > 0)?;
    let mut leading = scores.iter().enumerate().filter(|(_, score)| **score == best);
    let (at, _) = leading.next()?;
    leading.next().is_none().then_some(at)
}

/// Which choice a reply means: by its number, or by words that only it has.
pub fn meant(reply: &str, choices: &[Choice]) -> Meant {
    const NEITHER: &str = "neither none nope no nein keins keiner keine keines weder non aucun aucune ni ninguno \
ninguna nessuno nessuna não nenhum nenhuma nee geen nie żaden żadna żadne";
    const ORDINALS: [&str; 3] = [
        "1 first erste ersten erstes erster former a premier première primero primera primer primo prima primeiro \
primeira eerste pierwszy pierwsza pierwsze",
        "2 second zweite zweiten zweites zweiter latter b deuxième seconde segundo segunda secondo seconda tweede \
drugi druga drugie",
        "3 third dritte dritten drittes dritter c troisième tercero tercera tercer terzo terza terceiro terceira \
derde trzeci trzecia trzecie",
    ];
    let lower = reply.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let plain = |text: &str| text.trim().to_lowercase();
    if let Some(at) = choices
        .iter()
        .position(|c| [&c.value, &c.title, &c.product].iter().any(|t| plain(t) == lower.trim()))
    {
        return Meant::One(at);
    }
    if words.first().is_some_and(|w| lists(NEITHER, w)) && words.len() <= 4 {
        return Meant::Neither;
    }
    // A longer one with a question mark asks something: its numbers and articles name nothing.
    let asking = asks(reply) && words.len() > 4;
    let stems = |text: &str| -> HashSet<String> {
        all_stems(text).into_iter().filter(|stem| !(asking && stem.starts_with('#'))).collect()
    };
    let own: Vec<HashSet<String>> =
        choices.iter().map(|c| stems(&format!("{} {}", c.value, c.title))).collect();
    let said = stems(reply);
    let scores: Vec<usize> = own
        .iter()
        .enumerate()
        .map(|(at, mine)| {
            let others = own.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, set)| set);
            let only = mine.iter().filter(|s| !others.clone().any(|set| set.contains(*s)));
            only.filter(|stem| said.contains(*stem)).count()
        })
        .collect();
    if let Some(at) = leader(&scores) {
        return Meant::One(at);
    }
    // "without the stripe", "the plain one": all that this one has, and nothing that only another has.
    let ordinal =
        ORDINALS.iter().take(choices.len()).position(|names| words.iter().any(|w| lists(names, w)));
    let fitting: Vec<usize> =
        (0..choices.len()).filter(|at| value_stems(choices, *at).is_subset(&said)).collect();
    match (ordinal, fitting.as_slice()) {
        (Some(at), _) if words.len() <= 4 => Meant::One(at),
        (_, [only]) if words.len() <= 8 && !asking => Meant::One(*only),
        _ => Meant::Unclear,
    }
}

fn value_stems(choices: &[Choice], at: usize) -> HashSet<String> {
    choices.get(at).map(|c| all_stems(&c.value).into_iter().collect()).unwrap_or_default()
}

/// Stems with numbers by themselves, in digits and words alike.
fn all_stems(text: &str) -> Vec<String> {
    const NUMBERS: &[(&str, &str)] = &[
        ("one", "1"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("ein", "1"),
        ("zwei", "2"),
        ("drei", "3"),
    ];
    let mut out = naming_stems(text, false);
    out.retain(|stem| !stem.contains(' ') && !is_empty(stem));
    let lower = text.to_lowercase();
    for word in lower.split(|c: char| !c.is_alphanumeric()) {
        let written = NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, digit)| *digit);
        let digits = Some(word).filter(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_digit()));
        out.extend(written.or(digits).map(|d| format!("#{d}")));
    }
    out.extend(naming_stems(text, true).into_iter().filter(|stem| !stem.contains(' ')));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_a_look_alike_only_by_words_of_its_own() {
        let pair = [
            product("a", "Heron Desk Lamp", &[("colour", "white")]),
            product("b", "Heron Brass Desk Lamp", &[("colour", "brass on a marble foot")]),
        ];
        let mut pair = pair.to_vec();
        if let Some(first) = pair.first_mut() {
            first.description = "Its round foot weighs 1.9 kg.".into();
        }
        let choices = difference(&pair).choices;
        let brass = choices.iter().position(|c| c.product == "b");
        for (question, meant) in [
            ("How heavy is the brass one?", brass),
            ("How heavy is the foot?", None),
            ("Is it a gift?", None),
            ("How heavy is this one?", None),
            ("What are 2 of them?", None),
        ] {
            assert_eq!(named(question, &choices, &pair), meant, "{question}");
        }
    }

    fn product(id: &str, title: &str, attributes: &[(&str, &str)]) -> Product {
        Product {
            id: id.into(),
            title: title.into(),
            description: String::new(),
            attributes: attributes
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            images: vec![],
        }
    }

    fn banks() -> Vec<Product> {
        vec![
            product(
                "p10",
                "Pebble 10",
                &[("price", "€29"), ("colour", "teal"), ("ports", "1 USB-C")],
            ),
            product(
                "p20",
                "Pebble 20 Duo",
                &[("price", "€49"), ("colour", "teal"), ("ports", "2 USB-C")],
            ),
        ]
    }

    #[test]
    fn what_can_be_seen_is_asked() {
        let found = difference(&banks());
        assert_eq!(found.attribute.as_deref(), Some("ports"));
        let values: Vec<_> = found.choices.iter().map(|c| c.value.as_str()).collect();
        assert_eq!(values, ["1 USB-C", "2 USB-C"]);
        let plain =
            [product("a", "Apple", &[("price", "1")]), product("b", "Pear", &[("price", "2")])];
        let found = difference(&plain);
        assert_eq!((found.attribute, found.choices[1].value.as_str()), (None, "Pear"));
    }

    #[test]
    fn an_answer_in_words_is_understood() {
        let choices = difference(&banks()).choices;
        for (reply, means) in [
            ("two", Meant::One(1)),
            ("it has 2 ports", Meant::One(1)),
            ("just one", Meant::One(0)),
            ("1 USB-C", Meant::One(0)),
            ("the duo", Meant::One(1)),
            ("zwei", Meant::One(1)),
            ("the first", Meant::One(0)),
            ("neither", Meant::Neither),
            ("keins davon", Meant::Neither),
            ("how heavy is it?", Meant::Unclear),
            ("no idea, what does it cost and how much does it hold?", Meant::Unclear),
        ] {
            assert_eq!(meant(reply, &choices), means, "{reply}");
        }
        let stripes = [("teal", "Pebble 10"), ("teal with orange stripe", "Pebble 20 Duo")];
        let choices: Vec<Choice> = stripes
            .iter()
            .map(|(value, title)| Choice {
                product: (*title).into(),
                title: (*title).into(),
                value: (*value).into(),
            })
            .collect();
        assert_eq!(meant("there's an orange stripe", &choices), Meant::One(1));
        assert_eq!(meant("teal", &choices), Meant::One(0));
        assert_eq!(meant("orange", &choices), Meant::One(1));
        let pots = difference(&[
            product("b", "Zebra pot", &[("colour", "blue")]),
            product("a", "The pot", &[("colour", "red")]),
        ]);
        assert_eq!(meant("How heavy is the zebra?", &pots.choices), Meant::One(0));
        for (reply, means) in [
            ("aucune des deux", Meant::Neither),
            ("la première", Meant::One(0)),
            ("il secondo", Meant::One(1)),
            ("la bleue", Meant::One(0)),
            ("de rode", Meant::One(1)),
        ] {
            assert_eq!(meant(reply, &pots.choices), means, "{reply}");
        }
    }
}
