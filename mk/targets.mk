# SPDX-License-Identifier: GPL-3.0-or-later
# The machines without an operating system. Each has a file of its own (pc.mk, raspi2.mk), which gives for its
# MACHINE:
#   TRIPLE_, CPU_FLAGS_     what the compiler is told
#   GENERAL_ONLY_          that it keeps to general registers
#   TICK_SOURCES_          files that run in its interrupt, beside those of BARE_TICK_SOURCES
#   CPU_DIR_                its folder under machines/bare/
#   SODIUM_                 libsodium's archive for it
#   QEMU_                   the emulator and what it needs
# and gets: build/MACHINE/redshirt.elf (the system), build/MACHINE/test.elf (the machine's own tests).
BARE_MACHINES := pc raspi2
# Those whose loader hands over no archive, so that it is linked in.
BARE_LINKING := raspi2
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
	$$(call say,$(1),$$<)
	$$(Q)$$(CLANG) --target=$$(TRIPLE_$(1)) $$(CFLAGS_COMMON) $$(BARE_FLAGS) $$(CPU_FLAGS_$(1)) $$(WORDS_$(1)) \
	  $$(CFLAGS_FOR_$(1)_$$*) -MMD -MP -c $$< -o $$@
build/$(1)/gen/%.o: build/gen/%.c mk/targets.mk mk/$(1).mk | $$$$(GENERATED)
	@mkdir -p $$(@D)
	$$(call say,$(1),$$<)
	$$(Q)$$(CLANG) --target=$$(TRIPLE_$(1)) $$(CFLAGS_COMMON) $$(BARE_FLAGS) $$(CPU_FLAGS_$(1)) $$(WORDS_$(1)) \
	  -MMD -MP -c $$< -o $$@
build/$(1)/%.o: %.S mk/targets.mk mk/$(1).mk
	@mkdir -p $$(@D)
	$$(call say,$(1),$$<)
	$$(Q)$$(CLANG) --target=$$(TRIPLE_$(1)) $$(CPU_FLAGS_$(1)) -I. $$(ASFLAGS_FOR_$(1)_$$*) -MMD -MP -c $$< -o $$@
$$(foreach s,$$(patsubst %.c,%,$$(BARE_TICK_SOURCES) $$(TICK_SOURCES_$(1))),$$(eval CFLAGS_FOR_$(1)_$$(s) := $$$$(GENERAL_ONLY_$(1))))
endef
$(foreach m,$(BARE_MACHINES),$(eval $(call bare_rules,$(m))))

# $(call bare_image,MACHINE,OUTPUT,SOURCES): links an image
define bare_image_text
$(2): $$(call bare_objects,$(1),$(3)) $(4) machines/bare/$$(CPU_DIR_$(1))/link.ld $$(SODIUM_$(1))
	@mkdir -p $$(@D)
	$$(call say,link,$$@)
	$$(Q)$$(LLD) $$(LINK_FLAGS_$(1)) -static -nostdlib --gc-sections -z max-page-size=4096 -z noexecstack \
	  -T machines/bare/$$(CPU_DIR_$(1))/link.ld \
	  $$(call bare_objects,$(1),$(3)) $(4) $$(SODIUM_$(1)) -o $$@
endef
bare_image = $(eval $(call bare_image_text,$(strip $(1)),$(strip $(2)),$(3)))

define bare_images
$(call bare_image,$(1),build/$(1)/test.elf,$(BARE_CPU_SOURCES_$(1)) $(BARE_MACHINE_SOURCES) $(BASE_SOURCES) \
  tests/boot/machine_test.c)
endef
$(foreach m,$(BARE_MACHINES),$(eval $(call bare_images,$(m))))

# ---- systems: an archive of programs and what to start of them (machines/bare/common/manifest.h)

CAR := build/hosted/car
$(call link_rule,hosted,$(CAR),tools/car/main.c machines/bare/common/manifest.c $(BASE_SOURCES),-lsodium)

