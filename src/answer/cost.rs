//! What an answer costs: tokens where the server does not count them, and money by a price table.

use super::{Inquiry, Spend, Usage, tokens};
use crate::catalogue::Tally;
use crate::config::{AnswerSettings, price_of};

/// Tokens of the rules and what else stands around the question, rather too many than too few.
const RULES: usize = 1000;
/// Tokens around an entry's text.
const ENTRY: usize = 60;
/// Bytes of an answer in a token, rather too few than too many.
const BYTES: u64 = 3;

/// A price in money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    pub currency: String,
    /// Millionths of the currency's unit.
    pub micros: u64,
}

/// About what a question will use at most of a server that answers at once. It is held back from
/// budgets.
pub fn estimate(inquiry: &Inquiry, settings: &AnswerSettings) -> Usage {
    let detail = settings.closest_look();
    let picture = |jpeg: &[u8]| if jpeg.is_empty() { 0 } else { tokens::picture(jpeg, detail) };
    let entries = inquiry.evidence.iter().take(settings.products).map(|e| {
        let p = &e.product;
        let attributes: usize =
            p.attributes.iter().map(|(k, v)| tokens::text(k) + tokens::text(v)).sum();
        let words = tokens::text(&p.title) + tokens::text(&p.description) + attributes;
        ENTRY + words + e.picture.as_deref().map_or(0, picture)
    });
    let turns = inquiry.turns.iter().map(|t| tokens::text(&t.question) + tokens::text(&t.answer));
    let asked = tokens::text(&inquiry.question) + picture(&inquiry.photo);
    let input = RULES + entries.sum::<usize>() + turns.sum::<usize>() + asked;
    Usage {
        input_tokens: input.min(settings.prompt_tokens.max(RULES)) as u64,
        cached_tokens: 0,
        output_tokens: settings.longest_answer().into(),
    }
}

/// What was used by a question that broke off after so many bytes of its answer.
pub fn broken_off(expected: &Usage, heard: usize) -> Usage {
    Usage { output_tokens: (heard as u64).div_ceil(BYTES), ..*expected }
}

/// What that use of a model costs; none where the settings have no price for it.
pub fn price(settings: &AnswerSettings, model: &str, usage: &Usage) -> Option<Cost> {
    let row = price_of(&settings.prices, model)?;
    let cached = usage.cached_tokens.min(usage.input_tokens);
    let fresh = usage.input_tokens - cached;
    // Per million tokens, so that a token costs as many millionths.
    let micros = fresh as f64 * row.input
        + cached as f64 * row.cached_input.unwrap_or(row.input)
        + usage.output_tokens as f64 * row.output;
    Some(Cost { currency: row.currency.clone(), micros: micros.round() as u64 })
}

/// What that use costs of the dearest server that may be asked, in millionths.
pub fn at_most(settings: &AnswerSettings, usage: &Usage) -> u64 {
    let models = settings.models().into_iter();
    let costs = models.filter_map(|model| price(settings, &model, usage));
    costs.map(|cost| cost.micros).max().unwrap_or(0)
}

