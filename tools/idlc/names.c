// SPDX-License-Identifier: GPL-3.0-or-later
// Names: what each type and function is called in C.
#include "core/base/arena.h"
#include "core/base/compiler.h"
#include "lib/wit/limits.h"
#include "tools/idlc/idlc.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

// Words that cannot be a member: of C, and macros that compilers or C's headers define in lower
// case.
static const char *const c_words[] = {
    "alignas",      "alignof", "asm",      "assert",    "auto",          "bool",    "break",
    "case",         "char",    "const",    "constexpr", "continue",      "default", "do",
    "double",       "else",    "enum",     "errno",     "extern",        "false",   "float",
    "for",          "goto",    "i386",     "if",        "inline",        "int",     "linux",
    "long",         "nullptr", "register", "restrict",  "return",        "short",   "signed",
    "sizeof",       "static",  "stderr",   "stdin",     "stdout",        "struct",  "switch",
    "thread_local", "true",    "typedef",  "typeof",    "typeof_unqual", "union",   "unix",
    "unsigned",     "void",    "volatile", "while",
};

const char *format(struct generator *gen, const char *words, ...)
{
    va_list list;
    va_start(list, words);
    int size = vsnprintf(NULL, 0, words, list);
    va_end(list);
    char *out = ARENA_ARRAY(gen->arena, char, (size_t)size + 1);
    if (size < 0 || out == NULL) {
        fprintf(stderr, "idlc: out of memory\n");
        exit(1);
    }
    va_start(list, words);
    vsnprintf(out, (size_t)size + 1, words, list);
    va_end(list);
    return out;
}

