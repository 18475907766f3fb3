// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses have many spellings, and so has the way around a list of them. All are brought into one
// form before they are compared: IPv4 mapped into IPv6 is IPv4; a connection to the unspecified
// address is one to this machine, as the host takes it; a scope counts for link-local ones alone.
#define _GNU_SOURCE 1
#include "machines/hosted/allow.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/wire.h"
#include "core/kernel/device.h"
#include "core/kernel/limits.h"

static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

// ---- addresses

static bool is_ipv4(const struct allow_address *address)
{
    return mem_equal(address->bytes, mapped, sizeof mapped);
}

static bool is_unspecified(const struct allow_address *address)
{
    static const u8 zeros[16];
    return mem_equal(address->bytes + (is_ipv4(address) ? 12 : 0), zeros,
                     is_ipv4(address) ? 4 : 16);
}

static bool is_link_local(const struct allow_address *address)
{
    const u8 *bytes = address->bytes;
    return is_ipv4(address) ? bytes[12] == 169 && bytes[13] == 254
                            : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

// Of this machine or of a network around it: not what a name of the world should turn out to be.
static bool is_near(const struct allow_address *address)
{
    const u8 *bytes = address->bytes;
    if (is_unspecified(address) || is_link_local(address)) {
        return true;
    }
    if (!is_ipv4(address)) {
        static const u8 zeros[12];
        bool is_low = mem_equal(bytes, zeros, sizeof zeros); // ::1, and old forms of IPv4
        return is_low || (bytes[0] & 0xfe) == 0xfc || bytes[0] == 0xff ||
               (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0);
    }
    u8 a = bytes[12];
    u8 b = bytes[13];
    return a == 0 || a == 10 || a == 127 || (a == 172 && (b & 0xf0) == 16) ||
           (a == 192 && b == 168) || (a == 100 && (b & 0xc0) == 64) || a >= 224;
}

static struct allow_address address_of(const struct net_address *from)
{
    struct allow_address out = {0};
    if (from->kind == NET_ADDRESS_IPV4) {
        mem_copy(out.bytes, mapped, sizeof mapped);
        mem_store_u32(out.bytes + 12, from->as.ipv4); // the first byte is the low one
        return out;
    }
    mem_store_u64(out.bytes, from->as.ipv6.first);
    mem_store_u64(out.bytes + 8, from->as.ipv6.second);
    out.scope = !is_ipv4(&out) && is_link_local(&out) ? from->as.ipv6.scope : 0;
    return out;
}

// Where a connection to it goes.
static struct allow_address target_of(const struct net_address *from)
{
    struct allow_address out = address_of(from);
    if (is_unspecified(&out)) {
        bool v4 = is_ipv4(&out);
        mem_zero(out.bytes + 12, 4);
        out.bytes[12] = v4 ? 127 : 0;
        out.bytes[15] = 1;
    }
    return out;
}

static bool is_within(const struct allow_address *address, const struct allow_address *net,
                      u32 bits)
{
    u32 whole = bits / 8;
    if (!mem_equal(address->bytes, net->bytes, whole) || address->scope != net->scope) {
        return false;
    }
    u8 mask = (u8)(0xff00u >> bits % 8);
    return bits % 8 == 0 || ((address->bytes[whole] ^ net->bytes[whole]) & mask) == 0;
}

// ---- reading a limit

struct scan {
    struct span text;
    size_t next;
    struct report *report;
};

static enum err wrong(struct scan *scan, const char *why)
{
    return report_err(scan->report, ERR_MALFORMED, scan->next, why);
}

static bool take(struct scan *scan, const char *word)
{
    size_t size = strlen(word);
    if (size > scan->text.size - scan->next ||
        !mem_equal(scan->text.data + scan->next, word, size)) {
        return false;
    }
    scan->next += size;
    return true;
}

static bool is_at_end(const struct scan *scan)
{
    return scan->next == scan->text.size;
}

static enum err read_number(struct scan *scan, u32 most, u32 *out)
{
    size_t start = scan->next;
    u32 value = 0;
    while (!is_at_end(scan) && scan->text.data[scan->next] >= '0' &&
           scan->text.data[scan->next] <= '9') {
        value = value * 10 + (scan->text.data[scan->next] - '0');
        if (value > most) {
            return wrong(scan, "the number is too large");
        }
        scan->next++;
    }
    *out = value;
    return scan->next > start ? ERR_OK : wrong(scan, "expected a number");
}

static enum err read_ports(struct scan *scan, struct allow_part *part)
{
    u32 first = 0;
    u32 last = UINT16_MAX;
    if (!take(scan, "*")) {
        TRY(read_number(scan, UINT16_MAX, &first));
        last = first;
        if (take(scan, "-")) {
            TRY(read_number(scan, UINT16_MAX, &last));
        }
        if (first == 0 || last < first) {
            return wrong(scan, "expected a port from 1, or a range of them");
        }
    }
    part->port_first = (u16)first;
    part->port_last = (u16)last;
    return ERR_OK;
}

static enum err read_bits(struct scan *scan, u32 all, struct allow_part *part)
{
    u32 bits = all;
    if (take(scan, "/")) {
        TRY(read_number(scan, all, &bits));
    }
    part->bits = (u8)(128 - all + bits);
    return ERR_OK;
}

// What stands up to one of `ends`, copied; it must be shorter than `size`.
static bool copy_until(struct scan *scan, const char *ends, char *out, size_t size)
{
    size_t count = 0;
    while (!is_at_end(scan) && strchr(ends, scan->text.data[scan->next]) == NULL) {
        if (count + 1 >= size || scan->text.data[scan->next] == 0) {
            return false;
        }
        out[count++] = (char)scan->text.data[scan->next++];
    }
    out[count] = 0;
    return count > 0;
}

// Behind `[`: an address, perhaps with the number of its scope.
static enum err read_ipv6(struct scan *scan, struct allow_part *part)
{
    char text[INET6_ADDRSTRLEN];
    u32 scope = 0;
    if (!copy_until(scan, "%]", text, sizeof text) ||
        inet_pton(AF_INET6, text, part->address.bytes) != 1) {
        return wrong(scan, "expected an IPv6 address");
    }
    if (take(scan, "%")) {
        TRY(read_number(scan, INT32_MAX, &scope));
    }
    if (!take(scan, "]")) {
        return wrong(scan, "expected ]");
    }
    if (is_ipv4(&part->address)) {
        return wrong(scan, "an IPv4 address is written as one");
    }
    if (scope != 0 && !is_link_local(&part->address)) {
        return wrong(scan, "only link-local addresses have a scope");
    }
    part->host = ALLOW_ADDRESS;
    part->address.scope = scope;
    return read_bits(scan, 128, part);
}

static bool is_name(char *text)
{
    bool has_letter = false;
    for (char *at = text; *at != 0; at++) {
        if (*at >= 'A' && *at <= 'Z') {
            *at = (char)(*at - 'A' + 'a');
        }
        bool is_letter = (*at >= 'a' && *at <= 'z') || *at == '_';
        has_letter |= is_letter;
        if (!is_letter && !(*at >= '0' && *at <= '9') && *at != '-' && *at != '.') {
            return false;
        }
    }
    return has_letter; // else it would be taken for an address
}

static enum err read_host(struct scan *scan, struct allow_part *part)
{
    if (take(scan, "*")) {
        part->host = ALLOW_ANY;
        return ERR_OK;
    }
    if (take(scan, "[")) {
        return read_ipv6(scan, part);
    }
    if (!copy_until(scan, ":/,", part->name, sizeof part->name)) {
        return wrong(scan, "expected a host");
    }
    if (inet_pton(AF_INET, part->name, part->address.bytes + 12) == 1) {
        part->host = ALLOW_ADDRESS;
        mem_copy(part->address.bytes, mapped, sizeof mapped);
        return read_bits(scan, 32, part);
    }
    part->host = ALLOW_NAME;
    return is_name(part->name) ? ERR_OK : wrong(scan, "neither an address nor a name");
}

// Whether a host stands before the ports: then there is a colon before the next comma.
static bool has_host(const struct scan *scan)
{
    for (size_t i = scan->next; i < scan->text.size && scan->text.data[i] != ','; i++) {
        if (scan->text.data[i] == ':') {
            return true;
        }
    }
    return false;
}

static enum err read_part(struct scan *scan, struct allow_part *part)
{
    *part = (struct allow_part){.host = ALLOW_ANY};
    if (take(scan, "listen:")) {
        part->kind = ALLOW_LISTEN;
    } else if (!take(scan, "connect:")) {
        return wrong(scan, "expected connect: or listen:");
    }
    if (part->kind == ALLOW_CONNECT || has_host(scan)) {
        TRY(read_host(scan, part));
        if (part->kind == ALLOW_LISTEN && part->host == ALLOW_NAME) {
            return wrong(scan, "a place to listen at is an address");
        }
        if (!take(scan, ":")) {
            return wrong(scan, "expected a colon, and ports");
        }
    }
    return read_ports(scan, part);
}

enum err allow_parse(struct span text, struct allow *out, struct report *report)
{
    struct scan scan = {text, 0, report};
    out->count = 0;
    do {
        if (out->count == HOSTED_ALLOW_PARTS) {
            return report_err(report, ERR_LIMIT, scan.next, "too many hosts and ports");
        }
        TRY(read_part(&scan, &out->parts[out->count]));
        out->count++;
    } while (take(&scan, ","));
    return is_at_end(&scan) ? ERR_OK : wrong(&scan, "expected a comma, or the end");
}

// ---- what names have turned out to be

struct resolved {
    u64 owner; // 0: none
    struct allow_address address;
    char name[HOSTED_NAME_BYTES + 1];
};

static struct resolved resolved[HOSTED_RESOLVED];
static u32 resolved_next;

static void name_copy(char out[HOSTED_NAME_BYTES + 1], const char *name)
{
    size_t size = strnlen(name, HOSTED_NAME_BYTES);
    for (size_t i = 0; i < size; i++) {
        bool is_capital = name[i] >= 'A' && name[i] <= 'Z';
        out[i] = is_capital ? (char)(name[i] - 'A' + 'a') : name[i];
    }
    size -= size > 0 && out[size - 1] == '.'; // the root may be said or not
    out[size] = 0;
}

static bool resolved_is(const struct resolved *entry, u64 owner, const char *name,
                        const struct allow_address *address)
{
    return entry->owner == owner && is_within(&entry->address, address, 128) &&
           strcmp(entry->name, name) == 0;
}

void resolved_add(u64 owner, const char *name, const struct net_address *address)
{
    ASSERT(owner != 0);
    struct resolved entry = {.owner = owner, .address = address_of(address)};
    name_copy(entry.name, name);
    u32 place = resolved_next;
    u32 of_owner = 0;
    for (u32 i = HOSTED_RESOLVED; i > 0; i--) { // the newest first
        u32 at = (resolved_next + i - 1) % HOSTED_RESOLVED;
        if (resolved_is(&resolved[at], owner, entry.name, &entry.address)) {
            return;
        }
        if (resolved[at].owner == owner && ++of_owner >= HOSTED_OWNER_RESOLVED) {
            place = at; // its own oldest goes
        }
    }
    resolved[place] = entry;
    if (place == resolved_next) {
        resolved_next = (resolved_next + 1) % HOSTED_RESOLVED;
    }
}

static bool is_resolved(u64 owner, const char *name, const struct allow_address *address)
{
    for (u32 i = 0; i < HOSTED_RESOLVED; i++) {
        if (resolved_is(&resolved[i], owner, name, address)) {
            return true;
        }
    }
    return false;
}

// ---- judging

static bool part_fits(const struct allow_part *part, u64 owner, const struct allow_address *address,
                      u16 port)
{
    if (port < part->port_first || port > part->port_last) {
        return false;
    }
    switch (part->host) {
    case ALLOW_ANY:
        return true;
    case ALLOW_ADDRESS:
        return is_within(address, &part->address, part->bits);
    default:
        // Who answers for a name may say anything, also that it is this machine.
        return (!is_near(address) || strcmp(part->name, "localhost") == 0) &&
               is_resolved(owner, part->name, address);
    }
}

bool allow_connect(const struct allow *allow, u64 owner, const struct net_endpoint *to)
{
    struct allow_address address = target_of(&to->address);
    for (u32 i = 0; i < allow->count; i++) {
        if (allow->parts[i].kind == ALLOW_CONNECT &&
            part_fits(&allow->parts[i], owner, &address, to->port)) {
            return true;
        }
    }
    return false;
}

bool allow_listen(const struct allow *allow, const struct net_endpoint *at)
{
    struct allow_address address = address_of(&at->address);
    for (u32 i = 0; i < allow->count; i++) {
        if (allow->parts[i].kind == ALLOW_LISTEN &&
            part_fits(&allow->parts[i], 0, &address, at->port)) {
            return true;
        }
    }
    return false;
}

bool allow_has(const struct allow *allow, enum allow_kind kind)
{
    for (u32 i = 0; i < allow->count; i++) {
        if (allow->parts[i].kind == kind) {
            return true;
        }
    }
    return false;
}

// ---- clients

static struct allow_client **bucket_of(struct allow_table *table, u64 client)
{
    return &table->buckets[client % ALLOW_BUCKETS]; // the kernel makes the numbers, at random
}

// Reads what the kernel gave: a list of limits.
static void limits_take(struct allow_client *client, struct span list)
{
    struct wire_reader in = wire_reader_over(list);
    u32 count = wire_read_u32(&in);
    ASSERT(count <= KERNEL_LINEAGE + 1);
    client->limits = count == 0 ? NULL : calloc(count, sizeof *client->limits);
    client->is_broken = count > 0 && client->limits == NULL;
    for (; client->count < count && !client->is_broken; client->count++) {
        struct span text = wire_read_bytes(&in);
        client->is_broken = allow_parse(text, &client->limits[client->count], NULL) != ERR_OK;
    }
}

const struct allow_client *allow_client(struct allow_table *table, struct kernel_device *device,
                                        u64 client)
{
    struct allow_client **bucket = bucket_of(table, client);
    for (struct allow_client *at = *bucket; at != NULL; at = at->next) {
        if (at->client == client) {
            return at;
        }
    }
    u8 list[KERNEL_LIMITS_BYTES];
    size_t size;
    struct allow_client *made = NULL;
    if (kernel_device_limits(device, client, list, &size) == ERR_OK) {
        made = calloc(1, sizeof *made);
    }
    if (made == NULL) {
        return NULL;
    }
    limits_take(made, span_of(list, size));
    made->client = client;
    made->next = *bucket;
    *bucket = made;
    return made;
}

static void client_free(struct allow_client *client)
{
    free(client->limits);
    free(client);
}

void allow_gone(struct allow_table *table, u64 client)
{
    struct allow_client **at = bucket_of(table, client);
    while (*at != NULL && (*at)->client != client) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        struct allow_client *gone = *at;
        *at = gone->next;
        client_free(gone);
    }
}

