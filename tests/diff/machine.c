// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/machine.c: compares compiled code with the interpreter (compiled.h).
//
// Use     machine FILE.wasm...          files
//         machine --seeds FIRST COUNT   modules made of seeds (generate.h)
//         machine --time NAME ARGUMENT FILE.wasm   an export by both, in milliseconds
// Options before all else: --plain, --checks, --storm (struct compiled_options)
#include "core/base/assert.h"
#include "tests/diff/compiled.h"
#include "tests/diff/generate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES = 6000, FILE_BYTES = 64 << 20, CALL_FUEL = 20000000 };

static struct compiled_options options = {.fuel = CALL_FUEL};

static struct span read_file(const char *path)
{
    static u8 bytes[FILE_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    return span_of(bytes, size);
}

static u64 next_random(u64 *state)
{
    *state += 0x9e3779b97f4a7c15;
    u64 z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void run_seed(u64 seed, struct compiled_outcome *out)
{
    static u8 choices[CHOICES];
    char name[64];
    u64 state = seed;
    size_t size = 200 + next_random(&state) % (CHOICES - 200);
    for (size_t i = 0; i < size; i++) {
        choices[i] = (u8)next_random(&state);
    }
    struct wasm_bytes module =
        generate_module(span_of(choices, size), GENERATE_HIDES_NAN | GENERATE_TAIL_CALLS |
                                                    (seed % 2 == 0 ? GENERATE_VECTORS : 0) |
                                                    (seed % 3 == 0 ? GENERATE_ATOMICS : 0));
    (void)snprintf(name, sizeof name, "build/diff/machine_%llu.wasm", (unsigned long long)seed);
    if (getenv("MACHINE_KEEP") != NULL) {
        FILE *file = fopen(name, "wb");
        ASSERT(file != NULL);
        (void)fwrite(module.data, 1, module.size, file);
        (void)fclose(file);
    }
    compiled_compare(wasm_bytes_span(&module), &options, out);
    if (out->differs) {
        printf("%s: %s\n", name, out->words);
    }
    wasm_bytes_free(&module);
}

int main(int argc, char **argv)
{
    struct compiled_outcome out;
    u64 passed = 0;
    u64 failed = 0;
    u64 calls = 0;
    u64 functions = 0;
    int at = 1;
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--plain") == 0) {
            options.is_plain = true;
        } else if (strcmp(argv[at], "--storm") == 0) {
            options.has_storm = true;
        } else if (strcmp(argv[at], "--checks") == 0) {
            options.has_checks = true;
        } else {
            break;
        }
    }
    if (at + 3 < argc && strcmp(argv[at], "--time") == 0) {
        compiled_time(read_file(argv[at + 3]), &options, argv[at + 1],
                      strtoull(argv[at + 2], NULL, 0));
        return 0;
    }
    bool is_seeds = at + 2 < argc && strcmp(argv[at], "--seeds") == 0;
    u64 first = is_seeds ? strtoull(argv[at + 1], NULL, 0) : 0;
    u64 count = is_seeds ? strtoull(argv[at + 2], NULL, 0) : (u64)(argc - at);
    for (u64 i = 0; i < count; i++) {
        if (is_seeds) {
            run_seed(first + i, &out);
        } else {
            compiled_compare(read_file(argv[at + (int)i]), &options, &out);
            if (out.differs) {
                printf("%s: %s\n", argv[at + (int)i], out.words);
            }
        }
        passed += !out.differs;
        failed += out.differs;
        calls += out.call_count;
        functions += out.function_count;
    }
    printf("%llu functions compiled, %llu calls compared\n", (unsigned long long)functions,
           (unsigned long long)calls);
    printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)passed,
           (unsigned long long)failed);
    return failed != 0;
}
