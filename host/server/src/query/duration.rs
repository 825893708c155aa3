//! Durations in source settings. To be replaced by `wasmalert_core::units::parse_duration_ms`.

/// Milliseconds of a Prometheus duration such as `1m30s`; none when it is not one.
pub(super) fn parse_duration_ms(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 31_536_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let mut total_ms: u64 = 0;
    let mut rest = text;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits_end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (digits, tail) = rest.split_at(digits_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let (_, unit_ms) = units.find(|(name, _)| *name == unit)?; // each once, largest first
        total_ms = digits
            .parse::<u64>()
            .ok()?
            .checked_mul(*unit_ms)?
            .checked_add(total_ms)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total_ms)
}
