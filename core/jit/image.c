// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/jit/image.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/varint.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/target.h"
#include "core/jit/version.h"
#include "core/wasm/module.h"

enum {
    HASH_BYTES = 32,
    MAGIC_BYTES = 8,
    HEADER_BYTES = HASH_BYTES + MAGIC_BYTES + JIT_IMAGE_NAME_BYTES + 4 + 4 + 8,
    ENTRY_BYTES = 4 + 4 + HASH_BYTES, // of the table
    CALL_FIELD_BYTES = 4,             // what a call is resolved in
    // Of the encoding, at least and at most.
    FUNCTION_BYTES_MIN = 6,
    CALL_BYTES_MIN = 2,
    SITE_BYTES_MIN = 3,
    NUMBER_BYTES = 5,
    FUNCTION_BYTES = 6 * NUMBER_BYTES,
    CALL_BYTES = 2 * NUMBER_BYTES,
    SITE_BYTES = 3 * NUMBER_BYTES,
};

static const u8 magic[MAGIC_BYTES] = {'R', 'S', 'C', 'O', 'D', 'E', '0', '1'};

STATIC_ASSERT((u32)HASH_BYTES == (u32)CID_DIGEST_BYTES);
STATIC_ASSERT((u32)JIT_VERSION_BYTES == (u32)HASH_BYTES);
STATIC_ASSERT(JIT_IMAGE_BYTES <= UINT32_MAX && JIT_CODE_BYTES < JIT_IMAGE_BYTES);

// ---- the name

void jit_image_name(const struct cid *program, const u8 version[32],
                    const struct jit_target *target, const struct jit_options *options,
                    sha256_function sha256, u8 out[JIT_IMAGE_NAME_BYTES])
{
    static const char domain[] = "redshirt compiled code";
    struct span cpu = span_string(target->name);
    u8 all[sizeof domain + 1 + CID_DIGEST_BYTES + HASH_BYTES + 6 + 32];
    u8 *at = all;
    ASSERT(cpu.size <= 32);
    mem_copy(at, domain, sizeof domain); // with its zero
    at += sizeof domain;
    *at++ = program->codec;
    mem_copy(at, program->digest, CID_DIGEST_BYTES);
    at += CID_DIGEST_BYTES;
    mem_copy(at, version, HASH_BYTES);
    at += HASH_BYTES;
    *at++ = options->bounds;
    *at++ = options->segment;
    mem_store_u32(at, options->features);
    at += 4;
    mem_copy(at, cpu.data, cpu.size); // last, so its length need not be there
    at += cpu.size;
    sha256(span_of(all, (size_t)(at - all)), out);
}

// ---- what must hold of a function, for both sides

static bool is_callee(const struct wasm_module *module, u32 callee)
{
    if (callee & JIT_CALLEE_ELEMENT) {
        u32 type = callee & ~(u32)JIT_CALLEE_ELEMENT;
        return type < module->type_count && module->types[type].canonical == type;
    }
    if (callee & JIT_CALLEE_HELPER) {
        return (callee & ~(u32)JIT_CALLEE_HELPER) < IR_HELPER_COUNT;
    }
    if (callee & JIT_CALLEE_TAG) {
        return (callee & ~(u32)JIT_CALLEE_TAG) < module->tag_count;
    }
    return callee < module->function_count;
}

static bool are_calls_good(const struct wasm_module *module, const struct jit_function *code)
{
    u64 end = 0; // of the one before
    for (u32 i = 0; i < code->call_count; i++) {
        u64 at = code->calls[i].code;
        if (at < end || at + CALL_FIELD_BYTES > code->code_bytes ||
            !is_callee(module, code->calls[i].function)) {
            return false;
        }
        end = at + CALL_FIELD_BYTES;
    }
    return true;
}

static bool are_sites_good(const struct wasm_body *body, const struct jit_function *code)
{
    for (u32 i = 0; i < code->site_count; i++) {
        const struct jit_site *site = &code->sites[i];
        if (site->code > code->code_bytes || site->origin > body->code.size ||
            site->trap >= TRAP_COUNT || site->landing > code->code_bytes - site->code) {
            return false;
        }
        const struct jit_site *before = i == 0 ? NULL : site - 1;
        bool follows =
            before == NULL || before->code < site->code ||
            (before->code == site->code && before->trap == TRAP_NONE && site->trap != TRAP_NONE);
        if (!follows) {
            return false;
        }
    }
    return true;
}

