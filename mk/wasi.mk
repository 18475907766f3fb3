# SPDX-License-Identifier: GPL-3.0-or-later
# Ordinary WASI programs, as Debian's toolchains build them, and the suite that runs them under redshirt.
WASI_C := $(basename $(notdir $(wildcard tests/wasi/*.c)))
WASI_CPP_LIBRARY := $(wildcard /usr/lib/wasm32-wasi/libc++.a)
WASI_PROGRAMS := $(WASI_C:%=build/test/wasi/%.wasm) $(if $(WASI_CPP_LIBRARY),build/test/wasi/hello-cpp.wasm)

build/test/wasi/%.wasm: tests/wasi/%.c
	@mkdir -p $(@D)
	$(call say,wasi,$<)
	$(Q)$(CLANG) --target=wasm32-wasi -O2 -Wall -Wextra -Werror $(WASI_FLAGS_$*) $< -o $@
WASI_FLAGS_lanes := -msimd128

build/test/wasi/hello-cpp.wasm: tests/wasi/hello.cpp
	@mkdir -p $(@D)
	$(call say,wasi,$<)
	$(Q)clang++-$(LLVM) --target=wasm32-wasi -O2 -fno-exceptions -Wall -Wextra -Werror $< -o $@

# One larger program at every level of optimisation, and natively to compare.
WASI_LEVELS := 0 1 2 s
WASI_PROGRAMS += build/test/wasi/whole-native \
  $(if $(WASI_CPP_LIBRARY),$(WASI_LEVELS:%=build/test/wasi/whole-O%.wasm))

build/test/wasi/whole-O%.wasm: tests/wasi/whole.cpp
	@mkdir -p $(@D)
	$(call say,wasi,$< -O$*)
	$(Q)clang++-$(LLVM) --target=wasm32-wasi -O$* -fno-exceptions -Wall -Wextra -Werror $< -o $@

build/test/wasi/whole-native: tests/wasi/whole.cpp
	@mkdir -p $(@D)
	$(call say,native,$<)
	$(Q)clang++-$(LLVM) -O1 -fno-exceptions -Wall -Wextra -Werror -Wno-deprecated-declarations $< -o $@

# Files, natively too, to compare.
WASI_PROGRAMS += build/test/wasi/files-native
build/test/wasi/files-native: tests/wasi/files.c
	@mkdir -p $(@D)
	$(call say,native,$<)
	$(Q)$(CLANG) -D_GNU_SOURCE -O1 -Wall -Wextra -Werror $< -o $@

TEST_SUITES += wasi
test-wasi: hosted programs $(WASI_PROGRAMS) ## ordinary C, C++, Rust and Go programs under redshirt
	@tests/wasi/run --redshirt build/hosted/redshirt --programs build/test/wasi
.PHONY: test-wasi

# The adapter's own files, natively, where the attributes of imports and exports mean nothing.
FUZZ_TARGETS += wasi
FUZZ_SOURCES_wasi := $(addprefix programs/wasi/,client.c buffers.c files.c io.c paths.c poll.c process.c \
  sockets.c) build/gen/interfaces/files.c build/gen/interfaces/system.c \
  $(BASE_SOURCES)
$(foreach f,tests/fuzz/fuzz_wasi $(patsubst %.c,%,$(wildcard programs/wasi/*.c)),\
  $(eval CFLAGS_FOR_$(f) := -Wno-unknown-attributes))
