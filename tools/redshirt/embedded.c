// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/embedded.h"

#include <string.h>

#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "core/platform.h"
#include "machines/hosted/store.h"
#include "tools/redshirt/command.h"

size_t embedded_find(const char *name)
{
    size_t index = 0;
    while (index < embedded_count && strcmp(embedded_programs[index].name, name) != 0) {
        index++;
    }
    return index;
}

bool embedded_has(const char *name)
{
    return embedded_find(name) < embedded_count;
}

struct span embedded_bytes(size_t index)
{
    ASSERT(index < embedded_count);
    const struct embedded *program = &embedded_programs[index];
    return span_of(program->start, (size_t)(program->end - program->start));
}

const struct cid *embedded_cid(size_t index)
{
    static struct cid cids[EMBEDDED_MOST];
    ASSERT(index < EMBEDDED_MOST);
    if (cids[index].codec == 0) {
        struct span bytes = embedded_bytes(index);
        ASSERT(bytes.size <= UNIXFS_CHUNK_BYTES); // so that it is one block
        cids[index] = cid_of_block(CID_RAW, bytes, platform_sha256);
    }
    return &cids[index];
}

int embedded_put(struct store *store, size_t index, char cid[CID_TEXT_BYTES])
{
    struct report report = {0};
    enum err err = store_put(store, embedded_cid(index), embedded_bytes(index), &report);
    if (err != ERR_OK) {
        return say_refused(embedded_programs[index].name, err, &report);
    }
    cid_write_text(embedded_cid(index), cid);
    return EXIT_GOOD;
}
