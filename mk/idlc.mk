# SPDX-License-Identifier: GPL-3.0-or-later
# Interfaces: lib/wit, the compiler idlc, and what it generates from interfaces/*.wit under build/gen/.
#
# INTERFACE_SOURCES       the generated C, which whoever uses interfaces links
# $(call interface_rule,DIR,FILE.wit[,OPTIONS[,NAME]])  bindings of one file under DIR/interfaces/ (and DIR/docs/):
#                         --as NAME and --only F,F make a variant of an interface; see docs/interfaces.md
WIT_SOURCES := $(wildcard lib/wit/*.c)
IDLC_SOURCES := $(wildcard tools/idlc/*.c) $(WIT_SOURCES) $(BASE_SOURCES)
IDLC := build/idlc/idlc

# Its own objects, because all others wait for what it generates.
build/idlc/%.o: %.c
	@mkdir -p $(@D)
	$(call say,idlc,$<)
	$(Q)$(CC_hosted) $(CFLAGS_COMMON) $(CFLAGS_hosted) -MMD -MP -c $< -o $@
$(IDLC): $(patsubst %.c,build/idlc/%.o,$(IDLC_SOURCES))
	$(call say,link,$@)
	$(Q)$(CC_hosted) $(LDFLAGS_hosted) $^ -o $@ -lsodium

INTERFACES := $(basename $(notdir $(wildcard interfaces/*.wit)))
INTERFACE_SOURCES := $(INTERFACES:%=build/gen/interfaces/%.c)

# What a file uses lies beside it, so all files of its folder are prerequisites.
define interface_rule_text
$(1)/interfaces/$(4).h: $(2) $(wildcard $(dir $(2))*.wit) $(IDLC)
	@mkdir -p $(1)
	$$(call say,idlc,$(2))
	$$(Q)$(IDLC) --out $(1) $(3) $(2)
$(1)/interfaces/$(4).c $(1)/interfaces/$(4)_client.h $(1)/interfaces/$(4)_section.h \
  $(1)/interfaces/$(4).section $(1)/docs/$(4).md: $(1)/interfaces/$(4).h ;
endef
interface_rule = $(eval $(call interface_rule_text,$(1),$(2),$(3),$(or $(4),$(subst -,_,$(basename $(notdir $(2)))))))
$(foreach i,$(INTERFACES),$(call interface_rule,build/gen,interfaces/$(i).wit))

GENERATED += $(INTERFACES:%=build/gen/interfaces/%.h)

interfaces: $(GENERATED) ## the C bindings and pages of all interfaces
.PHONY: interfaces

# ---- tests

$(call link_rule,asan,build/asan/test/definitions,tests/interfaces/definitions.c $(TEST_SUPPORT) $(WIT_SOURCES) \
  $(BASE_SOURCES),-lsodium)

TEST_SUITES += interfaces
SEED ?= 1
test-interfaces: build/asan/test/definitions $(IDLC) ## lib/wit and idlc against a second implementation
	@tests/interfaces/run --seed $(SEED) --cc $(CLANG)

# The bindings of the golden interface, in all that the pages say of them.
GOLDEN := build/gen/golden
$(call interface_rule,$(GOLDEN),tests/golden/small.wit)
$(call interface_rule,$(GOLDEN),tests/golden/shared.wit)
GOLDEN_SOURCES := $(GOLDEN)/interfaces/small.c $(GOLDEN)/interfaces/shared.c
$(foreach v,$(VARIANTS),build/$(v)/tests/unit/test_bindings.o build/$(v)/tests/fuzz/fuzz_wire.o \
  build/$(v)/build/gen/golden/interfaces/%.o): CFLAGS_COMMON += -I$(GOLDEN)
GENERATED += $(GOLDEN)/interfaces/small.h $(GOLDEN)/interfaces/shared.h

$(call unit_test,wire,tests/unit/test_wire.c $(TEST_SUPPORT) $(BASE_SOURCES))
$(call unit_test,bindings,tests/unit/test_bindings.c $(GOLDEN_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES),-lsodium)
$(call unit_test,wit,tests/unit/test_wit.c $(WIT_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES),-lsodium)

TEST_SUITES += golden
test-golden: $(IDLC) ## what idlc generates, against what it did
	@tests/golden/run

FUZZ_TARGETS += wit wire
FUZZ_SOURCES_wit := $(WIT_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES)
FUZZ_LIBRARIES_wit := -lsodium
FUZZ_SOURCES_wire := $(INTERFACE_SOURCES) $(GOLDEN_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES)
