//! What answers may cost, and how long it is kept what they did and what people thought of them.

use serde::Deserialize;

use super::{Settings, SettingsError};

const MAX_PRICE: f64 = 1e6;
const MAX_DAYS: u32 = 36_500;

/// What one model costs, in a currency's unit per million tokens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSettings {
    /// The model by its server's name, or the beginning of it; `*`: every other.
    pub model: String,
    pub input: f64,
    /// Of a prompt's tokens that the server had cached; none: as `input`.
    pub cached_input: Option<f64>,
    pub output: f64,
    /// As in `USD`.
    pub currency: String,
}

/// What written answers may cost a day (UTC); 0: as much as they do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetSettings {
    /// Tokens of prompts and answers of one user.
    pub user_tokens: u64,
    /// Money of one user, in the currency of `answer.prices`.
    pub user_money: f64,
    /// The same of one guild or group, or of all private chats of a platform.
    pub space_tokens: u64,
    pub space_money: f64,
    /// The same of everybody together.
    pub total_tokens: u64,
    pub total_money: f64,
}

impl BudgetSettings {
    fn money(&self) -> [(&'static str, f64); 3] {
        [
            ("budget.user_money", self.user_money),
            ("budget.space_money", self.space_money),
            ("budget.total_money", self.total_money),
        ]
    }
}

/// What was spent, as it is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UsageSettings {
    /// For so many days.
    pub keep_days: u32,
}

/// What people think of answers, as it is kept when they agree.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedbackSettings {
    /// For so many days; 0: nobody is asked.
    pub keep_days: u32,
}

impl Default for UsageSettings {
    fn default() -> Self {
        Self { keep_days: 400 }
    }
}

impl Default for FeedbackSettings {
    fn default() -> Self {
        Self { keep_days: 365 }
    }
}

/// The price of a model: its own, or that of the longest beginning of its name, as `gpt-4o` for
/// `gpt-4o-2024-08-06`, or that of `*`.
pub fn price_of<'a>(prices: &'a [PriceSettings], model: &str) -> Option<&'a PriceSettings> {
    let goes_on = |known: &str| {
        let rest = model.strip_prefix(known);
        rest.is_some_and(|r| r.is_empty() || r.starts_with(['-', ':', '@']))
    };
    let named = prices.iter().filter(|p| goes_on(&p.model));
    let common = || prices.iter().find(|p| p.model == "*");
    named.max_by_key(|p| p.model.len()).or_else(common)
}

/// Checks prices, budgets and times. A budget in money needs to know what the model costs, and can
/// only add up one currency.
pub(super) fn check(settings: &Settings) -> Result<(), SettingsError> {
    let wrong = |key, rule, value: String| Err(SettingsError::Range { key, rule, value });
    let prices = &settings.answer.prices;
    for p in prices {
        let all = [p.input, p.cached_input.unwrap_or(0.0), p.output];
        if all.iter().any(|price| !(0.0..=MAX_PRICE).contains(price)) {
            return wrong("answer.prices", "from 0 to 1000000", format!("{all:?}"));
        }
        if p.model.trim().is_empty() || p.currency.trim().is_empty() {
            return wrong("answer.prices", "rows with a model and a currency", format!("{p:?}"));
        }
    }
    let usage_days = settings.usage.keep_days;
    if !(1..=MAX_DAYS).contains(&usage_days) {
        return wrong("usage.keep_days", "from 1 to 36500", usage_days.to_string());
    }
    let feedback_days = settings.feedback.keep_days;
    if feedback_days > MAX_DAYS {
        return wrong("feedback.keep_days", "from 0 to 36500", feedback_days.to_string());
    }
    for (key, money) in settings.budget.money() {
        if !(0.0..=MAX_PRICE).contains(&money) {
            return wrong(key, "from 0 to 1000000", money.to_string());
        }
        if money == 0.0 {
            continue;
        }
        let first = prices.first().map(|p| &p.currency);
        if prices.iter().any(|p| Some(&p.currency) != first) {
            let rule = "0 where answer.prices has several currencies";
            return wrong(key, rule, money.to_string());
        }
        if settings.answer.models().iter().any(|model| price_of(prices, model).is_none()) {
            let rule = "0 where answer.prices has no row for a model that is asked";
            return wrong(key, rule, money.to_string());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::from_toml;

    const ONE: &str = "[[answer.prices]]\nmodel = \"gpt-4o\"\ninput = 2.5\ncached_input = 1.25\n\
        output = 10\ncurrency = \"USD\"\n";
    const PRICES: &str = "[[answer.prices]]\nmodel = \"gpt-4o\"\ninput = 2.5\ncached_input = 1.25\n\
        output = 10\ncurrency = \"USD\"\n\
        [[answer.prices]]\nmodel = \"llava\"\ninput = 1\noutput = 1\ncurrency = \"EUR\"\n";

    #[test]
    fn a_price_may_be_a_whole_number_and_lack_one_for_cached_tokens() {
        let prices = from_toml(PRICES).unwrap().answer.prices;
        assert_eq!((prices[0].cached_input, prices[1].cached_input), (Some(1.25), None));
        assert!(from_toml(&format!("{ONE}[budget]\nuser_money = 0.5")).is_ok());
    }

    #[test]
    fn what_cannot_be_added_up_is_refused() {
        for (text, word) in [
            ("[budget]\nuser_money = 1.0".to_owned(), "answer.prices has no row"),
            ("[budget]\nuser_money = -1.0".to_owned(), "budget.user_money"),
            (format!("{PRICES}[budget]\ntotal_money = 1.0"), "several currencies"),
            (PRICES.replace("2.5", "-2.5"), "answer.prices"),
            (PRICES.replace("USD", " "), "a currency"),
            ("[usage]\nkeep_days = 0".to_owned(), "usage.keep_days"),
            (
                format!("{ONE}[[answer.providers]]\nmodel = \"qwen\"\n[budget]\nuser_money = 1.0"),
                "a model that is asked",
            ),
        ] {
            let message = from_toml(&text).unwrap_err().to_string();
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
