//! The platforms: each front-end translates its platform's events into requests to the bot and
//! the bot's replies back. Platform types stay in here.

pub mod discord;
pub mod telegram;
pub mod web;
