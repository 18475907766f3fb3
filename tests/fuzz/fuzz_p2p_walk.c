// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks that claim to be nodes of a file. An input begins with the number of items and of blocks
// under way; then, for each block that is asked for, a size and its bytes. No byte of the file is
// given twice, and none outside of it.
#include "core/base/assert.h"
#include "lib/p2p/walk.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

enum { ITEMS = 256, WINDOW = 8, FILE_BYTES = 4096 };

static struct p2p_walk_item items[ITEMS];
static u8 seen[FILE_BYTES];

static void take_piece(const struct p2p_walk *walk, struct p2p_walk_piece piece)
{
    ASSERT(walk->file_bytes <= FILE_BYTES);
    ASSERT(piece.offset <= walk->file_bytes);
    ASSERT(piece.bytes.size <= walk->file_bytes - piece.offset);
    for (size_t i = 0; i < piece.bytes.size; i++) {
        ASSERT(seen[piece.offset + i] == 0);
        seen[piece.offset + i] = 1;
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct p2p_walk walk;
    struct cid asked[WINDOW], root = {.codec = CID_DAG_PB};
    u32 count = 0;
    if (size < 2) {
        return 0;
    }
    u32 window = data[1] % WINDOW + 1;
    mem_zero(seen, sizeof seen);
    p2p_walk_init(&walk, items, data[0] + 1u, &root, FILE_BYTES);
    for (size_t at = 2; at < size;) {
        while (count < window && p2p_walk_next(&walk, &asked[count])) {
            count++;
        }
        if (count == 0) {
            break;
        }
        struct cid cid = asked[--count];
        size_t block = data[at++];
        block = block < size - at ? block : size - at;
        if (block == 255) {
            p2p_walk_lost(&walk, &cid);
            continue;
        }
        u8 *bytes = malloc(block);
        mem_copy(bytes, data + at, block);
        at += block;
        struct p2p_walk_piece piece;
        enum err err;
        while ((err = p2p_walk_block(&walk, &cid, span_of(bytes, block), &piece, NULL)) == ERR_OK) {
            take_piece(&walk, piece);
        }
        free(bytes);
        if (err != ERR_NOT_FOUND) {
            return 0;
        }
    }
    if (p2p_walk_is_done(&walk)) {
        for (u64 i = 0; i < walk.file_bytes; i++) {
            ASSERT(seen[i] == 1);
        }
    }
    return 0;
}
