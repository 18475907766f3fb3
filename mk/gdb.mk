# SPDX-License-Identifier: GPL-3.0-or-later
# lib/gdb: the remote protocol of debuggers as pure logic.
GDB_SOURCES := $(wildcard lib/gdb/*.c)
$(call unit_test,gdb,tests/unit/test_gdb.c $(GDB_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES))
FUZZ_TARGETS += gdb
FUZZ_SOURCES_gdb := $(GDB_SOURCES) $(BASE_SOURCES)
