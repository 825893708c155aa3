//! Tests of the whole: the real `wasmalert` binary beside the Prometheus, the
//! Alertmanager, the registry and the minisign of Debian's packages.
//!
//! Words used: the *server* is wasmalert; a *fake* is an HTTP server inside the
//! test that the test controls; *guests* are the hostile components of
//! `tests/guests`.
#![expect(clippy::print_stderr, reason = "a failed test shows what its servers logged")]

mod harness;

mod access;
mod architecture;
mod auth;
mod configs;
mod configuration;
mod dead_letters;
mod differential;
mod egress;
mod embedded;
mod hostile;
mod isolation;
mod logs;
mod metrics;
mod modules;
mod oidc;
mod page;
mod proxy;
mod quarantine;
mod random;
mod reload;
mod remote_write;
mod restart;
mod rule_files;
mod rule_options;
mod ruler;
mod run;
mod scrape;
mod secrets;
mod series;
mod share;
mod source_faults;
mod supply;
mod tls;
mod uploads;
