# SPDX-License-Identifier: GPL-3.0-or-later
# The kernel on the simulated machine: its laws, its limits, seeds, fuzzing and figures. Tests move real processes
# by strings: tests/kernel/puppet.h.
SIM_SOURCES := $(wildcard machines/sim/*.c)
$(call interface_rule,build/gen,tests/kernel/puppet.wit)
$(call interface_rule,build/gen,tests/kernel/lane.wit)
GENERATED += build/gen/interfaces/puppet.h build/gen/interfaces/lane.h

# A kernel with all it needs on the simulated machine, and the puppets.
STAGE_SOURCES := tests/kernel/stage.c tests/kernel/grants.c tests/unit/wasm_bytes.c build/gen/interfaces/puppet.c $(SIM_SOURCES) $(KERNEL_SOURCES) \
  $(WASM_SOURCES) $(JIT_SOURCES) $(BASE_SOURCES) $(INTERFACE_SOURCES)

$(call program_rule,build/test/kernel/puppet.wasm,tests/kernel/guests/puppet.c build/gen/interfaces/puppet.c)
$(call program_rule,build/test/kernel/pinger.wasm,tests/kernel/guests/pinger.c build/gen/interfaces/lane.c)
$(call program_rule,build/test/kernel/ponger.wasm,tests/kernel/guests/ponger.c build/gen/interfaces/lane.c)
$(call program_rule,build/test/kernel/crowd.wasm,tests/kernel/guests/crowd.c)
$(call program_rule,build/test/kernel/binder.wasm,tests/kernel/guests/binder.c)
$(call program_rule,build/test/kernel/relay.wasm,tests/kernel/guests/relay.c)
$(call program_rule,build/test/kernel/spawner.wasm,tests/kernel/guests/spawner.c)
$(call program_rule,build/test/kernel/brood.wasm,tests/kernel/guests/brood.c)
$(call program_rule,build/test/kernel/talker.wasm,tests/kernel/guests/talker.c)
$(call program_rule,build/test/kernel/vandal.wasm,tests/kernel/guests/vandal.c)
$(call threaded_rule,build/test/kernel/threads.wasm,tests/kernel/guests/threads.c)
# Without the runtime, and with a memory of one page of which little is touched.
KERNEL_SMALL := --no-entry -z stack-size=1024 --max-memory=65536
$(call program_rule,build/test/kernel/idle.wasm,tests/kernel/guests/idle.c,1024,$(KERNEL_SMALL))
$(call program_rule,build/test/kernel/exit.wasm,tests/kernel/guests/exit.c,1024,$(KERNEL_SMALL))
build/test/kernel/%.wasm: tests/kernel/guests/%.wat
	@mkdir -p $(@D)
	$(call say,wat,$<)
	$(Q)wat2wasm $(WAT_FLAGS) $< -o $@
build/test/kernel/memories.wasm: WAT_FLAGS := --enable-multi-memory
KERNEL_GUESTS := puppet pinger ponger relay crowd idle exit adapter adapted threads memories tables vandal
KERNEL_GUEST_FILES := $(KERNEL_GUESTS:%=build/test/kernel/%.wasm)

# Of single tests: puppets with children and pipes; what happens while the lock is given back.
STAGE_SOURCES_processes := tests/kernel/children.c
STAGE_SOURCES_pipes := tests/kernel/children.c
STAGE_SOURCES_inspect := tests/kernel/pauses.c
define stage_test
$(call unit_test,$(1),tests/kernel/test_$(1).c $(STAGE_SOURCES_$(1)) $(STAGE_SOURCES),-lsodium)
$$(VARIANTS:%=build/%/test/$(1)): | $(KERNEL_GUEST_FILES)
endef
$(foreach t,$(patsubst tests/kernel/test_%.c,%,$(wildcard tests/kernel/test_*.c)),$(eval $(call stage_test,$(t))))

$(call unit_test,pools,tests/unit/test_pools.c $(TEST_SUPPORT) $(BASE_SOURCES))

# Several workers, as threads: the hosted machine's platform without its devices.
HOSTED_PLATFORM := $(addprefix machines/hosted/,assert.c interrupts.c kept.c memory.c pages.c platform.c sha256.c stacks.c workers.c)
$(call unit_test,workers,tests/kernel/workers.c $(HOSTED_PLATFORM) $(CORE_SOURCES) $(INTERFACE_SOURCES),\
  -lsodium -lnettle -lpthread,tsan)
build/tsan/test/workers: | $(KERNEL_GUEST_FILES) build/test/kernel/warm.wasm
# The two engines beside each other.
$(call unit_test,engines,tests/kernel/compiled.c tests/unit/large_bodies.c tests/unit/wasm_bytes.c $(HOSTED_PLATFORM) $(CORE_SOURCES) $(INTERFACE_SOURCES),\
  -lsodium -lnettle -lpthread,asan)
build/asan/test/engines: | $(KERNEL_GUEST_FILES) $(addprefix build/test/kernel/,brood.wasm deep.wasm spin.wasm talker.wasm)

# ---- seeds

SEEDS := build/asan/test/sim_seeds
$(call link_rule,asan,$(SEEDS),tests/sim/seeds.c $(STAGE_SOURCES),-lsodium)
SEED_PROGRAMS := $(KERNEL_GUEST_FILES) $(addprefix build/programs/,ping.wasm hello.wasm store-loader.wasm)
TEST_SUITES += sim
FIRST_SEED ?= 1
SEED_COUNT ?= 1000
test-sim: $(SEEDS) $(SEED_PROGRAMS) ## whole systems out of seeds, with kills and delays: FIRST_SEED, SEED_COUNT
	@tests/sim/run $(SEEDS) $(FIRST_SEED) $(SEED_COUNT)

# ---- figures

$(call link_rule,hosted,build/hosted/bench/kernel,\
  tests/bench/kernel.c $(HOSTED_PLATFORM) $(CORE_SOURCES) $(INTERFACE_SOURCES),-lsodium -lnettle -lpthread)
BENCHES += kernel
$(call threaded_rule,build/test/kernel/summer.wasm,tests/bench/summer.c)
bench-kernel: build/hosted/bench/kernel $(KERNEL_GUEST_FILES) build/programs/ping.wasm \
  $(addprefix build/test/kernel/,summer.wasm binder.wasm relay.wasm spawner.wasm)
	@build/hosted/bench/kernel $(KERNEL_BENCH)
	@REDSHIRT_ENGINE=compiled build/hosted/bench/kernel compiled

# ---- fuzzing

FUZZ_TARGETS += syscalls
FUZZ_SOURCES_syscalls := $(STAGE_SOURCES)
FUZZ_LIBRARIES_syscalls := -lsodium
build/fuzz/fuzz_syscalls: | $(KERNEL_GUEST_FILES)

FUZZ_TARGETS += replay
FUZZ_SOURCES_replay := $(STAGE_SOURCES)
FUZZ_LIBRARIES_replay := -lsodium
build/fuzz/fuzz_replay: | $(KERNEL_GUEST_FILES)

FUZZ_TARGETS += section
FUZZ_SOURCES_section := $(SIM_SOURCES) $(KERNEL_SOURCES) $(WASM_SOURCES) $(JIT_SOURCES) $(BASE_SOURCES) $(INTERFACE_SOURCES)
FUZZ_LIBRARIES_section := -lsodium
