// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/file.h: files of any size in and out of the store, in bounded memory.
//
// Use     hosted_file_add names a file and keeps its blocks; hosted_file_read gives its bytes back
//         in order.
// Limits  core/base/limits.h; memory as unixfs.h says for adding, one block and UNIXFS_DEPTH nodes
//         for reading.
// Source  core/base/unixfs.h.
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct report;
struct store;

// Told now and then how many bytes are done; may be NULL. False: that is too many.
typedef bool (*hosted_progress)(void *context, u64 bytes);

// Reads the descriptor to its end.
//   store  NULL: only the name is wanted
// ERR_LIMIT  progress said so
// ERR_IO     it cannot be read, or the store cannot be written; the report says why
enum err hosted_file_add(struct store *store, int file, hosted_progress progress, void *context,
                         struct cid *out, struct report *report);

// Receives the file's bytes piece by piece. What it returns other than ERR_OK ends the reading.
typedef enum err (*hosted_sink)(void *context, struct span bytes);

// Every block is checked against its name, and the sizes of the nodes against what is below them.
// ERR_NOT_FOUND, ERR_MISMATCH, ERR_IO  as store_get; the report names the block
// ERR_MALFORMED, ERR_UNSUPPORTED       a node that unixfs_node_parse refuses
enum err hosted_file_read(struct store *store, const struct cid *cid, hosted_sink sink,
                          void *context, struct report *report);

// The size of the file that a name stands for, from its first block alone. Errors as above.
enum err hosted_file_size(struct store *store, const struct cid *cid, u64 *bytes,
                          struct report *report);
