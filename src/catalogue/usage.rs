//! What answers cost: tokens and money by day, space, user and model.
//!
//! A user stands here as a keyed hash, whose key is the catalogue's own and random: rows of one
//! user belong together, rows of two catalogues cannot be joined, and nobody's id can be read from
//! them. Who has the environment and an id can still look for that id's rows.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Bound};
use std::time::{SystemTime, UNIX_EPOCH};

use heed::RwTxn;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{Catalogue, CatalogueError};

/// Rows at most; beyond them the oldest days go.
const MOST: u64 = 500_000;
/// Longest name of a space or model in a row, in bytes.
const MAX_NAME: usize = 200;
/// Key of a row: day (big-endian), kind, hash of what it is about.
const KEY: usize = 4 + 1 + 16;

/// What a row adds up: one user's use of one model in one space, or what budgets are held against.
#[derive(Clone, Copy)]
enum Kind {
    Detail = 0,
    User = 1,
    Space = 2,
    All = 3,
}

/// Counts that add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Questions that went to a model.
    pub questions: u64,
    /// Questions answered with an answer that was remembered.
    pub repeated: u64,
    /// Questions whose tokens the server did not report, so that they are estimates.
    pub estimated: u64,
    /// Tokens of prompts, cached ones included.
    pub input_tokens: u64,
    /// Those of them that the server had cached.
    pub cached_tokens: u64,
    pub output_tokens: u64,
    /// Millionths of a currency's unit, by currency.
    pub cost: BTreeMap<String, u64>,
}

impl Tally {
    /// Tokens of prompts and answers.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Millionths spent in all currencies together, which is one where money is limited.
    pub fn micros(&self) -> u64 {
        self.cost.values().fold(0, |sum, &c| sum.saturating_add(c))
    }
}

impl AddAssign<&Self> for Tally {
    fn add_assign(&mut self, more: &Self) {
        let add = |to: &mut u64, n: u64| *to = to.saturating_add(n);
        add(&mut self.questions, more.questions);
        add(&mut self.repeated, more.repeated);
        add(&mut self.estimated, more.estimated);
        add(&mut self.input_tokens, more.input_tokens);
        add(&mut self.cached_tokens, more.cached_tokens);
        add(&mut self.output_tokens, more.output_tokens);
        for (currency, cost) in &more.cost {
            add(self.cost.entry(currency.clone()).or_default(), *cost);
        }
    }
}

/// What one user's questions to one model cost on one day in one space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRow {
    /// Days since 1970-01-01, UTC.
    pub day: u32,
    /// `platform:space`.
    pub space: String,
    /// As [`Catalogue::user_hash`].
    pub user: String,
    pub model: String,
    #[serde(flatten)]
    pub tally: Tally,
}

/// Who spends, where, on what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spender {
    /// `platform:space`.
    pub space: String,
    /// `platform:id`; it is stored as a hash.
    pub user: String,
    pub model: String,
}

/// What was spent on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spent {
    pub user: Tally,
    pub space: Tally,
    pub all: Tally,
}

/// Today, as days since 1970-01-01, UTC.
pub fn today() -> u32 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since_1970.as_secs() / 86_400).unwrap_or(u32::MAX)
}

impl Catalogue {
    /// Adds to what was spent on a day, in one transaction. The rows are bounded: where there are
    /// too many, the oldest days go, and on a day that alone has too many, further users are
    /// counted together under an empty name.
    ///
    /// # Errors
    /// [`CatalogueError`]; nothing was added.
    pub fn record_usage(
        &self,
        day: u32,
        spender: &Spender,
        tally: &Tally,
    ) -> Result<(), CatalogueError> {
        self.record_usage_within(day, spender, tally, MOST)
    }

