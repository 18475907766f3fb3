// SPDX-License-Identifier: GPL-3.0-or-later
// Names to types. Four steps over all interfaces: no interface uses itself; each reference finds
// its declaration and each alias what it stands for; a walk without recursion over what types are
// made of refuses cycles, computes sizes and makes equal types written in place one; functions are
// within bounds.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/wire.h"
#include "lib/wit/internal.h"
#include "lib/wit/limits.h"

enum { NEW = 0, ENTERED = 1, DONE = 2 };

static enum err refuse(struct report *report, const struct wit_interface *at, u64 offset,
                       enum err err, const char *words, struct span detail)
{
    return wit_report(report, at->file, at->text, offset, err, words, detail);
}

// ---- step 1

// Marks interfaces whose uses are all marked until nothing changes: what is left uses itself.
static enum err check_uses(struct wit_interface *first, struct report *report)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (struct wit_interface *at = first; at != NULL; at = at->next) {
            bool ready = at->state != DONE;
            for (const struct wit_use *use = at->uses; use != NULL; use = use->next) {
                ready = ready && use->target->state == DONE;
            }
            if (ready) {
                at->state = DONE;
                changed = true;
            }
        }
    }
    for (const struct wit_interface *at = first; at != NULL; at = at->next) {
        if (at->state != DONE) {
            return refuse(report, at, at->uses->offset, ERR_INVALID,
                          "the interface uses itself, by way of", at->uses->interface);
        }
    }
    return ERR_OK;
}

// ---- step 2

// The declaration that a reference names.
static enum err find_declaration(const struct wit_type *reference, struct wit_type **out,
                                 struct report *report)
{
    const struct wit_interface *in = reference->home;
    if (reference->from.size != 0) {
        const struct wit_use *use = in->uses;
        while (!span_equal(use->interface, reference->from)) {
            use = use->next;
            ASSERT(use != NULL); // the parser made both
        }
        in = use->target;
    }
    struct wit_type *type = in->types;
    while (type != NULL && !span_equal(type->name, reference->name)) {
        type = type->next;
    }
    if (type == NULL) {
        return refuse(report, reference->home, reference->offset, ERR_INVALID,
                      reference->from.size == 0 ? "there is no type" : "it has no type",
                      reference->name);
    }
    *out = type;
    return ERR_OK;
}

// Replaces *at by the type that it means: no reference, no alias. Follows at most as many as there
// can be.
static enum err resolve(struct wit_type **at, struct report *report)
{
    struct wit_type *type = *at;
    u32 steps = 0;
    while (type->kind == WIT_REFERENCE || type->kind == WIT_ALIAS) {
        if (type->kind == WIT_ALIAS) {
            type = type->target;
        } else {
            TRY(find_declaration(type, &type, report));
        }
        if (++steps > 2 * WIT_FILES * WIT_TYPES) {
            return refuse(report, (*at)->home, (*at)->offset, ERR_INVALID,
                          "the type is defined by itself:", (*at)->name);
        }
    }
    *at = type;
    return ERR_OK;
}

static enum err resolve_aliases(struct wit_interface *first, struct report *report)
{
    for (struct wit_interface *at = first; at != NULL; at = at->next) {
        for (struct wit_type *type = at->types; type != NULL; type = type->next) {
            if (type->kind == WIT_ALIAS) {
                TRY(resolve(&type->target, report));
            }
        }
    }
    return ERR_OK;
}

// ---- step 3

static u64 add(u64 a, u64 b)
{
    u64 sum;
    return __builtin_add_overflow(a, b, &sum) ? WIT_UNBOUNDED : sum;
}

static void measure_primitive(struct wit_type *type)
{
    static const u8 sizes[] = {
        [WIT_BOOL] = 1, [WIT_U8] = 1,   [WIT_U16] = 2,    [WIT_U32] = 4, [WIT_U64] = 8,
        [WIT_S8] = 1,   [WIT_S16] = 2,  [WIT_S32] = 4,    [WIT_S64] = 8, [WIT_F32] = 4,
        [WIT_F64] = 8,  [WIT_CHAR] = 4, [WIT_STRING] = 4,
    };
    type->size_min = sizes[type->kind];
    type->size_max = type->kind == WIT_STRING ? WIT_UNBOUNDED : type->size_min;
    type->every_bit = type->kind != WIT_BOOL && type->kind != WIT_CHAR && type->kind != WIT_STRING;
    type->canonical_bytes = 1;
    type->state = DONE;
}

// Sizes of a type one of whose items is there at a time: variant, enum, option, result.
static void measure_choice(struct wit_type *type)
{
    bool bare = type->kind == WIT_OPTION; // none
    u64 least = WIT_UNBOUNDED;
    u64 most = 0;
    for (const struct wit_item *item = type->items; item != NULL; item = item->next) {
        u64 item_min = item->type == NULL ? 0 : item->type->size_min;
        u64 item_max = item->type == NULL ? 0 : item->type->size_max;
        least = item_min < least ? item_min : least;
        most = item_max > most ? item_max : most;
    }
    type->size_min = bare ? 1 : add(1, least);
    type->size_max = add(1, most);
}

// Sizes of a type whose items' types are measured.
static void measure(struct wit_type *type)
{
    switch (type->kind) {
    case WIT_LIST:
        type->size_min = 4;
        type->size_max = WIT_UNBOUNDED;
        break;
    case WIT_FLAGS:
        type->size_min = type->item_count <= 8 ? 1 : type->item_count <= 16 ? 2 : 4;
        type->size_max = type->size_min;
        type->every_bit = type->item_count == type->size_min * 8;
        break;
    case WIT_TUPLE:
    case WIT_RECORD:
        type->every_bit = true;
        for (const struct wit_item *item = type->items; item != NULL; item = item->next) {
            type->size_min = add(type->size_min, item->type->size_min);
            type->size_max = add(type->size_max, item->type->size_max);
            type->every_bit = type->every_bit && item->type->every_bit;
        }
        break;
    default:
        measure_choice(type);
        break;
    }
    ASSERT(type->size_min >= 1 && type->size_min <= type->size_max);
}

