# SPDX-License-Identifier: GPL-3.0-or-later
# The rules made from what the areas listed: tests, fuzzers, benchmarks, checks, and the two commands of the
# README. Included last.

SETUP := mk/setup.sh

# `make run` and `make test` install what is missing, then start make again, which now finds it.
run: ## builds everything and starts a redshirt system in this terminal
	@$(SETUP) run
	@$(MAKE) --no-print-directory -s all
	@$(RUN_COMMAND)
# What `make run` starts.
RUN_COMMAND ?= build/hosted/redshirt up programs/demo.system

# Those of the command wait for what is slow, so they come last, with the others beside them.
TEST_LAST := $(filter hosted%,$(TEST_SUITES))
TEST_ALL = $(filter-out $(TEST_LAST),$(TEST_SUITES)) $(TEST_BESIDE) $(TEST_LAST)
test: ## runs every test suite and sums up what passed
	@$(SETUP)
	@tests/run --make '$(firstword $(MAKE))' $(foreach s,$(TEST_ALL),\
	  --suite $(s):$(or $(TEST_SECONDS_$(s)),600)) $(TEST_BESIDE:%=--beside %) -- $(MAKEOVERRIDES)
# What such a suite needs is built while no other builds.
define beside_rules
test-$(1) ready-$(1): $$$$(READY_$(1))
.PHONY: test-$(1) ready-$(1)
endef
$(foreach s,$(TEST_BESIDE),$(eval $(call beside_rules,$(s))))

setup: ## installs the Debian packages that are missing
	@$(SETUP)

test-unit: $$(UNIT_TESTS) ## the unit tests of every row
	@tests/unit/run $(sort $(UNIT_TESTS))

# The same, built by the second compiler, but for those that were asked for in one variant.
test-gcc: ## the unit tests once more, built by gcc
	@$(MAKE) --no-print-directory test-unit UNIT_VARIANTS=gcc

# ---- fuzzing

FUZZ_RUNS ?= 500000
FUZZ_SECONDS ?= 6
SECONDS ?= 60
TEST_SECONDS_fuzz ?= 900
TEST_SECONDS_unit := 900
TEST_SUITES += gcc fuzz

define fuzz_rules
$(call link_rule,fuzz,build/fuzz/fuzz_$(1),tests/fuzz/fuzz_$(1).c $(FUZZ_SOURCES_$(1)),$(FUZZ_LIBRARIES_$(1)))
fuzz-$(1): build/fuzz/fuzz_$(1)
	@tests/fuzz/run --seconds $$(SECONDS) $$(if $$(RUNS),--runs $$(RUNS)) --keep $(1)
.PHONY: fuzz-$(1)
endef
$(foreach f,$(FUZZ_TARGETS),$(eval $(call fuzz_rules,$(f))))

test-fuzz: $$(patsubst %,build/fuzz/fuzz_%,$$(FUZZ_TARGETS)) ## each fuzzer, for a bounded time
	@tests/fuzz/run --seconds $(FUZZ_SECONDS) --runs $(FUZZ_RUNS) $(FUZZ_TARGETS)

# ---- figures

bench: ## measures everything and prints one table
	@$(SETUP)
	@tests/bench/run --make '$(firstword $(MAKE))' $(BENCHES) -- $(MAKEOVERRIDES)

# ---- the tree's own rules

check: ## layers, headers, format, sizes, targets: under a minute
	@$(MAKE) --no-print-directory -k $(patsubst %,check-%,$(CHECKS))
	@echo 'check: $(words $(CHECKS)) checks passed'



format: ## lays out every C file
	@tools/wrap $(TREE_C)
	@$(CLANG_FORMAT) -i $(TREE_C)

stats: ## lines by row
	@tools/stats

clean: ## removes build/
	rm -rf build

help: ## this list
	@echo 'make TARGET [V=1]'; \
	sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/    \1\t\2/p' Makefile mk/*.mk | sort | \
	  while IFS="$$(printf '\t')" read -r name text; do printf '    %-16s %s\n' "$$name" "$$text"; done
	@echo 'suites:  $(TEST_ALL)'
	@echo 'fuzzers: $(FUZZ_TARGETS)'
	@echo 'benches: $(BENCHES)'
	@echo 'checks:  $(CHECKS)'

.PHONY: run test setup test-unit test-fuzz bench check format stats clean help \
  $(TEST_SUITES:%=test-%) $(BENCHES:%=bench-%) $(CHECKS:%=check-%)
