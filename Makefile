# wasmalert: everything a developer types. `make` alone explains.
#
# Everything is built in one profile, release, and for the whole workspace at a time: then each dependency,
# wasmtime above all, is compiled with one set of features, and compiled once. (clippy and doc need its
# metadata beside, once.) Flags go to the tools, never into RUSTFLAGS, which would build all anew.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

COMPONENTS := prometheus hysteresis deadman alertmanager webhook slack pagerduty telegram discord teams opsgenie email burn-rate flatline forecast composite anomaly
WASM := wasm32-unknown-unknown
# The workspaces beside the root's: built for wasm, into a folder of their own.
WASM_WORKSPACES := rules-wasm tests/guests
# Where cargo leaves the root's binaries.
BIN := $(or $(CARGO_TARGET_DIR),target)/release
CARGO_DENY := PATH="$(CURDIR)/target/tools/bin:$$PATH" cargo-deny
NEXTEST := $(shell command -v cargo-nextest)
TEST := $(if $(NEXTEST),nextest run --no-tests=pass,test)

.PHONY: help
help: ## Show this
	@echo "A new machine:  make demo      builds all and shows pages of a shop as they arrive"
	@echo "A change:       make test lint"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: setup-build ## Install what is missing: Debian packages, the wasm target
	@scripts/setup --tests

.PHONY: setup-build
setup-build:
	@scripts/setup

.PHONY: tools
tools: setup-build
	@scripts/setup --tools

.PHONY: componentize
componentize: setup-build
	cargo build --release --locked --workspace --bin componentize

.PHONY: components
components: setup-build componentize ## Build the stock components into target/components
	scripts/wasm-build rules-wasm
	@scripts/components $(BIN)/componentize $(COMPONENTS)

.PHONY: hostile
hostile: setup-build ## Build the hostile guests into target/guests
	scripts/hostile

.PHONY: build
build: components ## Build target/release/wasmalert with the stock components in it
	cargo build --release --locked --workspace

.PHONY: demo
demo: build ## See pages arrive; PROMETHEUS=URL, ALERTMANAGER=URL take yours in
	@scripts/demo $(BIN)/wasmalert $(if $(PROMETHEUS),--prometheus '$(PROMETHEUS)') \
	  $(if $(ALERTMANAGER),--alertmanager '$(ALERTMANAGER)')

# The binary is built together with the tests, whose dependencies have features of their own.
.PHONY: test
test: setup components hostile ## Run every test
	cargo build --release --locked --workspace --bins --tests
	cargo $(TEST) --release --locked --workspace
	cd rules-wasm && cargo $(TEST) --release --locked --workspace --target-dir ../target/wasm

.PHONY: guests
guests: setup components ## Build and run every language's template and examples; write the table of docs/languages.md
	cargo build --release --locked --workspace --bins --tests
	cargo test --release --locked --workspace --test languages --test tutorials -- --test-threads=1
	@$(MAKE) table

.PHONY: table
table: ## Write the table of docs/languages.md from what the tests of the languages have measured
	$(BIN)/conformance --table target/conformance docs/languages.md

# The files of Prometheus' promql/promqltest/testdata, which are not in this repository.
PROMQLTEST_DIR ?= ../shared/promqltest

.PHONY: conformance
conformance: ## Run Prometheus' own test files of PromQL: PROMQLTEST_DIR=FOLDER
	@test -d "$(PROMQLTEST_DIR)" || { \
	  echo "no folder $(PROMQLTEST_DIR): set PROMQLTEST_DIR to Prometheus' promql/promqltest/testdata" >&2; exit 1; }
	PROMQLTEST_DIR="$(abspath $(PROMQLTEST_DIR))" cargo test --release --locked --quiet -p wasmalert-promql \
	  --test promqltest -- --ignored --nocapture upstream

.PHONY: fuzz
fuzz: setup components hostile ## Fuzz parsers, evaluator, uploads, API: FUZZ_SECONDS=60 for each target
	@FUZZ_SECONDS="$(or $(FUZZ_SECONDS),60)" fuzz/run
	cargo build --release --locked --workspace --bins --tests
	FUZZ_SECONDS="$(or $(FUZZ_SECONDS),60)" cargo test --release --locked --workspace --test integration random:: -- \
	  --nocapture --test-threads=1

.PHONY: lint
lint: tools ## Check format, clippy, docs, licences, bans and sources
	cargo fmt --all --check
	cd fuzz && cargo fmt --check
	@for dir in $(WASM_WORKSPACES); do (cd $$dir && echo "cargo fmt in $$dir" && cargo fmt --all --check); done
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	cd rules-wasm && cargo clippy --release --locked --workspace --all-targets --target-dir ../target/wasm -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps --quiet
	$(CARGO_DENY) --locked check --hide-inclusion-graph licenses bans sources
	@for dir in $(WASM_WORKSPACES); do \
	  $(CARGO_DENY) --manifest-path $$dir/Cargo.toml --config deny.toml --locked check --hide-inclusion-graph \
	    --allow license-not-encountered licenses bans sources; \
	done

.PHONY: fmt
fmt: ## Format every workspace
	cargo fmt --all
	cd fuzz && cargo fmt
	@for dir in $(WASM_WORKSPACES); do (cd $$dir && cargo fmt --all); done

.PHONY: advisories
advisories: tools ## Ask the advisory database about the dependencies (network)
	$(CARGO_DENY) --locked check advisories

.PHONY: bench
bench: components ## Run the benchmarks; each result is a line of JSON
	cargo build --release --locked --workspace --bins --benches
	cargo bench --profile release --locked --workspace --bench '*'

.PHONY: clean
clean: ## Remove everything that was built
	cargo clean
	rm -rf target
