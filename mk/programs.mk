# SPDX-License-Identifier: GPL-3.0-or-later
# Programs: WebAssembly 2.0 without SIMD and without a libc, over programs/rt and core/base. Each folder of
# programs/ but rt becomes build/programs/NAME.wasm; each tests/programs/NAME.c becomes
# build/test/programs/NAME.wasm. What a program needs beside its own files it lists in PROGRAM_SOURCES_NAME.
#
# The variant `program` compiles any source of the tree for them. Symbols stay, as the name section, for the
# words of a trap; what debuggers want goes. Optimised as a whole (-flto), because an interpreter pays for each
# call: a message round trip between ping and pingpong takes 2,400 instructions of the host and not 3,200.
PROGRAM_FEATURES := -mbulk-memory -msign-ext -mnontrapping-fptoint -mmutable-globals -mmultivalue
CC_program := $(CLANG)
CFLAGS_program := --target=wasm32 -nostdlib -ffreestanding -O2 -g0 -ffunction-sections -fdata-sections -flto \
  -DSLOW_ASSERTS=0 $(CLANG_WORDS) $(PROGRAM_FEATURES)
$(eval $(call variant_rules,program))

# The stack lies below the data, so that running over its end is a trap. It has 16 KiB and 2 KiB more, so that
# its top and the first data lie in one page of the machine: a process that waits then has 8.5 KB and not 12.6.
PROGRAM_STACK_BYTES := 18432
PROGRAM_LDFLAGS := --stack-first --gc-sections --strip-debug -O2 --fatal-warnings

