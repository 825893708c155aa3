use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SHARE: Share = Share {
    weight: 1,
    at_once: 1_000,
    waiting: 1_000_000,
};

fn weight(weight: u32) -> Share {
    Share { weight, ..SHARE }
}

/// Starts a turn and ends it at once.
fn serve(queue: &mut FairQueue<&'static str, u64>) -> Option<&'static str> {
    let turn = queue.start()?;
    queue.end(&turn.key, turn.charged, turn.item);
    Some(turn.key)
}

#[test]
fn an_empty_queue_has_nothing_to_start() {
    let mut queue = FairQueue::<&str, u64>::new(10);
    assert_eq!(queue.start(), None);
    assert_eq!((queue.waiting(), queue.running()), (0, 0));
}

#[test]
fn whoever_comes_late_waits_for_one_of_each_other() {
    let mut queue = FairQueue::new(usize::MAX);
    for _ in 0..10_000 {
        queue.push(&"crowd", SHARE, 10_000).unwrap();
    }
    for _ in 0..100 {
        serve(&mut queue);
    }
    queue.push(&"late", SHARE, 10_000).unwrap();
    let before = (0..).take_while(|_| serve(&mut queue) != Some("late")).count();
    assert!(before <= 1, "{before} of the crowd went before");
}

#[test]
fn long_turns_wait_for_as_many_short_ones() {
    let mut queue = FairQueue::new(usize::MAX);
    for _ in 0..1_000 {
        queue.push(&"long", SHARE, 100_000_000).unwrap();
        queue.push(&"short", SHARE, 1_000_000).unwrap();
    }
    let mut served = BTreeMap::new();
    for _ in 0..500 {
        *served.entry(serve(&mut queue).unwrap()).or_insert(0) += 1;
    }
    assert!(served["long"] <= 6, "{served:?}");
}

#[test]
fn who_wants_little_has_it_before_those_who_want_all() {
    let mut queue = FairQueue::new(usize::MAX);
    let greedy = ["a", "b", "c", "d", "e"];
    for name in greedy {
        (0..10_000).for_each(|_| queue.push(&name, SHARE, 100_000).unwrap());
    }
    queue.push(&"modest", SHARE, 100_000).unwrap();
    for _ in 0..1_000 {
        serve(&mut queue);
    }
    for _ in 0..10 {
        queue.push(&"modest", SHARE, 100_000).unwrap();
    }
    let order: Vec<_> = (0..20).filter_map(|_| serve(&mut queue)).collect();
    let last = order.iter().rposition(|name| *name == "modest");
    assert!(last.is_some_and(|last| last < 10 + greedy.len()), "{order:?}");
}

#[test]
fn only_who_has_saved_something_starts_in_credit() {
    let mut queue = FairQueue::new(usize::MAX);
    for name in ["greedy", "modest"] {
        queue.push(&name, SHARE, 100_000).unwrap();
    }
    assert_eq!(queue.start_in_credit(), None, "nobody has anything yet");
    (0..1_000).for_each(|_| queue.push(&"greedy", SHARE, 100_000).unwrap());
    for _ in 0..500 {
        serve(&mut queue);
    }
    (0..10).for_each(|_| queue.push(&"modest", SHARE, 100_000).unwrap());
    let in_credit: Vec<_> = std::iter::from_fn(|| queue.start_in_credit()).collect();
    let modest = in_credit.iter().filter(|turn| turn.key == "modest").count();
    assert_eq!(modest, 10);
    assert!(in_credit.len() <= 11, "the other has one quantum at most");
}

#[test]
fn what_is_saved_has_a_bound() {
    let mut queue = FairQueue::new(usize::MAX);
    for name in ["idle", "greedy"] {
        queue.push(&name, SHARE, 100_000).unwrap();
    }
    (0..10_000).for_each(|_| queue.push(&"greedy", SHARE, 100_000).unwrap());
    for _ in 0..5_000 {
        serve(&mut queue);
    }
    (0..1_000).for_each(|_| queue.push(&"idle", SHARE, 100_000).unwrap());
    let served: Vec<_> = (0..200).filter_map(|_| serve(&mut queue)).collect();
    let greedy = served.iter().filter(|name| **name == "greedy").count();
    assert!(
        (40..=60).contains(&greedy),
        "100 were saved, the rest is shared: {greedy}"
    );
}

#[test]
fn what_is_saved_outlasts_a_moment_without_work_and_debts_do_not() {
    let mut queue = FairQueue::new(usize::MAX);
    queue.push(&"modest", SHARE, 100_000).unwrap();
    (0..500).for_each(|_| queue.push(&"greedy", SHARE, 100_000).unwrap());
    while serve(&mut queue).is_some() {}
    for name in ["greedy", "modest"] {
        (0..30).for_each(|_| queue.push(&name, SHARE, 100_000).unwrap());
    }
    let first: Vec<_> = (0..32).filter_map(|_| serve(&mut queue)).collect();
    let modest = first.iter().filter(|name| **name == "modest").count();
    assert!(modest >= 28, "{first:?}");
}

#[test]
fn bounds_hold_and_the_room_comes_back() {
    let mut queue = FairQueue::new(3);
    let two = Share { waiting: 2, ..SHARE };
    assert_eq!(queue.push(&"a", two, 0), Ok(()));
    assert_eq!(queue.push(&"a", two, 0), Ok(()));
    assert_eq!(queue.push(&"a", two, 0), Err(Full::Own(2)));
    assert_eq!(queue.push(&"b", two, 0), Ok(()));
    assert_eq!(queue.push(&"b", two, 0), Err(Full::All(3)));
    assert_eq!(serve(&mut queue), Some("a"));
    assert_eq!(queue.push(&"b", two, 0), Ok(()));
    assert_eq!(queue.waiting(), 3);
}

#[test]
fn so_many_at_once_and_no_more() {
    let mut queue = FairQueue::new(usize::MAX);
    let one = Share { at_once: 1, ..SHARE };
    for _ in 0..2 {
        queue.push(&"a", one, ()).unwrap();
    }
    let first = queue.start().unwrap();
    assert_eq!(queue.start(), None, "the other one waits");
    queue.push(&"b", one, ()).unwrap();
    assert_eq!(queue.start().unwrap().key, "b", "and does not hold up others");
    queue.end(&first.key, first.charged, 5);
    assert_eq!(queue.start().unwrap().key, "a");
    assert_eq!(queue.running(), 2);
}

#[test]
fn what_nobody_waited_for_is_not_owed() {
    let mut queue = FairQueue::new(usize::MAX);
    queue.push(&"a", SHARE, u64::MAX / 4).unwrap();
    serve(&mut queue);
    for key in ["a", "b", "a", "b"] {
        queue.push(&key, SHARE, 1).unwrap();
    }
    let order: Vec<_> = std::iter::from_fn(|| serve(&mut queue)).collect();
    assert_eq!(order, ["a", "b", "a", "b"]);
}

proptest! {
    /// Over any stretch in which two keys wait all the time, what each gets for its
    /// weight differs by no more than the dearest turns and the quanta explain.
    #[test]
    fn shares_follow_weights(
        weights in prop::collection::vec(1u32..=10, 2..5),
        costs in prop::collection::vec(1u64..5_000_000, 20..60),
        turns in 200usize..600,
    ) {
        let names = ["a", "b", "c", "d"];
        let mut queue = FairQueue::new(usize::MAX);
        for at in 0..turns {
            for (name, &of) in names.iter().zip(&weights) {
                queue.push(name, weight(of), costs[at % costs.len()]).unwrap();
            }
        }
        let mut got: BTreeMap<&str, u64> = BTreeMap::new();
        for _ in 0..turns {
            let turn = queue.start().unwrap();
            *got.entry(turn.key).or_default() += turn.item;
            queue.end(&turn.key, turn.charged, turn.item);
        }
        let slack = 2.0 * (QUANTUM as f64 + 5_000_000.0);
        let fair = |at: usize| got.get(names[at]).copied().unwrap_or(0) as f64 / f64::from(weights[at]);
        for at in 1..weights.len() {
            prop_assert!((fair(0) - fair(at)).abs() <= slack, "{got:?} for {weights:?}");
        }
    }

    /// Whatever comes and goes: what waits and may start is started, and counts agree.
    #[test]
    fn nothing_is_lost_and_nobody_idles(steps in prop::collection::vec((0u8..3, 0usize..3, 0u64..3_000_000), 1..400)) {
        let names = ["a", "b", "c"];
        let share = Share { at_once: 2, ..SHARE };
        let mut queue = FairQueue::new(usize::MAX);
        let (mut waiting, mut running) = ([0usize; 3], Vec::new());
        for (what, of, cost) in steps {
            match what {
                0 => {
                    queue.push(&names[of], share, of).unwrap();
                    waiting[of] += 1;
                }
                1 => {
                    let busy = |at: usize| running.iter().filter(|turn: &&Turn<&str, usize>| turn.item == at).count();
                    let may = (0..3).any(|at| waiting[at] > 0 && busy(at) < 2);
                    let turn = queue.start();
                    prop_assert_eq!(turn.is_some(), may);
                    if let Some(turn) = turn {
                        waiting[turn.item] -= 1;
                        running.push(turn);
                    }
                }
                _ => if let Some(turn) = running.pop() {
                    queue.end(&turn.key, turn.charged, cost);
                }
            }
            prop_assert_eq!(queue.waiting(), waiting.iter().sum::<usize>());
            prop_assert_eq!(queue.running(), running.len());
        }
    }
}
