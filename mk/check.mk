# SPDX-License-Identifier: GPL-3.0-or-later
# The tree's own rules.
CHECKS += format

check-format:
	@$(CLANG_FORMAT) --dry-run --Werror $(TREE_SOURCES)

# The suite: each check, and (tests/check/) that each check refuses what it is there to refuse.
test-check:
	@tests/check/run --make '$(firstword $(MAKE))' $(CHECKS)
