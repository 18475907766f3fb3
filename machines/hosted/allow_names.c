// SPDX-License-Identifier: GPL-3.0-or-later
#include "machines/hosted/allow_names.h"

#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/wire.h"
#include "core/kernel/device.h"
#include "core/kernel/limits.h"
#include "machines/hosted/limits.h"

static u8 lower(u8 byte)
{
    return byte >= 'A' && byte <= 'Z' ? (u8)(byte - 'A' + 'a') : byte;
}

// ---- a limit

// What stands before the next comma, or the end. *at is moved behind that comma.
static struct span part_take(struct span limit, size_t *at)
{
    size_t start = *at;
    while (*at < limit.size && limit.data[*at] != ',') {
        ++*at;
    }
    struct span part = span_of(limit.data + start, *at - start);
    ++*at;
    return part;
}

// Labels with dots between them.
static bool is_name(struct span text)
{
    bool is_label = false; // has at least a byte
    for (size_t i = 0; i < text.size; i++) {
        u8 byte = lower(text.data[i]);
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!is_letter && byte != '-' && byte != '_' && (byte != '.' || !is_label)) {
            return false;
        }
        is_label = byte != '.';
    }
    return is_label;
}

// What follows `*.`; nothing: it is no such part.
static struct span suffix_of(struct span part)
{
    bool is_suffix = part.size > 2 && part.data[0] == '*' && part.data[1] == '.';
    return is_suffix ? span_of(part.data + 2, part.size - 2) : (struct span){0};
}

enum err allow_names_check(struct span limit, struct report *report)
{
    size_t at = 0;
    for (u32 count = 0; at <= limit.size; count++) {
        size_t start = at;
        struct span part = part_take(limit, &at);
        struct span suffix = suffix_of(part);
        struct span name = suffix.size > 0 ? suffix : part;
        if (count == HOSTED_ALLOW_PARTS) {
            return report_err(report, ERR_LIMIT, start, "too many names");
        }
        if (part.size > HOSTED_NAME_BYTES) {
            return report_err(report, ERR_LIMIT, start, "the name is too long");
        }
        if (!span_equal(part, SPAN_LITERAL("*")) && !is_name(name)) {
            return report_err(report, ERR_MALFORMED, start, "expected a name, *.NAME or *");
        }
    }
    return ERR_OK;
}

// ---- judging

static bool is_same(struct span a, struct span b)
{
    for (size_t i = 0; i < a.size && a.size == b.size; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return a.size == b.size;
}

static bool fits(struct span part, struct span name)
{
    if (span_equal(part, SPAN_LITERAL("*"))) {
        return true;
    }
    struct span suffix = suffix_of(part);
    if (suffix.size == 0) {
        return is_same(part, name);
    }
    if (name.size < suffix.size + 2) { // a label before it, and a dot
        return false;
    }
    size_t before = name.size - suffix.size;
    return name.data[before - 1] == '.' &&
           is_same(span_of(name.data + before, suffix.size), suffix);
}

bool allow_names_has(struct span limit, struct span name)
{
    if (allow_names_check(limit, NULL) != ERR_OK) {
        return false;
    }
    name.size -= name.size > 0 && name.data[name.size - 1] == '.'; // the root may be said or not
    bool found = false;
    for (size_t at = 0; at <= limit.size && !found;) { // HOSTED_ALLOW_PARTS
        found = fits(part_take(limit, &at), name);
    }
    return found;
}

bool allow_names_client(struct kernel_device *device, u64 client, struct span name)
{
    u8 list[KERNEL_LIMITS_BYTES];
    size_t size;
    if (kernel_device_limits(device, client, list, &size) != ERR_OK) {
        return false; // it is gone
    }
    struct wire_reader in = wire_reader_over(span_of(list, size));
    bool is_good = true;
    for (u32 left = wire_read_u32(&in); left > 0 && is_good; left--) { // KERNEL_LINEAGE and one
        is_good = allow_names_has(wire_read_bytes(&in), name);
    }
    return is_good;
}
