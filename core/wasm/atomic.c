// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/atomic.h"
#include "core/base/assert.h"

// One width. The builtins want the order as a constant.
#define ACCESS(type)                                                                               \
    static u64 access_##type(enum wasm_atomic kind, type *at, type first, type second)             \
    {                                                                                              \
        switch (kind) {                                                                            \
        case WASM_ATOMIC_LOAD:                                                                     \
            return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                          \
        case WASM_ATOMIC_STORE:                                                                    \
            __atomic_store_n(at, first, __ATOMIC_SEQ_CST);                                         \
            return 0;                                                                              \
        case WASM_ATOMIC_ADD:                                                                      \
            return __atomic_fetch_add(at, first, __ATOMIC_SEQ_CST);                                \
        case WASM_ATOMIC_SUB:                                                                      \
            return __atomic_fetch_sub(at, first, __ATOMIC_SEQ_CST);                                \
        case WASM_ATOMIC_AND:                                                                      \
            return __atomic_fetch_and(at, first, __ATOMIC_SEQ_CST);                                \
        case WASM_ATOMIC_OR:                                                                       \
            return __atomic_fetch_or(at, first, __ATOMIC_SEQ_CST);                                 \
        case WASM_ATOMIC_XOR:                                                                      \
            return __atomic_fetch_xor(at, first, __ATOMIC_SEQ_CST);                                \
        case WASM_ATOMIC_XCHG:                                                                     \
            return __atomic_exchange_n(at, first, __ATOMIC_SEQ_CST);                               \
        case WASM_ATOMIC_CMPXCHG:                                                                  \
            /* writes to `first` what was there, if that is another value */                       \
            (void)__atomic_compare_exchange_n(at, &first, second, false, __ATOMIC_SEQ_CST,         \
                                              __ATOMIC_SEQ_CST);                                   \
            return first;                                                                          \
        }                                                                                          \
        UNREACHABLE();                                                                             \
    }
ACCESS(u8)
ACCESS(u16)
ACCESS(u32)
ACCESS(u64)

u64 wasm_atomic_access(enum wasm_atomic kind, u32 bytes, u8 *at, u64 first, u64 second)
{
    ASSERT((uintptr_t)at % bytes == 0);
    switch (bytes) {
    case 1:
        return access_u8(kind, at, (u8)first, (u8)second);
    case 2:
        return access_u16(kind, (u16 *)(void *)at, (u16)first, (u16)second);
    case 4:
        return access_u32(kind, (u32 *)(void *)at, (u32)first, (u32)second);
    default:
        ASSERT(bytes == 8);
        return access_u64(kind, (u64 *)(void *)at, first, second);
    }
}

static const u8 types_notify[] = {WASM_I32, WASM_I32, WASM_I32};
static const u8 types_wait_32[] = {WASM_I32, WASM_I32, WASM_I64, WASM_I32};
static const u8 types_wait_64[] = {WASM_I32, WASM_I64, WASM_I64, WASM_I32};
static const struct wasm_func_type types[WASM_WAIT_COUNT] = {
    [WASM_WAIT_NOTIFY] = {types_notify, 2, 1, 0, 2, 1, NULL},
    [WASM_WAIT_32] = {types_wait_32, 3, 1, 0, 3, 1, NULL},
    [WASM_WAIT_64] = {types_wait_64, 3, 1, 0, 3, 1, NULL},
};

const struct wasm_func wasm_wait_functions[WASM_WAIT_COUNT] = {
    [WASM_WAIT_NOTIFY] = {.type = &types[WASM_WAIT_NOTIFY],
                          .index = WASM_WAIT_INDEX + WASM_WAIT_NOTIFY},
    [WASM_WAIT_32] = {.type = &types[WASM_WAIT_32], .index = WASM_WAIT_INDEX + WASM_WAIT_32},
    [WASM_WAIT_64] = {.type = &types[WASM_WAIT_64], .index = WASM_WAIT_INDEX + WASM_WAIT_64},
};

bool wasm_wait_is_equal(const struct wasm_memory *memory, enum wasm_wait kind,
                        const wasm_slot *slots)
{
    u32 bytes = kind == WASM_WAIT_64 ? 8 : 4;
    u64 expected = kind == WASM_WAIT_64 ? slots[1] : (u32)slots[1];
    u8 *at = wasm_memory_at(memory, (u32)slots[0], bytes);
    ASSERT(kind != WASM_WAIT_NOTIFY && at != NULL);
    return wasm_atomic_access(WASM_ATOMIC_LOAD, bytes, at, 0, 0) == expected;
}
