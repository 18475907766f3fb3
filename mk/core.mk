# SPDX-License-Identifier: GPL-3.0-or-later
# The portable rows.
BASE_SOURCES := $(wildcard core/base/*.c)
WASM_SOURCES := $(wildcard core/wasm/*.c)
KERNEL_SOURCES := $(wildcard core/kernel/*.c)
CORE_SOURCES := $(BASE_SOURCES) $(WASM_SOURCES) $(KERNEL_SOURCES)
