# SPDX-License-Identifier: GPL-3.0-or-later
# lib/dwarf: what compilers say about a module's source.
DWARF_SOURCES := $(wildcard lib/dwarf/*.c)
$(call unit_test,dwarf,tests/unit/test_dwarf.c tests/unit/wasm_bytes.c $(DWARF_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES))
FUZZ_TARGETS += dwarf
FUZZ_SOURCES_dwarf := $(DWARF_SOURCES) $(BASE_SOURCES)

# Programs with debugging information, not optimised and optimised, in both versions of DWARF. Linked by
# themselves, as the compiler's own call of an optimiser of modules would lose or refuse it.
DWARF_LEVELS := 4-O0 4-O2 5-O0 5-O2
DWARF_MODULES = $(DWARF_LEVELS:%=build/test/dwarf/points-%.wasm) \
  $(if $(WASI_CPP_LIBRARY),$(patsubst %,build/test/dwarf/whole-%.wasm,4-O2 5-O2))
.SECONDARY: $(foreach l,$(DWARF_LEVELS),build/test/dwarf/points-$(l).o build/test/dwarf/whole-$(l).o)
build/test/dwarf/points-%.o: tests/dwarf/points.c
	@mkdir -p $(@D)
	$(call say,wasi,$@)
	$(Q)$(CLANG) --target=wasm32-wasi -gdwarf-$(subst -, -,$*) -Wall -Wextra -Werror -c $< -o $@
build/test/dwarf/whole-%.o: tests/wasi/whole.cpp
	@mkdir -p $(@D)
	$(call say,wasi,$@)
	$(Q)clang++-$(LLVM) --target=wasm32-wasi -gdwarf-$(subst -, -,$*) -fno-exceptions -c $< -o $@
build/test/dwarf/%.wasm: build/test/dwarf/%.o
	$(call say,wasi,$@)
	$(Q)clang++-$(LLVM) --target=wasm32-wasi -fno-exceptions $< -o $@

$(call link_rule,asan,build/asan/test/lines,tests/diff/lines.c $(DWARF_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES))
TEST_SUITES += lines
test-lines: build/asan/test/lines $$(DWARF_MODULES) ## lines of source and inlined calls, as LLVM's symbolizer tells them
	@tests/diff/run_lines $< llvm-symbolizer-$(LLVM) $(DWARF_MODULES)
