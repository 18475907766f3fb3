// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/web_address.h"
#include "core/base/report.h"
#include "lib/p2p/ip_text.h"
#include "lib/p2p/limits.h"

#define HTTP SPAN_LITERAL("http://")
#define HTTPS SPAN_LITERAL("https://")

enum { PORT_DEFAULT = 80, PORT_DIGITS = 5, DECIMAL = 10 };

static bool starts_with(struct span text, struct span start)
{
    return text.size >= start.size && mem_equal(text.data, start.data, start.size);
}

// Letters, digits, '-', '_' and '.': what names of hosts have, which has no meaning elsewhere in a
// request.
static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        u8 c = text.data[i];
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
        if (!is_good) {
            return false;
        }
    }
    return text.size != 0;
}

static bool port_parse(struct span text, u16 *out)
{
    u32 port = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        port = port * DECIMAL + (u32)(text.data[i] - '0');
    }
    *out = (u16)port;
    return text.size != 0 && text.size <= PORT_DIGITS && port != 0 && port <= UINT16_MAX;
}

// The end of the host within `text`: behind ']' of an IPv6 number, else before the first ':'.
static size_t host_end(struct span text)
{
    bool is_ip6 = text.size != 0 && text.data[0] == '[';
    size_t end = 0;
    while (end < text.size && text.data[end] != (is_ip6 ? ']' : ':')) {
        end++;
    }
    return is_ip6 && end < text.size ? end + 1 : end;
}

static bool host_parse(struct span host, struct web_address *out)
{
    if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']') {
        out->kind = WEB_HOST_IP6;
        return ip6_parse(span_slice(host, 1, host.size - 1), out->ip);
    }
    if (ip4_parse(host, out->ip)) {
        out->kind = WEB_HOST_IP4;
        return true;
    }
    out->kind = WEB_HOST_NAME;
    out->name = host;
    return is_name(host);
}

enum err web_address_parse(struct span text, struct web_address *out, struct report *report)
{
    struct web_address address = {.port = PORT_DEFAULT};
    if (text.size > WEB_ADDRESS_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "a web address has at most 72 letters");
    }
    if (starts_with(text, HTTPS)) {
        return report_err(report, ERR_UNSUPPORTED, 0, "https is not spoken here, only http");
    }
    if (!starts_with(text, HTTP)) {
        return report_err(report, ERR_MALFORMED, 0, "a web address begins with http://");
    }
    struct span rest = span_slice(text, HTTP.size, text.size);
    if (rest.size != 0 && rest.data[rest.size - 1] == '/') {
        rest.size--;
    }
    size_t end = host_end(rest);
    bool is_good = host_parse(span_slice(rest, 0, end), &address);
    if (is_good && end != rest.size) {
        is_good = rest.data[end] == ':' &&
                  port_parse(span_slice(rest, end + 1, rest.size), &address.port);
    }
    if (!is_good) {
        return report_err(report, ERR_MALFORMED, 0,
                          "a web address is http://HOST or http://HOST:PORT");
    }
    address.host = rest;
    *out = address;
    return ERR_OK;
}
