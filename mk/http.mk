# SPDX-License-Identifier: GPL-3.0-or-later
# lib/http: HTTP/1.1 as pure logic.
HTTP_SOURCES := $(wildcard lib/http/*.c)
$(call unit_test,http,tests/unit/test_http.c $(TEST_SUPPORT) $(HTTP_SOURCES) $(BASE_SOURCES))
$(call unit_test,http_client,tests/unit/test_http_client.c $(TEST_SUPPORT) $(HTTP_SOURCES) $(BASE_SOURCES))
FUZZ_TARGETS += http http_client
FUZZ_SOURCES_http := $(HTTP_SOURCES) $(BASE_SOURCES)
FUZZ_SOURCES_http_client := $(HTTP_SOURCES) $(BASE_SOURCES)

# The same server natively, and what asks both.
$(call link_rule,hosted,build/hosted/bench/http_twin,tests/bench/http_twin.c $(HTTP_SOURCES) $(BASE_SOURCES),-luv)
$(call link_rule,hosted,build/hosted/bench/http_load,tests/bench/http_load.c,-luv)

BENCHES += http
bench-http: hosted programs build/hosted/bench/http_twin build/hosted/bench/http_load
	@tests/bench/http --redshirt build/hosted/redshirt --program build/programs/http.wasm --tools build/hosted/bench

# What the live page shows, in a browser (skipped where there is none), and what it tells Prometheus.
TEST_SUITES += page
test-page: build/asan/redshirt $$(HOSTED_GUESTS)
	@tests/page/run --redshirt build/asan/redshirt
page-picture: build/hosted/redshirt $$(HOSTED_GUESTS) ## docs/page.png: what the live page looks like
	@tests/page/run --redshirt build/hosted/redshirt --picture docs/page.png
.PHONY: page-picture

# How late it answers beside programs that take what they can get.
BENCHES += vandals
bench-vandals: build/hosted/redshirt build/hosted/bench/http_load build/programs/ping.wasm build/test/kernel/vandal.wasm
	@tests/bench/vandals build/hosted/redshirt build
