// SPDX-License-Identifier: GPL-3.0-or-later
// Definitions to canonical bytes and hashes. docs/interfaces.md, "Canonical form", says what each
// byte is.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/wire.h"
#include "lib/wit/internal.h"
#include "lib/wit/limits.h"

#define FUNCTION_DOMAIN SPAN_LITERAL("redshirt:function")

// Whether the items' names belong to the canonical form.
static bool has_names(enum wit_kind kind)
{
    return kind == WIT_RECORD || kind == WIT_VARIANT || kind == WIT_ENUM || kind == WIT_FLAGS;
}

// Whether an item of this kind may be there without a type, so that a byte says which.
static bool has_presence(enum wit_kind kind)
{
    return kind == WIT_VARIANT || kind == WIT_RESULT;
}

// Whether the count of items is not known from the kind.
static bool has_count(enum wit_kind kind)
{
    return kind == WIT_TUPLE || has_names(kind);
}

u64 wit_type_own_bytes(const struct wit_type *type)
{
    u64 bytes = 1;
    bytes += has_count(type->kind) ? 4 : 0;
    for (const struct wit_item *item = type->items; item != NULL; item = item->next) {
        bytes += has_names(type->kind) ? 4 + item->name.size : 0;
        bytes += has_presence(type->kind) ? 1 : 0;
    }
    return bytes;
}

u64 wit_function_bytes(const struct wit_function *function)
{
    u64 bytes = 4 + FUNCTION_DOMAIN.size + 4 + function->name.size + 4 + 1;
    for (const struct wit_item *item = function->parameters; item != NULL; item = item->next) {
        bytes += 4 + item->name.size + item->type->canonical_bytes;
    }
    return bytes + (function->result == NULL ? 0 : function->result->canonical_bytes);
}

struct step {
    const struct wit_type *type;
    const struct wit_item *next;
};

static struct step write_head(struct wire_writer *out, const struct wit_type *type)
{
    wire_write_u8(out, (u8)type->kind);
    if (has_count(type->kind)) {
        wire_write_u32(out, type->item_count);
    }
    return (struct step){type, type->items};
}

static void write_type(struct wire_writer *out, const struct wit_type *type)
{
    struct step stack[WIT_TYPE_DEPTH + 1];
    u32 depth = 0;
    size_t start = out->size;
    stack[depth++] = write_head(out, type);
    while (depth > 0) {
        struct step *top = &stack[depth - 1];
        const struct wit_item *item = top->next;
        if (item == NULL) {
            depth--;
            continue;
        }
        top->next = item->next;
        if (has_names(top->type->kind)) {
            wire_write_bytes(out, item->name);
        }
        if (has_presence(top->type->kind)) {
            wire_write_bool(out, item->type != NULL);
        }
        if (item->type != NULL) {
            ASSERT(depth < COUNT_OF(stack)); // check.c refuses what is deeper
            stack[depth++] = write_head(out, item->type);
        }
    }
    ASSERT(out->size - start == type->canonical_bytes);
}

static void hash_function(struct wit_function *function, u8 *buffer, size_t capacity,
                          wit_sha256 *sha256)
{
    struct wire_writer out = wire_writer_over(buffer, capacity);
    wire_write_bytes(&out, FUNCTION_DOMAIN);
    wire_write_bytes(&out, function->name);
    wire_write_u32(&out, function->parameter_count);
    for (const struct wit_item *item = function->parameters; item != NULL; item = item->next) {
        wire_write_bytes(&out, item->name);
        write_type(&out, item->type);
    }
    wire_write_bool(&out, function->result != NULL);
    if (function->result != NULL) {
        write_type(&out, function->result);
    }
    ASSERT(out.size == wit_function_bytes(function) && out.size <= capacity);
    sha256(span_of(buffer, out.size), function->hash);
    function->id = mem_load_u64(function->hash);
}

enum err wit_hash_interface(struct wit_interface *interface, wit_sha256 *sha256,
                            struct arena *arena)
{
    STATIC_ASSERT((int)WIT_FUNCTIONS <= (int)INTERFACE_FUNCTIONS);
    STATIC_ASSERT(3 * WIT_NAME_BYTES + 2 <= (int)INTERFACE_NAME_BYTES);
    u8(*functions)[32] = arena_alloc(arena, interface->function_count, 32, 1);
    u8 *preimage = ARENA_ARRAY(arena, u8, INTERFACE_PREIMAGE_BYTES);
    u32 count = 0;
    if (functions == NULL || preimage == NULL) {
        return ERR_NO_MEMORY;
    }
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        mem_copy(functions[count++], f->hash, 32);
    }
    ASSERT(count == interface->function_count);
    size_t size = interface_preimage(interface->qualified, (const u8(*)[32])functions, count,
                                     preimage, INTERFACE_PREIMAGE_BYTES);
    ASSERT(size != 0);
    sha256(span_of(preimage, size), interface->hash);
    return ERR_OK;
}

// Refuses two functions with one id: as likely as 64 coins that all fall on one side, but a kernel
// that met it would have to guess.
static enum err check_ids(const struct wit_interface *interface, struct report *report)
{
    for (const struct wit_function *a = interface->functions; a != NULL; a = a->next) {
        for (const struct wit_function *b = a->next; b != NULL; b = b->next) {
            if (a->id == b->id) {
                return wit_report(report, interface->file, interface->text, b->offset, ERR_INVALID,
                                  "its id is that of another function:", b->name);
            }
        }
    }
    return ERR_OK;
}

enum err wit_hash(struct wit_interface *interface, wit_sha256 *sha256, struct arena *arena,
                  struct report *report)
{
    u64 largest = 1;
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        u64 bytes = wit_function_bytes(f);
        largest = bytes > largest ? bytes : largest;
    }
    ASSERT(largest <= WIT_CANONICAL_BYTES);
    u8 *buffer = ARENA_ARRAY(arena, u8, (size_t)largest);
    if (buffer == NULL) {
        return ERR_NO_MEMORY;
    }
    for (struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        hash_function(f, buffer, (size_t)largest, sha256);
    }
    TRY(check_ids(interface, report));
    return wit_hash_interface(interface, sha256, arena);
}
