//! Telegram.

use tokio_util::sync::CancellationToken;

use crate::bot::Bot;
use crate::config::TelegramSettings;

/// Serves Telegram until `stop`; an error is what trying again cannot mend.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(_settings: TelegramSettings, _bot: Bot, stop: CancellationToken) -> Result<(), String> {
    stop.cancelled().await;
    Ok(())
}
