# SPDX-License-Identifier: GPL-3.0-or-later
# The file of the user's words: what reads it, alone.
GRANTS_TEXT_SOURCES := tools/redshirt/grants_text.c $(TEST_SUPPORT) $(BASE_SOURCES)

$(call unit_test,grants_text,tests/unit/test_grants_text.c $(GRANTS_TEXT_SOURCES))

FUZZ_TARGETS += grants
FUZZ_SOURCES_grants := $(GRANTS_TEXT_SOURCES)

$(call unit_test,refusals,tests/unit/test_refusals.c tools/redshirt/refusals.c $(TEST_SUPPORT) $(BASE_SOURCES))
$(call unit_test,lessons,tests/unit/test_lessons.c tools/redshirt/lessons.c $(GRANTS_TEXT_SOURCES))

# Limits on hosts and ports. The kernel's part is played by the test.
ALLOW_SOURCES := machines/hosted/allow.c $(TEST_SUPPORT) $(BASE_SOURCES)

$(call unit_test,allow,tests/unit/test_allow.c $(ALLOW_SOURCES))

FUZZ_TARGETS += allow
FUZZ_SOURCES_allow := tests/fuzz/no_limits.c $(ALLOW_SOURCES)

ALLOW_NAMES_SOURCES := machines/hosted/allow_names.c $(TEST_SUPPORT) $(BASE_SOURCES)

$(call unit_test,allow_names,tests/unit/test_allow_names.c $(ALLOW_NAMES_SOURCES))

FUZZ_TARGETS += allow_names
FUZZ_SOURCES_allow_names := tests/fuzz/no_limits.c $(ALLOW_NAMES_SOURCES)

# Budgets: what reads one, alone.
BUDGET_SOURCES := core/kernel/budget.c $(TEST_SUPPORT) $(BASE_SOURCES)

$(call unit_test,budget,tests/unit/test_budget.c $(BUDGET_SOURCES))

FUZZ_TARGETS += budget
FUZZ_SOURCES_budget := $(BUDGET_SOURCES)
