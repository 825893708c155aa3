//! The table of limits.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_table_is_complete_and_agrees_with_the_limits() {
    let defaults = Limits::default();
    let names: BTreeSet<&str> = Limits::TABLE.iter().map(|info| info.name).collect();
    assert_eq!(names.len(), Limits::TABLE.len());
    for info in Limits::TABLE {
        assert_eq!(info.limit.name(), info.name);
        assert_eq!(Limit::parse(info.name), Some(info.limit));
        assert_eq!(info.limit.code(), format!("{}_exceeded", info.name));
        assert_eq!(defaults.get(info.limit), info.default);
        assert!(
            info.default > 0 && !info.unit.is_empty() && info.doc.trim().ends_with('.'),
            "{info:?}"
        );
    }
    assert_eq!(Limit::parse("fuel_exceeded"), None);
}

#[test]
fn every_field_of_the_limits_is_in_the_table() {
    assert_eq!(size_of::<Limits>(), Limits::TABLE.len() * size_of::<u64>());
}

#[test]
fn setting_a_limit_sets_that_one_alone() {
    for info in Limits::TABLE {
        let mut limits = Limits::default();
        limits.set(info.limit, info.default + 1);
        for other in Limits::TABLE {
            let want = other.default + u64::from(other.limit == info.limit);
            assert_eq!(
                limits.get(other.limit),
                want,
                "{} after {}",
                other.name,
                info.name
            );
        }
    }
}
