# SPDX-License-Identifier: GPL-3.0-or-later
# The portable rows.
BASE_SOURCES := $(wildcard core/base/*.c)
WASM_SOURCES := $(wildcard core/wasm/*.c)
JIT_SOURCES := $(wildcard core/jit/*.c core/jit/x86_64/*.c)
# A machine under it, for tests: tests/unit/jit_host.h. Links with -lsodium -lpthread.
JIT_HOST_SOURCES := tests/unit/jit_host.c $(addprefix machines/hosted/,interrupts.c pages.c platform.c stacks.c)
# The compiler's version: core/jit/version.h.
JIT_VERSION_SOURCE := build/gen/jit/version.c
KERNEL_SOURCES := $(wildcard core/kernel/*.c) $(JIT_VERSION_SOURCE)
CORE_SOURCES := $(BASE_SOURCES) $(WASM_SOURCES) $(JIT_SOURCES) $(KERNEL_SOURCES)
