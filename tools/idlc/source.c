// SPDX-License-Identifier: GPL-3.0-or-later
// The source: the definition, a writer and a reader for each type, the bodies, the dispatch.
#include "core/base/compiler.h"
#include "tools/idlc/idlc.h"
#include <inttypes.h>

// The unsigned width in which a number travels.
static const char *wire_word(enum wit_kind kind)
{
    static const char *const words[] = {
        [WIT_BOOL] = "bool", [WIT_U8] = "u8",   [WIT_U16] = "u16", [WIT_U32] = "u32",
        [WIT_U64] = "u64",   [WIT_S8] = "u8",   [WIT_S16] = "u16", [WIT_S32] = "u32",
        [WIT_S64] = "u64",   [WIT_F32] = "f32", [WIT_F64] = "f64", [WIT_CHAR] = "u32",
    };
    return words[kind];
}

static bool is_signed(enum wit_kind kind)
{
    return kind >= WIT_S8 && kind <= WIT_S64;
}

// A statement that writes the value of the C expression `value`.
static void emit_write(struct generator *gen, const char *indent, const struct wit_type *type,
                       const char *value)
{
    if (type->kind == WIT_STRING || is_bytes(type)) {
        fprintf(gen->out, "%swire_write_bytes(out, %s);\n", indent, value);
    } else if (type->kind == WIT_ENUM) {
        fprintf(gen->out, "%swire_write_u8(out, (u8)%s);\n", indent, value);
    } else if (is_signed(type->kind)) {
        const char *word = wire_word(type->kind);
        fprintf(gen->out, "%swire_write_%s(out, (%s)%s);\n", indent, word, word, value);
    } else if (type->kind < WIT_LIST) {
        fprintf(gen->out, "%swire_write_%s(out, %s);\n", indent, wire_word(type->kind), value);
    } else {
        fprintf(gen->out, "%s%s_write(out, &%s);\n", indent, names_of(gen, type)->c, value);
    }
}

// A statement that reads into the C place `place`.
static void emit_read(struct generator *gen, const char *indent, const struct wit_type *type,
                      const char *place)
{
    if (type->kind == WIT_STRING) {
        fprintf(gen->out, "%s%s = wire_read_string(in);\n", indent, place);
    } else if (is_bytes(type)) {
        fprintf(gen->out, "%s%s = wire_read_bytes(in);\n", indent, place);
    } else if (type->kind == WIT_CHAR) {
        fprintf(gen->out, "%s%s = wire_read_char(in);\n", indent, place);
    } else if (type->kind == WIT_ENUM) {
        fprintf(gen->out, "%s%s = (%s)wire_read_case(in, %u);\n", indent, place,
                names_of(gen, type)->full, type->item_count);
    } else if (is_signed(type->kind)) {
        fprintf(gen->out, "%s%s = (%s)wire_read_%s(in);\n", indent, place,
                names_of(gen, type)->full, wire_word(type->kind));
    } else if (type->kind < WIT_LIST) {
        fprintf(gen->out, "%s%s = wire_read_%s(in);\n", indent, place, wire_word(type->kind));
    } else {
        fprintf(gen->out, "%s%s_read(in, &%s);\n", indent, names_of(gen, type)->c, place);
    }
}

typedef void emit_value(struct generator *gen, const char *indent, const struct wit_type *type,
                        const char *place);

// ---- the body of a type's writer or reader

static void emit_items(struct generator *gen, const struct wit_type *type, emit_value *emit)
{
    u32 number = 0;
    for (const struct wit_item *item = type->items; item != NULL; item = item->next) {
        const char *member =
            type->kind == WIT_TUPLE ? format(gen, "f%u", number++) : c_member(gen, item->name);
        emit(gen, "    ", item->type, format(gen, "value->%s", member));
    }
}

static void emit_variant_items(struct generator *gen, const struct wit_type *type, emit_value *emit)
{
    const char *upper = c_upper(gen, span_string(names_of(gen, type)->c));
    fprintf(gen->out, "    switch (value->kind) {\n");
    for (const struct wit_item *item = type->items; item != NULL; item = item->next) {
        fprintf(gen->out, "    case %s_%s:\n", upper, c_upper(gen, item->name));
        if (item->type != NULL) {
            emit(gen, "        ", item->type,
                 format(gen, "value->as.%s", c_member(gen, item->name)));
        }
        fprintf(gen->out, "        break;\n");
    }
    fprintf(gen->out, "    }\n");
}

