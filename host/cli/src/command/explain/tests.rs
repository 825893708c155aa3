use serde_json::json;

use super::*;

#[test]
fn every_fault_has_advice() {
    use wasmalert_core::fault::FaultCode;
    use wasmalert_core::limits::Limits;
    use wasmalert_core::query::QueryErrorCode;
    let limits = Limits::TABLE.iter().map(|info| FaultCode::Limit(info.limit));
    let queries = QueryErrorCode::ALL.map(FaultCode::Query);
    let others = [
        FaultCode::Trap,
        FaultCode::BadCall,
        FaultCode::BadOutcome,
        FaultCode::ComponentError,
        FaultCode::DuplicateLabels,
        FaultCode::ModuleUnavailable,
        FaultCode::Quarantined,
        FaultCode::Overloaded,
        FaultCode::HostError,
    ];
    for code in limits.chain(queries).chain(others) {
        let advice = advice::advice(code.as_str());
        assert!(!advice.contains("does not know"), "{}", code.as_str());
    }
    assert!(advice::advice("fuel_exceeded").contains("--limit-fuel"));
    assert!(advice::advice("state_bytes_exceeded").contains("1,048,576 bytes"));
    assert!(advice::advice("news").contains("does not know"));
}

#[test]
fn state_is_shown_as_text_where_it_is_text() {
    assert_eq!(state_value(&STANDARD.encode("count=3")), "count=3");
    assert_eq!(state_value(&STANDARD.encode([0, 1, 2])), "3 bytes");
    assert_eq!(state_value("!"), "not base64");
    assert_eq!(
        state_value(&STANDARD.encode("x".repeat(1_000))).chars().count(),
        STATE_CHARS_MAX
    );
}

#[test]
fn only_the_newest_samples_are_shown() {
    let five = json!([[1, "a"], [2, "b"], [3, "c"], [4, "d"], [5, "e"]]);
    assert_eq!(samples(&five), "… 2 earlier, c @ 3, d @ 4, e @ 5");
    assert_eq!(samples(&json!([["t", "1"]])), "1 @ t");
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let text = lines(&Value::from(vec!["x"; LINES_MAX + 3]), plain);
    assert_eq!(text.lines().count(), LINES_MAX + 1);
    assert!(text.ends_with("  … and 3 more; --output json has all\n"));
}