# An archive, so that a program holds, and declares (redshirt:interfaces), only what it uses.
RT_START := build/program/programs/rt/start.o
RT_SOURCES := $(filter-out programs/rt/start.c programs/rt/thread.c,$(wildcard programs/rt/*.c)) $(INTERFACE_SOURCES) \
  $(BASE_SOURCES)
RT_ARCHIVE := build/program/librt.a
$(RT_ARCHIVE): $(call objects,program,$(RT_SOURCES))
	@rm -f $@
	$(call say,archive,$@)
	$(Q)$(LLVM_AR) rcs $@ $^

# $(call program_rule,OUTPUT,SOURCES[,STACK_BYTES[,START AND FLAGS]])
define program_rule_text
$(1): $$(call objects,program,$(2)) $$(RT_START) $$(RT_ARCHIVE)
	@mkdir -p $$(@D)
	$$(call say,program,$$@)
	$$(Q)$$(WASM_LD) $$(PROGRAM_LDFLAGS) -z stack-size=$(or $(strip $(3)),$(PROGRAM_STACK_BYTES)) \
	  $$(call objects,program,$(2)) $(or $(4),$$(RT_START)) $$(RT_ARCHIVE) -o $$@
endef
program_rule = $(eval $(call program_rule_text,$(1),$(2),$(3),$(4)))

# Programs with threads (programs/rt/thread.h): everything in them is compiled for a shared memory, which the
# kernel makes.
# $(call threaded_rule,OUTPUT,SOURCES)
CC_threaded := $(CLANG)
CFLAGS_threaded := $(CFLAGS_program) -matomics
$(eval $(call variant_rules,threaded))
THREADED_OBJECTS := $(call objects,threaded,programs/rt/start.c programs/rt/thread.c)
THREADED_ARCHIVE := build/threaded/librt.a
$(THREADED_ARCHIVE): $(call objects,threaded,$(RT_SOURCES))
	@rm -f $@
	$(call say,archive,$@)
	$(Q)$(LLVM_AR) rcs $@ $^
THREADED_MEMORY_BYTES := 4194304
define threaded_rule_text
$(1): $$(call objects,threaded,$(2)) $$(THREADED_OBJECTS) $$(THREADED_ARCHIVE)
	@mkdir -p $$(@D)
	$$(call say,program,$$@)
	$$(Q)$$(WASM_LD) $$(PROGRAM_LDFLAGS) -z stack-size=$$(PROGRAM_STACK_BYTES) --shared-memory --import-memory \
	  --export-memory --max-memory=$$(THREADED_MEMORY_BYTES) $$(call objects,threaded,$(2)) $$(THREADED_OBJECTS) \
	  $$(THREADED_ARCHIVE) -o $$@
endef
threaded_rule = $(eval $(call threaded_rule_text,$(1),$(2)))

PROGRAM_SOURCES_http := $(HTTP_SOURCES)
PROGRAM_SOURCES_shell := $(wildcard lib/shell/*.c)
# A path or two, or a letter's worth of keys, lie on it.
PROGRAM_STACK_BYTES_shell := 67584
# programs/p2p is what several programs share.
PROGRAM_NAMES := $(sort $(filter-out rt wasi p2p tools,$(notdir $(patsubst %/,%,$(dir $(wildcard programs/*/*.c))))))
$(foreach p,$(PROGRAM_NAMES),$(call program_rule,\
  build/programs/$(p).wasm,$(wildcard programs/$(p)/*.c) $(PROGRAM_SOURCES_$(p)),$(PROGRAM_STACK_BYTES_$(p))))

# The adapter has no start of its own: the kernel calls its exports.
$(call program_rule,build/programs/wasi.wasm,$(wildcard programs/wasi/*.c),,--no-entry)

# Guests of tests speak tests/interfaces/ too, in three forms: whole, with one function, with another function.
GEN_TEST := build/gen/test
$(call interface_rule,$(GEN_TEST),tests/interfaces/calc.wit)
$(call interface_rule,$(GEN_TEST),tests/interfaces/calc.wit,--only add --as calc_small,calc_small)
$(call interface_rule,$(GEN_TEST),tests/interfaces/changed/calc.wit,--as calc_changed,calc_changed)
TEST_INTERFACES := calc calc_small calc_changed
CFLAGS_FOR_tests/programs/calc := -I$(GEN_TEST)
CFLAGS_FOR_tests/programs/calc_small := -I$(GEN_TEST)
CFLAGS_FOR_tests/programs/calc_changed := -I$(GEN_TEST)
$(foreach t,$(TEST_INTERFACES),$(eval build/program/tests/programs/$(t).o: | \
  $(TEST_INTERFACES:%=$(GEN_TEST)/interfaces/%.h)))
$(foreach t,$(TEST_INTERFACES),$(eval build/program/$(GEN_TEST)/interfaces/$(t).o: \
  CFLAGS_FOR_$(GEN_TEST)/interfaces/$(t) := -I$(GEN_TEST)))
PROGRAM_SOURCES_test_calc := $(GEN_TEST)/interfaces/calc.c
PROGRAM_SOURCES_test_calc_small := $(GEN_TEST)/interfaces/calc.c $(GEN_TEST)/interfaces/calc_small.c
PROGRAM_SOURCES_test_calc_changed := $(GEN_TEST)/interfaces/calc_changed.c

THREADED_TESTS := threads
$(foreach p,$(THREADED_TESTS),$(call threaded_rule,build/test/programs/$(p).wasm,tests/programs/$(p).c))
TEST_PROGRAM_NAMES := $(filter-out $(THREADED_TESTS),$(notdir $(basename $(wildcard tests/programs/*.c))))
$(foreach p,$(TEST_PROGRAM_NAMES),$(call program_rule,\
  build/test/programs/$(p).wasm,tests/programs/$(p).c $(PROGRAM_SOURCES_test_$(p))))

PROGRAMS := $(PROGRAM_NAMES:%=build/programs/%.wasm) build/programs/wasi.wasm
TEST_PROGRAMS := $(TEST_PROGRAM_NAMES:%=build/test/programs/%.wasm) $(THREADED_TESTS:%=build/test/programs/%.wasm)

programs: $(PROGRAMS) ## all programs, as build/programs/NAME.wasm
guests: $(TEST_PROGRAMS) ## the guests that tests use, as build/test/programs/NAME.wasm
.PHONY: guests

TEST_SUITES += programs
test-programs: hosted programs guests ## the tree's programs: messages, sockets, the web server
	@tests/programs/run --redshirt build/hosted/redshirt --programs build/programs --guests build/test/programs
