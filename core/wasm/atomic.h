// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/atomic.h: what the instructions behind WASM_PREFIX_ATOMIC do to memory, and how a
// thread waits at an address.
//
// Access  all are sequentially consistent, as the proposal wants, by the compiler's builtins; one
//         of 8 bytes is atomic also on a CPU of 32 bits (ARMv7: ldrexd and strexd).
// Wait    memory.atomic.wait32, wait64 and notify leave the engine as calls of the host functions
//         below, since who waits and who is woken is the embedder's to know. Address, alignment
//         and, of a wait, that the memory is shared are checked by then. thread->host.slots are:
//             0  address, the instruction's offset added     receives the result
//             1  of a wait, the value that is expected; of a notify, how many to wake at most
//             2  of a wait, the timeout in ns; signed, below 0: none
//         The memory is thread->host.wait_memory; two instances that import one memory wait and
//         wake each other there, whatever its index is in either.
// Source  the proposal "Threads" for WebAssembly.
#pragma once
#include "core/base/types.h"
#include "core/wasm/instance.h"

// In the order of opcodes.def, seven rows of each.
enum wasm_atomic {
    WASM_ATOMIC_LOAD,
    WASM_ATOMIC_STORE,
    WASM_ATOMIC_ADD,
    WASM_ATOMIC_SUB,
    WASM_ATOMIC_AND,
    WASM_ATOMIC_OR,
    WASM_ATOMIC_XOR,
    WASM_ATOMIC_XCHG,
    WASM_ATOMIC_CMPXCHG,
};
enum { WASM_ATOMIC_FIRST = 0x10, WASM_ATOMIC_FORMS = 7 }; // number of the first row

// The kind of a row of class ATOMIC, by its number.
static inline enum wasm_atomic wasm_atomic_kind(u32 number)
{
    return (enum wasm_atomic)((number - WASM_ATOMIC_FIRST) / WASM_ATOMIC_FORMS);
}

// Does it, and returns what was there before, with zeros above; of a store, 0.
//   bytes   1, 2, 4 or 8, of which `at` is a multiple
//   first   what is stored, added and so on; of a cmpxchg what is expected
//   second  of a cmpxchg what is stored then
u64 wasm_atomic_access(enum wasm_atomic kind, u32 bytes, u8 *at, u64 first, u64 second);

enum wasm_wait { WASM_WAIT_NOTIFY, WASM_WAIT_32, WASM_WAIT_64, WASM_WAIT_COUNT };

// What the instruction `park` has in b: what it does, and the index of the memory.
enum { WASM_PARK_KIND_BITS = 2 };
static inline u16 wasm_park_bits(enum wasm_wait kind, u32 memory)
{
    return (u16)(memory << WASM_PARK_KIND_BITS | kind);
}

// The result of a wait.
enum wasm_woken { WASM_WOKEN, WASM_NOT_EQUAL, WASM_TIMED_OUT };

// Its `index` is above every number that an embedder gives to its own, and is told apart by
// wasm_wait_kind.
extern const struct wasm_func wasm_wait_functions[WASM_WAIT_COUNT];
enum { WASM_WAIT_INDEX = 0x7ffffff0 };

// Which of them a host call is of. False: none.
static inline bool wasm_wait_kind(const struct wasm_func *function, enum wasm_wait *out)
{
    *out = (enum wasm_wait)(function->index - WASM_WAIT_INDEX);
    return function->index >= WASM_WAIT_INDEX;
}

// Whether memory holds at the address of a wait what its slots expect. To be asked when nobody can
// notify between that and the beginning of the wait.
bool wasm_wait_is_equal(const struct wasm_memory *memory, enum wasm_wait kind,
                        const wasm_slot *slots);
