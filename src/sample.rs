//! The sample catalogue, compiled into the binary.

use std::path::Path;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "kb/"]
#[include = "description.json"]
#[include = "images/*"]
#[include = "photos/*"]
struct Sample;

/// Writes the sample catalogue and its customers' photos into a directory.
///
/// # Errors
/// When a file cannot be written.
pub fn unpack(to: &Path) -> std::io::Result<()> {
    for name in Sample::iter() {
        let Some(file) = Sample::get(&name) else { continue };
        let path = to.join(name.as_ref());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, file.data)?;
    }
    Ok(())
}
