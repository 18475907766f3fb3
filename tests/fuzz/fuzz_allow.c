// SPDX-License-Identifier: GPL-3.0-or-later
// Limits on hosts and ports (machines/hosted/allow.h): the first bytes are an endpoint, the rest a
// limit. What is refused says where; what is accepted judges the endpoint, and its IPv4 in both
// spellings alike.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "machines/hosted/allow.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct allow allow;
    enum { PREFIX = 23 };
    if (size < PREFIX) {
        return 0;
    }
    struct report report = {0};
    struct span text = span_of(data + PREFIX, size - PREFIX);
    if (allow_parse(text, &allow, &report) != ERR_OK) {
        ASSERT(report.text[0] != 0 && report.offset <= text.size);
        return 0;
    }
    struct net_endpoint v4 = {.port = mem_load_u16(data)};
    v4.address.kind = NET_ADDRESS_IPV4;
    v4.address.as.ipv4 = mem_load_u32(data + 2);
    struct net_endpoint same = {.port = v4.port};
    same.address.kind = NET_ADDRESS_IPV6;
    same.address.as.ipv6.second = (u64)v4.address.as.ipv4 << 32 | 0xffff0000u;
    ASSERT(allow_connect(&allow, 1, &v4) == allow_connect(&allow, 1, &same));
    ASSERT(allow_listen(&allow, &v4) == allow_listen(&allow, &same));
    struct net_endpoint v6 = same;
    v6.address.as.ipv6.first = mem_load_u64(data + 2);
    v6.address.as.ipv6.second = mem_load_u64(data + 10);
    v6.address.as.ipv6.scope = mem_load_u32(data + 18);
    if (data[22] < 64) {
        resolved_add(1 + data[22], allow.parts[0].name, &v6.address);
    }
    (void)allow_connect(&allow, 1, &v6);
    return 0;
}
