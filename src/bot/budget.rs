//! What written answers may still cost today, for a user, a space, and everybody.
//!
//! What was spent stands in the catalogues; here is what questions in work may yet spend. A question
//! is let through when its estimate fits in all budgets beside what is spent and held back, and its
//! estimate is held back until what it did spend is written down. So questions that come together
//! cannot all count on the same rest, and a budget is overrun at most by what estimates are short of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::KbError;
use super::kb::Shelf;
use crate::catalogue::{Spender, Tally};
use crate::config::BudgetSettings;

const MICROS: f64 = 1e6;

/// Whose budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    User,
    Space,
    All,
}

/// Tokens and millionths of money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    pub tokens: u64,
    pub micros: u64,
}

impl Amount {
    fn plus(self, more: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(more.tokens),
            micros: self.micros.saturating_add(more.micros),
        }
    }

    fn minus(self, less: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_sub(less.tokens),
            micros: self.micros.saturating_sub(less.micros),
        }
    }

    fn of(tally: &Tally) -> Self {
        Self { tokens: tally.tokens(), micros: tally.micros() }
    }
}

/// A limit; 0 is none.
#[derive(Debug, Clone, Copy)]
struct Limit(Amount);

impl Limit {
    fn new(tokens: u64, money: f64) -> Self {
        Self(Amount { tokens, micros: (money * MICROS).round() as u64 })
    }

    fn is_set(self) -> bool {
        self.0 != Amount::default()
    }

    fn admits(self, amount: Amount) -> bool {
        let within = |limit: u64, amount: u64| limit == 0 || amount <= limit;
        within(self.0.tokens, amount.tokens) && within(self.0.micros, amount.micros)
    }
}

/// What questions in work may yet spend.
#[derive(Default)]
struct Held {
    users: HashMap<String, Amount>,
    spaces: HashMap<String, Amount>,
    all: Amount,
}

/// A handle to the budgets; clones are the same.
#[derive(Clone)]
pub struct Budget(Arc<Parts>);

struct Parts {
    user: Limit,
    space: Limit,
    all: Limit,
    held: Mutex<Held>,
}

impl Budget {
    pub fn new(settings: &BudgetSettings) -> Self {
        Self(Arc::new(Parts {
            user: Limit::new(settings.user_tokens, settings.user_money),
            space: Limit::new(settings.space_tokens, settings.space_money),
            all: Limit::new(settings.total_tokens, settings.total_money),
            held: Mutex::default(),
        }))
    }

    /// Whether anything is limited.
    pub fn is_set(&self) -> bool {
        [self.0.user, self.0.space, self.0.all].into_iter().any(Limit::is_set)
    }

    /// Holds an amount back, if it fits. It reads from LMDB; keep it off tokio's workers.
    ///
    /// # Errors
    /// [`KbError::Catalogue`] when what was spent cannot be read.
    pub fn hold(
        &self,
        shelves: &[Arc<Shelf>],
        day: u32,
        spender: &Spender,
        amount: Amount,
    ) -> Result<Result<Hold, Over>, KbError> {
        // Locked while it is read: who settles writes down first and lets go afterwards, so nothing
        // is missed between the two.
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut user, mut space, mut all) = (Amount::default(), Amount::default(), held.all);
        for shelf in shelves {
            let spent = shelf.catalogue().spent(day, &spender.user, &spender.space)?;
            user = user.plus(Amount::of(&spent.user));
            space = space.plus(Amount::of(&spent.space));
            all = all.plus(Amount::of(&spent.all));
        }
        let waiting =
            |of: &HashMap<String, Amount>, name| of.get(name).copied().unwrap_or_default();
        user = user.plus(waiting(&held.users, &spender.user));
        space = space.plus(waiting(&held.spaces, &spender.space));
        let budgets = [
            (self.0.user, user, Over::User),
            (self.0.space, space, Over::Space),
            (self.0.all, all, Over::All),
        ];
        if let Some((.., over)) =
            budgets.iter().find(|(limit, so_far, _)| !limit.admits(so_far.plus(amount)))
        {
            return Ok(Err(*over));
        }
        held.all = held.all.plus(amount);
        for (of, name) in [(true, &spender.user), (false, &spender.space)] {
            let of = if of { &mut held.users } else { &mut held.spaces };
            let entry = of.entry(name.clone()).or_default();
            *entry = entry.plus(amount);
        }
        Ok(Ok(Hold { budget: self.clone(), spender: spender.clone(), amount }))
    }

    fn let_go(&self, spender: &Spender, amount: Amount) {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.minus(amount);
        for (users, name) in [(true, &spender.user), (false, &spender.space)] {
            let of = if users { &mut held.users } else { &mut held.spaces };
            let rest = of.get(name).copied().unwrap_or_default().minus(amount);
            if rest == Amount::default() {
                of.remove(name);
            } else {
                of.insert(name.clone(), rest);
            }
        }
    }
}

/// An amount held back; dropping it lets it go.
pub struct Hold {
    budget: Budget,
    spender: Spender,
    amount: Amount,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.budget.let_go(&self.spender, self.amount);
    }
}
