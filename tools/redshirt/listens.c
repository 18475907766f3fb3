// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/listens.h"

#include <stdio.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/kernel/grant.h"
#include "machines/hosted/allow.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/grants.h"

#define VARIABLE "REDSHIRT_LISTEN="

// Appends to a text of `*size` bytes, behind a comma if it has any. False: no room.
static bool append(char *text, size_t capacity, u32 *size, const char *start, const char *place)
{
    int count = snprintf(text + *size, capacity - *size, "%s%s", start, place);
    bool fits = count >= 0 && (size_t)count < capacity - *size;
    *size += fits ? (u32)count : 0;
    return fits;
}

int listens_take(const struct command *command, struct listens *listens, const char *value)
{
    static struct allow allow;
    char place[128];
    bool has_address = value != NULL && strchr(value, ':') != NULL;
    int size = snprintf(place, sizeof place, "listen:%s%s",
                        has_address ? "" : "127.0.0.1:", value == NULL ? "" : value);
    struct span limit = span_string(place);
    // one address, one port: what else a limit may be is no place
    bool is_place = value != NULL && size < (int)sizeof place &&
                    allow_parse(limit, &allow, NULL) == ERR_OK && allow.count == 1 &&
                    allow.parts[0].host == ALLOW_ADDRESS && allow.parts[0].bits == 128 &&
                    allow.parts[0].port_first == allow.parts[0].port_last;
    if (!is_place) {
        return say_usage(command, "--listen wants [ADDRESS:]PORT, as 8000, 0.0.0.0:80 or [::1]:80");
    }
    bool is_first = listens->count++ == 0;
    bool fits = append(listens->limit, sizeof listens->limit, &listens->limit_size,
                       is_first ? "" : ",", place) &&
                append(listens->variable, sizeof listens->variable, &listens->variable_size,
                       is_first ? VARIABLE : ",", place + strlen("listen:")) &&
                allow_parse(span_string(listens->limit), &allow, NULL) == ERR_OK;
    return fits ? EXIT_GOOD : say_usage(command, "--listen is given too often");
}

struct span listens_variable(const struct listens *listens)
{
    return span_of((const u8 *)listens->variable, listens->variable_size);
}

int listens_say(struct kernel *kernel, const struct listens *listens, const struct cid *program)
{
    if (listens->count == 0) {
        return EXIT_GOOD;
    }
    struct grants_line line = {.right = KERNEL_USE, .word = KERNEL_ALLOW, .program = *program};
    int code = grants_interface(SPAN_LITERAL("redshirt:io/tcp"), &line);
    ASSERT(code == EXIT_GOOD);
    line.limit = span_of((const u8 *)listens->limit, listens->limit_size);
    return grants_say(kernel, &line);
}
