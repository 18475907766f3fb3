# SPDX-License-Identifier: GPL-3.0-or-later
# lib/http: HTTP/1.1 as pure logic.
HTTP_SOURCES := $(wildcard lib/http/*.c)
$(call unit_test,http,tests/unit/test_http.c $(TEST_SUPPORT) $(HTTP_SOURCES) $(BASE_SOURCES))
FUZZ_TARGETS += http
FUZZ_SOURCES_http := $(HTTP_SOURCES) $(BASE_SOURCES)
