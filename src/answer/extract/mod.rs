//! The offline answerer: sentences and attributes of the best match that bear on the question.
//!
//! No model writes anything here. The entry is split into pieces (the description's sentences, and
//! each attribute; `units`), and each is held against the question: the words they share, how near
//! their other words are in meaning, and whether it tells what the question asks for, a weight or a
//! permission (all by `reading/`). A small fitted model makes one chance of that (`score`), and
//! the best pieces are quoted (`quote`). Where none surely answers, the answer says so and shows the
//! nearest.

#[cfg(test)]
mod measure;
mod quote;
mod score;
mod units;

use super::{Answer, Inquiry, Origin};
use crate::catalogue::Product;
use crate::reading;
use crate::words::say;
use quote::Said;

/// Answers from the best match's own text, in the question's language as far as it can be told.
pub fn answer(inquiry: &Inquiry) -> Answer {
    let spoken = reading::spoken(&inquiry.question);
    let language = spoken.unwrap_or(inquiry.language.as_str());
    let Some(best) = inquiry.evidence.first() else {
        let text = say(language, "extract-nothing", &[]);
        let covered = Some(false);
        return Answer { text, covered, ..Answer::default() };
    };
    let product = &best.product;
    let said = quote::said(&inquiry.question, product);
    let covered = matches!(said, Said::Answer(_));
    let (opening, quotes) = match said {
        Said::Answer(quotes) => ("extract-from", quotes),
        Said::Near(quotes) => ("extract-near", quotes),
        Said::Nothing => ("extract-not-said", Vec::new()),
    };
    let name = format!("{} [{}]", product.title, product.id);
    let mut parts = Vec::new();
    if !inquiry.confident {
        parts.push(say(language, "extract-closest", &[("name", name.clone().into())]));
    }
    parts.push(say(language, opening, &[("name", name.into())]));
    parts.extend(quotes);
    if let Some(url) = link(product).filter(|_| !covered) {
        parts.push(say(language, "extract-more", &[("url", url.into())]));
    }
    Answer {
        text: parts.join(" "),
        origin: Origin::Extractive,
        sources: vec![product.id.clone()],
        covered: Some(covered),
        ..Answer::default()
    }
}

/// The product's own page.
fn link(product: &Product) -> Option<&str> {
    let url = product.attributes.get("url")?.trim();
    let plain = |c: char| c.is_ascii_graphic();
    let web = url.starts_with("https://") || url.starts_with("http://");
    (web && url.chars().all(plain)).then_some(url)
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
                ("url".to_owned(), "https://example.com/aura".to_owned()),
            ]
            .into_iter()
            .collect(),
            images: vec![],
        }
    }

    fn ask(question: &str) -> Answer {
        answer(&Inquiry {
            question: question.into(),
            evidence: vec![Evidence { product: lamp(), score: 0.9, picture: None }],
            confident: true,
            ..Inquiry::default()
        })
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
            ("i got dust all over it, what now", "dry cloth"),
            ("can it stand on the balcony when it rains", "indoor use only"),
        ] {
            let text = ask(question).text;
            assert!(text.contains(fact), "{question}: {text}");
            assert!(text.contains("extract") && text.contains("[lamp]"), "{text}");
        }
    }

    #[test]
    fn a_question_is_answered_in_its_language_around_the_entrys_own_words() {
        for (question, fact, extract) in [
            ("Wie schwer ist die?", "1.2 kg", "Auszug"),
            ("Was kostet die Lampe?", "89 EUR", "Auszug"),
            ("Wie lange hält der Akku?", "12 hours", "Auszug"),
            ("Combien ça pèse ?", "1.2 kg", "extrait"),
            ("Combien de temps tient la batterie ?", "12 hours", "extrait"),
            ("¿Cuánto cuesta la lámpara?", "89 EUR", "extracto"),
            ("cuanto pesa esta lampara", "1.2 kg", "extracto"),
            ("Quanto dura la batteria?", "12 hours", "estratto"),
            ("Come si pulisce?", "dry cloth", "estratto"),
            ("Quanto custa isto?", "89 EUR", "trecho"),
            ("Posso usar na chuva?", "indoor use only", "trecho"),
            ("Hoe zwaar is deze lamp?", "1.2 kg", "fragment"),
            ("Hoelang gaat de accu mee?", "12 hours", "fragment"),
            ("Ile to kosztuje?", "89 EUR", "fragment"),
            ("Jak to wyczyścić?", "dry cloth", "fragment"),
        ] {
            let text = ask(question).text;
            assert!(text.contains(fact) && text.contains(extract), "{question}: {text}");
        }
    }

    #[test]
    fn what_the_entry_does_not_say_is_said_plainly_with_the_products_page() {
        for question in ["Does it have a USB port?", "Who designed it?", "Can it play music?"] {
            let answer = ask(question);
            assert_eq!(answer.covered, Some(false), "{question}: {}", answer.text);
            assert!(answer.text.contains("https://example.com/aura"), "{}", answer.text);
        }
    }

    #[test]
    fn what_is_this_gets_the_entrys_beginning() {
        assert!(ask("What is this?").text.contains("dimmable desk lamp"));
    }

    #[test]
    fn a_link_is_a_plain_web_address() {
        let mut product = lamp();
        for (url, plain) in
            [("javascript:alert(1)", false), ("https://a b", false), ("https://a.b/c", true)]
        {
            product.attributes.insert("url".into(), url.into());
            assert_eq!(link(&product).is_some(), plain, "{url}");
        }
    }

    #[test]
    fn doubt_and_nothing_are_said() {
        let mut inquiry = Inquiry {
            question: "how heavy?".into(),
            evidence: vec![Evidence { product: lamp(), score: 0.3, picture: None }],
            ..Inquiry::default()
        };
        let text = answer(&inquiry).text;
        assert!(text.contains("no confident match") && text.contains("angle"), "{text}");
        inquiry.evidence.clear();
        let nothing = answer(&inquiry);
        assert!(nothing.text.contains("Nothing in the catalogue") && nothing.sources.is_empty());
    }

    #[test]
    fn the_fitted_weights_fit_the_features() {
        assert_eq!(score::lengths(), (score::FEATURES + 1, score::WHOLE + 1));
    }
}
