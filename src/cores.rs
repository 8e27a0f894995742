//! A long list of work on all cores, each core by itself.
//!
//! Two passes of the model that use one core each do more in the same time than one pass after
//! the other on two cores, whose products must wait for each other; and decoding, which no
//! product can wait for, fits in between. The list goes through in parts, results come back in
//! order, and only so many parts are under way that memory stays bounded however long it is.

use std::collections::BTreeMap;
use std::iter::Enumerate;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::slice::Chunks;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// Parts that may be finished and not yet taken, beyond one for each core.
const AHEAD: usize = 2;

/// How many cores there are.
pub fn count() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Gives parts of at most `part` items to `work`, on as many threads as there are cores, and
/// what it makes of them to `take`, on the calling thread and in order. Within `work`, rayon
/// has one thread.
///
/// # Errors
/// The first of `take`'s; nothing is begun after it.
///
/// # Panics
/// When `work` does.
pub fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    part: usize,
    work: impl Fn(&[T]) -> R + Sync,
    mut take: impl FnMut(&[T], R) -> Result<(), E>,
) -> Result<(), E> {
    // A short list is cut so that every core has some of it.
    let part = part.min(items.len().div_ceil(count())).max(1);
    let workers = count().min(items.len().div_ceil(part));
    let (place, places) = channel();
    for _ in 0..workers + AHEAD {
        let _ = place.send(());
    }
    let list = Mutex::new(List { places, parts: items.chunks(part).enumerate() });
    let (send, results) = channel();
    thread::scope(|scope| {
        for _ in 0..workers {
            let (list, work, send) = (&list, &work, send.clone());
            scope.spawn(move || {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().ok();
                while let Some((number, part)) = List::next(list) {
                    let done = catch_unwind(AssertUnwindSafe(|| match &pool {
                        Some(pool) => pool.install(|| work(part)),
                        None => work(part),
                    }));
                    if send.send((number, part, done)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        // Dropped on the way out, both end the workers.
        let (place, results) = (place, results);
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (number, part, done) in results {
            early.insert(number, (part, done));
            while let Some((part, done)) = early.remove(&due) {
                take(part, done.unwrap_or_else(|panic| resume_unwind(panic)))?;
                due += 1;
                let _ = place.send(());
            }
        }
        Ok(())
    })
}

/// What is left to do, and how much of it may be begun.
struct List<'a, T> {
    places: Receiver<()>,
    parts: Enumerate<Chunks<'a, T>>,
}

impl<'a, T> List<'a, T> {
    /// Waits for a place and claims the next part; parts are claimed in order, so the one that is
    /// due always has a place.
    fn next(list: &Mutex<Self>) -> Option<(usize, &'a [T])> {
        let mut list = list.lock().ok()?;
        list.places.recv().ok()?;
        list.parts.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[test]
    fn results_come_in_order_and_few_are_ever_waiting() {
        let items: Vec<usize> = (0..1000).collect();
        let (begun, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut taken = Vec::new();
        let all: Result<(), ()> = in_order(
            &items,
            3,
            |part| {
                begun.fetch_add(1, SeqCst);
                part.to_vec()
            },
            |_, part| {
                let ahead = begun.load(SeqCst) - taken.len() / 3;
                most.fetch_max(ahead, SeqCst);
                taken.extend(part);
                Ok(())
            },
        );
        assert_eq!((all, &taken), (Ok(()), &items));
        assert!(most.load(SeqCst) <= count() + AHEAD, "{most:?} parts were under way");
    }

    #[test]
    fn a_slow_part_holds_the_others_back() {
        if count() == 1 {
            return;
        }
        let items: Vec<usize> = (0..100).collect();
        let (gate, open) = channel::<()>();
        let (gate, open) = (Mutex::new(Some(gate)), Mutex::new(open));
        let begun = AtomicUsize::new(0);
        let all: Result<(), ()> = in_order(
            &items,
            1,
            |part| {
                let begun = begun.fetch_add(1, SeqCst) + 1;
                if part == [0] {
                    // Ends when the others can get no further without it.
                    let _ = open.lock().unwrap().recv();
                } else if begun == count() + AHEAD {
                    gate.lock().unwrap().take();
                }
            },
            |_, ()| Ok(()),
        );
        assert_eq!((all, begun.load(SeqCst)), (Ok(()), 100));
    }

    #[test]
    fn an_error_ends_it_and_a_panic_is_passed_on() {
        let items = [0; 50];
        let begun = AtomicUsize::new(0);
        let stopped = in_order(&items, 1, |_| begun.fetch_add(1, SeqCst), |_, _| Err("full"));
        assert_eq!(stopped, Err("full"));
        assert!(begun.load(SeqCst) <= count() + AHEAD);
        let broken =
            catch_unwind(|| in_order(&items, 1, |_| panic!("no"), |_, ()| Ok::<(), ()>(())));
        assert!(broken.is_err());
        assert_eq!(in_order(&[] as &[u8], 8, |_| (), |_, ()| Err("never")), Ok(()));
    }
}
