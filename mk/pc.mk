# SPDX-License-Identifier: GPL-3.0-or-later
# A PC: x86_64, by multiboot2 (GRUB) or by the PVH note (QEMU's -kernel).
TRIPLE_pc := x86_64-unknown-none-elf
CPU_DIR_pc := x86_64
CPU_FLAGS_pc := -mno-red-zone -mcmodel=small -fno-math-errno
WORDS_pc := $(CLANG_WORDS)
LINK_FLAGS_pc := -m elf_x86_64
SODIUM_pc := /usr/lib/x86_64-linux-gnu/libsodium.a
GENERAL_ONLY_pc := -mgeneral-regs-only
TICK_SOURCES_pc := machines/bare/x86_64/clock.c machines/bare/x86_64/serial.c

QEMU_pc = qemu-system-x86_64 -accel tcg -m 256 -nodefaults -display none -serial mon:stdio -no-reboot \
  -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel build/pc/redshirt.elf -initrd build/systems/first_light.car
QEMU_SUCCESS_pc := 33

# A disc for a PC's own firmware (BIOS): GRUB, the image and an archive.
GRUB_MODULES := multiboot2 normal iso9660 biosdisk serial terminal part_msdos configfile boot
build/pc/%.iso: build/pc/redshirt.elf build/systems/%.car machines/bare/x86_64/grub.cfg
	@rm -rf build/pc/disc-$* && mkdir -p build/pc/disc-$*/boot/grub
	@cp machines/bare/x86_64/grub.cfg build/pc/disc-$*/boot/grub/
	@$(LLVM_OBJCOPY) --strip-debug build/pc/redshirt.elf build/pc/disc-$*/boot/redshirt.elf
	@cp build/systems/$*.car build/pc/disc-$*/boot/programs.car
	$(call say,iso,$@)
	$(Q)grub-mkrescue -d /usr/lib/grub/i386-pc --install-modules='$(GRUB_MODULES)' --fonts= --locales= --themes= \
	  -o $@ build/pc/disc-$* >build/pc/$*.iso.log 2>&1 || { tail -n 3 build/pc/$*.iso.log >&2; exit 1; }
BOOT_DISC := $(if $(shell command -v grub-mkrescue),build/pc/first_light.iso)
iso: build/pc/first_light.iso ## a disc that boots on a PC
.PHONY: iso
