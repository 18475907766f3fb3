# SPDX-License-Identifier: GPL-3.0-or-later
# The compiler: its tests, fuzzers and figures.
JIT_SOURCES := $(wildcard core/jit/*.c core/jit/x86_64/*.c)
