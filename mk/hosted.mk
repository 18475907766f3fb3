# SPDX-License-Identifier: GPL-3.0-or-later
# The hosted machine and the command `redshirt`, in every variant: build/VARIANT/redshirt.
HOSTED_SOURCES := $(wildcard machines/hosted/*.c)
# What the command knows of peers: how they and their blocks are named.
P2P_NAME_SOURCES := $(addprefix lib/p2p/,cbor.c cid_text.c ip_text.c ipns.c manifest.c multiaddr.c multibase.c \
  multihash.c name_list.c peer_id.c proto.c rfc3339.c web_address.c)
REDSHIRT_SOURCES := $(wildcard tools/redshirt/*.c) $(HOSTED_SOURCES) $(CORE_SOURCES) $(INTERFACE_SOURCES) \
  $(WIT_SOURCES) $(P2P_NAME_SOURCES) $(DWARF_SOURCES) $(GDB_SOURCES) build/gen/redshirt/embedded.c \
  build/gen/redshirt/interfaces.c
REDSHIRT_LIBRARIES := -luv -lsodium -lnettle -lpthread

# The programs inside the command: what a system needs before it can load others.
EMBEDDED := store-loader wasi log http hello p2p-loader firewall tap clock shell
EMBEDDED := $(foreach e,$(EMBEDDED),$(if $(wildcard programs/$(e)/*.c),$(e)))
# And the everyday ones.
EMBEDDED += $(notdir $(basename $(wildcard programs/tools/*.c)))
EMBEDDED_FILES := $(EMBEDDED:%=build/programs/%.wasm)

# All interfaces that have functions, for whoever is asked about them by name or by hash; but for what no program
# can bind.
NO_PROGRAMS_INTERFACES := control
build/gen/redshirt/interfaces.c: $(INTERFACES:%=build/gen/interfaces/%.h) tools/redshirt/known
	@mkdir -p $(@D)
	$(Q)tools/redshirt/known $(filter-out $(NO_PROGRAMS_INTERFACES),$(INTERFACES)) >$@

# Also when a tool comes or goes: that touches their folder.
build/gen/redshirt/embedded.c: mk/hosted.mk tools/redshirt/embed programs/tools
	@mkdir -p $(@D)
	$(Q)tools/redshirt/embed $(EMBEDDED_FILES) >$@
# The assembler reads the programs when the object is made.
$(VARIANTS:%=build/%/build/gen/redshirt/embedded.o): $(EMBEDDED_FILES)

$(foreach v,hosted asan gcc,$(call link_rule,$(v),build/$(v)/redshirt,$(REDSHIRT_SOURCES),$(REDSHIRT_LIBRARIES)))
# What the thread sanitizer cannot see by itself.
TOLD_SOURCES := tests/hosted/told_close.c
$(call link_rule,tsan,build/tsan/redshirt,$(REDSHIRT_SOURCES) $(TOLD_SOURCES),$(REDSHIRT_LIBRARIES))

hosted: build/hosted/redshirt ## the command, with its machine: build/hosted/redshirt
.PHONY: hosted

# The command from end to end, under the sanitizers; and what runs in parallel under the thread sanitizer.
TEST_SUITES += hosted hosted-compiled hosted-small hosted-tsan
TEST_SECONDS_hosted := 600
TEST_SECONDS_hosted-compiled := 600
TEST_SECONDS_hosted-small := 600
# What they run.
HOSTED_GUESTS = $(TEST_PROGRAMS) $(DWARF_MODULES) $(LLDB_MODULES) build/programs/ping.wasm build/programs/pingpong.wasm $(CROWD)
test-hosted: build/asan/redshirt $$(HOSTED_GUESTS)
	@tests/hosted/run --redshirt build/asan/redshirt
test-hosted-compiled: build/asan/redshirt $$(HOSTED_GUESTS)
	@REDSHIRT_ENGINE=compiled tests/hosted/run --again --redshirt build/asan/redshirt
test-hosted-small: build/asan/redshirt $$(HOSTED_GUESTS)
	@REDSHIRT_ENGINE=compiled REDSHIRT_MEMORY=small tests/hosted/run --again --redshirt build/asan/redshirt
# In the interpreter: the thread sanitizer holds back the signals that interrupt compiled code.
test-hosted-tsan: build/tsan/redshirt $$(HOSTED_GUESTS)
	@REDSHIRT_ENGINE=interpreter tests/hosted/run --redshirt build/tsan/redshirt gdb_ record_ workers tcp_ udp_ grants_revoked grants_nothing grants_asked grants_answered streams told demo signals blocks kept_code_is_written files_ control_

HOSTED_UNIT_SOURCES := tests/unit/test_hosted.c $(TEST_SUPPORT) $(BASE_SOURCES) \
  $(addprefix machines/hosted/,platform.c sha256.c workers.c interrupts.c pages.c stacks.c memory.c calls.c stream.c store.c host_error.c file.c)
$(call unit_test,hosted,$(HOSTED_UNIT_SOURCES),-lsodium -lnettle -lpthread)
$(call unit_test,hosted,$(HOSTED_UNIT_SOURCES),-lsodium -lnettle -lpthread,tsan)
$(call unit_test,told_close,tests/unit/test_told_close.c $(TOLD_SOURCES),-luv -lpthread,tsan)
$(call unit_test,records,tests/unit/test_records.c $(TEST_SUPPORT) $(BASE_SOURCES) \
  $(addprefix machines/hosted/,platform.c workers.c interrupts.c pages.c memory.c records.c host_error.c),-lsodium -lpthread)

$(call unit_test,log_ring,tests/unit/test_log_ring.c machines/hosted/log_ring.c $(TEST_SUPPORT) $(BASE_SOURCES))

# What programs write to a terminal.
$(call unit_test,screens,tests/unit/test_screens.c machines/hosted/screens.c $(TEST_SUPPORT) $(BASE_SOURCES))
FUZZ_TARGETS += screens
FUZZ_SOURCES_screens := machines/hosted/screens.c $(BASE_SOURCES)

# Messages to the device that keeps blocks and records.
FUZZ_TARGETS += keep
FUZZ_SOURCES_keep := tests/fuzz/one_device.c $(addprefix machines/hosted/,device_keep.c calls.c records.c store.c host_error.c platform.c sha256.c workers.c interrupts.c \
  pages.c memory.c) build/gen/interfaces/keep.c $(BASE_SOURCES)
FUZZ_LIBRARIES_keep := -lsodium -lnettle -lpthread
