// SPDX-License-Identifier: GPL-3.0-or-later
// Name by name from the left: a list of the folders that fit so far becomes the list of what fits
// in them. Two lists in turn, no recursion.
#include "programs/shell/glob.h"
#include "core/base/assert.h"
#include "core/base/sort.h"
#include "lib/shell/expand.h"
#include "lib/shell/path.h"
#include "lib/shell/pattern.h"
#include "programs/shell/folders.h"
#include "programs/shell/shell.h"

struct search {
    struct span folder;  // as it is written, with its `/`
    struct span pattern; // of the next name
    bool is_last;        // name; before it only folders count
    struct expansion *found;
    enum err err;
};

static struct expansion lists[2];

static enum err found_add(struct expansion *found, struct span folder, struct span name, bool ends)
{
    static u8 path[SHELL_PATH_BYTES + 1];
    size_t size = folder.size + name.size + !ends;
    if (size > SHELL_PATH_BYTES) {
        return ERR_OK; // no file has such a name
    }
    mem_copy(path, folder.data, folder.size);
    mem_copy(path + folder.size, name.data, name.size);
    if (!ends) {
        path[size - 1] = '/';
    }
    return expansion_add(found, span_of(path, size));
}

static bool entry_try(void *context, struct span name, bool is_folder)
{
    struct search *search = context;
    if ((search->is_last || is_folder) && pattern_fits(search->pattern, name)) {
        search->err = found_add(search->found, search->folder, name, search->is_last);
    }
    return search->err == ERR_OK;
}

// What fits in one folder. A folder that cannot be read has nothing.
static enum err folder_search(struct search *search)
{
    static struct path path;
    if (path_join(path_span(&shell.folder), search->folder, &path) != ERR_OK) {
        return ERR_OK;
    }
    if (pattern_is(search->pattern)) {
        (void)folders_list(path_span(&path), entry_try, search);
        return search->err;
    }
    static u8 plain[SHELL_PATH_BYTES];
    static struct path file;
    bool is_folder;
    u64 size;
    if (search->pattern.size > sizeof plain) {
        return ERR_OK;
    }
    struct span name = span_of(plain, pattern_plain(search->pattern, plain));
    bool is_there = path_join(path_span(&path), name, &file) == ERR_OK &&
                    folders_look(path_span(&file), &is_folder, &size) == NULL &&
                    (search->is_last || is_folder);
    return is_there ? found_add(search->found, search->folder, name, search->is_last) : ERR_OK;
}

static bool field_before(const void *context, u32 a, u32 b)
{
    struct span left = expansion_field(context, a);
    struct span right = expansion_field(context, b);
    size_t size = left.size < right.size ? left.size : right.size;
    int order = mem_compare(left.data, right.data, size);
    return order < 0 || (order == 0 && left.size < right.size);
}

static enum err sorted_add(const struct expansion *found, struct expansion *out)
{
    static u64 keys[SHELL_FIELDS];
    static u64 other[SHELL_FIELDS];
    struct sort sort;
    for (u32 i = 0; i < found->count; i++) {
        keys[i] = i;
    }
    sort_begin(&sort, keys, other, found->count, field_before, found);
    while (!sort_step(&sort, SHELL_FIELDS)) {
    }
    for (u32 i = 0; i < found->count; i++) {
        TRY(expansion_add(out, expansion_field(found, (u32)sort.keys[i])));
    }
    return ERR_OK;
}

// The fields of `from` are folders: what fits `pattern` in them goes to `to`.
static enum err step(const struct expansion *from, struct expansion *to, struct span pattern,
                     bool is_last)
{
    expansion_init(to);
    for (u32 i = 0; i < from->count; i++) {
        struct search search = {.folder = expansion_field(from, i),
                                .pattern = pattern,
                                .is_last = is_last,
                                .found = to};
        TRY(folder_search(&search));
    }
    return ERR_OK;
}

enum err glob_add(struct span pattern, struct expansion *out)
{
    struct expansion *from = &lists[0];
    struct expansion *to = &lists[1];
    size_t at = 0;
    while (at < pattern.size && pattern.data[at] == '/') {
        at++;
    }
    expansion_init(from);
    TRY(expansion_add(from, at > 0 ? SPAN_LITERAL("/") : (struct span){0}));
    while (at < pattern.size && from->count > 0) {
        size_t end = at;
        while (end < pattern.size && pattern.data[end] != '/') {
            end++;
        }
        struct span name = span_slice(pattern, at, end);
        at = end;
        while (at < pattern.size && pattern.data[at] == '/') {
            at++;
        }
        TRY(step(from, to, name, end == pattern.size));
        struct expansion *swapped = from;
        from = to;
        to = swapped;
    }
    if (from->count > 0) {
        return sorted_add(from, out);
    }
    static u8 plain[SHELL_FIELD_BYTES];
    ASSERT(pattern.size <= sizeof plain);
    return expansion_add(out, span_of(plain, pattern_plain(pattern, plain)));
}
