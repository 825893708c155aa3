//! Slots and the agenda.

use proptest::prelude::*;

use super::*;

#[test]
fn what_was_missed_has_a_reason() {
    let slots = Slots {
        interval_ms: 10,
        offset_ms: 3,
        since_ms: 0,
        started_ms: 0,
    };
    let missed = |late, paused, stopped| Missed {
        late,
        paused,
        stopped,
    };
    assert_eq!(slots.missed(103, 113, 0), missed(0, 0, 0));
    // A timer in between is no slot.
    assert_eq!(slots.missed(105, 113, 0), missed(0, 0, 0));
    assert_eq!(slots.missed(103, 133, 2), missed(2, 0, 0));
    assert_eq!(slots.missed(103, 143, 1), missed(1, 2, 0));
    let anew = Slots {
        started_ms: 125,
        ..slots
    };
    assert_eq!(anew.missed(103, 133, 0), missed(0, 0, 2));
    assert_eq!(anew.missed(103, 153, 0), missed(0, 2, 2));
    let changed = Slots {
        since_ms: 130,
        ..slots
    };
    assert_eq!(changed.missed(103, 133, 0), missed(0, 0, 0));
    // A clock that was set back.
    assert_eq!(slots.missed(133, 103, 0), missed(0, 0, 0));
}

#[test]
fn the_first_evaluation_is_at_the_next_slot() {
    assert_eq!(next_slot_ms(99, 60, 40), 100);
    assert_eq!(next_slot_ms(100, 60, 40), 160);
    assert_eq!(next_slot_ms(-100, 60, 40), -80);
    assert_eq!(slot_at_or_before(100, 60, 40), 100);
    assert_eq!(slot_at_or_before(99, 60, 40), 40);
    assert_eq!(slot_at_or_before(-1, 60, 0), -60);
}

#[test]
fn the_offset_is_stable_for_good() {
    // FNV-1a of "rules\xffnodes\xff", reckoned apart from this code.
    assert_eq!(
        offset_ms(&["rules", "nodes"], i64::MAX),
        2_845_604_598_536_752_759
    );
    assert_eq!(offset_ms(&["rules", "nodes"], 60_000), 52_759);
}

#[test]
fn names_that_run_together_have_their_own_offset() {
    assert_ne!(
        offset_ms(&["ab", "c"], i64::MAX),
        offset_ms(&["a", "bc"], i64::MAX)
    );
    assert_ne!(offset_ms(&["a", ""], i64::MAX), offset_ms(&["", "a"], i64::MAX));
}

#[test]
fn groups_are_spread_over_the_interval() {
    let mut per_second = [0_usize; 60];
    for group in 0..6_000 {
        let second = offset_ms(&["rules", &format!("group{group}")], 60_000) / 1_000;
        per_second[usize::try_from(second).unwrap()] += 1;
    }
    assert!(
        per_second.iter().all(|count| (50..200).contains(count)),
        "{per_second:?}"
    );
}

#[test]
fn advance_goes_to_the_next_slot() {
    let next = Advance {
        slot_ms: 160,
        missed: 0,
    };
    for now_ms in [100, 101, 159, 160, 219] {
        assert_eq!(advance(100, now_ms, 60), next, "{now_ms}");
    }
}

#[test]
fn missed_slots_are_counted_and_not_caught_up_on() {
    assert_eq!(
        advance(100, 220, 60),
        Advance {
            slot_ms: 220,
            missed: 1
        }
    );
    assert_eq!(
        advance(100, 459, 60),
        Advance {
            slot_ms: 400,
            missed: 4
        }
    );
}

#[test]
fn a_clock_set_back_a_little_keeps_the_slots_going() {
    assert_eq!(
        advance(100, 40, 60),
        Advance {
            slot_ms: 160,
            missed: 0
        }
    );
}

#[test]
fn a_clock_set_back_a_lot_starts_the_slots_over() {
    assert_eq!(
        advance(100_000, 39_000, 60_000),
        Advance {
            slot_ms: 40_000,
            missed: 0
        }
    );
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let times = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    for a in times {
        for b in times {
            for interval_ms in times {
                let _ = slot_at_or_before(a, interval_ms, b);
                let _ = next_slot_ms(a, interval_ms, b);
                let _ = advance(a, b, interval_ms);
                let _ = offset_ms(&["", ""], interval_ms);
            }
        }
    }
    assert_eq!(next_slot_ms(i64::MAX, 60, 0), i64::MAX);
    assert_eq!(slot_at_or_before(i64::MIN, 60, 1), i64::MIN);
    let all = advance(i64::MIN, i64::MAX, 1);
    assert_eq!(
        all,
        Advance {
            slot_ms: i64::MAX,
            missed: u64::MAX - 1
        }
    );
}