    fn record_usage_within(
        &self,
        day: u32,
        spender: &Spender,
        tally: &Tally,
        most: u64,
    ) -> Result<(), CatalogueError> {
        let space = bounded(&spender.space);
        let model = bounded(&spender.model);
        self.store.write(|txn| {
            let secret = self.usage_key(txn)?;
            let mut user = hashed(&secret, &spender.user);
            let rows = self.store.tables().usage;
            if rows.len(txn)? >= most {
                self.drop_days(txn, day)?;
            }
            if rows.len(txn)? >= most && rows.get(txn, &key(day, Kind::User, &[&user]))?.is_none() {
                user = String::new();
            }
            let detail = key(day, Kind::Detail, &[space, &user, model]);
            let keys = [
                (detail, space, user.as_str(), model),
                (key(day, Kind::User, &[&user]), "", user.as_str(), ""),
                (key(day, Kind::Space, &[space]), space, "", ""),
                (key(day, Kind::All, &[]), "", "", ""),
            ];
            for (key, space, user, model) in keys {
                let mut row = rows.get(txn, &key)?.unwrap_or_else(|| UsageRow {
                    day,
                    space: space.to_owned(),
                    user: user.to_owned(),
                    model: model.to_owned(),
                    tally: Tally::default(),
                });
                row.tally += tally;
                rows.put(txn, &key, &row)?;
            }
            Ok(())
        })
    }

    /// Makes room: deletes the oldest day, unless it is this one.
    fn drop_days(&self, txn: &mut RwTxn<'_>, today: u32) -> Result<(), CatalogueError> {
        let rows = self.store.tables().usage;
        let oldest = rows.first(txn)?.map(|(_, row)| row.day).filter(|day| *day < today);
        if let Some(day) = oldest {
            let before = day.saturating_add(1).to_be_bytes();
            let range = (Bound::Unbounded, Bound::Excluded(before.as_slice()));
            rows.delete_range(txn, &range)?;
        }
        Ok(())
    }

    /// What this user, this space and everybody spent on a day.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn spent(&self, day: u32, user: &str, space: &str) -> Result<Spent, CatalogueError> {
        self.store.read(|txn| {
            let Some(secret) = self.meta::<[u8; 32]>(txn, SECRET)? else {
                return Ok(Spent::default());
            };
            let rows = self.store.tables().usage;
            let tally = |kind, names: &[&str]| -> Result<Tally, CatalogueError> {
                let row = rows.get(txn, &key(day, kind, names))?;
                Ok(row.map(|r| r.tally).unwrap_or_default())
            };
            Ok(Spent {
                user: tally(Kind::User, &[&hashed(&secret, user)])?,
                space: tally(Kind::Space, &[bounded(space)])?,
                all: tally(Kind::All, &[])?,
            })
        })
    }

    /// What was spent from a day on, oldest day first.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn usage(&self, since: u32) -> Result<Vec<UsageRow>, CatalogueError> {
        let from = since.to_be_bytes();
        self.store.read(|txn| {
            let range = (Bound::Included(from.as_slice()), Bound::Unbounded);
            let rows = self.store.tables().usage.range(txn, &range)?;
            let detail = |entry: &Result<(&[u8], UsageRow), heed::Error>| {
                entry.as_ref().map_or(true, |(key, _)| key.get(4) == Some(&(Kind::Detail as u8)))
            };
            Ok(rows.filter(detail).map(|e| e.map(|(_, row)| row)).collect::<Result<_, _>>()?)
        })
    }

    /// What a user is called in this catalogue's rows, 16 hexadecimal digits; none where nothing
    /// was ever spent.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn user_hash(&self, user: &str) -> Result<Option<String>, CatalogueError> {
        self.store.read(|txn| Ok(self.meta::<[u8; 32]>(txn, SECRET)?.map(|key| hashed(&key, user))))
    }

    /// Deletes the days before this one; returns how many rows went.
    ///
    /// # Errors
    /// [`CatalogueError`]; nothing was deleted.
    pub fn forget_usage(&self, before: u32) -> Result<usize, CatalogueError> {
        let before = before.to_be_bytes();
        let range = (Bound::Unbounded, Bound::Excluded(before.as_slice()));
        let rows = self.store.tables().usage;
        // Most of the time there is nothing old, and a write would wait for whoever imports.
        if self.store.read(|txn| Ok(rows.range(txn, &range)?.next().is_none()))? {
            return Ok(0);
        }
        self.store.write(|txn| Ok(rows.delete_range(txn, &range)?))
    }

    fn usage_key(&self, txn: &mut RwTxn<'_>) -> Result<[u8; 32], CatalogueError> {
        if let Some(key) = self.meta(txn, SECRET)? {
            return Ok(key);
        }
        let key: [u8; 32] = rand::rng().random();
        self.set_meta(txn, SECRET, &key)?;
        Ok(key)
    }
}

/// Where the key of the users' hashes is kept.
const SECRET: &str = "usage-key";

