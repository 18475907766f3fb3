# SPDX-License-Identifier: GPL-3.0-or-later
# Files of the host for programs: what stays beneath a folder, the limits that name folders, the device.
BENEATH_SOURCES := $(addprefix machines/hosted/,beneath.c folders.c)

$(call unit_test,beneath,tests/unit/test_beneath.c $(BENEATH_SOURCES) $(TEST_SUPPORT) $(BASE_SOURCES))

FUZZ_TARGETS += files folders
FUZZ_SOURCES_files := tests/fuzz/one_device.c $(addprefix machines/hosted/,device_files.c file_work.c file_paths.c host_file.c calls.c) $(BENEATH_SOURCES) \
  build/gen/interfaces/files.c $(BASE_SOURCES)
FUZZ_SOURCES_folders := machines/hosted/folders.c $(TEST_SUPPORT) $(BASE_SOURCES)

# The same program natively and for WASI.
build/bench/reader: tests/bench/reader.c
	@mkdir -p $(@D)
	$(call say,native,$<)
	$(Q)$(CLANG) -O2 -Wall -Wextra -Werror $< -o $@
build/bench/reader.wasm: tests/bench/reader.c
	@mkdir -p $(@D)
	$(call say,wasi,$<)
	$(Q)$(CLANG) --target=wasm32-wasi -O2 -Wall -Wextra -Werror $< -o $@
BENCHES += files
bench-files: build/hosted/redshirt build/bench/reader build/bench/reader.wasm
	@tests/bench/files $^
