# SPDX-License-Identifier: Apache-2.0
# The door: Meson does the work (meson.build), these are the words for it.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 600
FILES ?=
MESON ?= meson
NINJA ?= ninja

SANITIZE := -Db_lundef=false -Dc_args=-fno-sanitize-recover=all

# What root installs is built by whom the tree belongs to: "sudo make install" leaves
# nothing of root's in it, and "make" works afterwards.
ifeq ($(shell id -u),0)
ifneq ($(shell stat -c %u .),0)
AS_OWNER := setpriv --reuid=$(shell stat -c %u .) --regid=$(shell stat -c %g .) --clear-groups
endif
endif

.DEFAULT_GOAL := all
.PHONY: all help deps run test test-postgres test-chaos test-crash test-client-long \
	test-asan test-tsan bench bench-postgres fuzz lint format cover install clean

all: $(BUILD)/build.ninja ## build build/latchkey and its manual (packages: make deps)
	@$(NINJA) -C $(BUILD) latchkey docs/latchkey.1 docs/latchkey-connect.1

help: ## this list
	@echo 'Latchkey: make TARGET'
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)$$/  \1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo
	@echo 'Variables: BUILD=build PREFIX=/usr/local DESTDIR= FUZZ_SECONDS=600'

deps: ## install the Debian packages the build needs, and only those
	@scripts/deps build

run: deps ## install what is missing, build, and start the demo
	@$(MAKE) --no-print-directory all
	@$(BUILD)/latchkey demo

test: ## install what the tests need, build, run every test
	@scripts/deps build test
	@$(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD) all meson-test-prereq
	@tests/run --build $(BUILD)

test-postgres: ## every test of the server with PostgreSQL behind it
	@scripts/deps build test
	@$(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD) all meson-test-prereq
	@tests/run --build $(BUILD) units postgres postgres-rules postgres-browser failover

test-chaos: ## three databases and three servers under faults, the long form (some two hours)
	@scripts/deps build test
	@$(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD) all
	@LONG=1 SOAK_SECONDS=$${SOAK_SECONDS:-3600} EVENTS=$${EVENTS:-300} ROUNDS=$${ROUNDS:-200} tests/run --build $(BUILD) --jobs 1 chaos failover
	@NTH=all tests/run --build $(BUILD) crash

test-crash: ## kill -9 and power cuts under load, 200 times each (ROUNDS=N for another number)
	@scripts/deps build test
	@$(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD)
	@ROUNDS=$${ROUNDS:-200} tests/run --build $(BUILD) crash

test-client-long: ## the library's crowds, crashes and lost answers, many times over
	@scripts/deps build test
	@$(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD)
	@LONG=1 tests/run --build $(BUILD) client-proofs client-postgres

test-asan: ## every test on a build with AddressSanitizer and UBSan
	@scripts/deps build test
	@test -f build-asan/build.ninja || \
		$(MESON) setup build-asan -Db_sanitize=address,undefined $(SANITIZE)
	@$(NINJA) -C build-asan all meson-test-prereq
	@tests/run --build build-asan

test-tsan: ## every test on a build with ThreadSanitizer
	@scripts/deps build test
	@test -f build-tsan/build.ninja || \
		$(MESON) setup build-tsan -Db_sanitize=thread $(SANITIZE)
	@$(NINJA) -C build-tsan all meson-test-prereq
	@tests/run --build build-tsan

bench: ## load over TLS beside nginx, oidc-provider and pgbench; writes docs/BENCHMARKS.md
	@scripts/deps build test bench
	@$(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD) latchkey tests/bench/load tests/bench/fill tests/bench/bench_store \
		tests/bench/bench_client tests/client/driver
	@scripts/npm-ci tests/bench
	@LOAD=$(BUILD)/tests/bench/load LATCHKEY=$(BUILD)/latchkey \
		scripts/node tests/bench/bench.mjs --write
	@$(MAKE) -s --no-print-directory bench-postgres

bench-postgres: ## the part of it about PostgreSQL, beside pgbench (SCALE=N grants)
	@scripts/deps build test bench
	@$(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD) latchkey tests/bench/load tests/bench/fill
	@LOAD=$(BUILD)/tests/bench/load LATCHKEY=$(BUILD)/latchkey \
		scripts/node tests/bench/postgres.mjs --write

fuzz: ## fuzz every parser for FUZZ_SECONDS each (clang, ASan and UBSan)
	@scripts/deps build fuzz
	@test -f build-fuzz/build.ninja || CC=clang $(MESON) setup build-fuzz \
		-Dfuzz=true -Db_sanitize=address,undefined $(SANITIZE)
	@$(NINJA) -C build-fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz build-fuzz

lint: ## clang-tidy, spelling, man page, shell scripts, the house rules
	@scripts/deps build lint
	@$(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD)
	@scripts/lint $(BUILD)

format: ## put the C lines you changed into the house style (FILES=... for whole files)
	@scripts/deps lint
	@$(if $(FILES),clang-format -i $(FILES),git clang-format --force --extensions c,h HEAD)

cover: ## run every test and write build-cover/coverage/index.html
	@scripts/deps build test cover
	@test -f build-cover/build.ninja || \
		$(MESON) setup build-cover -Db_coverage=true -Dbuildtype=debug
	@$(NINJA) -C build-cover all meson-test-prereq
	@tests/run --build build-cover || echo 'Some tests failed; the figures stand.'
	@mkdir -p build-cover/coverage
	@gcovr --root . --filter src/ --print-summary \
		--html-details build-cover/coverage/index.html build-cover

# meson's log of the last installation may be root's: a user could not write it again.
install: ## program, library, man pages, systemd unit below DESTDIR and PREFIX
	@$(AS_OWNER) $(MAKE) -s --no-print-directory $(BUILD)/build.ninja
	@$(AS_OWNER) $(MESON) configure $(BUILD) -Dprefix=$(PREFIX)
	@$(AS_OWNER) $(NINJA) -C $(BUILD) latchkey liblatchkey manuals dist/latchkey.bash
	@rm -f $(BUILD)/meson-logs/install-log.txt
	@DESTDIR=$(DESTDIR) $(MESON) install -C $(BUILD) --no-rebuild
	@[ -n "$(DESTDIR)" ] || ldconfig

clean: ## remove every build directory
	@rm -rf build build-asan build-tsan build-fuzz build-cover

$(BUILD)/build.ninja:
	@command -v $(MESON) >/dev/null || { \
		echo 'meson is not installed: run "make deps" first.' >&2; exit 1; }
	@$(MESON) setup $(BUILD)
