# SPDX-License-Identifier: GPL-3.0-or-later
# A PC: x86_64, by multiboot2 (GRUB) or by the PVH note (QEMU's -kernel).
TRIPLE_pc := x86_64-unknown-none-elf
CPU_DIR_pc := x86_64
CPU_FLAGS_pc := -mno-red-zone -mcmodel=small -fno-math-errno
WORDS_pc := $(CLANG_WORDS)
LINK_FLAGS_pc := -m elf_x86_64
SODIUM_pc := /usr/lib/x86_64-linux-gnu/libsodium.a
GENERAL_ONLY_pc := -mgeneral-regs-only
CFLAGS_FOR_pc_machines/bare/x86_64/clock := $(GENERAL_ONLY_pc)

QEMU_pc = qemu-system-x86_64 -accel tcg -m 256 -nodefaults -display none -serial mon:stdio -no-reboot \
  -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel build/pc/redshirt.elf -initrd build/systems/first_light.car
QEMU_SUCCESS_pc := 33
