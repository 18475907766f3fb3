# SPDX-License-Identifier: GPL-3.0-or-later
# lib/p2p: the transport of peer-to-peer connections as pure logic. Natively its cryptography is libsodium's
# (tests/unit/p2p_crypto.h).
# What lib/p2p stands on comes with it.
P2P_SOURCES := $(wildcard lib/p2p/*.c lib/json/*.c lib/http/*.c)
P2P_CRYPTO := tests/unit/p2p_crypto.c
$(call unit_test,p2p_names,tests/unit/test_p2p_names.c $(P2P_CRYPTO) $(TEST_SUPPORT) $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)
$(call unit_test,p2p_noise,tests/unit/test_p2p_noise.c $(P2P_CRYPTO) $(TEST_SUPPORT) $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)
$(call unit_test,p2p_yamux,tests/unit/test_p2p_yamux.c $(TEST_SUPPORT) $(P2P_SOURCES) $(BASE_SOURCES))
$(call unit_test,p2p_connection,tests/unit/test_p2p_connection.c tests/unit/p2p_pair.c $(P2P_CRYPTO) $(TEST_SUPPORT) \
  $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)
$(call unit_test,p2p_hostile,tests/unit/test_p2p_hostile.c tests/unit/p2p_pair.c $(P2P_CRYPTO) $(TEST_SUPPORT) \
  $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)
$(call unit_test,p2p_walk,tests/unit/test_p2p_walk.c tests/unit/file_blocks.c $(P2P_CRYPTO) $(TEST_SUPPORT) \
  $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)
$(call unit_test,p2p_bitswap,tests/unit/test_p2p_bitswap.c tests/unit/p2p_net.c tests/unit/file_blocks.c $(P2P_CRYPTO) \
  $(TEST_SUPPORT) $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)
$(call unit_test,p2p_network,tests/unit/test_p2p_network.c tests/unit/p2p_net.c tests/unit/file_blocks.c $(P2P_CRYPTO) \
  $(TEST_SUPPORT) $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)
# Of the program, natively.
$(call unit_test,p2p_room,tests/unit/test_p2p_room.c $(P2P_CRYPTO) $(TEST_SUPPORT) $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)

# Its parsers, and a whole connection with cryptography that lets anything pass.
P2P_FUZZERS := p2p_names p2p_identify p2p_multistream p2p_noise p2p_yamux p2p_connection
P2P_FUZZERS += p2p_walk p2p_bitswap

# Finding peers, blocks and names: each has tests and a fuzzer.
P2P_FINDING := mdns kad kad_server ipns manifest routing
$(foreach t,$(P2P_FINDING),$(call unit_test,p2p_$(t),tests/unit/test_p2p_$(t).c $(P2P_CRYPTO) $(TEST_SUPPORT) \
  $(P2P_SOURCES) $(BASE_SOURCES),-lsodium))
P2P_FUZZERS += $(P2P_FINDING:%=p2p_%) p2p_web

FUZZ_TARGETS += $(P2P_FUZZERS)
$(foreach f,$(P2P_FUZZERS),$(eval FUZZ_SOURCES_$(f) := $(P2P_CRYPTO) $(P2P_SOURCES) $(BASE_SOURCES)))
$(foreach f,$(P2P_FUZZERS),$(eval FUZZ_LIBRARIES_$(f) := -lsodium))
FUZZ_SOURCES_p2p_bitswap += tests/unit/p2p_net.c tests/unit/file_blocks.c

# Peers natively, for tests against other implementations.
INTEROP_SOURCES := tests/interop/links.c $(P2P_CRYPTO) $(P2P_SOURCES) $(BASE_SOURCES)
INTEROP_PROGRAMS := peer finder
$(foreach p,$(INTEROP_PROGRAMS),$(eval $(call link_rule,asan,build/asan/test/interop_$(p),tests/interop/$(p).c \
  $(INTEROP_SOURCES),-lsodium)))

# A thousand peers for one node: for tests and figures.
CROWD := build/hosted/test/crowd
$(call link_rule,hosted,$(CROWD),tests/interop/crowd.c $(P2P_CRYPTO) $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)

# A peer that means harm, beside whom the command has to fetch.
$(call link_rule,asan,build/asan/test/interop_hostile,tests/interop/hostile.c $(INTEROP_SOURCES),-lsodium)
HOSTED_GUESTS += build/asan/test/interop_hostile

# The program that fetches and serves.
PROGRAM_SOURCES_p2p-loader = $(wildcard programs/p2p/*.c) $(P2P_SOURCES)

# As a program of the tests, with the machine's cryptography.
PROGRAM_SOURCES_test_p2p = $(wildcard programs/p2p/*.c) $(P2P_SOURCES)

# Installs js-libp2p under build/interop/ at its first run.
TEST_BESIDE += interop
TEST_SECONDS_interop := 420
READY_interop := $(INTEROP_PROGRAMS:%=build/asan/test/interop_%)
test-interop: ## lib/p2p and js-libp2p talk to each other
	@tests/interop/run --folder build/interop $^

# Installs Helia under build/interop-blocks/ at its first run.
TEST_BESIDE += interop-blocks
TEST_SECONDS_interop-blocks := 900
READY_interop-blocks := build/hosted/redshirt build/test/programs/shown.wasm build/programs/hello.wasm
test-interop-blocks: ## redshirt and Helia give each other files
	@tests/interop/blocks --folder build/interop-blocks $<

demo-p2p: build/hosted/redshirt build/programs/hello.wasm ## two redshirts, and Helia, hand a program on
	@tests/interop/demo --folder build/interop-blocks --program build/programs/hello.wasm $<

# Two connections in one process, beside libsodium alone.
$(call link_rule,hosted,build/hosted/bench/p2p,tests/bench/p2p.c $(P2P_CRYPTO) $(P2P_SOURCES) $(BASE_SOURCES),-lsodium)
BENCHES += p2p
bench-p2p: build/hosted/bench/p2p
	@$<

# Whole files between two commands, and beside Helia where its test has installed it.
BENCHES += p2p-fetch
bench-p2p-fetch: build/hosted/redshirt $(CROWD)
	@tests/bench/p2p_fetch --helia build/interop-blocks --crowd $(CROWD) $<

# Clients of the loader, its store and its peers, in any order.
FUZZ_TARGETS += fetch
FUZZ_SOURCES_fetch := $(P2P_CRYPTO) $(P2P_SOURCES) $(BASE_SOURCES) $(addprefix build/gen/interfaces/,fetch.c blocks.c keep.c)
FUZZ_LIBRARIES_fetch := -lsodium

# Messages to the device that computes for programs.
FUZZ_TARGETS += crypto
FUZZ_SOURCES_crypto := tests/fuzz/one_device.c machines/hosted/device_crypto.c machines/hosted/sha256.c machines/hosted/calls.c build/gen/interfaces/crypto.c $(BASE_SOURCES)
FUZZ_LIBRARIES_crypto := -lsodium -lnettle -luv
