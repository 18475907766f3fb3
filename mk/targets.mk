# SPDX-License-Identifier: GPL-3.0-or-later
# The machines without an operating system. Each has a file of its own (pc.mk, raspi2.mk), which gives for its
# MACHINE:
#   TRIPLE_, CPU_FLAGS_     what the compiler is told
#   GENERAL_ONLY_          that it keeps to general registers
#   CPU_DIR_                its folder under machines/bare/
#   SODIUM_                 libsodium's archive for it
#   QEMU_                   the emulator and what it needs
# and gets: build/MACHINE/redshirt.elf (the system), build/MACHINE/test.elf (the machine's own tests).
BARE_MACHINES := pc raspi2
BARE_COMMON := $(wildcard machines/bare/common/*.c)
# The system on top of the machine; the machine's own tests stand in its place in test.elf.
BARE_SYSTEM := machines/bare/common/main.c
BARE_MACHINE_SOURCES = $(filter-out $(BARE_SYSTEM),$(BARE_COMMON))
# What runs in an interrupt keeps the registers of floats and vectors as they are by not touching them.
BARE_TICK_SOURCES := machines/bare/common/tick.c machines/bare/common/console.c

BARE_FLAGS := -ffreestanding -nostdlibinc -fno-stack-protector -fno-pic -fno-asynchronous-unwind-tables -ffp-contract=off \
  -ffunction-sections -fdata-sections -O2 -DSLOW_ASSERTS=0

# $(call bare_objects,MACHINE,SOURCES)
bare_objects = $(patsubst %.S,build/$(1)/%.o,$(patsubst %.c,build/$(1)/%.o,$(2)))

define bare_rules
BARE_CPU_SOURCES_$(1) := $$(wildcard machines/bare/$$(CPU_DIR_$(1))/*.c machines/bare/$$(CPU_DIR_$(1))/*.S)
build/$(1)/%.o: %.c mk/targets.mk mk/$(1).mk | $$$$(GENERATED)
	@mkdir -p $$(@D)
	$$(CLANG) --target=$$(TRIPLE_$(1)) $$(CFLAGS_COMMON) $$(BARE_FLAGS) $$(CPU_FLAGS_$(1)) $$(WORDS_$(1)) \
	  $$(CFLAGS_FOR_$(1)_$$*) -MMD -MP -c $$< -o $$@
build/$(1)/gen/%.o: build/gen/%.c mk/targets.mk mk/$(1).mk | $$$$(GENERATED)
	@mkdir -p $$(@D)
	$$(CLANG) --target=$$(TRIPLE_$(1)) $$(CFLAGS_COMMON) $$(BARE_FLAGS) $$(CPU_FLAGS_$(1)) $$(WORDS_$(1)) \
	  -MMD -MP -c $$< -o $$@
build/$(1)/%.o: %.S mk/targets.mk mk/$(1).mk
	@mkdir -p $$(@D)
	$$(CLANG) --target=$$(TRIPLE_$(1)) $$(CPU_FLAGS_$(1)) -I. $$(ASFLAGS_FOR_$(1)_$$*) -MMD -MP -c $$< -o $$@
$$(foreach s,$$(BARE_TICK_SOURCES:%.c=%),$$(eval CFLAGS_FOR_$(1)_$$(s) := $$$$(GENERAL_ONLY_$(1))))
endef
$(foreach m,$(BARE_MACHINES),$(eval $(call bare_rules,$(m))))

# $(call bare_image,MACHINE,OUTPUT,SOURCES): links an image
define bare_image_text
$(2): $$(call bare_objects,$(1),$(3)) machines/bare/$$(CPU_DIR_$(1))/link.ld $$(SODIUM_$(1))
	@mkdir -p $$(@D)
	$$(LLD) $$(LINK_FLAGS_$(1)) -static -nostdlib --gc-sections -z max-page-size=4096 -z noexecstack \
	  -T machines/bare/$$(CPU_DIR_$(1))/link.ld \
	  $$(call bare_objects,$(1),$(3)) $$(SODIUM_$(1)) -o $$@
endef
bare_image = $(eval $(call bare_image_text,$(strip $(1)),$(strip $(2)),$(3)))

define bare_images
$(call bare_image,$(1),build/$(1)/test.elf,$(BARE_CPU_SOURCES_$(1)) $(BARE_MACHINE_SOURCES) $(BASE_SOURCES) \
  tests/boot/machine_test.c)
endef
$(foreach m,$(BARE_MACHINES),$(eval $(call bare_images,$(m))))
