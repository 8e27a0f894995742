//! `@bot words` in any chat: product cards from the common catalogue.

use teloxide::payloads::AnswerInlineQuerySetters;
use teloxide::requests::Requester;
use teloxide::types::{
    InlineQuery, InlineQueryResult, InlineQueryResultArticle, InputMessageContent,
    InputMessageContentText, ParseMode,
};
use tokio::sync::Semaphore;

use super::api::Api;
use super::html;
use crate::bot::{Block, Bot, Markup, Platform, Span};
use crate::catalogue::Product;

const CARDS: usize = 10;
/// Longest query that is looked for, in characters.
const QUERY: usize = 200;
/// How long Telegram may show the same cards again, in seconds.
const CACHE: u32 = 60;
const DESCRIPTION: usize = 150;
const TITLE: usize = 100;

/// Answers an inline query; without words, with nothing. One that finds no place among `places` is
/// not looked for, and not remembered as having none.
pub async fn answer(api: &Api, bot: &Bot, places: &Semaphore, query: &InlineQuery) {
    let words: String = query.query.trim().chars().take(QUERY).collect();
    let user = query.from.id.0.to_string();
    let language = query.from.language_code.as_deref().unwrap_or_default();
    // What was not looked for is nobody's answer to these words, so that nobody else is shown it.
    let (mut cards, mut looked) = (Vec::new(), true);
    if !words.is_empty() {
        // Every letter typed is a query: they have a rate of their own, beside that of questions.
        looked = bot.admit(Platform::Telegram, &format!("inline:{user}"), language).is_ok();
    }
    let place = places.try_acquire();
    looked &= words.is_empty() || place.is_ok();
    if !words.is_empty() && looked {
        let kb = bot.kb(Platform::Telegram, "", "");
        match kb.find(&words, 0, CARDS).await {
            Ok(page) => cards = page.products.iter().enumerate().filter_map(card).collect(),
            Err(error) => {
                tracing::warn!("Telegram: an inline query failed: {error}");
                looked = false;
            }
        }
    }
    drop(place);
    let cache = if looked { CACHE } else { 0 };
    let request = api.bot().answer_inline_query(query.id.clone(), cards);
    let request = request.cache_time(cache).is_personal(!looked);
    if let Err(error) = api.once(request).await {
        tracing::debug!("Telegram: {}", api.told(&error));
    }
}

fn card((n, product): (usize, &Product)) -> Option<InlineQueryResult> {
    let short = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let mut blocks = vec![Block::Paragraph(vec![Span::bold(&product.title)])];
    blocks.extend(Markup::plain(&product.description).0);
    let text = html::messages(&Markup(blocks)).into_iter().next()?;
    let text = InputMessageContentText::new(text).parse_mode(ParseMode::Html);
    let article = InlineQueryResultArticle::new(
        n.to_string(),
        short(&product.title, TITLE),
        InputMessageContent::Text(text),
    );
    Some(InlineQueryResult::Article(article.description(short(&product.description, DESCRIPTION))))
}
