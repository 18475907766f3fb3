# SPDX-License-Identifier: GPL-3.0-or-later
# lib/json: JSON as a row of events.
JSON_SOURCES := $(wildcard lib/json/*.c)
$(call unit_test,json,tests/unit/test_json.c $(TEST_SUPPORT) $(JSON_SOURCES) $(BASE_SOURCES))
FUZZ_TARGETS += json
FUZZ_SOURCES_json := $(JSON_SOURCES) $(BASE_SOURCES)
