// SPDX-License-Identifier: GPL-3.0-or-later
// Writes the module made of a seed to a file, and what our engine makes of it to standard output, a
// line for each call: NAME => TYPE:VALUE, ... in hexadecimal bits, or NAME => trap: words.
//
// Use     ours SEED FILE
#include "core/base/assert.h"
#include "core/wasm/module.h"
#include "tests/diff/execute.h"
#include "tests/diff/generate.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHOICES = 6000 };

static u64 next_random(u64 *state)
{
    *state += 0x9e3779b97f4a7c15;
    u64 z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static const char *type_name(u8 type)
{
    return type == WASM_I32   ? "i32"
           : type == WASM_I64 ? "i64"
           : type == WASM_F32 ? "f32"
           : type == WASM_F64 ? "f64"
                              : "v128";
}

static void print_results(const struct execute_call *call)
{
    for (u32 i = 0; i < call->result_count; i++) {
        printf("%s%s:", i == 0 ? "" : ", ", type_name(call->types[i]));
        if (call->types[i] == WASM_V128) {
            printf("%016" PRIx64, call->results[i][1]);
        }
        printf("%016" PRIx64, call->results[i][0]);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    static u8 choices[CHOICES];
    static struct execute_outcome outcome;
    if (argc != 3) {
        fprintf(stderr, "usage: ours SEED FILE\n");
        return 2;
    }
    u64 state = strtoull(argv[1], NULL, 0);
    size_t size = 200 + next_random(&state) % (CHOICES - 200);
    for (size_t i = 0; i < size; i++) {
        choices[i] = (u8)next_random(&state);
    }
    // No tail calls: wabt 1.0.32 gives other results behind some of them than V8 and we do.
    struct wasm_bytes module =
        generate_module(span_of(choices, size), GENERATE_HIDES_NAN | GENERATE_VECTORS);
    FILE *file = fopen(argv[2], "wb");
    if (file == NULL || fwrite(module.data, 1, module.size, file) != module.size ||
        fclose(file) != 0) {
        fprintf(stderr, "ours: cannot write %s\n", argv[2]);
        return 1;
    }
    static const i64 slices[] = {1000000};
    execute_module(wasm_bytes_span(&module), slices, COUNT_OF(slices), 1 << 30, &outcome);
    wasm_bytes_free(&module);
    if (outcome.err != ERR_OK) {
        printf("not loaded: %s\n", outcome.reason);
        return 1;
    }
    for (u32 i = 0; i < outcome.call_count; i++) {
        const struct execute_call *call = &outcome.calls[i];
        if (call->is_done) {
            printf("%s => ", call->name);
            print_results(call);
        } else {
            printf("%s => trap: %s\n", call->name, trap_name(call->trap));
        }
    }
    return 0;
}
