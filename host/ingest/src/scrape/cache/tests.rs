//! What the cache tells and keeps.

use super::*;

#[test]
fn what_comes_next_is_told_from_the_last_pass() {
    let labels = |text: &str| [("__name__", text)].into_iter().collect::<Labels>();
    let mut cache = Cache::default();
    let pass = |cache: &mut Cache, texts: &[&str]| -> usize {
        cache.begin();
        let mut told = 0;
        for text in texts {
            told += usize::from(cache.expected() == Some(text));
            let place = cache
                .find(text)
                .unwrap_or_else(|| cache.insert(text, Some(labels(text))).0);
            let Place::Series(series) = place else {
                panic!("{text} was dropped");
            };
            assert_eq!(cache.visit(series, true).0.get("__name__"), Some(*text));
        }
        cache.end();
        told
    };
    assert_eq!(pass(&mut cache, &["a", "b", "c", "d"]), 0);
    assert_eq!(pass(&mut cache, &["a", "b", "c", "d"]), 4);
    assert_eq!(pass(&mut cache, &["a", "c", "d", "e"]), 2, "a and d");
    assert_eq!(pass(&mut cache, &["a", "c", "d", "e"]), 4);
    assert_eq!(pass(&mut cache, &["b", "a", "c", "d", "e"]), 3);
    let many: Vec<String> = (0..500).map(|n| format!("m{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["a", "c"]).collect();
    pass(&mut cache, &many);
    for told in [1, 2, 2] {
        assert_eq!(pass(&mut cache, &["a", "c"]), told);
    }
    assert_eq!(cache.sizes()[0], 2, "the others were let go");
}