// What module.c, thread.c and backtrace.c count on.
static bool is_good(const struct wasm_module *module, const struct jit_placed *placed)
{
    const struct jit_function *code = &placed->code;
    if (placed->function < module->function_import_count ||
        placed->function >= module->function_count) {
        return false;
    }
    return code->code_bytes > 0 && code->code_bytes <= JIT_CODE_BYTES &&
           code->prologue_bytes <= code->code_bytes && code->frame_bytes <= JIT_FRAME_BYTES &&
           code->frame_bytes % 8 == 0 && are_calls_good(module, code) &&
           are_sites_good(&module->bodies[placed->function - module->function_import_count], code);
}

// ---- writing

struct jit_image_part {
    struct jit_image_part *next;
    struct span bytes;
    u32 functions;
    u8 hash[HASH_BYTES];
};

void jit_image_begin(struct jit_image_writer *writer, const struct wasm_module *module,
                     sha256_function sha256, struct memory *memory)
{
    *writer = (struct jit_image_writer){.module = module, .sha256 = sha256};
    // Half of each part may stay empty.
    arena_init(&writer->arena, memory, 2 * (size_t)JIT_IMAGE_BYTES);
}

void jit_image_end(struct jit_image_writer *writer)
{
    arena_drop(&writer->arena);
}

static void fail(struct jit_image_writer *writer, enum err err)
{
    if (writer->err == ERR_OK) {
        writer->err = err;
    }
}

static struct jit_image_part *part_append(struct jit_image_writer *writer, struct span bytes,
                                          u32 functions)
{
    struct jit_image_part *part = ARENA_NEW(&writer->arena, struct jit_image_part);
    if (part == NULL) {
        fail(writer, ERR_NO_MEMORY);
        return NULL;
    }
    u64 most = JIT_IMAGE_BYTES - HEADER_BYTES - (u64)ENTRY_BYTES * JIT_IMAGE_PARTS;
    if (writer->part_count == JIT_IMAGE_PARTS || bytes.size > most - writer->bytes) {
        fail(writer, ERR_LIMIT);
        return NULL;
    }
    part->bytes = bytes;
    part->functions = functions;
    if (writer->last == NULL) {
        writer->first = part;
    } else {
        writer->last->next = part;
    }
    writer->last = part;
    writer->part_count++;
    writer->bytes += bytes.size;
    return part;
}

static void part_close(struct jit_image_writer *writer)
{
    if (writer->open_functions > 0) {
        struct span bytes = span_of(writer->open, writer->open_used);
        struct jit_image_part *part = part_append(writer, bytes, writer->open_functions);
        if (part != NULL) {
            writer->sha256(bytes, part->hash);
        }
    }
    writer->open = NULL;
    writer->open_functions = 0;
}

// Room for `bytes` in the open part, or in a new one.
static u8 *part_room(struct jit_image_writer *writer, u64 bytes)
{
    if (writer->open != NULL && bytes <= writer->open_capacity - writer->open_used) {
        return writer->open + writer->open_used;
    }
    part_close(writer);
    u64 capacity = bytes > JIT_IMAGE_PART_BYTES ? bytes : JIT_IMAGE_PART_BYTES;
    if (capacity > JIT_IMAGE_BYTES) {
        fail(writer, ERR_LIMIT);
        return NULL;
    }
    writer->open = ARENA_ROOM(&writer->arena, u8, capacity);
    writer->open_capacity = (u32)capacity;
    writer->open_used = 0;
    if (writer->open == NULL) {
        fail(writer, ERR_NO_MEMORY);
    }
    return writer->open;
}

static u8 *put(u8 *at, u32 value)
{
    return at + varint_write(value, at);
}

static u8 *function_write(const struct jit_placed *placed, u8 *at)
{
    const struct jit_function *code = &placed->code;
    at = put(at, placed->function);
    at = put(at, code->code_bytes);
    at = put(at, code->frame_bytes);
    at = put(at, code->prologue_bytes);
    at = put(at, code->call_count);
    at = put(at, code->site_count);
    u32 from = 0;
    for (u32 i = 0; i < code->call_count; i++) {
        at = put(at, code->calls[i].code - from);
        at = put(at, code->calls[i].function);
        from = code->calls[i].code + CALL_FIELD_BYTES;
    }
    from = 0;
    for (u32 i = 0; i < code->site_count; i++) {
        at = put(at, code->sites[i].code - from);
        at = put(at, code->sites[i].origin);
        const struct jit_site *site = &code->sites[i]; // only a call lands, which is no trap
        at = put(at, site->landing == 0 ? site->trap : TRAP_COUNT + (u32)site->landing);
        from = code->sites[i].code;
    }
    mem_copy(at, code->code, code->code_bytes);
    return at + code->code_bytes;
}

