//! Discord.

use tokio_util::sync::CancellationToken;

use crate::bot::Bot;
use crate::config::DiscordSettings;

/// Serves Discord until `stop`; an error is what trying again cannot mend.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(_settings: DiscordSettings, _bot: Bot, stop: CancellationToken) -> Result<(), String> {
    stop.cancelled().await;
    Ok(())
}