// `if (condition) value; else error;`, each perhaps without a type.
static void emit_either(struct generator *gen, const char *condition, const struct wit_type *value,
                        const struct wit_type *error, emit_value *emit)
{
    if (value == NULL && error == NULL) {
        return;
    }
    fprintf(gen->out, "    if (%s%s) {\n", value == NULL ? "!" : "", condition);
    if (value != NULL) {
        emit(gen, "        ", value, "value->value");
    }
    if (value != NULL && error != NULL) {
        fprintf(gen->out, "    } else {\n");
    }
    if (error != NULL) {
        emit(gen, "        ", error, "value->error");
    }
    fprintf(gen->out, "    }\n");
}

static void emit_view_writer(struct generator *gen, const struct wit_type *type)
{
    const struct wit_type *item = type->items->type;
    fprintf(gen->out, "    wire_write_u32(out, value->count);\n"
                      "    if (value->items == NULL) {\n"
                      "        wire_write_raw(out, value->encoded);\n"
                      "        return;\n"
                      "    }\n"
                      "    for (u32 i = 0; i < value->count; i++) {\n");
    emit_write(gen, "        ", item, "value->items[i]");
    fprintf(gen->out, "    }\n");
}

static void emit_view_reader(struct generator *gen, const struct wit_type *type)
{
    const struct wit_type *item = type->items->type;
    fprintf(gen->out,
            "    value->count = wire_read_count(in, %" PRIu64 ");\n"
            "    value->items = NULL;\n",
            item->size_min);
    if (item->every_bit) {
        fprintf(gen->out,
                "    size_t size = (size_t)value->count * %" PRIu64 ";\n"
                "    value->encoded = span_of(wire_reader_take(in, size), size);\n",
                item->size_min);
        return;
    }
    fprintf(gen->out,
            "    const u8 *start = in->next;\n"
            "    for (u32 i = 0; i < value->count && !in->failed; i++) {\n"
            "        %s item;\n",
            names_of(gen, item)->full);
    emit_read(gen, "        ", item, "item");
    fprintf(gen->out, "        (void)item;\n"
                      "    }\n"
                      "    value->encoded = span_of(start, (size_t)(in->next - start));\n");
}

static void emit_next(struct generator *gen, const struct wit_type *type, const char *c)
{
    const struct wit_type *item = type->items->type;
    const char *full = names_of(gen, item)->full;
    fprintf(gen->out,
            "\nbool %s_next(struct %s *list, %s *item)\n"
            "{\n"
            "    if (list->count == 0) {\n"
            "        return false;\n"
            "    }\n"
            "    list->count--;\n"
            "    if (list->items != NULL) {\n"
            "        *item = *list->items++;\n"
            "        return true;\n"
            "    }\n"
            "    struct wire_reader reader = wire_reader_over(list->encoded);\n"
            "    struct wire_reader *in = &reader;\n",
            c, c, full);
    if (is_scalar(item)) {
        emit_read(gen, "    ", item, "*item");
    } else {
        fprintf(gen->out, "    %s_read(in, item);\n", names_of(gen, item)->c);
    }
    fprintf(gen->out, "    list->encoded = span_of(in->next, wire_reader_left(in));\n"
                      "    return !in->failed;\n"
                      "}\n");
}

static void emit_writer(struct generator *gen, const struct wit_type *type)
{
    switch (type->kind) {
    case WIT_LIST:
        emit_view_writer(gen, type);
        break;
    case WIT_OPTION:
        fprintf(gen->out, "    wire_write_bool(out, value->some);\n");
        emit_either(gen, "value->some", type->items->type, NULL, emit_write);
        break;
    case WIT_RESULT:
        fprintf(gen->out, "    wire_write_bool(out, !value->ok);\n");
        emit_either(gen, "value->ok", type->items->type, type->items->next->type, emit_write);
        break;
    case WIT_VARIANT:
        fprintf(gen->out, "    wire_write_u8(out, (u8)value->kind);\n");
        emit_variant_items(gen, type, emit_write);
        break;
    case WIT_FLAGS:
        fprintf(gen->out, "    wire_write_u%u(out, value->bits);\n", (unsigned)type->size_min * 8);
        break;
    default:
        emit_items(gen, type, emit_write);
        break;
    }
}

