//! An answer as it is shown: a model's text made harmless, and what is to be said about it.

use super::ask::product_url;
use super::markup::{Block, Markup, Span, web_link};
use super::reply::{Answered, SourceLink};
use crate::answer::{Answer, Evidence, Origin};
use crate::words::say;

/// The catalogue's own links: the only ones an answer may lead to.
pub fn links(evidence: &[Evidence]) -> Vec<String> {
    let values = evidence.iter().flat_map(|e| e.product.attributes.values());
    values.filter_map(|v| web_link(v)).collect()
}

/// A model's text, whole or growing.
pub fn written(text: &str, links: &[String]) -> Markup {
    Markup::from_markdown(text).linking_only(links)
}

/// A finished answer. Below a model's text stands what the catalogue does not say, with the product's
/// own page where there is one, and which figures are not the catalogue's.
pub fn answered(
    answer: Answer,
    evidence: &[Evidence],
    links: &[String],
    language: &str,
) -> Answered {
    let find = |id: &String| evidence.iter().find(|e| e.product.id == *id).map(|e| &e.product);
    let source = |id: &String| {
        let product = find(id)?;
        let (id, title) = (product.id.clone(), product.title.clone());
        Some(SourceLink { id, title, url: product_url(product) })
    };
    let sources: Vec<SourceLink> = answer.sources.iter().filter_map(source).collect();
    let text = match answer.origin {
        Origin::Extractive => Markup::plain(&answer.text),
        Origin::Model => {
            let mut text = written(&answer.text, links);
            if answer.covered == Some(false) {
                let about = answer.sources.first().and_then(find);
                let about = about.or(evidence.first().map(|e| &e.product));
                let page = about.and_then(|p| Some((p.title.as_str(), product_url(p)?)));
                text.0.push(Block::Paragraph(uncovered(page, language)));
            }
            if !answer.unsupported.is_empty() {
                let figures = answer.unsupported.join(", ");
                let said = say(language, "answer-unsupported", &[("figures", figures.into())]);
                text.0.push(Block::Paragraph(vec![Span { italic: true, ..Span::plain(&said) }]));
            }
            text
        }
    };
    Answered { text, origin: answer.origin, sources }
}

/// That the catalogue does not say, and where else to look.
fn uncovered(page: Option<(&str, String)>, language: &str) -> Vec<Span> {
    let mut spans =
        vec![Span { italic: true, ..Span::plain(&say(language, "answer-uncovered", &[])) }];
    if let Some((title, url)) = page {
        spans.push(Span::plain(&format!(" {} ", say(language, "answer-page", &[]))));
        spans.push(Span { link: Some(url), ..Span::plain(title) });
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Product;

    fn evidence(url: &str) -> Vec<Evidence> {
        let product = Product {
            id: "kettle".into(),
            title: "Kettle".into(),
            description: "It weighs 2 kg.".into(),
            attributes: [("url".to_owned(), url.to_owned())].into_iter().collect(),
            images: vec![],
        };
        vec![Evidence { product, score: 0.9, picture: None }]
    }

    fn model(text: &str) -> Answer {
        Answer { text: text.into(), origin: Origin::Model, ..Answer::default() }
    }

    #[test]
    fn what_the_catalogue_does_not_say_is_said_with_the_products_page() {
        let evidence = evidence("https://shop.example/kettle");
        let links = links(&evidence);
        let answer = Answer { covered: Some(false), ..model("Kein Wort dazu.") };
        let shown = answered(answer.clone(), &evidence, &links, "de").text;
        assert!(shown.text().contains("Der Katalog sagt"), "{}", shown.text());
        let linked = shown.0.iter().flat_map(Block::spans).any(|s| s.link.is_some());
        assert!(linked, "{shown:?}");
        let without = answered(answer, &super::tests::evidence("none"), &[], "en").text;
        assert!(without.0.iter().flat_map(Block::spans).all(|s| s.link.is_none()));
        let covered = Answer { covered: Some(true), ..model("2 kg.") };
        assert_eq!(answered(covered, &evidence, &links, "en").text.text(), "2 kg.");
    }

    #[test]
    fn figures_that_are_not_the_catalogues_are_named() {
        let answer =
            Answer { unsupported: vec!["3 kg".into(), "9 W".into()], ..model("3 kg, 9 W") };
        let shown = answered(answer, &evidence(""), &[], "en").text.text();
        assert!(shown.lines().count() == 2 && shown.contains("3 kg, 9 W"), "{shown}");
    }
}
