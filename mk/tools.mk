# SPDX-License-Identifier: GPL-3.0-or-later
# The everyday programs: each programs/tools/NAME.c becomes build/programs/NAME.wasm, an ordinary WASI program over
# wasi-libc and programs/tools/common. They come inside the command (mk/hosted.mk), so they are small: -Os, without
# names. Those that send messages of their own do it by the runtime's calls; its memory is libc's then.
CC_tool := $(CLANG)
CFLAGS_tool := --target=wasm32-wasi -Os -g0 -ffunction-sections -fdata-sections -flto -DSLOW_ASSERTS=0 \
  $(CLANG_WORDS) $(PROGRAM_FEATURES)
$(eval $(call variant_rules,tool))

TOOL_NAMES := $(notdir $(basename $(wildcard programs/tools/*.c)))
TOOL_ARCHIVE := build/tool/libtool.a
$(TOOL_ARCHIVE): $(call objects,tool,$(wildcard programs/tools/common/*.c) programs/rt/rt.c programs/rt/system.c \
  $(INTERFACE_SOURCES) $(HTTP_SOURCES) lib/p2p/web_address.c lib/p2p/ip_text.c $(BASE_SOURCES))
	@rm -f $@
	$(call say,archive,$@)
	$(Q)$(LLVM_AR) rcs $@ $^

TOOL_STACK_BYTES := 65536
define tool_rule_text
build/programs/$(1).wasm: build/tool/programs/tools/$(1).o $$(TOOL_ARCHIVE)
	@mkdir -p $$(@D)
	$$(call say,tool,$$@)
	$$(Q)$$(CLANG) --target=wasm32-wasi -Os -flto -Wl,--stack-first,--gc-sections,--strip-all,-O2,--fatal-warnings \
	  -Wl,-z,stack-size=$$(TOOL_STACK_BYTES) $$^ -o $$@
endef
$(foreach t,$(TOOL_NAMES),$(eval $(call tool_rule_text,$(t))))

programs: $(TOOL_NAMES:%=build/programs/%.wasm)

PATTERN_SOURCES := programs/tools/common/pattern.c $(BASE_SOURCES)
$(call unit_test,pattern,tests/unit/test_pattern.c $(TEST_SUPPORT) $(PATTERN_SOURCES))
FUZZ_TARGETS += pattern
FUZZ_SOURCES_pattern := $(PATTERN_SOURCES)
