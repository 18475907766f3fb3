// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/shell/store.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/unixfs.h"
#include "interfaces/crypto.h"
#include "interfaces/crypto_client.h"
#include "interfaces/crypto_section.h"
#include "interfaces/keep.h"
#include "interfaces/keep_client.h"
#include "interfaces/keep_section.h"
#include "programs/rt/redshirt.h"
#include "programs/shell/folders.h"
#include "programs/shell/limits.h"
#include "programs/shell/loop.h"
#include "programs/shell/shell.h"

enum { FRAME_BYTES = 256 }; // around a block, its name among it

static i64 keep = -1;
static i64 crypto = -1;
static bool has_failed; // of hashing: no name is right from then on
static const char *reason;
static const char too_large[] = "it is too large for a program";
// The body of a message with a block in it.
static u8 body[UNIXFS_BLOCK_BYTES + FRAME_BYTES];

static void sha256(struct span bytes, u8 digest[32])
{
    struct crypto_sha256_call call = {bytes};
    struct crypto_result_bytes_error result;
    i64 error = crypto_sha256((u32)crypto, body, sizeof body, &call, &result);
    if (error < 0 || !result.ok || result.value.size != 32) {
        has_failed = true;
        mem_zero(digest, 32);
        return;
    }
    mem_copy(digest, result.value.data, 32);
}

static enum err block_put(void *context, const struct cid *cid, struct span bytes)
{
    (void)context;
    char text[CID_TEXT_BYTES];
    cid_write_text(cid, text);
    struct keep_block_call call = {span_string(text), bytes};
    struct keep_result_none_error result;
    i64 error = has_failed ? E_GONE : keep_block((u32)keep, body, sizeof body, &call, &result);
    if (error == E_DENIED) {
        reason =
            "this session fetches programs from others, and adds no files; `redshirt add` does";
        return ERR_DENIED;
    }
    return error < 0 || !result.ok ? ERR_IO : ERR_OK;
}

static enum err pieces_add(struct unixfs_builder *builder, u64 file)
{
    for (u64 position = 0;;) {
        struct span piece;
        reason = folders_read(file, position, SHELL_PIECE_BYTES, &piece);
        if (reason != NULL) {
            return ERR_IO;
        }
        enum err err = unixfs_builder_write(builder, piece);
        position += piece.size;
        loop_look(); // a large one takes long, and the user may have lost patience
        if (position > SHELL_PROGRAM_BYTES) { // it has grown, or its size was not its own
            reason = too_large;
        } else if (shell.is_interrupted) {
            reason = "interrupted";
        }
        bool is_over = piece.size < SHELL_PIECE_BYTES;
        if (piece.size > 0) {
            memory_give(rt_memory(), (void *)piece.data, piece.size);
        }
        TRY(err);
        if (reason != NULL) {
            return ERR_LIMIT;
        }
        if (is_over) {
            return ERR_OK;
        }
    }
}

static bool bonds_make(void)
{
    if (keep < 0) {
        keep = rt_bind(&keep_interface, false);
    }
    if (crypto < 0) {
        crypto = rt_bind(&crypto_interface, false);
    }
    return keep >= 0 && crypto >= 0;
}

const char *store_add(struct span path, char cid[CID_TEXT_BYTES])
{
    static struct unixfs_builder builder;
    struct arena arena;
    struct cid name;
    bool is_folder;
    u64 size;
    u64 file;
    reason = folders_look(path, &is_folder, &size);
    if (reason == NULL && size > SHELL_PROGRAM_BYTES) {
        reason = too_large;
    }
    if (reason == NULL && !bonds_make()) {
        reason = "the shell may not put files into the store here; `redshirt add` does";
    }
    if (reason == NULL) {
        reason = folders_open(path, OPEN_READ, &file);
    }
    if (reason != NULL) {
        return reason;
    }
    has_failed = false;
    arena_init(&arena, rt_memory(), UNIXFS_BUILDER_BYTES);
    unixfs_builder_init(&builder, &arena, sha256, block_put, NULL);
    enum err err = pieces_add(&builder, file);
    if (err == ERR_OK) {
        err = unixfs_builder_finish(&builder, &name);
    }
    arena_drop(&arena);
    folders_close(file);
    if (err != ERR_OK) {
        return reason != NULL ? reason : "the store did not take it";
    }
    cid_write_text(&name, cid);
    return NULL;
}