static void emit_reader(struct generator *gen, const struct wit_type *type, const char *c)
{
    switch (type->kind) {
    case WIT_LIST:
        emit_view_reader(gen, type);
        break;
    case WIT_OPTION:
        fprintf(gen->out, "    mem_zero(value, sizeof *value);\n"
                          "    value->some = wire_read_bool(in);\n");
        emit_either(gen, "value->some", type->items->type, NULL, emit_read);
        break;
    case WIT_RESULT:
        fprintf(gen->out, "    mem_zero(value, sizeof *value);\n"
                          "    value->ok = !wire_read_bool(in);\n");
        emit_either(gen, "value->ok", type->items->type, type->items->next->type, emit_read);
        break;
    case WIT_VARIANT:
        fprintf(gen->out,
                "    mem_zero(value, sizeof *value);\n"
                "    value->kind = (enum %s_kind)wire_read_case(in, %u);\n",
                c, type->item_count);
        emit_variant_items(gen, type, emit_read);
        break;
    case WIT_FLAGS: {
        unsigned bits = (unsigned)type->size_min * 8;
        u64 mask = ((u64)1 << type->item_count) - 1; // at most WIT_FLAG_BITS
        fprintf(gen->out,
                "    value->bits = (u%u)wire_check_flags(in, wire_read_u%u(in), 0x%" PRIx64 "u);\n",
                bits, bits, mask);
        break;
    }
    default:
        emit_items(gen, type, emit_read);
        break;
    }
}

static void emit_type(struct generator *gen, const struct wit_type *type)
{
    const char *c = names_of(gen, type)->c;
    if (type->kind == WIT_ENUM) {
        return;
    }
    fprintf(gen->out,
            "\nvoid %s_write(struct wire_writer *out, const struct %s *value)\n"
            "{\n",
            c, c);
    emit_writer(gen, type);
    fprintf(gen->out,
            "}\n"
            "\nvoid %s_read(struct wire_reader *in, struct %s *value)\n"
            "{\n",
            c, c);
    emit_reader(gen, type, c);
    fprintf(gen->out, "}\n");
    if (is_view(type)) {
        emit_next(gen, type, c);
    }
}

// ---- bodies

static void emit_encode(struct generator *gen, const char *c, const char *what,
                        const char *argument, const struct wit_item *items,
                        const struct wit_type *result)
{
    fprintf(gen->out, "\nsize_t %s_encode_%s(void *buffer, size_t capacity%s)\n{\n", c, what,
            argument);
    if (items == NULL && result == NULL) {
        fprintf(gen->out, "    (void)buffer;\n    (void)capacity;\n    return 0;\n}\n");
        return;
    }
    fprintf(gen->out, "    struct wire_writer writer = wire_writer_over(buffer, capacity);\n"
                      "    struct wire_writer *out = &writer;\n");
    for (const struct wit_item *item = items; item != NULL; item = item->next) {
        emit_write(gen, "    ", item->type, format(gen, "call->%s", c_member(gen, item->name)));
    }
    if (result != NULL) {
        emit_write(gen, "    ", result, is_scalar(result) ? "result" : "*result");
    }
    fprintf(gen->out, "    return out->size;\n}\n");
}

static void emit_decode(struct generator *gen, const char *c, const char *what,
                        const char *argument, const struct wit_item *items,
                        const struct wit_type *result)
{
    fprintf(gen->out,
            "\nenum err %s_decode_%s(struct span body%s)\n{\n"
            "    struct wire_reader reader = wire_reader_over(body);\n"
            "    struct wire_reader *in = &reader;\n",
            c, what, argument);
    for (const struct wit_item *item = items; item != NULL; item = item->next) {
        emit_read(gen, "    ", item->type, format(gen, "call->%s", c_member(gen, item->name)));
    }
    if (result != NULL) {
        emit_read(gen, "    ", result, "*result");
    }
    fprintf(gen->out, "    return wire_reader_finish(in);\n}\n");
}

static void emit_bodies(struct generator *gen, const struct wit_function *function)
{
    const char *c = format(gen, "%s_%s", gen->prefix, c_lower(gen, function->name));
    const struct wit_item *items = function->parameters;
    const struct wit_type *result = function->result;
    const char *in = items == NULL ? "" : format(gen, ", const struct %s_call *call", c);
    const char *out = items == NULL ? "" : format(gen, ", struct %s_call *call", c);
    emit_encode(gen, c, "call", in, items, NULL);
    emit_decode(gen, c, "call", out, items, NULL);
    in = "";
    out = "";
    if (result != NULL) {
        const char *full = names_of(gen, result)->full;
        in = is_scalar(result) ? format(gen, ", %s result", full)
                               : format(gen, ", const %s *result", full);
        out = format(gen, ", %s *result", full);
    }
    emit_encode(gen, c, "result", in, NULL, result);
    emit_decode(gen, c, "result", out, NULL, result);
}

