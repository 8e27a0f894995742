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
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex};
use std::thread;

/// Parts that may be finished and not yet taken, beyond one for each core.
const AHEAD: usize = 2;

/// How many cores this process may use.
pub fn count() -> usize {
    // Asked once, since a thread that keeps to one core would be told 1.
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

/// Sets rayon's threads up, each for a core of its own where there are as many of them as cores;
/// a second call changes nothing.
///
/// Threads that all wake at once after a rest are put where the first of them woke, and Linux takes some
/// hundredths of a second to move one away. A photo comes after a rest, and is done sooner than that.
pub fn prepare() {
    count();
    // It fails where somebody has set it up already.
    let _ = rayon::ThreadPoolBuilder::new().start_handler(keep_to_one).build_global();
}

/// Keeps the calling thread, which is the pool's so manieth, to a core of its own.
#[cfg(target_os = "linux")]
fn keep_to_one(number: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else { return };
    // A share of many cores, as containers have it, is no core in particular.
    if allowed.count() as usize != rayon::current_num_threads() {
        return;
    }
    if let Some(core) = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).nth(number) {
        let mut own = CpuSet::new();
        own.set(core);
        let _ = sched_setaffinity(None, &own);
    }
}

#[cfg(not(target_os = "linux"))]
fn keep_to_one(_: usize) {}

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

    #[cfg(target_os = "linux")]
    #[test]
    fn each_of_the_pools_threads_keeps_to_a_core_of_its_own() {
        use rustix::thread::sched_getaffinity;
        let (allowed, threads) = (sched_getaffinity(None).unwrap(), rayon::current_num_threads());
        let kept = |number| {
            let thread = thread::spawn(move || {
                keep_to_one(number);
                sched_getaffinity(None).unwrap()
            });
            thread.join().unwrap()
        };
        let each: Vec<_> = (0..threads).map(kept).collect();
        if allowed.count() as usize == threads {
            assert!(each.iter().all(|own| own.count() == 1), "{each:?}");
            let apart = each.iter().enumerate().all(|(n, own)| !each[..n].contains(own));
            assert!(apart, "{each:?}");
        } else {
            assert!(each.iter().all(|own| *own == allowed), "{each:?}");
        }
    }

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
