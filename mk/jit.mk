# SPDX-License-Identifier: GPL-3.0-or-later
# The compiler: its tests, fuzzers and figures.
JIT_SOURCES := $(wildcard core/jit/*.c core/jit/x86_64/*.c)

# What the assembler writes, against LLVM's disassembler.
LLVM_MC := llvm-mc-$(LLVM)
$(call link_rule,asan,build/asan/test/asm,tests/diff/asm.c core/jit/x86_64/asm.c $(TEST_SUPPORT) $(BASE_SOURCES))
TEST_SUITES += asm
test-asm: build/asan/test/asm ## each form of each instruction of the assembler, as a disassembler reads it
	@tests/diff/run_asm $< $(LLVM_MC)
