# `make test` is everything; the parts can be run alone while working.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES := chromium dbus gcc mosquitto mosquitto-clients systemd valgrind
# The lab boots an amd64 kernel with this machine's own programs in it, so it runs on amd64 only.
ifeq ($(shell uname -m),x86_64)
LAB := lab
PACKAGES += bluez busybox-static cpio kmod python3 python3-pip qemu-system-x86 xz-utils
else
LAB := no-lab
endif
DENY_VERSION := 0.20.2
DEB_VERSION := 3.8.0
PACKAGING := dpkg-dev lintian python3
PACKAGING_ARM64 := gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static
PACKAGING_TEST := debootstrap

.PHONY: test bench bench-build deps fmt lint unit instructions screenshots load sim storm deny lab no-lab docs fuzz fuzz-corpus package package-arm64 package-deps package-test

# So long each of these is fuzzed, one after the other; fuzz/README.md says what they are.
SECONDS := 600
TARGETS := yaml payloads att journal
# What is freed is kept for a while by the sanitizer, to be noticed when it is used: not more than so much of it.
FUZZ := RUSTC_BOOTSTRAP=1 ASAN_OPTIONS=quarantine_size_mb=32 cargo fuzz

# Installs those of some Debian packages that are missing, with sudo when not root.
define install
missing=""; for package in $(1); do \
    dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing+=" $$package"; \
done; \
if [ -n "$$missing" ]; then \
    echo "installing$$missing"; \
    $(SUDO) apt-get update -q; \
    DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -q -y --no-install-recommends $$missing; \
fi
endef

## Install what testing needs, then check formatting, lints, tests, what hot paths cost, dependencies
## and the lab.
test: deps fmt lint unit instructions deny $(LAB)

## Debian packages (with sudo when not root), the AsyncAPI parser, Playwright, Home Assistant and cargo-deny.
deps:
	@$(call install,$(PACKAGES))
	@if [ "$(LAB)" = lab ] && ! apt-cache show linux-image-amd64 >/dev/null 2>&1; then $(SUDO) apt-get update -q; fi
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
	    $(SUDO) apt-get update -q; \
	    DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -q -y --no-install-recommends nodejs npm; \
	fi
	@$(MAKE) --no-print-directory target/asyncapi/package-lock.json target/browser/package-lock.json
	@if command -v apt-get >/dev/null; then $(MAKE) --no-print-directory target/home-assistant/prepared; fi
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked --debug --version $(DENY_VERSION) cargo-deny

## The official AsyncAPI parser, and Playwright for the console, beside what is built and never in the source. The
## lock file comes last: it says that all of it is there.
target/%/package-lock.json: tests/%/package-lock.json tests/%/package.json
	rm -rf target/$*
	mkdir -p target/$*
	cp tests/$*/package.json tests/$*/package-lock.json target/$*/
	cd target/$* && npm ci --ignore-scripts --no-audit --no-fund || { rm -f package-lock.json; exit 1; }
	touch $@

## Takes the pictures of the documentation anew.
screenshots: target/browser/package-lock.json
	UPDATE_SCREENSHOTS=1 cargo test --locked --test browser pictures

## Home Assistant itself and a Python that it runs on, beside what is built: half a minute, 400 MB.
target/home-assistant/prepared: tests/home_assistant/prepare tests/home_assistant/requirements.txt
	tests/home_assistant/prepare

fmt:
	cargo fmt --check

lint:
	cargo clippy --locked --all-targets --bench side_by_side -- -D warnings
	cargo clippy --locked --no-default-features -- -D warnings
	cargo clippy --locked --no-default-features --features broker -- -D warnings

## Everything but the lab.
unit:
	cargo test --locked --no-fail-fast

## How many instructions the hot paths take, against benches/instructions.json, where figures for this architecture are
## committed. `make instructions UPDATE=1` writes them anew.
instructions:
	CARGO_INCREMENTAL=0 cargo --config benches/guard.toml bench --locked --profile dev --bench instructions -- guard

## Load for a minute, built for release: 27,000 messages each second, and a disk that is slow. It prints
## what it measures. The ordinary tests have a short form of it.
load:
	LOAD_SECONDS=60 cargo test --locked --release --test load -- --nocapture --test-threads=1

## bemo-sync beside what one would write by hand, and what came of it in docs/performance.md: ten minutes.
## `make bench HOUR=1` puts everybody under load for an hour besides.
HOUR :=
BENCH := target/bench/bin/side_by_side
bench: deps bench-build
	$(BENCH) run --out target/bench/stand-in.json
	@if [ "$(LAB)" = lab ]; then lab/run --bench; fi
	$(if $(HOUR),$(BENCH) hour)
	$(BENCH) report