void jit_image_add(struct jit_image_writer *writer, const struct jit_placed *functions, u32 count)
{
    for (u32 i = 0; i < count && writer->err == ERR_OK; i++) {
        const struct jit_function *code = &functions[i].code;
        if (functions[i].loop != NULL) {
            continue; // see image.h
        }
        if (!is_good(writer->module, &functions[i])) {
            fail(writer, ERR_INVALID); // it would be refused when it is read
            return;
        }
        u64 most = FUNCTION_BYTES + (u64)code->call_count * CALL_BYTES +
                   (u64)code->site_count * SITE_BYTES + code->code_bytes;
        u8 *start = part_room(writer, most);
        if (start == NULL) {
            return;
        }
        u8 *end = function_write(&functions[i], start);
        ASSERT((u64)(end - start) <= most);
        writer->open_used += (u32)(end - start);
        writer->open_functions++;
        writer->function_count++;
    }
}

static void header_write(const struct jit_image_writer *writer, const u8 name[JIT_IMAGE_NAME_BYTES],
                         bool is_whole, u8 *out)
{
    u64 table_bytes = (u64)ENTRY_BYTES * writer->part_count;
    u8 *at = out + HASH_BYTES;
    mem_copy(at, magic, MAGIC_BYTES);
    at += MAGIC_BYTES;
    mem_copy(at, name, JIT_IMAGE_NAME_BYTES);
    at += JIT_IMAGE_NAME_BYTES;
    mem_store_u32(at, is_whole);
    mem_store_u32(at + 4, writer->part_count);
    mem_store_u64(at + 8, HEADER_BYTES + table_bytes + writer->bytes);
    at = out + HEADER_BYTES;
    for (const struct jit_image_part *part = writer->first; part != NULL; part = part->next) {
        mem_store_u32(at, (u32)part->bytes.size);
        mem_store_u32(at + 4, part->functions);
        mem_copy(at + 8, part->hash, HASH_BYTES);
        at += ENTRY_BYTES;
    }
    u64 rest = HEADER_BYTES - HASH_BYTES + table_bytes;
    writer->sha256(span_of(out + HASH_BYTES, rest), out);
}

enum err jit_image_finish(struct jit_image_writer *writer, const u8 name[JIT_IMAGE_NAME_BYTES],
                          bool is_whole, struct span **pieces, u32 *piece_count)
{
    part_close(writer);
    if (writer->err != ERR_OK) {
        return writer->err;
    }
    if (writer->part_count == 0) {
        return ERR_NOT_FOUND;
    }
    u64 header_bytes = HEADER_BYTES + (u64)ENTRY_BYTES * writer->part_count;
    u8 *header = ARENA_ROOM(&writer->arena, u8, header_bytes);
    struct span *list = ARENA_ARRAY(&writer->arena, struct span, writer->part_count + 1);
    if (header == NULL || list == NULL) {
        return ERR_NO_MEMORY;
    }
    header_write(writer, name, is_whole, header);
    list[0] = span_of(header, header_bytes);
    u32 count = 1;
    for (const struct jit_image_part *part = writer->first; part != NULL; part = part->next) {
        list[count++] = part->bytes;
    }
    *pieces = list;
    *piece_count = count;
    return ERR_OK;
}

// ---- reading

static const u8 *entry_of(const struct jit_image *image, u32 part)
{
    return image->bytes.data + HEADER_BYTES + (u64)ENTRY_BYTES * part;
}

static enum err wrong(struct report *report, enum err err, const char *why)
{
    return report_err(report, err, 0, why);
}

// The table's own numbers, once its hash is right.
static enum err table_check(const struct jit_image *image, struct report *report)
{
    u64 left = image->bytes.size - HEADER_BYTES - (u64)ENTRY_BYTES * image->part_count;
    for (u32 i = 0; i < image->part_count; i++) {
        u32 size = mem_load_u32(entry_of(image, i));
        u32 functions = mem_load_u32(entry_of(image, i) + 4);
        if (size > left || functions == 0 || functions > size / FUNCTION_BYTES_MIN) {
            return wrong(report, ERR_MALFORMED, "the table of parts does not fit");
        }
        left -= size;
    }
    return left == 0 ? ERR_OK : wrong(report, ERR_MALFORMED, "there is more than the parts");
}

