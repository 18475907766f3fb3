# SPDX-License-Identifier: GPL-3.0-or-later
# The format of recordings. Processes that are recorded are among the tests of the kernel: mk/sim.mk.
RECORDING_SOURCES := core/kernel/recording.c
$(call unit_test,recording,tests/unit/test_recording.c $(RECORDING_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES))
FUZZ_TARGETS += recording
FUZZ_SOURCES_recording := $(RECORDING_SOURCES) $(BASE_SOURCES)
# What the tests of the command record.
HOSTED_GUESTS += $(addprefix build/test/wasi/,clocks.wasm files.wasm serve.wasm) build/programs/http.wasm
# What it costs to be recorded.
$(call program_rule,build/bench/calls.wasm,tests/bench/calls.c)
BENCHES += record
bench-record: build/hosted/redshirt build/bench/reader.wasm build/bench/calls.wasm
	@tests/bench/record $^
