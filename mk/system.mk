# SPDX-License-Identifier: GPL-3.0-or-later
# Files that say what a system is: what reads them, alone.
SYSTEM_FILE_SOURCES := $(addprefix tools/redshirt/,system_file.c supervise.c) $(TEST_SUPPORT) $(BASE_SOURCES)

$(call unit_test,system_file,tests/unit/test_system_file.c $(SYSTEM_FILE_SOURCES))

FUZZ_TARGETS += system_file
FUZZ_SOURCES_system_file := $(SYSTEM_FILE_SOURCES)
