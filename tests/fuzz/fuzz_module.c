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
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum { BYTES_PER_BYTE = 256, BYTES_ALWAYS = 1 << 20, NAMES_ASKED = 64 };

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
            ASSERT(wasm_instruction_read(&in, &last, NULL) == ERR_OK);
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
