// SPDX-License-Identifier: GPL-3.0-or-later
// A part is HOST, HOST:GUEST, HOST:ro or HOST:GUEST:ro. Bytes that would mean something else, a
// colon, a comma, a percent sign and blanks, are written as % and two digits.
#define _GNU_SOURCE 1
#include "machines/hosted/folders.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/wire.h"

// ---- reading

struct scan {
    struct span text;
    size_t next;
    size_t used; // of out->text
    struct folders *out;
    struct report *report;
};

static enum err wrong(struct scan *scan, const char *why)
{
    return report_err(scan->report, ERR_MALFORMED, scan->next, why);
}

static bool is_at(const struct scan *scan, char what)
{
    return scan->next < scan->text.size && scan->text.data[scan->next] == (u8)what;
}

static int digit_of(u8 byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static enum err read_byte(struct scan *scan, char *out)
{
    u8 byte = scan->text.data[scan->next];
    if (byte <= ' ' || byte == 0x7f) {
        return wrong(scan, "a blank is written %20");
    }
    if (byte == '%') {
        int high =
            scan->next + 2 < scan->text.size ? digit_of(scan->text.data[scan->next + 1]) : -1;
        int low = high < 0 ? -1 : digit_of(scan->text.data[scan->next + 2]);
        if (low < 0 || high * 16 + low == 0) {
            return wrong(scan, "expected two digits behind %, not 00");
        }
        byte = (u8)(high * 16 + low);
        scan->next += 2;
    }
    scan->next++;
    *out = (char)byte;
    return ERR_OK;
}

// Up to a colon or comma, zero-terminated; not empty.
static enum err read_name(struct scan *scan, const char **out)
{
    *out = scan->out->text + scan->used;
    size_t start = scan->used;
    while (scan->next < scan->text.size && !is_at(scan, ':') && !is_at(scan, ',')) {
        ASSERT(scan->used + 1 < sizeof scan->out->text);
        TRY(read_byte(scan, &scan->out->text[scan->used]));
        scan->used++;
    }
    if (scan->used == start) {
        return wrong(scan, "expected the name of a folder");
    }
    scan->out->text[scan->used++] = 0;
    return ERR_OK;
}

// Takes `:ro` if that is what the part ends with.
static bool take_ro(struct scan *scan)
{
    struct span rest = span_slice(scan->text, scan->next, scan->text.size);
    bool is_ro =
        rest.size >= 3 && mem_equal(rest.data, ":ro", 3) && (rest.size == 3 || rest.data[3] == ',');
    scan->next += is_ro ? 3 : 0;
    return is_ro;
}

static enum err read_part(struct scan *scan, struct folder *part)
{
    TRY(read_name(scan, &part->host));
    part->guest = part->host;
    if (part->host[0] != '/') {
        return wrong(scan, "a folder's path begins with /");
    }
    part->is_read_only = take_ro(scan);
    if (!part->is_read_only && is_at(scan, ':')) {
        scan->next++;
        TRY(read_name(scan, &part->guest));
        part->is_read_only = take_ro(scan);
    }
    return ERR_OK;
}

enum err folders_parse(struct span text, struct folders *out, struct report *report)
{
    struct scan scan = {text, 0, 0, out, report};
    out->count = 0;
    if (text.size > KERNEL_GRANT_LIMIT_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "the limit is too long");
    }
    if (span_equal(text, SPAN_LITERAL("none"))) {
        return ERR_OK;
    }
    for (;;) {
        if (out->count == HOSTED_FOLDERS) {
            return report_err(report, ERR_LIMIT, scan.next, "too many folders");
        }
        TRY(read_part(&scan, &out->parts[out->count]));
        out->count++;
        if (scan.next == text.size) {
            return ERR_OK;
        }
        if (!is_at(&scan, ',')) {
            return wrong(&scan, "expected a comma, :ro, or the end");
        }
        scan.next++;
    }
}

// ---- writing

static void write_name(struct text *out, const char *name)
{
    for (const char *at = name; *at != 0; at++) {
        u8 byte = (u8)*at;
        if (byte <= ' ' || byte >= 0x7f || byte == '%' || byte == ':' || byte == ',') {
            text_string(out, "%");
            text_hex_bytes(out, span_of(&byte, 1));
        } else {
            text_char(out, (char)byte);
        }
    }
}

void folders_write_part(struct text *out, const struct folder *folder)
{
    write_name(out, folder->host);
    text_string(out, ":");
    // a guest that is called ro would be taken for the word
    if (strcmp(folder->guest, "ro") == 0) {
        text_string(out, "%72o");
    } else {
        write_name(out, folder->guest);
    }
    text_string(out, folder->is_read_only ? ":ro" : "");
}

// ---- opening

// Where the host has an open folder, without links, from malloc: so it is this one that is judged.
// NULL: nowhere.
static char *place_of_open(int fd)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    char *place = malloc(HOSTED_PATH_BYTES);
    ssize_t size = place == NULL ? -1 : readlink(link, place, HOSTED_PATH_BYTES - 1);
    if (size <= 0 || place[0] != '/') {
        free(place);
        return NULL;
    }
    place[size] = 0;
    return place;
}

static bool is_within(const char *place, const char *around)
{
    size_t size = strlen(around);
    return strncmp(place, around, size) == 0 &&
           (place[size] == 0 || place[size] == '/' || (size > 0 && around[size - 1] == '/'));
}

// Whether this limit holds the place, and whether for reading only.
static bool limit_holds(const struct folders *limit, const char *place, bool *is_read_only)
{
    bool holds = false;
    bool is_writable = false;
    for (u32 i = 0; i < limit->count; i++) {
        if (is_within(place, limit->parts[i].host)) {
            holds = true;
            is_writable |= !limit->parts[i].is_read_only;
        }
    }
    *is_read_only |= !is_writable;
    return holds;
}

static bool part_open(const struct folder *part, const struct folders *others, u32 other_count,
                      struct opened_folder *out)
{
    *out = (struct opened_folder){.is_read_only = part->is_read_only};
    out->fd = open(part->host, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    if (out->fd < 0) {
        return false;
    }
    // Somebody who was given what is around it may have put a link in its place.
    char *place = place_of_open(out->fd);
    bool is_good = place != NULL && strcmp(place, part->host) == 0;
    for (u32 i = 0; i < other_count && is_good; i++) {
        is_good = limit_holds(&others[i], place, &out->is_read_only);
    }
    free(place);
    out->guest = is_good ? strdup(part->guest) : NULL;
    if (out->guest == NULL) {
        close(out->fd);
    }
    return out->guest != NULL;
}

u32 folders_open(struct span limits, struct opened_folder *out)
{
    struct wire_reader in = wire_reader_over(limits);
    u32 count = wire_read_u32(&in);
    ASSERT(count <= KERNEL_LINEAGE + 1);
    struct folders *all = count == 0 ? NULL : calloc(count, sizeof *all);
    bool is_good = all != NULL;
    for (u32 i = 0; i < count && is_good; i++) {
        is_good = folders_parse(wire_read_bytes(&in), &all[i], NULL) == ERR_OK;
    }
    u32 opened = 0;
    for (u32 i = 0; is_good && i < all[0].count; i++) {
        opened += part_open(&all[0].parts[i], &all[1], count - 1, &out[opened]) ? 1 : 0;
    }
    free(all);
    return opened;
}
