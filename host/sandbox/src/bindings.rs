//! The contract in Rust, generated from `wit/`.

use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::host::Host;

/// World `rule`.
pub(crate) mod rule {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "rule",
        imports: { default: trappable },
        with: { "wasmalert:rules/query.frame": crate::host::FrameHandle },
    });
}

/// World `notifier`; what both worlds have is taken from [`rule`].
pub(crate) mod notifier {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "notifier",
        imports: { default: trappable },
        with: {
            "wasmalert:rules/types": crate::bindings::rule::wasmalert::rules::types,
            "wasmalert:rules/state": crate::bindings::rule::wasmalert::rules::state,
            "wasmalert:rules/log": crate::bindings::rule::wasmalert::rules::log,
        },
    });
}

/// What the WASI stub asks of the host; no part of the contract.
pub(crate) mod stub {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "wasi-stub",
        imports: { default: trappable },
    });
}

pub(crate) use rule::wasmalert::rules::{log, metrics, query, state, timers, types};
pub(crate) use stub::wasmalert::host::wasi;

/// Every import that a rule may have, and the stub's.
pub(crate) fn rule_linker(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    rule::Rule::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    stub::WasiStub::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    Ok(linker)
}

/// Every import that a notifier may have, and the stub's.
pub(crate) fn notifier_linker(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    notifier::Notifier::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    stub::WasiStub::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    Ok(linker)
}
