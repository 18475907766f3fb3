# SPDX-License-Identifier: GPL-3.0-or-later
# The socket between a system that runs and the user's other commands: its frames, alone.
CHANNEL_SOURCES := tools/redshirt/channel.c build/gen/interfaces/control.c build/gen/interfaces/inspect.c \
  $(TEST_SUPPORT) $(BASE_SOURCES)

$(call unit_test,channel,tests/unit/test_channel.c $(CHANNEL_SOURCES))

FUZZ_TARGETS += channel
FUZZ_SOURCES_channel := $(CHANNEL_SOURCES)