static const char *convert(struct generator *gen, struct span name, bool upper)
{
    char *out = (char *)format(gen, "%.*s", (int)name.size, name.data);
    for (char *c = out; *c != 0; c++) {
        if (*c == '-') {
            *c = '_';
        } else if (upper && *c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
    return out;
}

const char *c_lower(struct generator *gen, struct span name)
{
    return convert(gen, name, false);
}

const char *c_upper(struct generator *gen, struct span name)
{
    return convert(gen, name, true);
}

const char *c_member(struct generator *gen, struct span name)
{
    const char *member = c_lower(gen, name);
    for (size_t i = 0; i < COUNT_OF(c_words); i++) {
        if (strcmp(member, c_words[i]) == 0) {
            return format(gen, "%s_", member);
        }
    }
    return member;
}

bool is_bytes(const struct wit_type *type)
{
    return type->kind == WIT_LIST && type->items->type->kind == WIT_U8;
}

bool is_view(const struct wit_type *type)
{
    return type->kind == WIT_LIST && !is_bytes(type);
}

bool is_scalar(const struct wit_type *type)
{
    return type->kind < WIT_LIST || type->kind == WIT_ENUM || is_bytes(type);
}

bool is_ours(const struct generator *gen, const struct wit_type *type)
{
    return type->home == gen->interface && !is_bytes(type);
}

static u64 size_add(u64 a, u64 b)
{
    return a == WIT_UNBOUNDED || b == WIT_UNBOUNDED || a + b < a ? WIT_UNBOUNDED : a + b;
}

u64 call_size_max(const struct wit_function *function)
{
    u64 bytes = 0;
    for (const struct wit_item *item = function->parameters; item != NULL; item = item->next) {
        bytes = size_add(bytes, item->type->size_max);
    }
    return bytes;
}

u64 result_size_max(const struct wit_function *function)
{
    return function->result == NULL ? 0 : function->result->size_max;
}

static const struct type_names primitives[] = {
    [WIT_BOOL] = {NULL, "bool", "bool", "bool"},
    [WIT_U8] = {NULL, "u8", "u8", "u8"},
    [WIT_U16] = {NULL, "u16", "u16", "u16"},
    [WIT_U32] = {NULL, "u32", "u32", "u32"},
    [WIT_U64] = {NULL, "u64", "u64", "u64"},
    [WIT_S8] = {NULL, "s8", "i8", "s8"},
    [WIT_S16] = {NULL, "s16", "i16", "s16"},
    [WIT_S32] = {NULL, "s32", "i32", "s32"},
    [WIT_S64] = {NULL, "s64", "i64", "s64"},
    [WIT_F32] = {NULL, "f32", "f32", "f32"},
    [WIT_F64] = {NULL, "f64", "f64", "f64"},
    [WIT_CHAR] = {NULL, "char", "u32", "char"},
    [WIT_STRING] = {NULL, "string", "struct span", "string"},
};
static const struct type_names bytes_names = {NULL, "bytes", "struct span", "list<u8>"};

const struct type_names *names_of(struct generator *gen, const struct wit_type *type)
{
    if (type->kind < WIT_LIST) {
        return &primitives[type->kind];
    }
    return is_bytes(type) ? &bytes_names : &gen->types[type->index];
}

// How `type` is called within a name of interface `home`; NULL: nothing is there.
static const char *part(struct generator *gen, const struct wit_type *type,
                        const struct wit_interface *home)
{
    if (type == NULL) {
        return "none";
    }
    const struct type_names *names = names_of(gen, type);
    return names->c == NULL || type->home == home ? names->local : names->c;
}

// Names a type written in place after what it is made of.
static void name_in_place(struct generator *gen, const struct wit_type *type,
                          struct type_names *names)
{
    static const char *const words[] = {
        [WIT_LIST] = "list",
        [WIT_OPTION] = "option",
        [WIT_RESULT] = "result",
        [WIT_TUPLE] = "tuple",
    };
    const char *local = words[type->kind];
    const char *wit = format(gen, "%s<", words[type->kind]);
    const char *comma = "";
    for (const struct wit_item *item = type->items; item != NULL; item = item->next) {
        local = format(gen, "%s_%s", local, part(gen, item->type, type->home));
        if (item->type != NULL || comma[0] == 0) {
            wit = format(gen, "%s%s%s", wit, comma,
                         item->type == NULL ? "_" : names_of(gen, item->type)->wit);
        }
        comma = ", ";
    }
    names->local = local;
    names->wit = format(gen, "%s>", wit);
    if (type->kind == WIT_RESULT && type->items->type == NULL && type->items->next->type == NULL) {
        names->wit = "result";
    }
}

void names_make(struct generator *gen)
{
    u32 count = 0;
    for (struct wit_type *type = gen->interface->sorted; type != NULL; type = type->next_sorted) {
        type->index = count++;
    }
    gen->types = ARENA_ARRAY(gen->arena, struct type_names, count);
    if (gen->types == NULL) {
        fprintf(stderr, "idlc: out of memory\n");
        exit(1);
    }
    for (struct wit_type *type = gen->interface->sorted; type != NULL; type = type->next_sorted) {
        struct type_names *names = &gen->types[type->index];
        if (type->name.size != 0) {
            names->local = c_lower(gen, type->name);
            names->wit = format(gen, "%.*s", (int)type->name.size, type->name.data);
        } else {
            name_in_place(gen, type, names);
        }
        const char *prefix =
            type->home == gen->interface ? gen->prefix : c_lower(gen, type->home->name);
        names->c = format(gen, "%s_%s", prefix, names->local);
        names->full = format(gen, "%s %s", type->kind == WIT_ENUM ? "enum" : "struct", names->c);
    }
}

// ---- clashes

struct claims {
    const char **names;
    size_t count;
    size_t capacity;
};

static void claim(struct claims *claims, const char *name)
{
    if (claims->count == claims->capacity) {
        claims->capacity = claims->capacity * 2 + 64;
        claims->names = realloc(claims->names, claims->capacity * sizeof *claims->names);
        if (claims->names == NULL) {
            fprintf(stderr, "idlc: out of memory\n");
            exit(1);
        }
    }
    claims->names[claims->count++] = name;
}

static void claim_type(struct generator *gen, struct claims *claims, const struct wit_type *type)
{
    const char *c = gen->types[type->index].c;
    claim(claims, c);
    if (type->kind != WIT_ENUM) {
        claim(claims, format(gen, "%s_read", c));
        claim(claims, format(gen, "%s_write", c));
    }
    if (is_view(type)) {
        claim(claims, format(gen, "%s_next", c));
    }
    if (type->kind == WIT_VARIANT) {
        claim(claims, format(gen, "%s_kind", c));
    }
    if (type->kind == WIT_VARIANT || type->kind == WIT_ENUM || type->kind == WIT_FLAGS) {
        const char *upper = c_upper(gen, span_string(c));
        for (const struct wit_item *item = type->items; item != NULL; item = item->next) {
            claim(claims, format(gen, "%s_%s", upper, c_upper(gen, item->name)));
        }
    }
}

static void claim_function(struct generator *gen, struct claims *claims,
                           const struct wit_function *function)
{
    static const char *const ends[] = {
        "", "_call", "_encode_call", "_decode_call", "_encode_result", "_decode_result"};
    static const char *const upper_ends[] = {"_ID", "_INDEX", "_CALL_BYTES", "_RESULT_BYTES"};
    const char *name = c_lower(gen, function->name);
    const char *upper = c_upper(gen, function->name);
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        claim(claims, format(gen, "%s_%s%s", gen->prefix, name, ends[i]));
    }
    for (size_t i = 0; i < COUNT_OF(upper_ends); i++) {
        claim(claims, format(gen, "%s_%s%s", gen->prefix_upper, upper, upper_ends[i]));
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool names_clash(struct generator *gen)
{
    static const char *const ends[] = {"interface", "handler", "dispatch"};
    static const char *const upper_ends[] = {"NAME", "HASH", "FUNCTION_COUNT"};
    struct claims claims = {0};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        claim(&claims, format(gen, "%s_%s", gen->prefix, ends[i]));
        claim(&claims, format(gen, "%s_%s", gen->prefix_upper, upper_ends[i]));
    }
    for (const struct wit_type *t = gen->interface->sorted; t != NULL; t = t->next_sorted) {
        if (is_ours(gen, t)) {
            claim_type(gen, &claims, t);
        }
    }
    for (const struct wit_function *f = gen->interface->functions; f != NULL; f = f->next) {
        claim_function(gen, &claims, f);
    }
    qsort(claims.names, claims.count, sizeof *claims.names, compare);
    bool clash = false;
    for (size_t i = 1; i < claims.count; i++) {
        if (strcmp(claims.names[i - 1], claims.names[i]) == 0) {
            fprintf(stderr, "idlc: %s: two things would be called %s in C; rename one\n",
                    gen->source, claims.names[i]);
            clash = true;
        }
    }
    free(claims.names);
    return clash;
}
