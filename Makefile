# The commands of the README. Each installs what it needs first (scripts/setup).

# `make demo PROFILE=dev` builds faster and runs slower.
PROFILE ?= release
OUTPUT := target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

.PHONY: help build demo test kills bench bench-desk agreement lint audit

help:
	@echo "make demo    a running synthetic hospital; prints an address and a token (ARGS='--once --json FILE' for one round)"
	@echo "make test    every test; installs what they talk to"
	@echo "make kills   kills the service 100 times under load and checks its promise (KILLS=, DATABASE=sqlite|postgres, SEED=)"
	@echo "make bench   measures, and writes what it measured"
	@echo "make bench-desk   the pages under load, and a list of 10,000 studies (DATABASE=sqlite|postgres, ARGS=)"
	@echo "make agreement   what is measured against what is true, over phantoms (ARGS='pe 60')"
	@echo "make lint    format, lints, documentation"
	@echo "make audit   licences, sources, advisories, bill of materials"
	@echo "make build   target/release/tocsin"

build:
	scripts/setup build
	cargo build --profile $(PROFILE) --bin tocsin

demo: build
	$(OUTPUT)/tocsin demo $(ARGS)

test:
	scripts/setup test
	scripts/test

KILLS ?= 100
DATABASE ?= sqlite
SEED ?= 1

kills: build
	scripts/setup test
	TOCSIN_PROGRAM=$(OUTPUT)/tocsin .venv/bin/python tests/peers/campaign_kill.py --kills $(KILLS) --database $(DATABASE) --seed $(SEED)

bench:
	scripts/setup test
	scripts/bench

bench-desk: build
	scripts/setup test
	TOCSIN_PROGRAM=$(OUTPUT)/tocsin .venv/bin/python tests/peers/bench_desk.py --database $(DATABASE) $(ARGS)
	cd tests/browser && TOCSIN_PROGRAM=$(abspath $(OUTPUT))/tocsin node bench_paint.mjs

agreement:
	scripts/setup build
	cargo run --profile $(PROFILE) -p tocsin-imaging --example agreement -- $(ARGS)

lint:
	scripts/setup build
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items

audit:
	scripts/setup build
	scripts/audit
