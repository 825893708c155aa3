use clap::{CommandFactory, Parser};

use super::*;
use crate::args::{Cli, Command};

fn flags(args: &[&str]) -> Flags {
    let cli = Cli::try_parse_from(["wasmalert"].iter().chain(args)).unwrap();
    let Command::Serve(flags) = cli.command else {
        panic!("not serve")
    };
    flags
}

#[test]
fn the_command_line_holds_together_with_every_setting() {
    Cli::command().debug_assert();
}

#[test]
fn only_what_was_typed_is_a_flag() {
    let given = flags(&[
        "serve",
        "--listen",
        "127.0.0.1:1",
        "--data-dir",
        "d",
        "--limit-fuel=7",
    ]);
    let expected = [("data_dir", "d"), ("limit_fuel", "7"), ("listen", "127.0.0.1:1")];
    assert_eq!(
        given.values,
        expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    );
    assert!(flags(&["serve"]).values.is_empty());
    assert_eq!(
        flags(&["serve", "--config", "a.toml"]).config,
        Some("a.toml".into())
    );
}

#[test]
fn help_names_variable_default_and_unit() {
    let setting = Setting {
        name: "wait_ms",
        env: "W",
        default: "5",
        unit: "milliseconds",
        doc: "Waits",
    };
    assert_eq!(help(&setting), "Waits [env: W] [default: 5] [milliseconds]");
    let bare = Setting {
        name: "x",
        env: "X",
        default: "",
        unit: "",
        doc: "Bare",
    };
    assert_eq!(help(&bare), "Bare [env: X]");
}
