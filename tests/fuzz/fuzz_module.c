// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes against decoder, validator and translator. An input that begins like a module is one; any
// other is the body of a function in a module that has something of everything, where mutation
// finds valid code.
//
// Held to: nothing crashes, no claim fails, memory stays in proportion to the input, a refusal has
// its reason, two readers of instructions agree on valid code, and what is valid can be translated.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/wasm/code.h"
#include "core/wasm/decode.h"
#include "core/wasm/features.h"
#include "core/wasm/load.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum {
    BYTES_PER_BYTE = 256,
    BYTES_ALWAYS = 1 << 20,
    NAMES_ASKED = 64,
    STEPS_PER_BYTE = 64, // of the smallest portion
    STEPS_ALWAYS = 256,
};

// Puts a body into a module with types, imports, tables, a memory, globals and segments.
static struct wasm_bytes module_around(const u8 *body, size_t size)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1); // the body's: (i32 i64 f32 f64 funcref externref) -> (i32)
    PUT(&b, "\x05\x60\x06\x7f\x7e\x7d\x7c\x70\x6f\x01\x7f\x60\x00\x00\x60\x01\x7f\x01\x7e");
    PUT(&b, "\x60\x02\x7e\x7d\x03\x7c\x7f\x70\x60\x00\x02\x7f\x7f");
    end_section(&b);
    put_section(&b, 2);
    PUT(&b, "\x03\x01m\x01i\x00\x02\x01m\x01t\x01\x6f\x00\x03\x01m\x01g\x03\x7f\x00");
    end_section(&b);
    put_section(&b, 3);
    PUT(&b, "\x02\x00\x03");
    end_section(&b);
    put_section(&b, 4);
    PUT(&b, "\x01\x70\x01\x02\x09");
    end_section(&b);
    put_section(&b, 5);
    PUT(&b, "\x01\x01\x01\x04");
    end_section(&b);
    put_section(&b, 6);
    PUT(&b, "\x05\x7f\x01\x41\x05\x0b\x7e\x01\x42\x05\x0b\x7d\x01\x43\x00\x00\x00\x00\x0b");
    PUT(&b, "\x70\x01\xd2\x01\x0b\x6f\x01\xd0\x6f\x0b");
    end_section(&b);
    put_section(&b, 9);
    PUT(&b, "\x02\x01\x00\x02\x00\x01\x05\x6f\x01\xd0\x6f\x0b");
    end_section(&b);
    put_section(&b, 12);
    PUT(&b, "\x01");
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x02");
    size_t at = put_body(&b);
    put_bytes(&b, body, size);
    end_body(&b, at);
    PUT(&b, "\x03\x00\x00\x0b");
    end_section(&b);
    put_section(&b, 11);
    PUT(&b, "\x01\x01\x03xyz");
    end_section(&b);
    return b;
}

// Every instruction of a valid body can be read on its own, and they fill it.
static void walk_bodies(const struct wasm_module *module)
{
    for (u32 i = 0; i < module->function_count - module->function_import_count; i++) {
        const struct wasm_body *body = &module->bodies[i];
        struct reader in = reader_over(body->code);
        struct wasm_instruction last = {0};
        while (reader_left(&in) != 0) {
            ASSERT(wasm_instruction_read(&in, WASM_FEATURES_ALL, &last, NULL) == ERR_OK);
        }
        ASSERT(last.opcode == WASM_OP_END);
    }
}

static void ask_names(const struct wasm_module *module)
{
    struct span bytes = module->bytes;
    for (u32 i = 0; i < module->function_count && i < NAMES_ASKED; i++) {
        struct span name = wasm_module_function_name(module, i);
        ASSERT(name.size == 0 ||
               (name.data >= bytes.data && name.data + name.size <= bytes.data + bytes.size));
    }
}

// Whether two modules were translated to the same, but for the addresses in it.
static void compare(const struct wasm_module *a, const struct wasm_module *b)
{
    ASSERT(a->function_count == b->function_count && a->reference_count == b->reference_count);
    for (u32 i = 0; i < a->function_count - a->function_import_count; i++) {
        const struct wasm_code *x = a->bodies[i].translated;
        const struct wasm_code *y = b->bodies[i].translated;
        ASSERT(x->ins_count == y->ins_count && x->frame_slots == y->frame_slots);
        ASSERT(x->origins_bytes == y->origins_bytes);
        ASSERT(mem_equal(x->origins, y->origins, x->origins_bytes));
        for (u32 k = 0; k < x->ins_count; k++) {
            bool has_address = x->first[k].run != y->first[k].run; // the second half of a call
            ASSERT(has_address || ins_bits(&x->first[k]) == ins_bits(&y->first[k]));
        }
    }
}

// The same in the smallest portions comes to the same end.
static void check_portions(struct span bytes, const struct wasm_module *whole, enum err expected,
                           const struct report *expected_report)
{
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct arena scratch;
    struct report report;
    struct wasm_load load;
    arena_init(&arena, &memory.memory, SIZE_MAX);
    arena_init(&scratch, &memory.memory, SIZE_MAX);
    report_clear(&report);
    wasm_load_begin(&load, bytes, WASM_FEATURES_ALL, &arena, &scratch);
    enum err err;
    u64 steps = 0;
    do {
        i64 work = 1;
        err = wasm_load_step(&load, &work, &report);
        ASSERT(work <= 0 || err != ERR_PAUSED); // no step does nothing
        steps++;
    } while (err == ERR_PAUSED);
    ASSERT(err == expected && report.err == expected_report->err);
    ASSERT(report.offset == expected_report->offset);
    ASSERT(steps <= STEPS_PER_BYTE * bytes.size + STEPS_ALWAYS);
    if (err == ERR_OK) {
        compare(whole, load.module);
    }
    arena_drop(&scratch);
    arena_drop(&arena);
    ASSERT(memory.blocks == 0);
}

static void check(struct span bytes)
{
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct arena scratch;
    struct report report;
    struct wasm_module *module = NULL;
    arena_init(&arena, &memory.memory, SIZE_MAX);
    arena_init(&scratch, &memory.memory, SIZE_MAX);
    report_clear(&report);
    enum err err = wasm_module_decode(bytes, &arena, &module, &report);
    ASSERT((err == ERR_OK) == (module != NULL));
    ASSERT(arena.used_bytes <= bytes.size * BYTES_PER_BYTE + BYTES_ALWAYS);
    if (err == ERR_OK) {
        ask_names(module);
        err = wasm_module_validate(module, &scratch, &report);
        ASSERT(module->is_valid == (err == ERR_OK));
        ASSERT(scratch.used_bytes <= bytes.size * BYTES_PER_BYTE + BYTES_ALWAYS);
    }
    if (err == ERR_OK) {
        walk_bodies(module);
        err = wasm_module_translate(module, &scratch, &report);
        ASSERT(err == ERR_OK || err == ERR_LIMIT);
    }
    ASSERT(report.err == err && report.offset <= bytes.size);
    ASSERT((err == ERR_OK) == (report.text[0] == 0));
    check_portions(bytes, module, err, &report);
    arena_drop(&scratch);
    arena_drop(&arena);
    ASSERT(memory.blocks == 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size >= 4 && mem_equal(data, "\0asm", 4)) {
        check(span_of(data, size));
        return 0;
    }
    struct wasm_bytes b = module_around(data, size);
    check(wasm_bytes_span(&b));
    wasm_bytes_free(&b);
    return 0;
}
