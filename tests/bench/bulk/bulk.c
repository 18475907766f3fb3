// SPDX-License-Identifier: GPL-3.0-or-later
// Moves: bytes copied and filled by the compiler's own functions, which are memory.copy and
// memory.fill of WebAssembly and the C library's natively. Each is a kernel of its own (kernel.h);
// the build names the one of a module `run`.
#include "tests/bench/kernels/kernel.h"

enum { ROOM = 1 << 12, MOST = 1 << 16, STEP = 72 };
static u8 bytes[2 * (ROOM + MOST)];
static volatile u32 hidden; // a number that no compiler can know

static u64 sum_of(u64 sum, u32 count)
{
    for (u32 i = 0; i < ROOM; i++) {
        sum = kernel_fold(sum, bytes[ROOM + MOST + i] + bytes[ROOM + MOST + count - 1 + i]);
    }
    return sum;
}

static void make(void)
{
    u64 seed = 1;
    for (u32 i = 0; i < sizeof bytes; i++) {
        bytes[i] = (u8)kernel_random(&seed);
    }
}

#define COPY(to, count) __builtin_memcpy(bytes + ROOM + MOST + (to), bytes + (to), count)
#define FILL(to, count) __builtin_memset(bytes + ROOM + MOST + (to), (int)(to), count)
#define HIDDEN count = hidden
#define KNOWN

// clang-format off
#define MOVE(name, what, number, knows)                                                            \
    u64 kernel_##name(u32 n);                                                                      \
    u64 kernel_##name(u32 n)                                                                       \
    {                                                                                              \
        u32 count = number;                                                                        \
        hidden = count;                                                                            \
        knows;                                                                                     \
        make();                                                                                    \
        for (u32 i = 0; i < n; i++) {                                                              \
            u32 to = i * STEP % ROOM;                                                              \
            what(to, count);                                                                       \
        }                                                                                          \
        return sum_of(n, number);                                                                  \
    }
MOVE(copy_known_8, COPY, 8, KNOWN)
MOVE(copy_known_32, COPY, 32, KNOWN)
MOVE(fill_known_32, FILL, 32, KNOWN)
MOVE(copy_8, COPY, 8, HIDDEN)
MOVE(copy_32, COPY, 32, HIDDEN)
MOVE(copy_100, COPY, 100, HIDDEN)
MOVE(copy_1024, COPY, 1024, HIDDEN)
MOVE(copy_65536, COPY, 65536, HIDDEN)
MOVE(fill_8, FILL, 8, HIDDEN)
MOVE(fill_32, FILL, 32, HIDDEN)
MOVE(fill_100, FILL, 100, HIDDEN)
MOVE(fill_1024, FILL, 1024, HIDDEN)
MOVE(fill_65536, FILL, 65536, HIDDEN)
// clang-format on
