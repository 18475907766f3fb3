# SPDX-License-Identifier: GPL-3.0-or-later
# Limits on hosts and ports. The kernel's part is played by the test.
ALLOW_SOURCES := machines/hosted/allow.c $(TEST_SUPPORT) $(BASE_SOURCES)

$(call unit_test,allow,tests/unit/test_allow.c $(ALLOW_SOURCES))

FUZZ_TARGETS += allow
FUZZ_SOURCES_allow := $(ALLOW_SOURCES)
