//! What `wit-bindgen` makes of `wit/`: types for all, imports and exports for wasm.
//!
//! Each world has a module of its own, and its exports are named only by what
//! its `export!` macro expands to. So a rule does not claim a notifier's exports.
#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

/// The world `rule`.
pub mod rule {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "rule",
        pub_export_macro: true,
        additional_derives: [Default, PartialEq],
        additional_derives_ignore: ["level"],
        generate_unused_types: true,
    });
}

/// The world `notifier`.
pub mod notifier {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "notifier",
        pub_export_macro: true,
        additional_derives: [Default, PartialEq],
        with: {
            "wasmalert:rules/types@0.1.0": crate::bindings::rule::wasmalert::rules::types,
            "wasmalert:rules/state@0.1.0": crate::bindings::rule::wasmalert::rules::state,
            "wasmalert:rules/log@0.1.0": crate::bindings::rule::wasmalert::rules::log,
        },
    });
}