enum err jit_image_open(struct jit_image *image, struct span bytes,
                        const u8 name[JIT_IMAGE_NAME_BYTES], const struct wasm_module *module,
                        sha256_function sha256, struct arena *arena, struct report *report)
{
    if (bytes.size < HEADER_BYTES || !mem_equal(bytes.data + HASH_BYTES, magic, MAGIC_BYTES)) {
        return wrong(report, ERR_MALFORMED, "it does not begin as kept code");
    }
    const u8 *fields = bytes.data + HASH_BYTES + MAGIC_BYTES + JIT_IMAGE_NAME_BYTES;
    u32 is_whole = mem_load_u32(fields);
    u32 part_count = mem_load_u32(fields + 4);
    if (mem_load_u64(fields + 8) != bytes.size) {
        return wrong(report, ERR_MALFORMED, "it was cut short, or has grown");
    }
    if (bytes.size > JIT_IMAGE_BYTES || part_count > JIT_IMAGE_PARTS) {
        return wrong(report, ERR_LIMIT, "it is too large");
    }
    u64 table_bytes = (u64)ENTRY_BYTES * part_count;
    if (part_count == 0 || table_bytes > bytes.size - HEADER_BYTES) {
        return wrong(report, ERR_MALFORMED, "there is no table of parts");
    }
    u8 hash[HASH_BYTES];
    sha256(span_of(bytes.data + HASH_BYTES, HEADER_BYTES - HASH_BYTES + table_bytes), hash);
    if (!mem_equal(hash, bytes.data, HASH_BYTES)) {
        return wrong(report, ERR_MISMATCH, "its header has changed");
    }
    if (!mem_equal(bytes.data + HASH_BYTES + MAGIC_BYTES, name, JIT_IMAGE_NAME_BYTES)) {
        return wrong(report, ERR_MISMATCH, "it is of another program, compiler or CPU");
    }
    if (is_whole > 1) {
        return wrong(report, ERR_MALFORMED, "the header has a number that means nothing");
    }
    *image = (struct jit_image){
        .module = module,
        .sha256 = sha256,
        .bytes = bytes,
        .is_whole = is_whole != 0,
        .part_count = part_count,
        .next = HEADER_BYTES + table_bytes,
    };
    TRY(table_check(image, report));
    image->seen = ARENA_ARRAY(arena, u8, module->function_count - module->function_import_count);
    return image->seen == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static enum err calls_read(struct reader *in, struct jit_function *code, struct arena *arena,
                           struct report *report)
{
    if (code->call_count > reader_left(in) / CALL_BYTES_MIN) {
        return report_err(report, ERR_MALFORMED, reader_offset(in), "more calls than bytes");
    }
    code->calls = ARENA_ROOM(arena, struct jit_call, code->call_count);
    if (code->calls == NULL) {
        return ERR_NO_MEMORY;
    }
    u64 from = 0;
    for (u32 i = 0; i < code->call_count; i++) {
        u32 distance;
        TRY(reader_leb_u32(in, &distance, report));
        TRY(reader_leb_u32(in, &code->calls[i].function, report));
        if (from + distance > code->code_bytes) {
            return report_err(report, ERR_MALFORMED, reader_offset(in), "a call beyond the code");
        }
        code->calls[i].code = (u32)(from + distance);
        from += distance + (u64)CALL_FIELD_BYTES;
    }
    return ERR_OK;
}

static enum err sites_read(struct reader *in, struct jit_function *code, struct arena *arena,
                           struct report *report)
{
    if (code->site_count > reader_left(in) / SITE_BYTES_MIN) {
        return report_err(report, ERR_MALFORMED, reader_offset(in), "more sites than bytes");
    }
    code->sites = ARENA_ROOM(arena, struct jit_site, code->site_count);
    if (code->sites == NULL) {
        return ERR_NO_MEMORY;
    }
    u64 at = 0;
    for (u32 i = 0; i < code->site_count; i++) {
        u32 distance;
        u32 origin;
        u8 trap;
        TRY(reader_leb_u32(in, &distance, report));
        TRY(reader_leb_u32(in, &origin, report));
        TRY(reader_u8(in, &trap, report));
        at += distance;
        if (at > code->code_bytes) {
            return report_err(report, ERR_MALFORMED, reader_offset(in), "a site beyond the code");
        }
        bool lands = trap > TRAP_COUNT;
        code->sites[i] = (struct jit_site){.code = (u32)at,
                                           .origin = origin,
                                           .trap = lands ? (u8)TRAP_NONE : trap,
                                           .landing = lands ? (u8)(trap - TRAP_COUNT) : 0};
    }
    return ERR_OK;
}

static enum err function_read(struct reader *in, const struct wasm_module *module,
                              struct arena *arena, struct jit_placed *out, struct report *report)
{
    struct jit_function *code = &out->code;
    u64 start = reader_offset(in);
    TRY(reader_leb_u32(in, &out->function, report));
    TRY(reader_leb_u32(in, &code->code_bytes, report));
    TRY(reader_leb_u32(in, &code->frame_bytes, report));
    TRY(reader_leb_u32(in, &code->prologue_bytes, report));
    TRY(reader_leb_u32(in, &code->call_count, report));
    TRY(reader_leb_u32(in, &code->site_count, report));
    TRY(calls_read(in, code, arena, report));
    TRY(sites_read(in, code, arena, report));
    struct span bytes;
    TRY(reader_bytes(in, code->code_bytes, &bytes, report));
    code->code = (u8 *)bytes.data; // nobody writes there: jit_module_place copies it
    return is_good(module, out)
               ? ERR_OK
               : report_err(report, ERR_MALFORMED, start, "a function's numbers do not fit");
}

// The functions of part number `part`, which begins at image->next.
static enum err part_read(const struct jit_image *image, u32 part, struct arena *arena,
                          struct jit_placed **out, u32 *count, struct report *report)
{
    u32 size = mem_load_u32(entry_of(image, part));
    u32 functions = mem_load_u32(entry_of(image, part) + 4);
    struct jit_placed *all = ARENA_ARRAY(arena, struct jit_placed, functions);
    if (all == NULL) {
        return ERR_NO_MEMORY;
    }
    struct reader in = reader_over(span_of(image->bytes.data + image->next, size));
    in.base = image->next;
    for (u32 i = 0; i < functions; i++) {
        TRY(function_read(&in, image->module, arena, &all[i], report));
    }
    if (reader_left(&in) != 0) {
        return report_err(report, ERR_MALFORMED, reader_offset(&in), "more than the functions");
    }
    *out = all;
    *count = functions;
    return ERR_OK;
}

enum err jit_image_check(struct jit_image *image, struct arena *scratch, struct report *report)
{
    ASSERT(image->checked_count < image->part_count);
    const u8 *entry = entry_of(image, image->checked_count);
    u32 size = mem_load_u32(entry);
    u8 hash[HASH_BYTES];
    image->sha256(span_of(image->bytes.data + image->next, size), hash);
    if (!mem_equal(hash, entry + 8, HASH_BYTES)) {
        return report_err(report, ERR_MISMATCH, image->next, "a part has changed");
    }
    struct jit_placed *functions;
    u32 count;
    TRY(part_read(image, image->checked_count, scratch, &functions, &count, report));
    for (u32 i = 0; i < count; i++) {
        u8 *seen = &image->seen[functions[i].function - image->module->function_import_count];
        if (*seen != 0) {
            return report_err(report, ERR_MALFORMED, image->next, "a function is there twice");
        }
        *seen = 1;
    }
    image->function_count += count;
    image->next += size;
    image->checked_count++;
    return ERR_OK;
}

void jit_image_rewind(struct jit_image *image)
{
    ASSERT(image->checked_count == image->part_count);
    image->checked_count = 0;
    image->next = HEADER_BYTES + (u64)ENTRY_BYTES * image->part_count;
}

enum err jit_image_read(struct jit_image *image, struct arena *arena, struct jit_placed **out,
                        u32 *count, struct report *report)
{
    ASSERT(image->checked_count < image->part_count);
    TRY(part_read(image, image->checked_count, arena, out, count, report));
    image->next += mem_load_u32(entry_of(image, image->checked_count));
    image->checked_count++;
    return ERR_OK;
}

void jit_image_add_parts(struct jit_image_writer *writer, const struct jit_image *image)
{
    u64 at = HEADER_BYTES + (u64)ENTRY_BYTES * image->part_count;
    for (u32 i = 0; i < image->part_count && writer->err == ERR_OK; i++) {
        const u8 *entry = entry_of(image, i);
        u32 size = mem_load_u32(entry);
        u32 functions = mem_load_u32(entry + 4);
        struct jit_image_part *part =
            part_append(writer, span_of(image->bytes.data + at, size), functions);
        if (part != NULL) {
            mem_copy(part->hash, entry + 8, HASH_BYTES);
            writer->function_count += functions;
        }
        at += size;
    }
}
