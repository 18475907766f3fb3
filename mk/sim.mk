# SPDX-License-Identifier: GPL-3.0-or-later
# The kernel on the simulated machine: its laws, its limits, seeds, fuzzing and figures. Tests move real processes
# by strings: tests/kernel/puppet.h.
SIM_SOURCES := $(wildcard machines/sim/*.c)
$(call interface_rule,build/gen,tests/kernel/puppet.wit)
GENERATED += build/gen/interfaces/puppet.h

# A kernel with all it needs on the simulated machine, and the puppets.
STAGE_SOURCES := tests/kernel/stage.c build/gen/interfaces/puppet.c $(SIM_SOURCES) $(KERNEL_SOURCES) \
  $(WASM_SOURCES) $(BASE_SOURCES) $(INTERFACE_SOURCES)

KERNEL_GUESTS := puppet
$(foreach g,$(KERNEL_GUESTS),$(call program_rule,build/test/kernel/$(g).wasm,\
  tests/kernel/guests/$(g).c build/gen/interfaces/puppet.c))
KERNEL_GUEST_FILES := $(KERNEL_GUESTS:%=build/test/kernel/%.wasm)

define stage_test
$(call unit_test,$(1),tests/kernel/test_$(1).c $(STAGE_SOURCES),-lsodium)
$$(VARIANTS:%=build/%/test/$(1)): | $(KERNEL_GUEST_FILES)
endef
$(foreach t,$(patsubst tests/kernel/test_%.c,%,$(wildcard tests/kernel/test_*.c)),$(eval $(call stage_test,$(t))))
