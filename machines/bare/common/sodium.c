// SPDX-License-Identifier: GPL-3.0-or-later
// What libsodium's archive wants from outside, so that none of its parts that need an operating
// system are linked.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "machines/bare/common/cpu.h"
#include "machines/bare/common/random.h"

void sodium_memzero(void *at, size_t size);
int sodium_memcmp(const void *a, const void *b, size_t size);
int sodium_is_zero(const unsigned char *at, size_t size);
NORETURN void sodium_misuse(void);
void randombytes_buf(void *out, size_t size);
int sodium_runtime_has_sse2(void);
int sodium_runtime_has_ssse3(void);
int sodium_runtime_has_sse41(void);
int sodium_runtime_has_avx(void);
int sodium_runtime_has_avx2(void);
int sodium_runtime_has_avx512f(void);
NORETURN void __assert_fail(const char *claim, const char *file, unsigned line, const char *where);
NORETURN void __stack_chk_fail(void);
NORETURN void abort(void);

// Of a build with a canary that is a global (ARM); on x86_64 it lies at %fs:0x28.
extern uintptr_t __stack_chk_guard;
uintptr_t __stack_chk_guard = (uintptr_t)0xd20e7b00;

void sodium_memzero(void *at, size_t size)
{
    mem_zero(at, size);
    __asm__ volatile("" ::"r"(at) : "memory"); // the compiler must not drop it
}

// Takes the same time whatever the bytes are.
int sodium_memcmp(const void *a, const void *b, size_t size)
{
    const volatile u8 *left = a;
    const volatile u8 *right = b;
    u8 differs = 0;
    for (size_t i = 0; i < size; i++) {
        differs |= left[i] ^ right[i];
    }
    return differs == 0 ? 0 : -1;
}

int sodium_is_zero(const unsigned char *at, size_t size)
{
    u8 any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= at[i];
    }
    return any == 0;
}

void sodium_misuse(void)
{
    machine_panic(SPAN_LITERAL("libsodium was called in a way it forbids"));
}

void randombytes_buf(void *out, size_t size)
{
    random_fill(out, size);
}

int sodium_runtime_has_sse2(void)
{
    return 0;
}

int sodium_runtime_has_ssse3(void)
{
    return 0;
}

int sodium_runtime_has_sse41(void)
{
    return 0;
}

int sodium_runtime_has_avx(void)
{
    return 0;
}

int sodium_runtime_has_avx2(void)
{
    return 0;
}

int sodium_runtime_has_avx512f(void)
{
    return 0;
}

void __assert_fail(const char *claim, const char *file, unsigned line, const char *where)
{
    (void)where;
    assert_fail(claim, file, (int)line);
}

void __stack_chk_fail(void)
{
    machine_panic(SPAN_LITERAL("a function wrote beyond its frame"));
}

void abort(void)
{
    machine_panic(SPAN_LITERAL("libsodium gave up"));
}
