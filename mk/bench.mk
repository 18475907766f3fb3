# SPDX-License-Identifier: GPL-3.0-or-later
# The benchmark set: kernels built to WebAssembly and natively from the same sources, and the program that
# compares engines on them. WASM3_DIR=/a/checkout/of/wasm3 adds that interpreter to the comparison. Nothing is
# fetched but by tests/bench/fetch, whose engines are used when they are there.
KERNEL_NAMES := $(patsubst tests/bench/kernels/%.c,%,$(wildcard tests/bench/kernels/*.c))
KERNEL_MODULES := $(KERNEL_NAMES:%=build/bench/kernels/%.wasm)
KERNEL_FLOATS := -ffp-contract=off -fno-math-errno # the same rounding everywhere
$(foreach k,$(KERNEL_NAMES),$(eval CFLAGS_FOR_tests/bench/kernels/$(k) := -DKERNEL_RUN=kernel_$(k) $(KERNEL_FLOATS)))

# Without the newer parts of WebAssembly, so that every engine can be compared; and once more with vectors.
VECTOR_NAMES := $(patsubst tests/bench/vectors/%.c,%,$(wildcard tests/bench/vectors/*.c))
$(foreach k,$(VECTOR_NAMES),$(eval CFLAGS_FOR_tests/bench/vectors/$(k) := -DKERNEL_RUN=kernel_$(k) $(KERNEL_FLOATS)))
KERNEL_VECTOR_MODULES := $(patsubst %,build/bench/kernels_vector/%.wasm,$(KERNEL_NAMES) $(VECTOR_NAMES))
$(KERNEL_VECTOR_MODULES): WASM_VECTORS := -msimd128
define kernel_module
	@mkdir -p $(@D)
	$(call say,wasm,$<)
	$(Q)$(CLANG) --target=wasm32 -mcpu=mvp -msign-ext -mmutable-globals $(WASM_VECTORS) -std=gnu2x -O2 -I. \
	  $(WARNINGS) $(KERNEL_FLOATS) -ffreestanding -fno-builtin -DKERNEL_RUN=run -nostdlib -fuse-ld=lld \
	  -Wl,--no-entry,--export=run $< -o $@
endef
build/bench/kernels/%.wasm: tests/bench/kernels/%.c tests/bench/kernels/kernel.h
	$(kernel_module)
build/bench/kernels_vector/%.wasm: tests/bench/kernels/%.c tests/bench/kernels/kernel.h
	$(kernel_module)
build/bench/kernels_vector/%.wasm: tests/bench/vectors/%.c tests/bench/kernels/kernel.h
	$(kernel_module)

# Copies and fills of several sizes, all of one source.
BULK_NAMES := copy_known_8 copy_known_32 fill_known_32 $(foreach n,8 32 100 1024 65536,copy_$n fill_$n) # bulk.def
KERNEL_BULK_MODULES := $(BULK_NAMES:%=build/bench/kernels_bulk/%.wasm)
$(KERNEL_BULK_MODULES): build/bench/kernels_bulk/%.wasm: tests/bench/bulk/bulk.c tests/bench/kernels/kernel.h
	@mkdir -p $(@D)
	$(call say,wasm,$<)
	$(Q)$(CLANG) --target=wasm32 -mcpu=mvp -mbulk-memory -std=gnu2x -O2 -I. $(WARNINGS) -ffreestanding \
	  -DKERNEL_RUN=unused -Dkernel_$*=run -nostdlib -fuse-ld=lld -Wl,--no-entry,--export=run $< -o $@
CFLAGS_FOR_tests/bench/bulk/bulk := -DKERNEL_RUN=unused

ENGINE_SOURCES := $(addprefix tests/bench/,bench.c engine.c engine_compiled.c engine_ours.c engine_peers.c) \
  $(KERNEL_NAMES:%=tests/bench/kernels/%.c) $(VECTOR_NAMES:%=tests/bench/vectors/%.c) tests/bench/bulk/bulk.c $(BASE_SOURCES) $(WASM_SOURCES) \
  $(JIT_SOURCES) $(JIT_HOST_SOURCES)
ENGINE := build/bench/engine
$(call link_rule,hosted,$(ENGINE),$(ENGINE_SOURCES) tests/bench/peer_none.c,-lm -lsodium -lpthread)
$(call link_rule,gcc,$(ENGINE)-gcc,$(ENGINE_SOURCES) tests/bench/peer_none.c,-lm -lsodium -lpthread)

WASM3_DIR ?= $(wildcard build/peers/wasm3)
ifneq ($(WASM3_DIR),)
ENGINE := build/bench/engine-wasm3
WASM3_OBJECTS := $(patsubst $(WASM3_DIR)/source/%.c,build/bench/wasm3/%.o,$(wildcard $(WASM3_DIR)/source/*.c))
build/bench/wasm3/%.o: $(WASM3_DIR)/source/%.c
	@mkdir -p $(@D)
	$(call say,peer,$<)
	$(Q)$(CLANG) -O3 -DNDEBUG -fomit-frame-pointer -fno-stack-check -fno-stack-protector -w -c $< -o $@
CFLAGS_FOR_tests/bench/peer_wasm3 := -I$(WASM3_DIR)/source -Wno-error -Wno-undef -Wno-strict-prototypes
$(call link_rule,hosted,$(ENGINE),$(ENGINE_SOURCES) tests/bench/peer_wasm3.c,-lm -lsodium -lpthread)
$(ENGINE): $(WASM3_OBJECTS)
endif

BENCHES += engine
bench-engine: $$(ENGINE) $$(KERNEL_MODULES) $$(KERNEL_VECTOR_MODULES) $$(KERNEL_BULK_MODULES)
	@$(ENGINE) build/bench/kernels $(KERNELS)
	@$(ENGINE) --vectors build/bench/kernels_vector $(KERNELS)
	@$(ENGINE) --bulk build/bench/kernels_bulk $(KERNELS)

# What it takes to get a large module ready to run.
BENCHES += large
bench-large: $$(ENGINE) build/bench/start_program.wasm
	@tests/bench/large $(ENGINE) build/bench/start_program.wasm

# What it costs that compiled code can be interrupted.
$(call link_rule,hosted,build/bench/slices,tests/bench/slices.c $(addprefix tests/bench/,bench.c engine_compiled.c) \
  $(KERNEL_NAMES:%=tests/bench/kernels/%.c) $(BASE_SOURCES) $(WASM_SOURCES) $(JIT_SOURCES) $(JIT_HOST_SOURCES),-lm -lsodium -lpthread)
BENCHES += slices
bench-slices: build/bench/slices $$(KERNEL_MODULES)
	@$< build/bench/kernels

# The kernels as a test of the release build: both compilers' interpreters must agree with native code, also
# when they are paused at any place.
TEST_SUITES += kernels
test-kernels: build/bench/engine build/bench/engine-gcc $$(KERNEL_MODULES) $$(KERNEL_VECTOR_MODULES) $$(KERNEL_BULK_MODULES) ## the benchmark's kernels agree with native code
	@for engine in engine engine-gcc; do build/bench/$$engine --check build/bench/kernels; \
	    build/bench/$$engine --vectors --check build/bench/kernels_vector; \
	    build/bench/$$engine --bulk --check build/bench/kernels_bulk; done >build/bench/check.txt; \
	  cat build/bench/check.txt | grep -v ' failed, '; \
	  awk '/ FAILED$$/ { f++ } / passed$$/ { p++ } END { printf "%d passed, %d failed, 0 skipped\n", p, f; \
	    exit f > 0 || p < 258 }' build/bench/check.txt
