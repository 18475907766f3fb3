// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/err.h"
#include "core/base/compiler.h"

static const char *const names[ERR_COUNT] = {
    [ERR_OK] = "ok",
    [ERR_MALFORMED] = "malformed",
    [ERR_INVALID] = "invalid",
    [ERR_UNSUPPORTED] = "unsupported",
    [ERR_LIMIT] = "limit reached",
    [ERR_NO_MEMORY] = "out of memory",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "exists already",
    [ERR_DENIED] = "denied",
    [ERR_BUSY] = "busy",
    [ERR_MISMATCH] = "mismatch",
    [ERR_IO] = "input/output error",
    [ERR_CLOSED] = "closed",
    [ERR_PAUSED] = "paused",
};

const char *err_name(enum err err)
{
    return (unsigned)err < COUNT_OF(names) ? names[err] : "unknown error";
}
