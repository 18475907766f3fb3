# SPDX-License-Identifier: GPL-3.0-or-later
# redshirt: `make help` lists what there is. Every area of the tree has one file in mk/, included here.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:

all: hosted programs

include mk/compiler.mk
include $(sort $(filter-out mk/compiler.mk mk/layers.mk,$(wildcard mk/*.mk)))

.PHONY: all
