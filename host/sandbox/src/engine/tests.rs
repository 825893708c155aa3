use super::{TICKS_MAX, ticks};

#[test]
fn a_deadline_is_whole_ticks_and_the_one_under_way() {
    assert_eq!(ticks(0), 1);
    assert_eq!(ticks(1), 2);
    assert_eq!(ticks(5), 2);
    assert_eq!(ticks(6), 3);
    assert_eq!(ticks(1_000), 201);
    assert_eq!(ticks(u64::MAX), TICKS_MAX);
}

#[test]
fn handles_go_from_thread_to_thread() {
    fn check<T: Send + Sync + Clone>() {}
    check::<crate::Sandbox>();
    check::<crate::Component>();
}
