//! Logs, on standard error.

use tracing_subscriber::EnvFilter;

/// Sends logs to standard error: warnings by default, more with `verbose`, or what `RUST_LOG`
/// asks for. A second call changes nothing.
pub fn init(verbose: u8) {
    let default = match verbose {
        0 => "magpie=warn",
        1 => "magpie=info",
        _ => "magpie=debug,hf_hub=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .try_init();
}
