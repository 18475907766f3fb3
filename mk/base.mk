# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of core/base.
$(call unit_test,base,tests/unit/test_base.c $(TEST_SUPPORT) $(BASE_SOURCES))
$(call unit_test,cid,tests/unit/test_cid.c $(TEST_SUPPORT) $(BASE_SOURCES),-lsodium)
$(call unit_test,unixfs,tests/unit/test_unixfs.c $(TEST_SUPPORT) $(BASE_SOURCES),-lsodium)

FUZZ_TARGETS += cid
FUZZ_SOURCES_cid := $(TEST_SUPPORT) $(BASE_SOURCES)
