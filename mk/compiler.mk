# SPDX-License-Identifier: GPL-3.0-or-later
# Compilers, flags and the variants in which the same sources are built. A variant is a folder under build/:
#   hosted  release, clang -O2           asan  address + undefined-behaviour sanitizers, slow asserts
#   tsan    thread sanitizer             gcc   the second opinion
#   fuzz    asan, and counters that guide libFuzzer
# An area's file in mk/ names sources; $(call objects,VARIANT,SOURCES) gives their objects.
LLVM ?= 19
CLANG := clang-$(LLVM)
LLD := ld.lld-$(LLVM)
WASM_LD := wasm-ld-$(LLVM)
LLVM_AR := llvm-ar-$(LLVM)
LLVM_OBJCOPY := llvm-objcopy-$(LLVM)
LLVM_NM := llvm-nm-$(LLVM)
LLVM_OBJDUMP := llvm-objdump-$(LLVM)
CLANG_FORMAT := clang-format-$(LLVM)

VARIANTS := hosted asan tsan gcc fuzz

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
  -Wimplicit-fallthrough -Wundef -Wno-missing-field-initializers
CFLAGS_COMMON := -std=gnu2x -g -I. -Ibuild/gen $(WARNINGS) -fno-strict-aliasing \
  -fno-math-errno -ffp-contract=off
CLANG_WORDS := -DWORD_MUSTTAIL='__attribute__((musttail))' -DWORD_PRESERVE_NONE='__attribute__((preserve_none))' \
  -DWORD_STATE=WIDE
GCC_WORDS := -DWORD_MUSTTAIL= -DWORD_PRESERVE_NONE= -DWORD_STATE=WIDE

CC_hosted := $(CLANG)
CFLAGS_hosted := -O2 -DSLOW_ASSERTS=0 $(CLANG_WORDS)
LDFLAGS_hosted := -fuse-ld=lld
CC_asan := $(CLANG)
CFLAGS_asan := -O1 -DSLOW_ASSERTS=1 $(CLANG_WORDS) -fsanitize=address,undefined -fno-sanitize-recover=undefined \
  -fno-omit-frame-pointer
LDFLAGS_asan := -fuse-ld=lld -fsanitize=address,undefined
CC_tsan := $(CLANG)
CFLAGS_tsan := -O1 -DSLOW_ASSERTS=1 $(CLANG_WORDS) -fsanitize=thread
LDFLAGS_tsan := -fuse-ld=lld -fsanitize=thread
CC_fuzz := $(CLANG)
CFLAGS_fuzz := $(CFLAGS_asan) -fsanitize=fuzzer-no-link
LDFLAGS_fuzz := -fuse-ld=lld -fsanitize=fuzzer,address,undefined
CC_gcc := gcc
CFLAGS_gcc := -O2 -DSLOW_ASSERTS=0 $(GCC_WORDS) -foptimize-sibling-calls -fcallgraph-info=su \
  -Wno-maybe-uninitialized -Wno-array-bounds # blind to what TRY and a check before it exclude
LDFLAGS_gcc :=

# `make V=1` shows whole commands; without it, one line for each file.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

# $(call objects,VARIANT,SOURCES)
objects = $(patsubst %.c,build/$(1)/%.o,$(2))

# Files under build/gen/ that any source may include; areas add to it.
GENERATED :=

define variant_rules
build/$(1)/%.o: %.c | $$$$(GENERATED)
	@mkdir -p $$(@D)
	$$(call say,$(1),$$<)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_COMMON) $$(CFLAGS_$(1)) $$(CFLAGS_FOR_$$*) -MMD -MP -c $$< -o $$@
build/$(1)/gen/%.o: build/gen/%.c | $$$$(GENERATED)
	@mkdir -p $$(@D)
	$$(call say,$(1),$$<)
	$$(Q)$$(CC_$(1)) $$(CFLAGS_COMMON) $$(CFLAGS_$(1)) -MMD -MP -c $$< -o $$@
endef
$(foreach v,$(VARIANTS),$(eval $(call variant_rules,$(v))))

# $(call link_rule,VARIANT,OUTPUT,SOURCES[,LIBRARIES]): a program out of sources
define link_rule_text
$(2): $$(call objects,$(1),$(3))
	@mkdir -p $$(@D)
	$$(call say,link,$$@)
	$$(Q)$$(CC_$(1)) $$(LDFLAGS_$(1)) $$^ -o $$@ $(4)
endef
link_rule = $(eval $(call link_rule_text,$(1),$(2),$(3),$(4)))

-include $(shell find build -name '*.d' 2>/dev/null)
