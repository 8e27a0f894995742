//! Magpie answers questions about photographed products.
//!
//! A photo is embedded with CLIP, matched against a catalogue kept in LMDB, and the
//! question is answered from the text of what matched:
//!
//! ```text
//! bytes ─► Photo ─► Embedding ─► Matches ─► Answer
//!        photo      clip         search     answer
//!                                catalogue
//! ```
//!
//! Each stage is a module that knows nothing of the ones after it; [`cli`] wires them
//! together for the `magpie` binary. `ARCHITECTURE.md` is the map.

pub mod answer;
pub mod bot;
pub mod catalogue;
pub mod cli;
pub mod clip;
pub mod config;
pub mod cores;
pub mod front;
pub mod photo;
pub mod sample;
pub mod search;
pub mod telemetry;
pub mod words;
