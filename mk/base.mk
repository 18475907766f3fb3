# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of core/base.
$(call unit_test,base,tests/unit/test_base.c $(TEST_SUPPORT) $(BASE_SOURCES))
