# SPDX-License-Identifier: GPL-3.0-or-later
# The engine's back half: its fuzzer, and the comparison with another engine.
GENERATE_SOURCES := $(addprefix tests/diff/,generate.c generate_control.c generate_throw.c generate_values.c) tests/unit/wasm_bytes.c
EXECUTE_SOURCES := $(GENERATE_SOURCES) tests/diff/execute.c $(TEST_SUPPORT) \
  $(BASE_SOURCES) $(WASM_SOURCES)
FUZZ_TARGETS += interpreter
FUZZ_SOURCES_interpreter := $(EXECUTE_SOURCES)

$(call link_rule,asan,build/asan/test/diff_ours,tests/diff/ours.c $(EXECUTE_SOURCES))
$(call link_rule,hosted,build/hosted/test/diff_ours,tests/diff/ours.c $(EXECUTE_SOURCES))

TEST_SUITES += diff-wabt
test-diff-wabt: build/asan/test/diff_ours ## generated modules, against wabt's interpreter
	@tests/diff/run_wabt $<

$(call unit_test,wasm_run,tests/unit/test_wasm_run.c $(EXECUTE_SOURCES))
build/test/wasm/%.wasm: tests/unit/wasm/%.wat
	@mkdir -p $(@D)
	$(Q)wat2wasm --debug-names $(WAT_FLAGS) $< -o $@
$(UNIT_VARIANTS:%=build/%/test/wasm_run): | build/test/wasm/run.wasm build/test/wasm/client.wasm build/test/wasm/tail.wasm
$(call unit_test,wasm_memories,tests/unit/test_wasm_memories.c tests/unit/wasm_bytes.c $(TEST_SUPPORT) $(BASE_SOURCES) \
  $(WASM_SOURCES))
build/test/wasm/tail.wasm: WAT_FLAGS := --enable-tail-call
build/test/wasm/memories.wasm: WAT_FLAGS := --enable-multi-memory
$(UNIT_VARIANTS:%=build/%/test/wasm_memories): | build/test/wasm/memories.wasm
$(call unit_test,wasm_exception,tests/unit/test_wasm_exception.c tests/unit/wasm_bytes.c $(TEST_SUPPORT) $(BASE_SOURCES) $(WASM_SOURCES))
$(call unit_test,wasm_vector,tests/unit/test_wasm_vector.c tests/unit/wasm_bytes.c $(TEST_SUPPORT) $(BASE_SOURCES) \
  $(WASM_SOURCES))
$(UNIT_VARIANTS:%=build/%/test/wasm_vector): | build/test/wasm/vector.wasm
# Several threads of the machine in one memory: also under the thread sanitizer.
WASM_ATOMIC_TEST := tests/unit/test_wasm_atomic.c $(TEST_SUPPORT) $(BASE_SOURCES) $(WASM_SOURCES)
$(call unit_test,wasm_atomic,$(WASM_ATOMIC_TEST),-lpthread)
$(call unit_test,wasm_atomic,$(WASM_ATOMIC_TEST),-lpthread,tsan)
build/test/wasm/atomic.wasm: WAT_FLAGS := --enable-threads --enable-multi-memory
$(UNIT_VARIANTS:%=build/%/test/wasm_atomic) build/tsan/test/wasm_atomic: | build/test/wasm/atomic.wasm