/// One question as it is written down: what each model used, by name. The question itself counts for the one
/// that was asked last; one that used nothing has no place here.
pub fn tallies(settings: &AnswerSettings, spent: &[Spend]) -> Vec<(String, Tally)> {
    let used: Vec<&Spend> = spent.iter().filter(|s| s.usage != Usage::default()).collect();
    let estimated = used.iter().any(|s| s.estimated);
    let tally = |(at, spend): (usize, &&Spend)| {
        let last = at + 1 == used.len();
        let cost = price(settings, &spend.model, &spend.usage);
        let tally = Tally {
            questions: last.into(),
            repeated: 0,
            estimated: (last && estimated).into(),
            input_tokens: spend.usage.input_tokens,
            cached_tokens: spend.usage.cached_tokens,
            output_tokens: spend.usage.output_tokens,
            cost: cost.map(|c| (c.currency, c.micros)).into_iter().collect(),
        };
        (spend.model.clone(), tally)
    };
    used.iter().enumerate().map(tally).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{PriceSettings, ProviderSettings};

    fn table() -> AnswerSettings {
        let row = |model: &str, input, cached_input, output| PriceSettings {
            model: model.into(),
            input,
            cached_input,
            output,
            currency: "USD".into(),
        };
        let prices = vec![
            row("gpt-4o", 2.5, Some(1.25), 10.0),
            row("gpt-4o-mini", 0.15, None, 0.6),
            row("*", 1.0, None, 1.0),
        ];
        AnswerSettings { prices, ..AnswerSettings::default() }
    }

    #[test]
    fn a_model_has_its_own_price_or_that_of_its_family_or_the_common_one() {
        let usage = Usage { input_tokens: 1000, cached_tokens: 400, output_tokens: 100 };
        for (model, micros) in [
            ("gpt-4o", 600 * 5 / 2 + 500 + 1000),
            ("gpt-4o-2024-08-06", 600 * 5 / 2 + 500 + 1000),
            ("gpt-4o-mini-2024-07-18", 150 + 60),
            ("gpt-4omni", 1100),
            ("llava", 1100),
        ] {
            let cost = price(&table(), model, &usage).unwrap();
            assert_eq!((cost.micros, cost.currency.as_str()), (micros, "USD"), "{model}");
        }
        let mut named = table();
        named.prices.pop();
        assert_eq!(price(&named, "llava", &usage), None);
        // A server that counts more cached tokens than tokens costs no less than nothing.
        let odd = Usage { input_tokens: 1, cached_tokens: 5, output_tokens: 0 };
        assert_eq!(price(&table(), "gpt-4o", &odd).unwrap().micros, 1);
    }

    #[test]
    fn what_it_may_cost_at_most_is_what_the_dearest_server_asks() {
        let usage = Usage { input_tokens: 1000, cached_tokens: 0, output_tokens: 100 };
        let provider = |model: &str| ProviderSettings { model: model.into(), ..Default::default() };
        let mut settings = table();
        settings.providers = vec![provider("gpt-4o-mini"), provider("gpt-4o"), provider("llava")];
        assert_eq!(at_most(&settings, &usage), 2500 + 1000);
        settings.prices.clear();
        assert_eq!(at_most(&settings, &usage), 0);
    }

    #[test]
    fn each_model_has_its_own_price_and_the_question_counts_once() {
        let spend = |model: &str, tokens, estimated| Spend {
            model: model.into(),
            usage: Usage { input_tokens: tokens, ..Usage::default() },
            estimated,
        };
        let spent =
            [spend("gpt-4o", 100, true), spend("none", 0, false), spend("llava", 100, false)];
        let rows = tallies(&table(), &spent);
        let seen: Vec<_> = rows
            .iter()
            .map(|(model, t)| (model.as_str(), t.questions, t.estimated, t.micros()))
            .collect();
        assert_eq!(seen, [("gpt-4o", 0, 0, 250), ("llava", 1, 1, 100)]);
        assert_eq!(tallies(&table(), &[]), []);
    }

    #[test]
    fn what_a_server_of_ones_own_may_do_is_held_back() {
        let own = ProviderSettings {
            model: "llava".into(),
            max_tokens: Some(4000),
            detail: Some(crate::config::Detail::High),
            ..Default::default()
        };
        let settings = AnswerSettings {
            detail: crate::config::Detail::Low,
            providers: vec![own],
            ..AnswerSettings::default()
        };
        let inquiry = Inquiry { photo: vec![1], ..Inquiry::default() };
        let held = estimate(&inquiry, &settings);
        assert_eq!(held.output_tokens, 4000);
        let passing = AnswerSettings { providers: vec![], ..settings };
        assert!(held.input_tokens > estimate(&inquiry, &passing).input_tokens);
    }

    #[test]
    fn an_estimate_counts_words_and_pictures() {
        let settings = AnswerSettings::default();
        let mut inquiry = Inquiry { question: "How heavy?".into(), ..Inquiry::default() };
        let bare = estimate(&inquiry, &settings);
        inquiry.photo = vec![1];
        let with_photo = estimate(&inquiry, &settings);
        assert_eq!(with_photo.input_tokens - bare.input_tokens, 765);
        inquiry.question = "How heavy? ".repeat(10_000);
        assert_eq!(estimate(&inquiry, &settings).input_tokens, settings.prompt_tokens as u64);
        assert_eq!(bare.output_tokens, u64::from(settings.max_tokens));
        assert_eq!(broken_off(&bare, 30), Usage { output_tokens: 10, ..bare });
    }
}
