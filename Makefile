# SPDX-License-Identifier: GPL-3.0-or-later
# redshirt: `make help` lists what there is. Every area of the tree has one file in mk/, included here.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:

all: hosted programs

FIRST := mk/compiler.mk mk/core.mk mk/test.mk
include $(FIRST)
include $(sort $(filter-out $(FIRST) mk/layers.mk,$(wildcard mk/*.mk)))

.PHONY: all
