# SPDX-License-Identifier: GPL-3.0-or-later
# The engine's front half: its tests, and the WebAssembly core test suite (tests/spec).
SPEC_SOURCES := $(wildcard tests/spec/*.c) $(JIT_HOST_SOURCES) $(JIT_SOURCES) $(BASE_SOURCES) $(WASM_SOURCES)
$(foreach v,hosted asan gcc,$(call link_rule,$(v),build/$(v)/test/spec_runner,$(SPEC_SOURCES),-lsodium -lpthread))

TEST_SUITES += spec
TEST_SECONDS_spec := 600

test-spec: build/asan/test/spec_runner ## the WebAssembly core test suite, on the interpreter
	@tests/spec/run $< $(NAMES)

# The same with every function compiled, and with every second one, interrupted a thousand times a second.
TEST_SUITES += spec-compiled spec-mixed spec-small
TEST_SECONDS_spec-compiled := 600
TEST_SECONDS_spec-mixed := 600
TEST_SECONDS_spec-small := 600
test-spec-compiled: build/asan/test/spec_runner
	@tests/spec/run --mode compiled $< $(NAMES)
# With checks of each access and of the stack, and no room around memories.
test-spec-small: build/asan/test/spec_runner
	@tests/spec/run --mode small $< $(NAMES)
test-spec-mixed: build/asan/test/spec_runner
	@tests/spec/run --mode mixed --seed 1 --storm 1000 $< $(NAMES)

# The same on code that can be debugged, stopped before each of its instructions.
TEST_SUITES += spec-probed
TEST_SECONDS_spec-probed := 600
test-spec-probed: build/asan/test/spec_runner
	@tests/spec/run --mode probed $< $(NAMES)

# The official tests of what goes beyond Core 2.0: the features that are there, as tests/spec/run names them.
# Where nothing brings the tests, an empty file says so to the suites that follow, and they are skipped.
BEYOND := extended-const
BEYOND += tail-calls
BEYOND += multi-memory
BEYOND += threads
BEYOND += exceptions
BEYOND_RUN = tests/spec/run $(addprefix --beyond ,$(BEYOND))
BEYOND_READY := build/wasm-beyond/complete
$(BEYOND_READY): tests/spec/fetch tests/spec/convert/Cargo.toml tests/spec/convert/src/main.rs
	@rm -f $@; mkdir -p $(@D)
	@timeout 240 tests/spec/fetch beyond || touch $@
ifneq ($(BEYOND),)
TEST_SUITES += spec-beyond spec-beyond-compiled spec-beyond-mixed spec-beyond-small
test-spec-beyond: build/asan/test/spec_runner $(BEYOND_READY) ## the official tests of what goes beyond it
	@$(BEYOND_RUN) $< $(NAMES)
test-spec-beyond-compiled: build/asan/test/spec_runner $(BEYOND_READY)
	@$(BEYOND_RUN) --mode compiled $< $(NAMES)
test-spec-beyond-small: build/asan/test/spec_runner $(BEYOND_READY)
	@$(BEYOND_RUN) --mode small $< $(NAMES)
test-spec-beyond-mixed: build/asan/test/spec_runner $(BEYOND_READY)
	@$(BEYOND_RUN) --mode mixed --seed 1 --storm 1000 $< $(NAMES)
endif

# The same by release builds of both compilers, and with a pause after every unit of fuel.
test-spec-more: build/hosted/test/spec_runner build/gcc/test/spec_runner
	@tests/spec/run build/hosted/test/spec_runner $(NAMES)
	@tests/spec/run build/gcc/test/spec_runner $(NAMES)
	@tests/spec/run --slice 1 build/hosted/test/spec_runner $(NAMES)
.PHONY: test-spec-more

FRONT_SOURCES := $(addprefix core/wasm/,constant.c decode.c decode_segments.c encoding.c module.c names.c opcode.c \
  validate.c validate_atomic.c validate_body.c validate_rare.c validate_stack.c validate_try.c validate_vector.c)
FRONT_TEST := tests/unit/wasm_bytes.c $(TEST_SUPPORT) $(BASE_SOURCES) $(FRONT_SOURCES)
$(call unit_test,utf8,tests/unit/test_utf8.c $(TEST_SUPPORT) $(BASE_SOURCES))
$(call unit_test,sort,tests/unit/test_sort.c $(TEST_SUPPORT) $(BASE_SOURCES))
$(call unit_test,wasm_decode,tests/unit/test_wasm_decode.c $(FRONT_TEST))
$(call unit_test,wasm_validate,tests/unit/test_wasm_validate.c $(FRONT_TEST))
$(call unit_test,wasm_features,tests/unit/test_wasm_features.c $(FRONT_TEST))
$(call unit_test,wasm_constant,tests/unit/test_wasm_constant.c tests/unit/wasm_bytes.c $(TEST_SUPPORT) $(BASE_SOURCES) \
  $(WASM_SOURCES))

FUZZ_TARGETS += module
FUZZ_SOURCES_module := tests/unit/wasm_bytes.c $(TEST_SUPPORT) $(BASE_SOURCES) $(WASM_SOURCES)

# How fast a large program loads.
build/bench/load_program.wasm: tests/bench/load_program.cpp
	@mkdir -p $(@D)
	$(call say,wasm,$<)
	$(Q)clang++-$(LLVM) --target=wasm32-wasi -O2 -fno-exceptions -Wl,--strip-all $< -o $@
$(call link_rule,hosted,build/bench/load,tests/bench/load.c tests/bench/bench.c $(BASE_SOURCES) $(WASM_SOURCES),-lm)
BENCHES += load
bench-load: build/bench/load build/bench/load_program.wasm
	@build/bench/load build/bench/load_program.wasm
	@build/bench/load --shapes
