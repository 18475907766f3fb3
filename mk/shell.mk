# SPDX-License-Identifier: GPL-3.0-or-later
# lib/shell: what a shell is without a system: editing, parsing, expanding.
SHELL_SOURCES := $(wildcard lib/shell/*.c)
$(call unit_test,shell,tests/unit/test_shell.c $(TEST_SUPPORT) $(SHELL_SOURCES) $(BASE_SOURCES))
$(call unit_test,shell_editor,tests/unit/test_shell_editor.c tests/unit/screen.c $(TEST_SUPPORT) $(SHELL_SOURCES) $(BASE_SOURCES))
FUZZ_TARGETS += shell_parse shell_editor
FUZZ_SOURCES_shell_parse := $(SHELL_SOURCES) $(BASE_SOURCES)
FUZZ_SOURCES_shell_editor := tests/unit/screen.c $(SHELL_SOURCES) $(BASE_SOURCES)
