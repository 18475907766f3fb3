// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/grants.h: what the user has said, on disk, and what the command says by itself
// where the user has said nothing: who comes with it may do what it is there for.
//
// Use     grants_load, then grants_apply to a kernel; or grants_set and grants_remove between
//         grants_load and grants_save, all of it within grants_lock and grants_unlock.
// File    HOME/grants, as tools/redshirt/grants_text.h reads it; written beside its place, flushed,
//         and renamed, so that it is the old one or the new one whatever happens.
// Limits  GRANTS_FILE_BYTES; KERNEL_GRANTS rows. Where there are more, nothing is believed.
#pragma once
#include "core/base/types.h"
#include "core/base/wire.h"
#include "tools/redshirt/grants_text.h"
struct kernel;
struct store;

enum {
    GRANTS_FILE_BYTES = 8 << 20
}; // a third of that is what KERNEL_GRANTS rows without limits take

struct grants {
    struct grants_line *lines;
    u32 count;
    u32 room;
    char *text; // that the lines read point into
};

// Between commands that change the file. Says what fails; returns EXIT_GOOD or the exit code.
int grants_lock(struct store *store);
void grants_unlock(struct store *store);

// No file is no words. Says what fails, with line and column; returns EXIT_GOOD or the exit code,
// and then *out is empty.
int grants_load(struct store *store, struct grants *out);
int grants_save(struct store *store, const struct grants *grants);
void grants_free(struct grants *grants);

// Puts the line in the place of the one for the same right, program and interface, or behind all.
// Its name and limit stay the caller's, alive as long as the grants. False: there are
// KERNEL_GRANTS.
bool grants_set(struct grants *grants, const struct grants_line *line);
// False: there was none.
bool grants_remove(struct grants *grants, const struct grants_line *line);
// The line for the same right, program and interface; NULL: none.
const struct grants_line *grants_find(const struct grants *grants, const struct grants_line *line);

// What the command says by itself; as one of the user's lines, which come before it. False: there
// are no more.
bool grants_default(u32 index, struct grants_line *out);

// Tells the kernel all of it. Says what fails; returns EXIT_GOOD or the exit code.
int grants_apply(struct kernel *kernel, const struct grants *grants);
// The file has changed: tells the kernel what is different.
void grants_reapply(struct kernel *kernel, const struct grants *before, const struct grants *now);
// One word for this run only.
int grants_say(struct kernel *kernel, const struct grants_line *line);

// ---- names

// An interface by what people call it: `tcp`, `redshirt:io/tcp`, or the 64 digits of its hash.
// Fills in the line's interface and name, which may lie in `text`. Says what fails; EXIT_USAGE.
int grants_interface(struct span text, struct grants_line *line);
// The same of `NAME` or `NAME=LIMIT`.
int grants_interface_limit(char *text, struct grants_line *line);
// The interface of that hash that this command knows, or NULL.
const struct interface_definition *grants_known(const u8 hash[32]);
// The program of that name that comes with the command, and back. False, NULL: there is none.
bool grants_program(const char *name, struct cid *out);
const char *grants_program_name(const struct cid *cid);

// All interfaces of interfaces/*.wit that have functions (build/gen/redshirt/interfaces.c).
extern const struct interface_definition *const known_interfaces[];
extern const size_t known_interface_count;