#[test]
fn an_agenda_hands_out_the_earliest_first_and_each_once() {
    let mut agenda = Agenda::new();
    for (key, due_ms) in [("c", 30), ("a", 10), ("b", 20), ("d", 10)] {
        agenda.schedule(key, due_ms);
    }
    assert_eq!(agenda.next_due(), Some(10));
    assert_eq!(agenda.due(9, 10), []);
    assert_eq!(agenda.due(25, 2), [("a", 10), ("d", 10)]);
    assert_eq!(agenda.due(25, 2), [("b", 20)]);
    assert_eq!((agenda.len(), agenda.next_due()), (1, Some(30)));
}

#[test]
fn scheduling_again_replaces() {
    let mut agenda = Agenda::new();
    agenda.schedule("a", 10);
    agenda.schedule("a", 20);
    assert_eq!((agenda.len(), agenda.due_of(&"a")), (1, Some(20)));
    assert_eq!(agenda.due(15, 10), []);
    agenda.schedule("a", 20);
    assert_eq!(agenda.due(20, 10), [("a", 20)]);
    assert!(agenda.is_empty());
}

#[test]
fn what_is_removed_is_not_due() {
    let mut agenda = Agenda::new();
    agenda.schedule("a", 10);
    assert_eq!(agenda.remove(&"a"), Some(10));
    assert_eq!(agenda.remove(&"a"), None);
    assert_eq!((agenda.due(i64::MAX, 10), agenda.next_due()), (vec![], None));
}

const TIMES_MS: std::ops::Range<i64> = -10_000_000_000_000..10_000_000_000_000;

proptest! {
    #[test]
    fn slots_are_congruent_to_the_offset_and_surround_now(
        now_ms in TIMES_MS, interval_ms in 1..100_000_000_i64, name in ".*",
    ) {
        let offset = offset_ms(&["rules", &name], interval_ms);
        prop_assert!((0..interval_ms).contains(&offset));
        let before = slot_at_or_before(now_ms, interval_ms, offset);
        let next = next_slot_ms(now_ms, interval_ms, offset);
        prop_assert_eq!((before - offset).rem_euclid(interval_ms), 0);
        prop_assert!(before <= now_ms && now_ms < next);
        prop_assert_eq!(next - before, interval_ms);
    }

    #[test]
    fn slots_increase_and_with_those_missed_add_up_to_wall_time(
        start_ms in TIMES_MS,
        interval_ms in 1..1_000_i64,
        waits_ms in proptest::collection::vec(0..10_000_i64, 1..50),
    ) {
        let offset = offset_ms(&["rules", "group"], interval_ms);
        let first = next_slot_ms(start_ms, interval_ms, offset);
        let (mut slot_ms, mut now_ms, mut missed, mut taken) = (first, start_ms, 0, 0);
        for wait_ms in waits_ms {
            now_ms = now_ms.max(slot_ms) + wait_ms; // a slot is waited for, then worked on
            let next = advance(slot_ms, now_ms, interval_ms);
            prop_assert!(next.slot_ms > slot_ms);
            prop_assert!(next.slot_ms <= now_ms || next.slot_ms - now_ms <= interval_ms);
            prop_assert!(now_ms - next.slot_ms < interval_ms, "later slots have passed");
            slot_ms = next.slot_ms;
            missed += next.missed;
            taken += 1;
        }
        let slots = u64::try_from((slot_ms - first) / interval_ms).unwrap();
        prop_assert_eq!(slots, missed + taken);
        prop_assert_eq!((slot_ms - offset).rem_euclid(interval_ms), 0);
    }

    #[test]
    fn an_agenda_agrees_with_a_plain_map(
        changes in proptest::collection::vec((0..20_u8, proptest::option::of(0..50_i64)), 0..100),
        now_ms in 0..50_i64,
        max in 0..10_usize,
    ) {
        let (mut agenda, mut map) = (Agenda::new(), BTreeMap::new());
        for (key, due) in changes {
            match due {
                Some(due_ms) => {
                    agenda.schedule(key, due_ms);
                    map.insert(key, due_ms);
                }
                None => prop_assert_eq!(agenda.remove(&key), map.remove(&key)),
            }
        }
        prop_assert_eq!(agenda.len(), map.len());
        let mut due: Vec<(i64, u8)> = map.iter().map(|(k, d)| (*d, *k)).filter(|d| d.0 <= now_ms).collect();
        due.sort_unstable();
        due.truncate(max);
        let got: Vec<(i64, u8)> = agenda.due(now_ms, max).into_iter().map(|(k, d)| (d, k)).collect();
        prop_assert_eq!(&got, &due);
        prop_assert_eq!(agenda.len(), map.len() - due.len());
    }
}
