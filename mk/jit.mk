# SPDX-License-Identifier: GPL-3.0-or-later
# The compiler: its version, its tests, fuzzers and figures.
# Whatever may change code, or what code expects of the structures around it.
JIT_VERSION_OF := $(sort $(wildcard $(foreach d,base wasm jit jit/x86_64,$(addprefix core/$(d)/*.,c h def))))
$(JIT_VERSION_SOURCE): $(JIT_VERSION_OF)
	@mkdir -p $(@D)
	$(call say,version,$@)
	$(Q){ echo '// Made by mk/jit.mk from core/base, core/wasm and core/jit.'; echo '#include "core/jit/version.h"'; \
	  echo 'const u8 jit_version[JIT_VERSION_BYTES] = {'; \
	  sha256sum $(JIT_VERSION_OF) | sha256sum | cut -c -64 | sed 's/../0x&, /g'; echo '};'; } >$@

# What the assembler writes, against LLVM's disassembler.
LLVM_MC := llvm-mc-$(LLVM)
$(call link_rule,asan,build/asan/test/asm,tests/diff/asm.c core/jit/x86_64/asm.c $(TEST_SUPPORT) $(BASE_SOURCES))
TEST_SUITES += asm
test-asm: build/asan/test/asm ## each form of each instruction of the assembler, as a disassembler reads it
	@tests/diff/run_asm $< $(LLVM_MC)

# From bodies to the ir: what it means, against the interpreter.
JIT_FRONT_SOURCES := $(addprefix core/jit/,build.c build_try.c fold.c ir.c joins.c loops.c number.c operations.c passes.c \
  operations_atomic.c operations_bulk.c reenter.c simplify.c verify.c)
COMPARE_SOURCES := $(addprefix tests/diff/,compare.c evaluate.c evaluate_rows.c evaluate_throw.c) $(GENERATE_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES) $(WASM_SOURCES) $(JIT_FRONT_SOURCES)
$(call link_rule,asan,build/asan/test/ir,tests/diff/ir.c $(COMPARE_SOURCES))
$(call link_rule,hosted,build/hosted/test/ir,tests/diff/ir.c $(COMPARE_SOURCES))
TEST_BESIDE += ir
IR_SEEDS ?= 200
IR_MODULES ?= 40
READY_ir = build/hosted/test/ir $(KERNEL_MODULES)
test-ir: ## what the compiler's front makes of functions, against the interpreter
	@tests/diff/run_ir --seeds $(IR_SEEDS) --modules $(IR_MODULES) $< $(KERNEL_MODULES)
$(call unit_test,jit_build,tests/unit/test_jit_build.c tests/unit/wasm_bytes.c $(TEST_SUPPORT) $(BASE_SOURCES) \
  $(WASM_SOURCES) $(JIT_FRONT_SOURCES))
$(UNIT_VARIANTS:%=build/%/test/jit_build): | build/test/wasm/build.wasm
$(call unit_test,jit_try,tests/unit/test_jit_try.c $(COMPARE_SOURCES))
FUZZ_TARGETS += ir
FUZZ_SOURCES_ir := $(COMPARE_SOURCES)

$(call link_rule,hosted,build/bench/front,tests/bench/front.c tests/bench/bench.c $(BASE_SOURCES) $(WASM_SOURCES) $(JIT_FRONT_SOURCES),-lm)
BENCHES += front
bench-front: build/bench/front build/bench/load_program.wasm
	@build/bench/front build/bench/load_program.wasm

# The register allocator, its answers checked on every path.
ALLOC_SOURCES := $(wildcard core/jit/alloc*.c) core/jit/mach.c
$(call unit_test,alloc,tests/unit/test_alloc.c tests/unit/mach_check.c tests/unit/mach_random.c $(ALLOC_SOURCES) \
  $(TEST_SUPPORT) $(BASE_SOURCES))
$(call link_rule,hosted,build/hosted/test/alloc_bench,tests/bench/alloc.c tests/unit/mach_check.c \
  tests/unit/mach_random.c $(ALLOC_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES))

# Crossings, traps and interrupts, on machine code written by hand.
JIT_RUN_SOURCES := $(addprefix core/jit/,backtrace.c interrupt.c module.c space.c thread.c unwind.c x86_64/asm.c \
  x86_64/bulk.c x86_64/crossing.c)
$(call unit_test,jit_run,tests/unit/test_jit_run.c $(JIT_HOST_SOURCES) $(JIT_RUN_SOURCES) $(TEST_SUPPORT) \
  $(BASE_SOURCES) $(WASM_SOURCES),-lsodium -lpthread)
$(UNIT_VARIANTS:%=build/%/test/jit_run): | build/test/wasm/cross.wasm

$(call unit_test,jit_tail,tests/unit/test_jit_tail.c tests/unit/wasm_bytes.c $(JIT_HOST_SOURCES) $(JIT_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES) \
  $(WASM_SOURCES),-lsodium -lpthread)
$(UNIT_VARIANTS:%=build/%/test/jit_tail): | build/test/wasm/tail.wasm

# Compiling in portions.
$(call unit_test,jit_pause,tests/unit/test_jit_pause.c tests/unit/large_bodies.c tests/unit/wasm_bytes.c $(JIT_HOST_SOURCES) \
  $(JIT_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES) $(WASM_SOURCES),-lsodium -lpthread)

# What the passes cost and what code they make: build/bench/code FILE.wasm [FUNCTION [OUT]].
JIT_PASS_SOURCES := core/jit/mach.c $(wildcard core/jit/x86_64/*.c) $(JIT_FRONT_SOURCES) $(wildcard core/jit/alloc*.c)
$(call link_rule,hosted,build/bench/code,tests/bench/code.c tests/bench/bench.c tests/unit/mach_check.c $(JIT_PASS_SOURCES) $(BASE_SOURCES) \
  $(WASM_SOURCES))

# The whole compiler: its speed, and every function of some programs in each way. What the code does is the
# business of other suites.
COMPILE_SOURCES := tests/bench/compile.c tests/bench/bench.c tests/unit/large_bodies.c tests/unit/wasm_bytes.c $(BASE_SOURCES) $(WASM_SOURCES) $(JIT_SOURCES)
$(call link_rule,hosted,build/bench/compile,$(COMPILE_SOURCES),-lm)
$(call link_rule,asan,build/asan/test/compile,$(COMPILE_SOURCES),-lm)
BENCHES += compile
bench-compile: build/bench/compile build/bench/start_program.wasm
	@build/bench/compile build/bench/start_program.wasm
	@build/bench/compile --shapes
TEST_SUITES += compile
test-compile: build/asan/test/compile build/bench/load_program.wasm $$(KERNEL_MODULES) ## compiles every function of some programs
	@$< --check build/bench/load_program.wasm $(KERNEL_MODULES)

# Compiled code against the interpreter.
COMPILED_SOURCES := tests/diff/compiled.c tests/diff/digest.c $(GENERATE_SOURCES) $(JIT_HOST_SOURCES) $(TEST_SUPPORT) \
  $(BASE_SOURCES) $(WASM_SOURCES) $(JIT_SOURCES)
$(call link_rule,asan,build/asan/test/machine,tests/diff/machine.c $(COMPILED_SOURCES),-lsodium -lpthread)
$(call link_rule,hosted,build/hosted/test/machine,tests/diff/machine.c $(COMPILED_SOURCES),-lsodium -lpthread)
FUZZ_TARGETS += compiled
FUZZ_SOURCES_compiled := $(COMPILED_SOURCES)
FUZZ_LIBRARIES_compiled := -lsodium -lpthread
build/diff/addresses.wat build/diff/bulk.wat build/diff/constants.wat build/diff/depths.wat build/diff/memories.wat: build/diff/%.wat: tests/diff/%.py
	@mkdir -p $(@D)
	$(Q)python3 $< $@
build/diff/bulk.wasm: WAT_FLAGS := --enable-multi-memory
build/diff/memories.wasm: WAT_FLAGS := --enable-multi-memory --enable-threads
build/diff/%.wasm: build/diff/%.wat
	$(Q)wat2wasm $(WAT_FLAGS) $< -o $@
build/diff/%.wasm: tests/diff/%.wat
	@mkdir -p $(@D)
	$(Q)wat2wasm $< -o $@
# Modules that are mostly control.
build/diff/blocks/written: tests/diff/blocks.py
	@mkdir -p $(@D)
	$(call say,write,$(@D))
	$(Q)python3 tests/diff/blocks.py $(@D) 10000 300 && touch $@

TEST_SUITES += machine
TEST_SECONDS_machine := 900
FOUND_MACHINE := $(wildcard tests/diff/found/machine_*.wasm)
test-machine: build/asan/test/machine build/hosted/test/machine $$(KERNEL_MODULES) build/diff/constants.wasm build/diff/depths.wasm build/diff/addresses.wasm build/diff/bulk.wasm build/diff/memories.wasm build/diff/blocks/written $(FOUND_MACHINE) ## compiled code on programs and modules of many shapes, against the interpreter
	@{ many=build/hosted/test/machine; \
	  echo $< --checks --plain $(KERNEL_MODULES); echo $< $(KERNEL_MODULES) build/diff/constants.wasm; \
	  echo $< $(FOUND_MACHINE); echo $< --plain $(FOUND_MACHINE); echo $< --checks $(FOUND_MACHINE); \
	  for kind in "" "--plain --checks" --storm --loops; do echo $$many $$kind 'build/diff/blocks/*.wasm'; done; \
	  echo $< --plain build/diff/constants.wasm; echo $< build/diff/depths.wasm; echo $< --storm build/diff/depths.wasm; \
	  for kind in "" --plain --checks "--plain --checks"; do echo $< $$kind build/diff/addresses.wasm; echo $< $$kind build/diff/bulk.wasm; echo $< $$kind build/diff/memories.wasm; done; echo $< --storm build/diff/memories.wasm; echo $$many --storm build/diff/bulk.wasm; } | \
	  tests/diff/together

# Every instruction on vectors and every pair of interesting ones, and chains of those that only move bytes, on each
# kind of CPU and memory.
build/lanes/made: tests/diff/lanes.py tests/diff/bytes.py tests/diff/forms.py core/wasm/opcodes.def
	@mkdir -p $(@D)
	$(Q)python3 -B $< $(@D) && python3 -B tests/diff/bytes.py $(@D)
	@touch $@
TEST_SUITES += vectors
TEST_SECONDS_vectors := 600
test-vectors: build/asan/test/machine $$(KERNEL_VECTOR_MODULES) build/lanes/made ## compiled code on vectors, against the interpreter
	@for kind in --storm "" --plain --checks "--plain --checks"; do \
	  echo $< $$kind $(KERNEL_VECTOR_MODULES) 'build/lanes/*.wasm'; done | tests/diff/together

# The shapes that code must have.
TEST_SUITES += shapes
test-shapes: build/bench/compile build/diff/shapes.wasm ## instructions that important shapes must become
	@tests/diff/run_shapes $< $(LLVM_MC) tests/diff/shapes.wat build/diff/shapes.wasm

$(call unit_test,x64_asm,tests/unit/test_x64_asm.c core/jit/x86_64/asm.c $(TEST_SUPPORT) $(BASE_SOURCES))
$(call unit_test,x64_compile,tests/unit/test_x64_compile.c $(JIT_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES) $(WASM_SOURCES))
$(UNIT_VARIANTS:%=build/%/test/x64_compile): | build/diff/shapes.wasm

# Code that is kept from one run to the next.
IMAGE_TEST := tests/unit/image_bytes.c $(TEST_SUPPORT) $(BASE_SOURCES)
$(call unit_test,jit_image,tests/unit/test_jit_image.c tests/unit/wasm_bytes.c $(JIT_SOURCES) $(WASM_SOURCES) $(IMAGE_TEST))
$(UNIT_VARIANTS:%=build/%/test/jit_image): | build/diff/shapes.wasm
FUZZ_TARGETS += image
FUZZ_SOURCES_image := core/jit/image.c $(IMAGE_TEST)

# How soon a program of 1 MiB runs, and how soon its code is there, with and without code that was kept.
build/bench/start_program.wasm: tests/bench/load_program.cpp
	@mkdir -p $(@D)
	$(call say,wasm,$<)
	$(Q)clang++-$(LLVM) --target=wasm32-wasi -O2 -DLAYERS=760 -ftemplate-depth=2000 -Wl,-z,stack-size=4194304 -fno-exceptions -Wl,--strip-all $< -o $@
BENCHES += start
bench-start: build/hosted/redshirt build/bench/start_program.wasm
	@tests/bench/start $^
