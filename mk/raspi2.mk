# SPDX-License-Identifier: GPL-3.0-or-later
# The Raspberry Pi 2, model B: ARMv7-A with NEON.
TRIPLE_raspi2 := armv7a-none-eabihf
CPU_DIR_raspi2 := arm
CPU_FLAGS_raspi2 := -mcpu=cortex-a7 -mfpu=neon-vfpv4 -mfloat-abi=hard -fno-math-errno
WORDS_raspi2 := -DWORD_MUSTTAIL='__attribute__((musttail))' -DWORD_PRESERVE_NONE= -DWORD_STATE=NARROW
LINK_FLAGS_raspi2 := -m armelf
SODIUM_raspi2 := build/raspi2/libsodium/libsodium.a
GENERAL_ONLY_raspi2 := -mfpu=none -Wno-unsupported-abi
TICK_SOURCES_raspi2 := machines/bare/arm/clock.c machines/bare/arm/serial.c

build/raspi2/libsodium/libsodium.a: machines/bare/arm/fetch_libsodium.sh
	machines/bare/arm/fetch_libsodium.sh $(@D)

QEMU_raspi2 = qemu-system-arm -accel tcg -M raspi2b -nodefaults -display none -serial mon:stdio -no-reboot \
  -semihosting-config enable=on,target=native -kernel build/raspi2/first_light.elf
QEMU_SUCCESS_raspi2 := 0

# Its vector unit takes denormals for zeros, so nothing may turn floats that core/ adds one by one into vectors.
CFLAGS_FOR_raspi2_core/wasm/interpreter_vector := -fno-slp-vectorize -fno-vectorize
