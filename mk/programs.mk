# SPDX-License-Identifier: GPL-3.0-or-later
# Programs: WebAssembly 2.0 without SIMD and without a libc, over programs/rt and core/base. Each folder of
# programs/ but rt becomes build/programs/NAME.wasm; each tests/programs/NAME.c becomes
# build/test/programs/NAME.wasm. A program that needs more lists it in PROGRAM_SOURCES_NAME.
#
# The variant `program` compiles any source of the tree for them. Symbols stay, as the name section, for the
# words of a trap; what debuggers want goes.
PROGRAM_FEATURES := -mbulk-memory -msign-ext -mnontrapping-fptoint -mmutable-globals -mmultivalue
CC_program := $(CLANG)
CFLAGS_program := --target=wasm32 -nostdlib -ffreestanding -O2 -g0 -fno-ident -ffunction-sections -fdata-sections \
  -DSLOW_ASSERTS=0 $(CLANG_WORDS) $(PROGRAM_FEATURES) -mno-tail-call
$(eval $(call variant_rules,program))

# The stack lies below the data, so that running over its end is a trap.
PROGRAM_STACK_BYTES := 16384
PROGRAM_LDFLAGS := --stack-first --gc-sections --strip-debug -O2 --fatal-warnings

RT_SOURCES := $(wildcard programs/rt/*.c) core/base/arena.c core/base/err.c core/base/report.c \
  core/base/text.c core/base/wire.c

# $(call program_rule,OUTPUT,SOURCES[,FLAGS])
define program_rule_text
$(1): $$(call objects,program,$(2) $(RT_SOURCES))
	@mkdir -p $$(@D)
	$$(call say,program,$$@)
	$$(Q)$$(WASM_LD) $$(PROGRAM_LDFLAGS) -z stack-size=$(or $(3),$(PROGRAM_STACK_BYTES)) $$^ -o $$@
endef
program_rule = $(eval $(call program_rule_text,$(1),$(2),$(3)))

PROGRAM_SOURCES_http := $(HTTP_SOURCES)
PROGRAM_NAMES := $(filter-out rt wasi,$(notdir $(patsubst %/,%,$(dir $(wildcard programs/*/*.c)))))
PROGRAM_NAMES := $(sort $(PROGRAM_NAMES))
$(foreach p,$(PROGRAM_NAMES),\
  $(call program_rule,build/programs/$(p).wasm,$(wildcard programs/$(p)/*.c) $(PROGRAM_SOURCES_$(p)),$(PROGRAM_STACK_$(p))))

TEST_PROGRAM_NAMES := $(notdir $(basename $(wildcard tests/programs/*.c)))
$(foreach p,$(TEST_PROGRAM_NAMES),\
  $(call program_rule,build/test/programs/$(p).wasm,tests/programs/$(p).c))

PROGRAMS := $(PROGRAM_NAMES:%=build/programs/%.wasm)
TEST_PROGRAMS := $(TEST_PROGRAM_NAMES:%=build/test/programs/%.wasm)

programs: $(PROGRAMS) ## all programs, as build/programs/NAME.wasm
test-programs: $(TEST_PROGRAMS) ## the guests that tests use, as build/test/programs/NAME.wasm
.PHONY: test-programs
