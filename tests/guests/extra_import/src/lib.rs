//! A rule that also imports a clock, which no world of the contract has.

wit_bindgen::generate!({
    inline: r#"
        package test:extra;

        interface wall-clock {
            now: func() -> u64;
        }

        world greedy {
            import wall-clock;
            include wasmalert:rules/rule@0.1.0;
        }
    "#,
    path: "../../../wit",
    world: "test:extra/greedy",
    generate_all,
});

use exports::wasmalert::rules::rules::{Context, Guest, Outcome};
use wasmalert::rules::types::{ComponentError, Description};

struct Rule;

impl Guest for Rule {
    fn describe() -> Description {
        Description {
            name: "extra_import".into(),
            doc: String::new(),
            config_schema: String::new(),
            queries: Vec::new(),
            extras: Vec::new(),
        }
    }

    fn evaluate(_: Context) -> Result<Outcome, ComponentError> {
        Err(ComponentError {
            code: "time".into(),
            message: test::extra::wall_clock::now().to_string(),
            extras: Vec::new(),
        })
    }
}

export!(Rule);