// ---- dispatch

static void emit_dispatch_one(struct generator *gen, const struct wit_function *function)
{
    const char *name = c_lower(gen, function->name);
    const char *member = c_member(gen, function->name);
    bool has_call = function->parameters != NULL;
    fprintf(gen->out,
            "\nstatic enum err dispatch_%s(const struct %s_handler *handler, void *context,\n"
            "                    const struct interface_message *message)\n"
            "{\n",
            name, gen->prefix);
    if (has_call) {
        fprintf(gen->out, "    struct %s_%s_call call;\n", gen->prefix, name);
    }
    fprintf(gen->out,
            "    if (handler->%s == NULL) {\n"
            "        return ERR_UNSUPPORTED;\n"
            "    }\n"
            "    TRY(%s_%s_decode_call(message->body%s));\n"
            "    handler->%s(context, message%s);\n"
            "    return ERR_OK;\n"
            "}\n",
            member, gen->prefix, name, has_call ? ", &call" : "", member,
            has_call ? ", &call" : "");
}

static void emit_dispatch(struct generator *gen)
{
    const struct wit_interface *interface = gen->interface;
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        emit_dispatch_one(gen, f);
    }
    fprintf(gen->out,
            "\nenum err %s_dispatch(const struct %s_handler *handler, void *context,\n"
            "                     const struct interface_message *message)\n"
            "{\n"
            "    switch (message->function) {\n",
            gen->prefix, gen->prefix);
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        fprintf(gen->out,
                "    case %s_%s_ID:\n        return dispatch_%s(handler, context, message);\n",
                gen->prefix_upper, c_upper(gen, f->name), c_lower(gen, f->name));
    }
    fprintf(gen->out, "    default:\n        return ERR_NOT_FOUND;\n    }\n}\n");
}

// ---- definition

static void emit_bytes(struct generator *gen, const char *indent, const u8 bytes[32])
{
    fprintf(gen->out, "{");
    for (u32 i = 0; i < 32; i++) {
        fprintf(gen->out, "0x%02x", bytes[i]);
        if (i == 31) {
            fprintf(gen->out, "}");
        } else if (i % 8 == 7) {
            fprintf(gen->out, ",\n%s", indent);
        } else {
            fprintf(gen->out, ", ");
        }
    }
}

// The documentation as one string on one line; bytes that a literal cannot have as they are by
// their numbers.
static void emit_words(struct generator *gen, struct span doc)
{
    fprintf(gen->out, "\"");
    for (size_t i = 0; i < doc.size; i++) {
        u8 byte = doc.data[i];
        if (byte == '\n') {
            fprintf(gen->out, " ");
        } else if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\' || byte == '?') {
            fprintf(gen->out, "\\%03o", byte);
        } else {
            fprintf(gen->out, "%c", byte);
        }
    }
    fprintf(gen->out, "\"");
}

static void emit_definition(struct generator *gen)
{
    const struct wit_interface *interface = gen->interface;
    fprintf(gen->out, "\nstatic const struct interface_function functions[] = {\n");
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        fprintf(gen->out, "    {.hash = ");
        emit_bytes(gen, "             ", f->hash);
        fprintf(gen->out, ",\n     .id = %s_%s_ID,\n     .name = \"%.*s\"},\n", gen->prefix_upper,
                c_upper(gen, f->name), (int)f->name.size, f->name.data);
    }
    fprintf(gen->out,
            "};\n"
            "\nconst struct interface_definition %s_interface = {\n"
            "    .hash = %s_HASH,\n"
            "    .name = %s_NAME,\n"
            "    .words = ",
            gen->prefix, gen->prefix_upper, gen->prefix_upper);
    emit_words(gen, interface->doc);
    fprintf(gen->out,
            ",\n"
            "    .functions = functions,\n"
            "    .function_count = %s_FUNCTION_COUNT,\n"
            "};\n",
            gen->prefix_upper);
}

void emit_source(struct generator *gen)
{
    const struct wit_interface *interface = gen->interface;
    emit_first_lines(gen, "codec and dispatch");
    fprintf(gen->out, "#include \"interfaces/%s.h\"\n", gen->prefix);
    if (interface->function_count != 0) {
        emit_definition(gen);
    }
    for (const struct wit_type *t = interface->sorted; t != NULL; t = t->next_sorted) {
        if (is_ours(gen, t)) {
            emit_type(gen, t);
        }
    }
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        emit_bodies(gen, f);
    }
    if (interface->function_count != 0) {
        emit_dispatch(gen);
    }
}
