# SPDX-License-Identifier: GPL-3.0-or-later
# lib/dwarf: what compilers say about a module's source.
DWARF_SOURCES := $(wildcard lib/dwarf/*.c)
$(call unit_test,dwarf,tests/unit/test_dwarf.c tests/unit/wasm_bytes.c $(DWARF_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES))
$(call unit_test,dwarf_image,tests/unit/test_dwarf_image.c tests/unit/wasm_bytes.c $(DWARF_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES))
FUZZ_TARGETS += dwarf
FUZZ_SOURCES_dwarf := $(DWARF_SOURCES) $(BASE_SOURCES)

# Programs with debugging information, not optimised and optimised, in both versions of DWARF. Linked by
# themselves, as the compiler's own call of an optimiser of modules would lose or refuse it.
DWARF_LEVELS := 4-O0 4-O2 5-O0 5-O2
DWARF_MODULES = $(DWARF_LEVELS:%=build/test/dwarf/points-%.wasm) \
  $(if $(WASI_CPP_LIBRARY),$(patsubst %,build/test/dwarf/whole-%.wasm,4-O2 5-O2))
# What LLDB shows values of.
LLDB_MODULES = $(patsubst %,build/test/dwarf/values-%.wasm,4-O0 5-O0 4-O1 5-O2) \
  $(if $(WASI_CPP_LIBRARY),$(patsubst %,build/test/dwarf/values-cpp-%.wasm,4-O0 5-O1))
.SECONDARY: $(patsubst %.wasm,%.o,$(DWARF_MODULES) $(LLDB_MODULES))
# $(call dwarf_object,NAME,SOURCE,COMPILER AND FLAGS)
define dwarf_object_text
build/test/dwarf/$(1)-%.o: $(2)
	@mkdir -p $$(@D)
	$$(call say,wasi,$$@)
	$$(Q)$(3) --target=wasm32-wasi -gdwarf-$$(subst -, -,$$*) -c $$< -o $$@
endef
dwarf_object = $(eval $(call dwarf_object_text,$(1),$(2),$(3)))
$(call dwarf_object,points,tests/dwarf/points.c,$$(CLANG) -Wall -Wextra -Werror)
$(call dwarf_object,values,tests/dwarf/values.c,$$(CLANG) -Wall -Wextra -Werror)
$(call dwarf_object,whole,tests/wasi/whole.cpp,clang++-$$(LLVM) -fno-exceptions)
$(call dwarf_object,values-cpp,tests/dwarf/values.cpp,clang++-$$(LLVM) -fno-exceptions)
build/test/dwarf/%.wasm: build/test/dwarf/%.o
	$(call say,wasi,$@)
	$(Q)clang++-$(LLVM) --target=wasm32-wasi -fno-exceptions $< -o $@

$(call link_rule,asan,build/asan/test/lines,tests/diff/lines.c $(DWARF_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES))
TEST_SUITES += lines
test-lines: build/asan/test/lines $$(DWARF_MODULES) ## lines of source and inlined calls, as LLVM's symbolizer tells them
	@tests/diff/run_lines $< llvm-symbolizer-$(LLVM) $(DWARF_MODULES)
