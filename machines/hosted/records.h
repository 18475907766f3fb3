// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/records.h: small named records beside the store: a key, a list.
//
// A record is the file HOME/records/NAME, of mode 0600 in a folder of mode 0700, because one of
// them is a key. What another user owns, or may read or write, is neither read nor replaced. A
// record is written under another name, flushed and renamed, so it is there whole or not at all,
// also when two write the same one at once or the power fails.
//
// Beside them lies what processes that run tell of themselves, a file NAME@TAG for each: not
// flushed, and gone with its process, or HOSTED_TOLD_S later where that was killed.
//
// Use     `home` is store->home. Whoever changes a record by what is in it holds record_lock
//         meanwhile; record_add and record_replace do.
// Names   1 to RECORD_NAME_BYTES small letters, digits and dashes, a letter first.
// Threads any, at once.
// Limits  HOSTED_RECORD_BYTES of one, HOSTED_RECORDS of them; HOSTED_TOLD_BYTES of what one process
//         tells, HOSTED_TOLD of them.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct report;

enum { RECORD_NAME_BYTES = 32 };

bool record_name_is_good(struct span name);

// Reads a record.
//   out  on success, its bytes in memory from malloc, which the caller frees; data is never NULL
// ERR_INVALID    the name is none
// ERR_NOT_FOUND  there is no such record
// ERR_DENIED     folder or file are not the user's alone
// ERR_LIMIT      the file is larger than a record may be
// ERR_IO, ERR_NO_MEMORY
enum err record_get(int home, struct span name, struct span *out, struct report *report);

// Writes a record, in place of the one of that name. The folder is made when it is missing.
// ERR_LIMIT  larger than a record may be, or one more than there may be; others as above
enum err record_set(int home, struct span name, struct span bytes, struct report *report);

// Writes a record, under record_lock, if it still has the bytes that it had; one that is missing is
// as one without.
//   out  whether it had, and was written
// Errors as record_set
enum err record_replace(int home, struct span name, struct span was, struct span bytes, bool *out,
                        struct report *report);

// Adds lines to the end of a record, under record_lock: what several processes add is all there.
//   most  of the record, bytes; beyond it the oldest go, as whole lines
// ERR_LIMIT  `lines` are more than that, or that is more than a record may be; others as above
enum err record_add(int home, struct span name, struct span lines, u64 most, struct report *report);

// What a process tells under a name, in place of what it told there before.
//   tag  a random number, the process's own
// ERR_LIMIT  too long, or too many processes tell something; others as above
enum err record_tell(int home, struct span name, u64 tag, struct span bytes, struct report *report);
// Takes back all that the process told.
void record_tell_end(int home, u64 tag);
// Calls `each` for what every process that runs tells under the name, in no order.
// ERR_INVALID, ERR_DENIED, ERR_IO, ERR_NO_MEMORY  as above; with no folder nobody tells anything
enum err record_told(int home, struct span name, void (*each)(void *context, struct span bytes),
                     void *context, struct report *report);

// Waits until nobody else holds it, and says on standard error who does after HOSTED_LOCK_MS: a
// process that was stopped would hold up all others without a word. A descriptor, which
// record_unlock takes; below 0: the folder cannot be made or opened.
int record_lock(int home);
void record_unlock(int lock);
