# SPDX-License-Identifier: GPL-3.0-or-later
# redshirt: `make help` lists what there is. Every area of the tree has one file in mk/, included here:
# first the words that all use, then the areas, then the rules made from what the areas listed.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:

all: $(if $(TARGET),$(TARGET),hosted programs) ## the hosted kernel (build/hosted/redshirt) and all programs (build/programs/)

FIRST := mk/compiler.mk mk/core.mk mk/test.mk mk/idlc.mk
LAST := mk/gather.mk
include $(FIRST)
include $(sort $(filter-out $(FIRST) $(LAST) mk/layers.mk,$(wildcard mk/*.mk)))
include $(LAST)

.PHONY: all hosted programs
