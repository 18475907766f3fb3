// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/machine.c: compares compiled code with the interpreter (compiled.h).
//
// Use     machine FILE.wasm...          files
//         machine --seeds FIRST COUNT   modules made of seeds (generate.h)
//         machine --time NAME ARGUMENT FILE.wasm   an export by both, in milliseconds
//         machine --write SEED CHOICES MODULE      the choices and the module of a seed, to files
//         machine --from SEED CHOICES MODULE       the module of other choices
// Options before all else:
//         --plain, --checks, --storm, --loops   struct compiled_options
//         --without NAMES              what modules of seeds do not have, of `features`: "a,b"
//         --pack FILE                  what ran whole, for digests.mjs: of each module its seed (8
//                                      bytes), digest (4), size (4), and bytes
#include "core/base/assert.h"
#include "tests/diff/compiled.h"
#include "tests/diff/generate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES = 6000, CHOICES_MIN = 200, FILE_BYTES = 64 << 20, CALL_FUEL = 20000000 };

// What modules beyond Core 2.0 may have, every so many seeds of a row of so many.
static const struct feature {
    const char *name;
    u32 option;
    u32 row;
    u32 seeds;
} features[] = {
    {"vectors", GENERATE_VECTORS, 2, 1},           {"tail-calls", GENERATE_TAIL_CALLS, 1, 1},
    {"atomics", GENERATE_ATOMICS, 3, 1},           {"exceptions", GENERATE_EXCEPTIONS, 4, 2},
    {"several-memories", GENERATE_MEMORIES, 8, 4}, {"constants", GENERATE_CONSTANTS, 16, 8},
};

static struct compiled_options options = {.fuel = CALL_FUEL};
static u32 without;
static FILE *pack;

struct counts {
    u64 passed;
    u64 failed;
    u64 calls;
    u64 functions;
    u64 loops;
};

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

static void write_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "wb");
    ASSERT(file != NULL);
    size_t written = fwrite(bytes.data, 1, bytes.size, file);
    ASSERT(written == bytes.size && fclose(file) == 0);
}

static u64 next_random(u64 *state)
{
    *state += 0x9e3779b97f4a7c15;
    u64 z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static struct span choices_of(u64 seed)
{
    static u8 choices[CHOICES];
    u64 state = seed;
    size_t size = CHOICES_MIN + next_random(&state) % (CHOICES - CHOICES_MIN);
    for (size_t i = 0; i < size; i++) {
        choices[i] = (u8)next_random(&state);
    }
    return span_of(choices, size);
}

static u32 options_of(u64 seed)
{
    u32 found = GENERATE_HIDES_NAN;
    for (u32 i = 0; i < COUNT_OF(features); i++) {
        found |= seed % features[i].row < features[i].seeds ? features[i].option : 0;
    }
    return found & ~without;
}

static void add_to_pack(u64 seed, u32 digest, struct span module)
{
    u32 size = (u32)module.size;
    size_t written = fwrite(&seed, sizeof seed, 1, pack) + fwrite(&digest, sizeof digest, 1, pack) +
                     fwrite(&size, sizeof size, 1, pack) + fwrite(module.data, size, 1, pack);
    ASSERT(written == 4);
}

static void compare(struct span module, const char *name, struct compiled_outcome *out,
                    struct counts *counts)
{
    compiled_compare(module, &options, out);
    if (out->differs) {
        printf("%s: %s\n", name, out->words);
    }
    counts->passed += !out->differs;
    counts->failed += out->differs;
    counts->calls += out->call_count;
    counts->functions += out->function_count;
    counts->loops += out->loop_count;
}

static void run_seed(u64 seed, struct counts *counts)
{
    struct compiled_outcome out;
    char name[64];
    struct wasm_bytes module = generate_module(choices_of(seed), options_of(seed));
    (void)snprintf(name, sizeof name, "seed %llu", (unsigned long long)seed);
    compare(wasm_bytes_span(&module), name, &out, counts);
    if (pack != NULL && out.is_whole) {
        add_to_pack(seed, out.digest, wasm_bytes_span(&module));
    }
    wasm_bytes_free(&module);
}

static void write_module(const char *seed_text, const char *choices_path, const char *module_path,
                         bool is_from)
{
    u64 seed = strtoull(seed_text, NULL, 0);
    struct span choices = is_from ? read_file(choices_path) : choices_of(seed);
    struct wasm_bytes module = generate_module(choices, options_of(seed));
    if (!is_from) {
        write_file(choices_path, choices);
    }
    write_file(module_path, wasm_bytes_span(&module));
    wasm_bytes_free(&module);
}

// Names with commas between them.
static u32 read_features(const char *names)
{
    u32 found = 0;
    while (*names != 0) {
        size_t size = strcspn(names, ",");
        for (u32 i = 0; i < COUNT_OF(features); i++) {
            bool is_it =
                strlen(features[i].name) == size && strncmp(features[i].name, names, size) == 0;
            found |= is_it ? features[i].option : 0;
        }
        names += size + (names[size] == ',');
    }
    return found;
}

// Returns the number of the first argument behind the options.
static int read_options(int argc, char **argv)
{
    int at = 1;
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--plain") == 0) {
            options.is_plain = true;
        } else if (strcmp(argv[at], "--storm") == 0) {
            options.has_storm = true;
        } else if (strcmp(argv[at], "--loops") == 0) {
            options.has_loops = true;
        } else if (strcmp(argv[at], "--checks") == 0) {
            options.has_checks = true;
        } else if (strcmp(argv[at], "--without") == 0 && at + 1 < argc) {
            without = read_features(argv[++at]);
        } else if (strcmp(argv[at], "--pack") == 0 && at + 1 < argc) {
            pack = fopen(argv[++at], "wb");
            ASSERT(pack != NULL);
        } else {
            break;
        }
    }
    return at;
}

int main(int argc, char **argv)
{
    struct counts counts = {0};
    struct compiled_outcome out;
    int at = read_options(argc, argv);
    bool is_from = at + 3 < argc && strcmp(argv[at], "--from") == 0;
    if (is_from || (at + 3 < argc && strcmp(argv[at], "--write") == 0)) {
        write_module(argv[at + 1], argv[at + 2], argv[at + 3], is_from);
        return 0;
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
            run_seed(first + i, &counts);
        } else {
            compare(read_file(argv[at + (int)i]), argv[at + (int)i], &out, &counts);
        }
    }
    ASSERT(pack == NULL || fclose(pack) == 0);
    printf("%llu functions compiled, %llu loops begun, %llu calls compared\n",
           (unsigned long long)counts.functions, (unsigned long long)counts.loops,
           (unsigned long long)counts.calls);
    printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)counts.passed,
           (unsigned long long)counts.failed);
    return counts.failed != 0;
}