// Computes what depends on the items. All of them are done.
static enum err finish(struct wit_type *type, struct report *report)
{
    u64 bytes = wit_type_own_bytes(type);
    u32 depth = 0;
    for (const struct wit_item *item = type->items; item != NULL; item = item->next) {
        if (item->type != NULL) {
            bytes += item->type->canonical_bytes; // at most WIT_ITEMS * WIT_CANONICAL_BYTES
            depth = item->type->depth > depth ? item->type->depth : depth;
        }
    }
    type->depth = depth + 1;
    if (type->depth > WIT_TYPE_DEPTH) {
        return refuse(report, type->home, type->offset, ERR_LIMIT, "types nested too deep, at",
                      type->name);
    }
    if (bytes > WIT_CANONICAL_BYTES) {
        return refuse(report, type->home, type->offset, ERR_LIMIT,
                      "the type is too large:", type->name);
    }
    type->canonical_bytes = (u32)bytes;
    type->state = DONE;
    measure(type);
    return ERR_OK;
}

// Whether two items mean the same type. Those written in place are one object if they are the same;
// each use of a primitive has its own.
static bool same_type(const struct wit_type *a, const struct wit_type *b)
{
    return a == b || (a != NULL && b != NULL && a->kind == b->kind && a->kind < WIT_LIST);
}

static bool same_items(const struct wit_type *a, const struct wit_type *b)
{
    const struct wit_item *x = a->items;
    const struct wit_item *y = b->items;
    while (x != NULL && y != NULL && same_type(x->type, y->type)) {
        x = x->next;
        y = y->next;
    }
    return x == NULL && y == NULL;
}

// Appends the finished type *at to the sorted list; if it was written in place and the same is
// there, *at becomes that one.
static enum err intern(struct wit_interface *first, struct wit_type **at, struct report *report)
{
    struct wit_type *type = *at;
    struct wit_type **link = &first->sorted;
    u32 count = 0;
    for (; *link != NULL; link = &(*link)->next_sorted) {
        const struct wit_type *other = *link;
        if (type->name.size == 0 && other->name.size == 0 && other->kind == type->kind &&
            other->home == type->home && same_items(other, type)) {
            type->target = *link; // for whoever meets it by another way
            *at = *link;
            return ERR_OK;
        }
        count++;
    }
    if (count == WIT_TYPES_SORTED) {
        return refuse(report, type->home, type->offset, ERR_LIMIT, "too many types, before",
                      type->name);
    }
    *link = type;
    return ERR_OK;
}

struct step {
    struct wit_type **at; // where the type hangs, to be replaced by its like
    struct wit_item *next;
};

// Walks *at and all it is made of.
static enum err walk(struct wit_interface *first, struct wit_type **at, struct report *report)
{
    struct step stack[WIT_TYPE_DEPTH + 1];
    u32 depth = 0;
    struct wit_type **enter = at;
    for (;;) {
        if (enter != NULL) {
            TRY(resolve(enter, report));
            struct wit_type *type = *enter;
            if (type->kind < WIT_LIST) {
                measure_primitive(type);
            } else if (type->state == ENTERED) {
                return refuse(report, type->home, type->offset, ERR_INVALID,
                              "the type contains itself:", type->name);
            } else if (type->state == NEW) {
                if (depth == COUNT_OF(stack)) {
                    return refuse(report, type->home, type->offset, ERR_LIMIT,
                                  "types nested too deep, at", type->name);
                }
                type->state = ENTERED;
                stack[depth++] = (struct step){enter, type->items};
            } else if (type->target != NULL) {
                *enter = type->target;
            }
            enter = NULL;
        }
        if (depth == 0) {
            return ERR_OK;
        }
        struct step *top = &stack[depth - 1];
        if (top->next != NULL) {
            enter = top->next->type != NULL ? &top->next->type : NULL;
            top->next = top->next->next;
        } else {
            TRY(finish(*top->at, report));
            TRY(intern(first, top->at, report));
            depth--;
        }
    }
}

// ---- step 4

static enum err check_function(struct wit_interface *first, const struct wit_interface *interface,
                               struct wit_function *function, struct report *report)
{
    for (struct wit_item *item = function->parameters; item != NULL; item = item->next) {
        TRY(walk(first, &item->type, report));
    }
    if (function->result != NULL) {
        TRY(walk(first, &function->result, report));
    }
    if (wit_function_bytes(function) > WIT_CANONICAL_BYTES) {
        return refuse(report, interface, function->offset, ERR_LIMIT,
                      "the function's types are too large:", function->name);
    }
    return ERR_OK;
}

enum err wit_check(struct wit_interface *first, struct report *report)
{
    TRY(check_uses(first, report));
    TRY(resolve_aliases(first, report));
    for (struct wit_interface *at = first; at != NULL; at = at->next) {
        for (struct wit_type *type = at->types; type != NULL; type = type->next) {
            struct wit_type *same = type;
            TRY(walk(first, type->kind == WIT_ALIAS ? &type->target : &same, report));
            ASSERT(same == type); // a declaration is never replaced
        }
        for (struct wit_function *f = at->functions; f != NULL; f = f->next) {
            TRY(check_function(first, at, f, report));
        }
    }
    return ERR_OK;
}