void allow_table_drop(struct allow_table *table)
{
    for (u32 i = 0; i < ALLOW_BUCKETS; i++) {
        while (table->buckets[i] != NULL) {
            struct allow_client *next = table->buckets[i]->next;
            client_free(table->buckets[i]);
            table->buckets[i] = next;
        }
    }
}

bool allow_client_connect(const struct allow_client *client, const struct net_endpoint *to)
{
    bool is_good = client != NULL && !client->is_broken;
    for (u32 i = 0; is_good && i < client->count; i++) {
        is_good = allow_connect(&client->limits[i], abi_client_owner(client->client), to);
    }
    return is_good;
}

bool allow_client_listen(const struct allow_client *client, const struct net_endpoint *at)
{
    bool is_good = client != NULL && !client->is_broken;
    for (u32 i = 0; is_good && i < client->count; i++) {
        is_good = allow_listen(&client->limits[i], at);
    }
    return is_good;
}

bool allow_client_open(const struct allow_client *client, const struct net_endpoint *at)
{
    struct allow_address address = address_of(&at->address);
    bool is_any = at->port == 0 && is_unspecified(&address);
    bool is_good = client != NULL && !client->is_broken;
    for (u32 i = 0; is_good && i < client->count; i++) {
        is_good = allow_listen(&client->limits[i], at) ||
                  (is_any && allow_has(&client->limits[i], ALLOW_CONNECT));
    }
    return is_good;
}
