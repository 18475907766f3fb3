// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/shell/path.h"
#include "core/base/assert.h"

// Adds the names of a path, each behind a `/`; the root is nothing yet.
static enum err names_add(struct path *out, struct span path)
{
    for (size_t at = 0; at < path.size;) {
        size_t end = at;
        while (end < path.size && path.data[end] != '/') {
            end++;
        }
        struct span name = span_slice(path, at, end);
        at = end + 1;
        if (name.size == 0 || span_equal(name, SPAN_LITERAL("."))) {
            continue;
        }
        if (span_equal(name, SPAN_LITERAL(".."))) {
            while (out->size > 0 && out->bytes[--out->size] != '/') {
            }
            continue;
        }
        if (name.size + 1 > SHELL_PATH_BYTES - out->size) {
            return ERR_LIMIT;
        }
        out->bytes[out->size++] = '/';
        mem_copy(out->bytes + out->size, name.data, name.size);
        out->size += (u32)name.size;
    }
    return ERR_OK;
}

enum err path_join(struct span base, struct span relative, struct path *out)
{
    struct path made = {0};
    if (relative.size == 0 || relative.data[0] != '/') {
        TRY(names_add(&made, base));
    }
    TRY(names_add(&made, relative));
    if (made.size == 0) {
        made.bytes[made.size++] = '/';
    }
    out->size = made.size;
    mem_copy(out->bytes, made.bytes, made.size);
    return ERR_OK;
}

bool path_below(struct span path, struct span folder, struct span *rest)
{
    ASSERT(path.size > 0 && folder.size > 0);
    size_t size = folder.size == 1 ? 0 : folder.size; // the root's `/` is in front of every name
    if (path.size < size || !mem_equal(path.data, folder.data, size) ||
        (path.size > size && path.data[size] != '/')) {
        return false;
    }
    *rest = path.size > size ? span_slice(path, size + 1, path.size) : (struct span){0};
    return true;
}