fn hashed(secret: &[u8; 32], user: &str) -> String {
    let hash = blake3::keyed_hash(secret, user.as_bytes());
    hash.as_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn key(day: u32, kind: Kind, names: &[&str]) -> [u8; KEY] {
    let mut hash = blake3::Hasher::new();
    for name in names {
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
    }
    let mut key = [0; KEY];
    let (head, tail) = key.split_at_mut(5);
    head.copy_from_slice(&[&day.to_be_bytes()[..], &[kind as u8]].concat());
    tail.iter_mut().zip(hash.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
    key
}

fn bounded(name: &str) -> &str {
    name.get(..name.floor_char_boundary(MAX_NAME)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spender(user: &str, space: &str) -> Spender {
        Spender { space: space.into(), user: user.into(), model: "m".into() }
    }

    fn cost(tokens: u64) -> Tally {
        let cost = [("USD".to_owned(), tokens * 2)].into_iter().collect();
        Tally { questions: 1, input_tokens: tokens, cost, ..Tally::default() }
    }

    #[test]
    fn what_was_spent_adds_up_by_user_space_and_day() {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(dir.path()).unwrap();
        assert_eq!(catalogue.spent(5, "t:1", "t:g").unwrap(), Spent::default());
        assert_eq!(catalogue.user_hash("t:1").unwrap(), None);
        for (day, user, space, tokens) in
            [(5, "t:1", "t:g", 1), (5, "t:1", "t:h", 2), (5, "t:2", "t:g", 4), (6, "t:1", "t:g", 8)]
        {
            catalogue.record_usage(day, &spender(user, space), &cost(tokens)).unwrap();
        }
        let spent = catalogue.spent(5, "t:1", "t:g").unwrap();
        assert_eq!([spent.user.tokens(), spent.space.tokens(), spent.all.tokens()], [3, 5, 7]);
        assert_eq!([spent.user.micros(), spent.all.micros()], [6, 14]);
        assert_eq!(catalogue.spent(7, "t:1", "t:g").unwrap(), Spent::default());
        let rows = catalogue.usage(0).unwrap();
        assert_eq!(rows.iter().map(|r| r.day).collect::<Vec<_>>(), [5, 5, 5, 6]);
        assert_eq!(rows.iter().map(|r| r.tally.tokens()).sum::<u64>(), 15);
        assert_eq!(catalogue.usage(6).unwrap().len(), 1);
        let hash = catalogue.user_hash("t:1").unwrap().unwrap();
        assert_eq!(rows.iter().filter(|r| r.user == hash).count(), 3);
        assert!(catalogue.forget_usage(6).unwrap() > 3);
        assert_eq!(catalogue.forget_usage(6).unwrap(), 0);
        assert_eq!(catalogue.usage(0).unwrap().len(), 1);
    }

    #[test]
    fn a_user_is_someone_else_in_another_catalogue_and_their_id_is_not_stored() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let hashes = [&one, &two].map(|dir| {
            let catalogue = Catalogue::open(dir.path()).unwrap();
            catalogue.record_usage(1, &spender("telegram:48151623", "t:g"), &cost(1)).unwrap();
            catalogue.user_hash("telegram:48151623").unwrap().unwrap()
        });
        assert_ne!(hashes[0], hashes[1]);
        let file = std::fs::read(one.path().join("data.mdb")).unwrap();
        assert!(!file.windows(8).any(|w| w == b"48151623"));
        assert!(file.windows(16).any(|w| w == hashes[0].as_bytes()));
    }

    #[test]
    fn the_rows_are_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(dir.path()).unwrap();
        let record = |day, user: u32| {
            let spender = spender(&format!("t:{user}"), "t:g");
            catalogue.record_usage_within(day, &spender, &cost(1), 20).unwrap();
        };
        (0..9).for_each(|user| record(1, user));
        record(2, 0);
        assert!(catalogue.usage(0).unwrap().iter().all(|r| r.day == 2), "the oldest day went");
        (0..1000).for_each(|user| record(2, user));
        let rows = catalogue.usage(0).unwrap();
        assert!(rows.len() < 20 && rows.iter().any(|r| r.user.is_empty()), "{}", rows.len());
        assert_eq!(catalogue.spent(2, "t:0", "t:g").unwrap().all.questions, 1001);
    }
}
