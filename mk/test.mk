# SPDX-License-Identifier: GPL-3.0-or-later
# What an area's file in mk/ says about its tests and benchmarks. The rules made from these lists are in
# mk/gather.mk; docs/testing.md tells the whole story.
#
# TEST_SUITES += NAME     the target test-NAME prints what it does and closes with one line
#                         `N passed, N failed, N skipped`. `make test` runs them all by tests/run. A suite is
#                         stopped after TEST_SECONDS_NAME seconds (600 unless said).
# TEST_BESIDE += NAME     the same of a suite that takes a single CPU, or waits a lot: it runs beside others. What it
#                         needs is in READY_NAME instead of being listed behind test-NAME.
# FUZZ_TARGETS += NAME    tests/fuzz/fuzz_NAME.c with FUZZ_SOURCES_NAME and FUZZ_LIBRARIES_NAME, in the variant
#                         fuzz; seeds in tests/fuzz/seeds/NAME/. `make fuzz-NAME SECONDS=60` looks for new ones.
# BENCHES += NAME         the target bench-NAME prints what it measured; each line
#                         `| what | ours | peer | ratio | aim |` becomes a row of `make bench`'s table.
# CHECKS += NAME          the target check-NAME fails when something is wrong; `make check` runs them all.
#
# $(call unit_test,NAME,SOURCES[,LIBRARIES[,VARIANT]]) makes build/VARIANT/test/NAME out of cmocka sources and
# adds it to UNIT_TESTS, which the suite `unit` runs. Without VARIANT it is built in each of UNIT_VARIANTS:
# asan for the suite `unit`, gcc for the suite `gcc`.
TEST_SUITES := check unit
TEST_BESIDE :=
UNIT_VARIANTS ?= asan
FUZZ_TARGETS :=
BENCHES :=
CHECKS :=
UNIT_TESTS :=
# Goes into every unit test's sources: see tests/unit/support.h.
TEST_SUPPORT := tests/unit/support.c
define unit_test_text
$(call link_rule,$(4),build/$(4)/test/$(1),$(2),-lcmocka $(3))
UNIT_TESTS += build/$(4)/test/$(1)
endef
unit_test = $(foreach v,$(or $(strip $(4)),$(UNIT_VARIANTS)),\
  $(eval $(call unit_test_text,$(strip $(1)),$(2),$(3),$(v))))
