//! Slots and the agenda.

use super::*;

#[test]
fn the_next_slot_is_strictly_after_now() {
    assert_eq!(next_slot_ms(100, 60, 40), 160);
    assert_eq!(next_slot_ms(99, 60, 40), 100);
}
