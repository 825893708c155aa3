//! Every target takes every seed, its own and those of the others.

use std::path::Path;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 5] = [
    ("text", wasmalert_fuzz::text),
    ("remote_write", wasmalert_fuzz::remote_write),
    ("answer", wasmalert_fuzz::answer),
    ("promql", wasmalert_fuzz::promql),
    ("series_notation", wasmalert_fuzz::series_notation),
];

#[test]
fn every_target_takes_every_seed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (name, _) in TARGETS {
        let seeds = std::fs::read_dir(folder.join(name)).expect("each target has seeds");
        let mut count = 0;
        for seed in seeds {
            let input = std::fs::read(seed.expect("a seed").path()).expect("a seed");
            TARGETS.iter().for_each(|(_, run)| run(&input));
            count += 1;
        }
        assert!(count > 0, "{name} has no seeds");
    }
}
