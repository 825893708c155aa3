//! Exports something else than a rule or a notifier.

wit_bindgen::generate!({
    inline: r#"
        package test:wrong;

        world greeter {
            export greet: func(name: string) -> string;
        }
    "#,
});

struct Greeter;

impl Guest for Greeter {
    fn greet(name: String) -> String {
        name
    }
}

export!(Greeter);
