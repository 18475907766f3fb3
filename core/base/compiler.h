// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/compiler.h: the words of the compiler, so that no other file spells an attribute.
//
// Source  clang and gcc both know every attribute used here; the build passes the few words on
//         which they differ (see mk/compiler.mk) as macros: WORD_MUSTTAIL, WORD_PRESERVE_NONE.
#pragma once

#define NORETURN __attribute__((noreturn))
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define UNUSED __attribute__((unused))
#define PACKED __attribute__((packed))
#define ALIGNED(bytes) __attribute__((aligned(bytes)))
// A vector of so many bytes, whose lanes are the type that it is said of.
#define VECTOR(bytes) __attribute__((vector_size(bytes)))
#define LIKELY(cond) __builtin_expect(!!(cond), 1)
#define UNLIKELY(cond) __builtin_expect(!!(cond), 0)
#define UNREACHABLE() __builtin_unreachable()
#define FALLTHROUGH __attribute__((fallthrough))
#define STATIC_ASSERT(cond) _Static_assert(cond, #cond)
// The compiler moves no memory access across this, and does not turn the loop around it into a
// call.
#define COMPILER_FENCE() __asm__ volatile("" ::: "memory")
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer) - __builtin_offsetof(type, member)))
