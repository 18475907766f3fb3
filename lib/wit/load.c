// SPDX-License-Identifier: GPL-3.0-or-later
// A file, and the files it uses, breadth first; then names, sizes and hashes over all of them.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/wire.h"
#include "lib/wit/internal.h"
#include "lib/wit/limits.h"

static enum err refuse(struct report *report, const struct wit_interface *at, u64 offset,
                       enum err err, const char *words, struct span detail)
{
    return wit_report(report, at->file, at->text, offset, err, words, detail);
}

// Parses the interface that `use` of `user` names, and checks that it is what it should be.
static enum err load_used(const struct wit_interface *user, const struct wit_use *use,
                          const struct wit_source *source, struct arena *arena,
                          struct wit_interface **out, struct report *report)
{
    struct span text;
    u8 *file = ARENA_ARRAY(arena, u8, use->interface.size + 4);
    if (file == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_copy(file, use->interface.data, use->interface.size);
    mem_copy(file + use->interface.size, ".wit", 4);
    enum err err =
        source == NULL ? ERR_NOT_FOUND : source->read(source->context, use->interface, &text);
    if (err != ERR_OK) {
        return refuse(report, user, use->offset, err, "cannot read the interface", use->interface);
    }
    TRY(wit_parse(span_of(file, use->interface.size + 4), text, arena, out, report));
    if (!span_equal((*out)->name, use->interface)) {
        return refuse(report, *out, (*out)->offset, ERR_INVALID,
                      "the interface is not named as its file but", (*out)->name);
    }
    if (!span_equal((*out)->package, user->package)) {
        return refuse(
            report, user, use->offset, ERR_UNSUPPORTED,
            "use stays within its package, and there is no such interface:", use->interface);
    }
    return ERR_OK;
}

// Finds or loads each interface that `user` uses; new ones go to the end of the list.
static enum err load_uses(struct wit_interface *first, struct wit_interface *user, u32 *count,
                          const struct wit_source *source, struct arena *arena,
                          struct report *report)
{
    for (struct wit_use *use = user->uses; use != NULL; use = use->next) {
        struct wit_interface **link = &first;
        while (*link != NULL && !span_equal((*link)->name, use->interface)) {
            link = &(*link)->next;
        }
        if (*link == NULL) {
            if (*count == WIT_FILES) {
                return refuse(report, user, use->offset, ERR_LIMIT, "too many files, at",
                              use->interface);
            }
            TRY(load_used(user, use, source, arena, link, report));
            ++*count;
        }
        use->target = *link;
    }
    return ERR_OK;
}

enum err wit_load(struct span file, struct span text, const struct wit_source *source,
                  wit_sha256 *sha256, struct arena *arena, struct wit_interface **out,
                  struct report *report)
{
    struct wit_interface *first;
    u32 count = 1;
    TRY(wit_parse(file, text, arena, &first, report));
    for (struct wit_interface *at = first; at != NULL; at = at->next) {
        TRY(load_uses(first, at, &count, source, arena, report));
    }
    TRY(wit_check(first, report));
    for (struct wit_interface *at = first; at != NULL; at = at->next) {
        TRY(wit_hash(at, sha256, arena, report));
    }
    *out = first;
    return ERR_OK;
}

static bool is_among(struct span name, const struct span *names, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (span_equal(name, names[i])) {
            return true;
        }
    }
    return false;
}

enum err wit_keep_functions(struct wit_interface *interface, const struct span *names, u32 count,
                            wit_sha256 *sha256, struct arena *arena, struct report *report)
{
    for (u32 i = 0; i < count; i++) {
        const struct wit_function *function = interface->functions;
        while (function != NULL && !span_equal(function->name, names[i])) {
            function = function->next;
        }
        if (function == NULL) {
            return refuse(report, interface, interface->offset, ERR_NOT_FOUND,
                          "there is no function", names[i]);
        }
    }
    for (struct wit_function **link = &interface->functions; *link != NULL;) {
        if (is_among((*link)->name, names, count)) {
            link = &(*link)->next;
        } else {
            *link = (*link)->next;
            interface->function_count--;
        }
    }
    return wit_hash_interface(interface, sha256, arena);
}

// Whether the name of a comes before that of b.
static bool is_before(const struct wit_function *a, const struct wit_function *b)
{
    size_t common = a->name.size < b->name.size ? a->name.size : b->name.size;
    int order = mem_compare(a->name.data, b->name.data, common);
    return order != 0 ? order < 0 : a->name.size < b->name.size;
}

void wit_print(const struct wit_interface *interface, struct text *out)
{
    text_hex_bytes(out, span_of(interface->hash, 32));
    text_string(out, " ");
    text_printable(out, interface->qualified);
    text_string(out, "\n");
    const struct wit_function *last = NULL;
    for (u32 i = 0; i < interface->function_count; i++) {
        const struct wit_function *next = NULL;
        for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
            if ((last == NULL || is_before(last, f)) && (next == NULL || is_before(f, next))) {
                next = f;
            }
        }
        ASSERT(next != NULL); // names differ
        text_hex(out, next->id, 16);
        text_string(out, " ");
        text_hex_bytes(out, span_of(next->hash, 32));
        text_string(out, " ");
        text_printable(out, next->name);
        text_string(out, "\n");
        last = next;
    }
}
