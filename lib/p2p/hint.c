// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/hint.h"
#include "core/base/compiler.h"
#include "lib/p2p/multiaddr.h"

#define NS_PER_HOUR ((u64)3600 * 1000000000)

enum { IP4_BYTES = 4, IP6_BYTES = 16, BYTE_BITS = 8 };
// Of /p2p: its code, and the size of the id behind it, in their shortest forms.
enum { P2P_PEER_PART_BYTES = 3 };

// The ranges of the registries for special purposes (RFC 6890). An address belongs to the first
// that has it.
struct range {
    u8 bits; // of the prefix
    bool is_lan, is_public;
    u8 prefix[IP6_BYTES];
};

static const struct range ranges4[] = {
    {8, .prefix = {0}}, // this network
    {8, .is_lan = true, .prefix = {10}},
    {10, .is_lan = true, .prefix = {100, 64}}, // shared by a provider's customers
    {8, .is_lan = true, .prefix = {127}},
    {16, .is_lan = true, .prefix = {169, 254}},
    {12, .is_lan = true, .prefix = {172, 16}},
    {24, .prefix = {192, 0, 0}},
    {24, .prefix = {192, 0, 2}},   // documentation
    {24, .prefix = {192, 88, 99}}, // 6to4
    {16, .is_lan = true, .prefix = {192, 168}},
    {15, .prefix = {198, 18}},      // benchmarks
    {24, .prefix = {198, 51, 100}}, // documentation
    {24, .prefix = {203, 0, 113}},  // documentation
    {3, .prefix = {224}},           // multicast, reserved
    {0, .is_public = true},
};

static const struct range ranges6[] = {
    {128, .is_lan = true, .prefix = {[15] = 1}},
    {7, .is_lan = true, .prefix = {0xfc}},    // unique local
    {23, .prefix = {0x20, 0x01}},             // Teredo and other protocols
    {32, .prefix = {0x20, 0x01, 0x0d, 0xb8}}, // documentation
    {16, .prefix = {0x20, 0x02}},             // 6to4: some IPv4 address inside
    {3, .is_public = true, .prefix = {0x20}},
    {0}, // link-local ones, which need an interface; IPv4 as IPv6; multicast; what is not assigned
};

static bool has_prefix(const u8 *address, const struct range *range)
{
    u32 whole = range->bits / BYTE_BITS, rest = range->bits % BYTE_BITS;
    u8 mask = (u8)(0xff00 >> rest);
    return mem_equal(address, range->prefix, whole) &&
           (rest == 0 || (address[whole] & mask) == range->prefix[whole]);
}

bool p2p_ip_is_of(struct span ip, enum p2p_scope scope)
{
    const struct range *range = ip.size == IP4_BYTES ? ranges4 : ranges6;
    if (ip.size != IP4_BYTES && ip.size != IP6_BYTES) {
        return false;
    }
    while (!has_prefix(ip.data, range)) { // the last has every address
        range++;
    }
    return scope == P2P_SCOPE_LAN ? range->is_lan : range->is_public;
}

bool p2p_ip_is_loopback(struct span ip)
{
    static const struct range loopback4 = {8, .prefix = {127}};
    static const struct range loopback6 = {128, .prefix = {[15] = 1}};
    return (ip.size == IP4_BYTES && has_prefix(ip.data, &loopback4)) ||
           (ip.size == IP6_BYTES && has_prefix(ip.data, &loopback6));
}

static bool may_be_dialled(const struct multiaddr_target *target, enum p2p_scope scope)
{
    if (target->port == 0) {
        return false;
    }
    switch (target->kind) {
    case MULTIADDR_HOST_IP4:
    case MULTIADDR_HOST_IP6:
        return p2p_ip_is_of(target->host, scope);
    default: // a name would be asked for outside of the local network
        return scope == P2P_SCOPE_PUBLIC;
    }
}

// Appends an address of which everything is known to be right.
static bool append(struct p2p_hint *hint, struct span address)
{
    if (address.size > P2P_HINT_ADDRESS_BYTES || hint->address_count == P2P_HINT_ADDRESSES) {
        return false;
    }
    for (u32 i = 0; i < hint->address_count; i++) {
        if (span_equal(p2p_hint_address(hint, i), address)) {
            return false;
        }
    }
    hint->addresses[hint->address_count].size = (u8)address.size;
    mem_copy(hint->addresses[hint->address_count].bytes, address.data, address.size);
    hint->address_count++;
    return true;
}

bool p2p_hint_add(struct p2p_hint *hint, enum p2p_scope scope, struct span address)
{
    struct multiaddr_target target;
    struct multiaddr checked;
    if (multiaddr_read(address, &checked, NULL) != ERR_OK ||
        multiaddr_target(address, &target, NULL) != ERR_OK || !may_be_dialled(&target, scope)) {
        return false;
    }
    size_t size = address.size;
    if (target.has_peer) {
        if (!peer_id_equal(&target.peer, &hint->peer)) {
            return false;
        }
        size -= P2P_PEER_PART_BYTES + target.peer.size;
    }
    return append(hint, span_slice(address, 0, size));
}

void p2p_hint_merge(struct p2p_hint *hint, const struct p2p_hint *from)
{
    for (u32 i = 0; i < from->address_count; i++) {
        append(hint, p2p_hint_address(from, i));
    }
}

bool p2p_hearsay_may_dial(struct p2p_hearsay *hearsay, enum p2p_scope scope, u64 now_ns)
{
    static const u32 most[] = {
        [P2P_SCOPE_LAN] = P2P_HEARSAY_LAN_HOUR, [P2P_SCOPE_PUBLIC] = P2P_HEARSAY_PUBLIC_HOUR};
    if (now_ns - hearsay->begun_ns >= NS_PER_HOUR) {
        *hearsay = (struct p2p_hearsay){.begun_ns = now_ns};
    }
    if (hearsay->counts[scope] == most[scope]) {
        return false;
    }
    hearsay->counts[scope]++;
    return true;
}
