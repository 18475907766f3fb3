// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/wasm_words.h: instructions as string literals, so that bodies in tests can be read:
// NO_LOCALS I32_CONST "\x07" DROP END. An immediate is a literal behind its
// instruction. OP_UNREACHABLE is the one that compiler.h has a word of the same name for.
#pragma once

#define NO_LOCALS "\x00"
#define OP_UNREACHABLE "\x00"
#define NOP "\x01"
#define BLOCK "\x02"
#define IF "\x04"
#define ELSE "\x05"
#define END "\x0b"
#define BR "\x0c"
#define BR_TABLE "\x0e"
#define CALL "\x10"
#define DROP "\x1a"
#define SELECT "\x1b"
#define LOCAL_GET "\x20"
#define GLOBAL_GET "\x23"
#define TABLE_GET "\x25"
#define I32_LOAD "\x28"
#define MEMORY_SIZE "\x3f"
#define I32_CONST "\x41"
#define I64_CONST "\x42"
#define F32_CONST "\x43"
#define I32_EQZ "\x45"
#define I64_EQZ "\x50"
#define I32_ADD "\x6a"
#define REF_IS_NULL "\xd1"
#define REF_FUNC "\xd2"
