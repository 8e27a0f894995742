//! `tokenizer.json`: from text to token ids, with start and end tokens, cut to the model's
//! longest input.

use tokenizers::{Tokenizer as HfTokenizer, TruncationParams};

use super::ClipError;
use super::model::TextConfig;

/// Longer texts are cut here before tokenising: far beyond any CLIP's 77 tokens, and it keeps
/// a pasted book from costing time.
const MAX_BYTES: usize = 16 * 1024;

/// The tokenizer of one model.
pub struct Tokenizer {
    inner: HfTokenizer,
}

impl Tokenizer {
    pub(super) fn parse(json: &[u8], config: &TextConfig) -> Result<Self, String> {
        let mut inner = HfTokenizer::from_bytes(json).map_err(|e| e.to_string())?;
        inner.with_padding(None);
        inner
            .with_truncation(Some(TruncationParams {
                max_length: config.max_position_embeddings,
                ..Default::default()
            }))
            .map_err(|e| e.to_string())?;
        // "<|endoftext|>" typed by a user is text, not the end of it.
        inner.set_encode_special_tokens(true);
        let size = inner.get_vocab_size(true);
        if size > config.vocab_size {
            return Err(format!(
                "it has {size} tokens, the model's vocabulary only {}",
                config.vocab_size
            ));
        }
        let tokenizer = Self { inner };
        let ends = tokenizer.ids("").map_err(|e| e.to_string())?;
        if ends.is_empty() {
            return Err("it adds no start and end tokens (post_processor)".into());
        }
        Ok(tokenizer)
    }

    /// Token ids of a text with start and end tokens, at most the model's length, unpadded.
    ///
    /// # Errors
    /// [`ClipError::Invalid`] when the tokenizer cannot express the text at all.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>, ClipError> {
        let mut end = text.len().min(MAX_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let encoding = self.inner.encode(&text[..end], true).map_err(|e| ClipError::Invalid {
            model: "the loaded model".into(),
            file: super::TOKENIZER,
            reason: e.to_string(),
        })?;
        Ok(encoding.get_ids().to_vec())
    }
}
