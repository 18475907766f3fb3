# SPDX-License-Identifier: GPL-3.0-or-later
# Our engine against another on random modules (tests/diff).
DIFF_SOURCES := tests/diff/engine.c tests/diff/digest.c tests/spec/embed.c tests/spec/values.c \
  tests/spec/json.c $(JIT_HOST_SOURCES) $(JIT_SOURCES) $(BASE_SOURCES) $(WASM_SOURCES)
$(call link_rule,asan,build/asan/test/diff_engine,$(DIFF_SOURCES),-lsodium -lpthread)

$(call link_rule,hosted,build/hosted/test/diff_engine,$(DIFF_SOURCES),-lsodium -lpthread)

TEST_SUITES += diff
DIFF_MODULES ?= 300
DIFF_CHAINS ?= 60
DIFF_SEED ?= 1
DIFF_MORE ?= 1000 # by the build without sanitizers
test-diff: build/asan/test/diff_engine build/hosted/test/diff_engine ## our engine against another on random modules
	@tests/diff/run --modules $(DIFF_MODULES) --more $(DIFF_MORE) --chains $(DIFF_CHAINS) --seed $(DIFF_SEED) $^

# Modules of our generator, in a batch, by our engines and node's V8.
TEST_SUITES += v8
TEST_SECONDS_v8 := 900
V8_MODULES ?= 25000
V8_ASAN_MODULES ?= 2500
V8_SEED ?= 1
test-v8: build/hosted/test/machine build/asan/test/machine ## compiled code, interpreter and V8 on 27,500 generated modules
	@tests/diff/many --count $(V8_MODULES) --asan-count $(V8_ASAN_MODULES) --seed $(V8_SEED) $^

TEST_BESIDE += reducer
TEST_SECONDS_reducer := 900
READY_reducer := build/hosted/test/diff_engine build/hosted/test/machine
test-reducer: ## what disagrees is made small
	@tests/diff/run_reducer $^

# Open-ended: random modules of both generators by the interpreter, compiled code and another engine.
FUZZ_JIT_SEED ?= $(shell date +%s)
.PHONY: fuzz-jit
fuzz-jit: build/hosted/test/machine build/hosted/test/diff_engine ## looks for differences between engines until stopped
	@tests/diff/run --seed $(FUZZ_JIT_SEED) --forever $^
