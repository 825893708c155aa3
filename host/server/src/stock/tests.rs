use super::*;

fn stock(digest: &str, program: &str) -> StockRow {
    StockRow {
        name: "slack".into(),
        digest: digest.into(),
        program: program.into(),
    }
}

/// Versions with these digests, the newest and promoted one first.
fn versions(digests: &[&str]) -> Vec<ModuleRow> {
    let versions = digests
        .iter()
        .rev()
        .zip(1_u32..)
        .map(|(digest, version)| ModuleRow {
            name: "slack".into(),
            version,
            digest: (*digest).into(),
            world: "notifier".into(),
            description: "{}".into(),
            provenance: "{}".into(),
            bytes: 1,
            compile_ms: 1,
            created_ms: 1,
            promoted: version as usize == digests.len(),
        });
    let mut versions: Vec<_> = versions.collect();
    versions.reverse();
    versions
}

#[track_caller]
fn check(there: &[&str], noted: &[StockRow], decision: Decision) {
    assert_eq!(decide(&stock("new", "0.2.0"), &versions(there), noted), decision);
}

#[test]
fn a_name_that_nobody_has_is_brought_once() {
    check(&[], &[], Decision::Upload);
    check(&[], &[stock("old", "0.1.0")], Decision::Deleted);
    let other = StockRow {
        name: "webhook".into(),
        ..stock("old", "0.1.0")
    };
    check(&[], &[other], Decision::Upload);
}

#[test]
fn what_came_with_an_earlier_program_gets_a_new_version() {
    check(&["old"], &[stock("old", "0.1.0")], Decision::Upload);
    check(&["old"], &[stock("old", "0.2.0")], Decision::Upload);
    check(&["old", "own"], &[stock("old", "0.1.0")], Decision::Upload);
    check(&["new"], &[], Decision::Promoted);
    check(
        &["new", "old"],
        &[stock("old", "0.1.0"), stock("new", "0.2.0")],
        Decision::Promoted,
    );
}

#[test]
fn a_tenants_own_stays_promoted() {
    check(&["own"], &[], Decision::Own);
    check(&["own", "old"], &[stock("old", "0.1.0")], Decision::Own);
    check(&["own", "new"], &[stock("new", "0.2.0")], Decision::There);
}

#[test]
fn nothing_deleted_comes_back() {
    let both = [stock("old", "0.1.0"), stock("new", "0.2.0")];
    check(&["old"], &both, Decision::Deleted);
    check(&["own"], &both, Decision::Deleted);
}

#[test]
fn an_older_program_does_not_replace_what_a_newer_one_brought() {
    check(&["newer"], &[stock("newer", "0.10.0")], Decision::Outdated);
    check(&["newer"], &[stock("newer", "1.0.0-rc.1")], Decision::Outdated);
}