# Each is built alone: together, one would have features that only another needs.
bench-build: target/bench/python/requirements.txt
	mkdir -p target/bench/bin target/bench/log
	CARGO_TARGET_DIR=target/bench/bridge cargo build --release --locked --manifest-path benches/bridge/Cargo.toml
	cp target/bench/bridge/release/bridge target/bench/bin/
	cargo build --release --locked --message-format=json-render-diagnostics --bench side_by_side | \
	    sed -n 's/.*"name":"side_by_side".*"executable":"\([^"]*\)".*/\1/p' | \
	    while read -r path; do cp "$$path" target/bench/bin/side_by_side; done
	cargo build --release --locked --no-default-features
	cp target/release/bemo-sync target/bench/bin/bemo-sync-bare
	cargo build --release --locked
	cp target/release/bemo-sync target/bench/bin/

target/bench/python/requirements.txt: benches/bridge/requirements.txt
	rm -rf target/bench/python
	/usr/bin/python3 -m pip install --quiet --no-deps --target target/bench/python --requirement $<
	cp $< $@

## As many simulated hours as wanted, each with a seed of its own: `make sim HOURS=100000 FIRST=1001`.
HOURS ?= 100000
FIRST ?= 1001
sim:
	BEMO_SIM_HOURS=$(HOURS) BEMO_SIM_FIRST=$(FIRST) cargo test --release --locked --test sim whatever_happens -- --nocapture

## Ten thousand boxes that lose their broker at once, in virtual time; writes its tables into docs/scaling.md.
storm:
	UPDATE_DOCS=1 cargo bench --locked --bench reconnect_storm

## Licences, duplicate versions, sources; advisories where their database can be reached.
deny:
	cargo deny --locked check bans licenses sources
	@if timeout 20 git ls-remote -q https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then \
	    cargo deny --locked check advisories; \
	else \
	    echo "advisories: the database cannot be reached from here, not checked"; \
	fi

## A real kernel with a real bluetoothd, virtual controllers and a central that is not BlueZ.
lab:
	cargo build --locked
	cargo test --locked --no-run --test stand_in
	lab/run

no-lab:
	@echo "lab: skipped, it runs on amd64 only and this is $$(uname -m)"

## The Debian package for this machine, in target/debian, without a complaint of lintian's that counts.
package: package-deps
	packaging/build
	lintian --allow-root --fail-on error target/debian/bemo-sync_*_$$(dpkg --print-architecture).deb

## The same for arm64, from amd64; it is run once, emulated.
package-arm64: package-deps
	@$(call install,$(PACKAGING_ARM64))
	packaging/build arm64
	lintian --allow-root --fail-on error target/debian/bemo-sync_*_arm64.deb
	packaging/test/emulated

package-deps:
	@$(call install,$(PACKAGING))
	@cargo deb --version >/dev/null 2>&1 || cargo install --locked --debug --version $(DEB_VERSION) cargo-deb

## The package's whole life, in a Debian of its own with systemd and BlueZ: a few minutes, amd64 only.
package-test: deps
	@$(call install,$(PACKAGING_TEST))
	[ -n "$$(find target/debian -name 'bemo-sync_*_amd64.deb' 2>/dev/null)" ] || $(MAKE) package
	$(SUDO) packaging/test/run

## Writes anew what is generated: the schema, the table of keys, the texts that tests compare with.
docs:
	mkdir -p schemas
	cargo run --locked -q -- schema > schemas/services.schema.json.new
	mv schemas/services.schema.json.new schemas/services.schema.json
	cargo run --locked -q -- schema --tests > schemas/test.schema.json.new
	mv schemas/test.schema.json.new schemas/test.schema.json
	cargo run --locked -q -- docs --openapi > schemas/openapi.json.new
	mv schemas/openapi.json.new schemas/openapi.json
	cargo run --locked -q -- schema --doctor > schemas/doctor.schema.json.new
	mv schemas/doctor.schema.json.new schemas/doctor.schema.json
	UPDATE_DOCS=1 cargo test --locked --test docs --test sig
	INSTA_UPDATE=always cargo test --locked --test mistakes --test cli --test docs_command --test testing
	INSTA_UPDATE=always cargo test --locked --test home_assistant documents::

## Not a part of `test`, which only tries what was found before.
fuzz: $(TARGETS:%=fuzz-%)

fuzz-%:
	@cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
	mkdir -p fuzz/found/$*
	$(FUZZ) run $* fuzz/found/$* $(call tried,$*) -- -max_total_time=$(SECONDS) $(LIMITS) -max_len=8192 \
	    -print_final_stats=1 -dict=fuzz/dictionaries/$*.dict

# Seconds for one input, and megabytes for the whole.
LIMITS := -timeout=10 -rss_limit_mb=512
# The configurations of this repository are tried as they are.
tried = fuzz/corpus/$(1) fuzz/regressions/$(1) $(if $(filter yaml,$(1)),examples tests/mistakes)

## Adds the fewest of the inputs that were found and reach code that no committed one does.
fuzz-corpus:
	@for target in $(TARGETS); do \
	    mkdir -p fuzz/found/$$target; \
	    $(FUZZ) run $$target fuzz/corpus/$$target fuzz/found/$$target -- \
	        -set_cover_merge=1 -use_counters=0 $(LIMITS) -max_len=1024; \
	done
