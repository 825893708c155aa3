//! Codes of faults.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_code_is_listed_once_and_reads_back() {
    let all: Vec<FaultCode> = FaultCode::all().collect();
    let texts: BTreeSet<&str> = all.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), all.len());
    let per_minute = Quotas::TABLE
        .iter()
        .filter(|info| info.name.ends_with("_per_minute"))
        .count();
    assert_eq!(
        all.len(),
        Limits::TABLE.len() + QueryErrorCode::ALL.len() + per_minute + 10
    );
    for code in all {
        assert_eq!(FaultCode::parse(code.as_str()), Some(code));
    }
    assert_eq!(FaultCode::parse("fuel"), None);
}

#[test]
fn codes_are_snake_case() {
    for code in FaultCode::all() {
        let text = code.as_str();
        assert!(
            text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{text}"
        );
    }
}

#[test]
fn a_fault_over_a_limit_names_limit_value_and_unit() {
    let fault = Fault::over(Limit::MemoryBytes, 1_024);
    assert_eq!(
        fault.to_string(),
        "memory_bytes_exceeded: over the limit memory_bytes of 1024 bytes"
    );
    let fault = Fault::beyond(Limit::MemoryBytes, 4_096, 1_024);
    assert_eq!(
        fault.message,
        "over the limit memory_bytes of 1024 bytes: 4096 wanted"
    );
}

#[test]
fn only_overload_and_host_errors_are_the_hosts() {
    let of_host: Vec<FaultCode> = FaultCode::all().filter(|code| code.is_host()).collect();
    assert_eq!(of_host, [FaultCode::Overloaded, FaultCode::HostError]);
}