# $(call bare_system,NAME,FILE): build/systems/NAME.car out of a system file, and an image with it for the machines
# that have no boot loader to hand it over: build/MACHINE/NAME.elf. Where there is one, the image is the same
# for all systems: build/MACHINE/redshirt.elf.
BARE_LINKED_SOURCES = $(BARE_COMMON) $(CORE_SOURCES) $(INTERFACE_SOURCES)
define bare_system_text
build/systems/$(1).car: $(2) $$(CAR) $$$$(PROGRAMS) $$$$(TEST_PROGRAMS) $$$$(WASI_PROGRAMS) \
    build/test/bare/sums.wasm
	@mkdir -p $$(@D)
	$$(call say,car,$$@)
	$$(Q)$$(CAR) $$@.new $(2) build/programs build/test/programs build/test/wasi build/test/bare >$$@.cid && mv $$@.new $$@
$(foreach m,$(BARE_LINKING),$(call bare_system_image,$(m),$(1)))
endef
define bare_system_image
build/$(1)/archive/$(2).o: build/systems/$(2).car machines/bare/common/archive.S
	@mkdir -p $$(@D)
	$$(call say,$(1),$$<)
	$$(Q)$$(CLANG) --target=$$(TRIPLE_$(1)) $$(CPU_FLAGS_$(1)) -DARCHIVE='"$$<"' -c machines/bare/common/archive.S -o $$@
$(call bare_image_text,$(1),build/$(1)/$(2).elf,$(BARE_CPU_SOURCES_$(1)) $(BARE_LINKED_SOURCES),build/$(1)/archive/$(2).o)

endef
bare_system = $(eval $(call bare_system_text,$(strip $(1)),$(strip $(2))))
$(foreach m,$(filter-out $(BARE_LINKING),$(BARE_MACHINES)),\
  $(call bare_image,$(m),build/$(m)/redshirt.elf,$(BARE_CPU_SOURCES_$(m)) $(BARE_LINKED_SOURCES)))

SUMS_SOURCES := $(patsubst %,tests/bench/kernels/%.c,$(KERNEL_NAMES)) core/base/text.c
CFLAGS_FOR_tests/boot/sums := $(KERNEL_FLOATS)
CFLAGS_FOR_tests/boot/sums_native := $(KERNEL_FLOATS)
$(call program_rule,build/test/bare/sums.wasm,tests/boot/sums.c $(SUMS_SOURCES))
$(call link_rule,hosted,build/hosted/test/sums,tests/boot/sums_native.c $(SUMS_SOURCES))

BOOT_SYSTEMS := first_light failure devices wasi clocks lateness calm sums lanes $(if $(WASI_CPP_LIBRARY),cpp)
$(foreach s,$(BOOT_SYSTEMS),$(call bare_system,$(s),tests/boot/$(s).system))

pc: build/pc/redshirt.elf build/systems/first_light.car ## the image for a PC, and an archive to boot it with
raspi2: build/raspi2/first_light.elf ## the image for a Raspberry Pi 2
	$(Q)$(LLVM_OBJCOPY) -O binary $< build/raspi2/kernel7.img

qemu: $$(TARGET) ## boots an image in this terminal: make qemu TARGET=pc (or raspi2)
	$(if $(QEMU_$(TARGET)),,$(error make qemu TARGET=pc or TARGET=raspi2))
	$(QEMU_$(TARGET)); code=$$?; [ $$code -eq $(QEMU_SUCCESS_$(TARGET)) ]
.PHONY: pc raspi2 qemu

# ---- core/ compiles for three targets without a libc, and asks each for no more than it says here

CC_wasm32 := $(CLANG)
CFLAGS_wasm32 := --target=wasm32-unknown-unknown $(BARE_FLAGS) -fno-math-errno -mbulk-memory -mtail-call \
  -DWORD_MUSTTAIL='__attribute__((musttail))' -DWORD_PRESERVE_NONE= -DWORD_STATE=NARROW
$(eval $(call variant_rules,wasm32))

CORE_NEEDS := memcpy memmove memset memcmp assert_fail platform_%
CORE_NEEDS_pc := $(CORE_NEEDS)
# What the compiler calls for what ARMv7 has no instruction for: machines/bare/arm/{memory.S,aeabi.c}.
CORE_NEEDS_raspi2 := $(CORE_NEEDS) __aeabi_memcpy% __aeabi_memmove% __aeabi_memset% __aeabi_memclr% \
  __aeabi_uldivmod __aeabi_ldivmod __aeabi_ul2d __aeabi_l2d __aeabi_ul2f __aeabi_l2f __aeabi_d2ulz __aeabi_d2lz \
  __aeabi_f2ulz __aeabi_f2lz
