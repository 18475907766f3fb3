# SPDX-License-Identifier: GPL-3.0-or-later
# The tree's own rules: STYLE in the small. Each check lists what it refuses, and fails when there is anything;
# tests/check/ shows that each refuses what it is there to refuse.
CHECKS += layers headers format functions lines portable

CHECK := build/hosted/check
$(call link_rule,hosted,$(CHECK),$(wildcard tools/check/*.c) $(BASE_SOURCES))

# Everything that git knows, but for what was deleted and not yet told. Without git nothing would be checked,
# and that must not look like success: check-tree says so.
TREE_FILES = $(shell git ls-files 2>/dev/null)
CHECKS += tree
check-tree:
	@[ -n '$(firstword $(TREE_C))' ] || { echo 'check: git does not list the files of this tree'; exit 1; }
TREE_C = $(wildcard $(filter %.c %.h,$(TREE_FILES)))
TREE_LICENSED = $(wildcard $(filter %.c %.h %.cpp %.S %.def %.ld %.mk %.sh %.py %.mjs %.wit %.wat %.rs %.html \
  Makefile,$(TREE_FILES)))

check-layers: $(CHECK)
	@$(CHECK) layers mk/layers.mk $(filter-out tests/wasi/%,$(TREE_C))

# core/ and lib/ are compiled for every machine as they are.
check-portable: $(CHECK)
	@$(CHECK) portable $(filter core/% lib/%,$(TREE_C))

check-functions: $(CHECK)
	@$(CHECK) functions mk/long_functions $(TREE_C)

check-lines: $(CHECK)
	@$(CHECK) lines $(TREE_LICENSED)

check-format:
	@$(if $(TREE_C),$(CLANG_FORMAT) --dry-run --Werror $(TREE_C))

# Each header compiles alone, as the only thing that is included. Those of bare machines hold instructions of
# their CPU.
HEADER_FLAGS_machines/bare/x86_64 := --target=x86_64-unknown-none-elf -ffreestanding
HEADER_FLAGS_machines/bare/arm := --target=armv7a-none-eabihf -mfpu=neon-vfpv4 -ffreestanding
HEADER_FLAGS_programs := --target=wasm32 -ffreestanding
HEADER_FOLDERS := machines/bare/x86_64 machines/bare/arm programs
build/check/%.h.ok: %.h | $$(GENERATED)
	@mkdir -p $(@D)
	@$(CLANG) $(CFLAGS_COMMON) $(CFLAGS_hosted) -Wno-unused-const-variable -Wno-unused-function \
	  $(foreach f,$(HEADER_FOLDERS),$(if $(filter $(f)/%,$<),$(HEADER_FLAGS_$(f)))) \
	  -MMD -MF $@.d -MT $@ -include $< -x c -fsyntax-only /dev/null
	@touch $@
check-headers: $$(patsubst %,build/check/%.ok,$$(filter %.h,$$(TREE_C)))

# Pages name only what is there.
CHECKS += docs
check-docs:
	@tests/check/docs.py $(filter %.md,$(TREE_FILES))

# The suite: each check, and (tests/check/) that each check refuses what it is there to refuse.
test-check: $(CHECK)
	@tests/check/run --make '$(firstword $(MAKE))' $(CHECKS)

# The worst path of stack through core/, by gcc's call graphs. Half of what a bare machine gives the kernel
# (MACHINE_STACK_BYTES), the other half being an interrupt's and a call through a pointer's.
STACK_LIMIT_BYTES := 32768
STACK_FRAME_BYTES := 1024
STACK_OBJECTS = $(call objects,gcc,$(CORE_SOURCES))
# The graph comes with the object, unless that is of a time when it did not.
build/gcc/%.ci: build/gcc/%.o
	@[ -e $@ ] || { rm $<; $(MAKE) --no-print-directory $<; }
CHECKS += stack
check-stack: $$(patsubst %.o,%.ci,$$(STACK_OBJECTS))
	@tests/check/stack.py --limit $(STACK_LIMIT_BYTES) --frame $(STACK_FRAME_BYTES) $(STACK_OBJECTS:%.o=%.ci)
stack: check-stack ## the deepest path of stack through core/
