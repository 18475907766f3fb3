# SPDX-License-Identifier: GPL-3.0-or-later
# Tests. A suite is a command that prints what it does and closes with `N passed, N failed, N skipped`;
# tests/run adds them up.
#
# $(call unit_test,NAME,SOURCES[,LIBRARIES[,VARIANT]]) makes build/VARIANT/test/NAME out of cmocka sources
# (VARIANT asan unless said) and adds it to UNIT_TESTS.
UNIT_TESTS :=
define unit_test
$(call link_rule,$(or $(strip $(4)),asan),build/$(or $(strip $(4)),asan)/test/$(strip $(1)),$(2),-lcmocka $(3))
$(eval UNIT_TESTS += build/$(or $(strip $(4)),asan)/test/$(strip $(1)))
endef