CORE_NEEDS_wasm32 := $(CORE_NEEDS) __linear_memory __stack_pointer __indirect_function_table __multi3
CORE_TARGETS := pc raspi2 wasm32

# $(call undefined,OBJECTS): what they need and none of them has. An interface without functions has
# no symbols at all, of which nm need not tell.
undefined = $(filter-out $(shell $(LLVM_NM) --quiet --defined-only --just-symbol-name $(1)),\
  $(sort $(shell $(LLVM_NM) --quiet --undefined-only --just-symbol-name $(1))))
refused = $(filter-out $(CORE_NEEDS_$(1)),$(call undefined,$(call objects,$(1),$(CORE_LINKED))))
# Generated definitions are what core/kernel is linked with; they are data.
CORE_LINKED = $(CORE_SOURCES) $(INTERFACE_SOURCES)
define check_target
check-target-$(1): $$$$(call objects,$(1),$$$$(CORE_SOURCES) $$$$(INTERFACE_SOURCES))
	@$$(if $$(call refused,$(1)),echo 'core/ for $(1) needs: $$(call refused,$(1))' >&2; exit 1)
.PHONY: check-target-$(1)
endef
$(foreach t,$(CORE_TARGETS),$(eval $(call check_target,$(t))))
check-targets: $(CORE_TARGETS:%=check-target-%)
CHECKS += targets

# What runs in an interrupt: no instruction on vectors, and none of the functions that use them.
VECTORS_pc := %[xyz]mm
VECTORS_raspi2 := \tv[a-z]
tick_objects = $(call bare_objects,$(1),$(BARE_TICK_SOURCES) $(TICK_SOURCES_$(1)))
check-tick: $(foreach m,$(BARE_MACHINES),$(call tick_objects,$(m)))
	@$(foreach m,$(BARE_MACHINES),for object in $(call tick_objects,$(m)); do \
	  if $(LLVM_OBJDUMP) -d --no-show-raw-insn $$object | grep -P -m 1 '$(VECTORS_$(m))' || \
	    $(LLVM_NM) --undefined-only $$object | grep -E -m 1 'memcpy|memmove|memset'; \
	  then echo "$$object: runs in an interrupt, and touches vectors" >&2; exit 1; fi; done;)
CHECKS += tick

# Floats of core/ keep off the vector unit of ARMv7, which takes denormals for zeros.
FLUSHING_raspi2 := \tv[a-z]+(\.[su]32)?\.f32(\.[su]32)?\s+[qd]\d
check-denormals: $(call bare_objects,raspi2,$(CORE_SOURCES))
	@for object in $(call bare_objects,raspi2,$(CORE_SOURCES)); do \
	  if $(LLVM_OBJDUMP) -d --no-show-raw-insn $$object | grep -P -m 1 '$(FLUSHING_raspi2)'; \
	  then echo "$$object: would lose denormals" >&2; exit 1; fi; done
CHECKS += denormals

# ---- booting, and seeing what happens

test-boot: $(BARE_MACHINES:%=build/%/test.elf) $(BOOT_SYSTEMS:%=build/systems/%.car) build/pc/redshirt.elf \
  $(foreach m,$(BARE_LINKING),$(BOOT_SYSTEMS:%=build/$(m)/%.elf)) $(BOOT_DISC) \
  build/hosted/test/sums ## boots every image in QEMU
	@tests/boot/run $(foreach m,$(BARE_MACHINES),$(m)=build/$(m))
TEST_SUITES += boot
TEST_SECONDS_boot := 600

# ---- unit tests and fuzzers of what lies under the machines

$(call unit_test,car,tests/unit/test_car.c $(TEST_SUPPORT) $(BASE_SOURCES),-lsodium)
$(call unit_test,bare,tests/unit/test_bare.c $(TEST_SUPPORT) machines/bare/common/heap.c \
  machines/bare/common/manifest.c machines/bare/common/frames.c machines/bare/common/pages.c $(BASE_SOURCES))
$(call unit_test,aeabi,tests/unit/test_aeabi.c $(TEST_SUPPORT) machines/bare/arm/aeabi.c $(BASE_SOURCES))
FUZZ_TARGETS += car
FUZZ_SOURCES_car := $(TEST_SUPPORT) machines/bare/common/manifest.c $(BASE_SOURCES)
