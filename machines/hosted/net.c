// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/net.h"

#include <sys/resource.h>

#include <uv.h>

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "machines/hosted/limits.h"

void hosted_address_from(const struct net_endpoint *endpoint, struct sockaddr_storage *out)
{
    mem_zero(out, sizeof *out);
    if (endpoint->address.kind == NET_ADDRESS_IPV4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(endpoint->port);
        mem_store_u32(&v4->sin_addr, endpoint->address.as.ipv4); // the first byte is the low one
        return;
    }
    const struct net_ipv6 *from = &endpoint->address.as.ipv6;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint->port);
    v6->sin6_scope_id = from->scope;
    mem_store_u64(v6->sin6_addr.s6_addr, from->first);
    mem_store_u64(v6->sin6_addr.s6_addr + 8, from->second);
}

bool hosted_address_to(const struct sockaddr *address, struct net_endpoint *out)
{
    *out = (struct net_endpoint){0};
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        out->address.kind = NET_ADDRESS_IPV4;
        out->address.as.ipv4 = mem_load_u32(&v4->sin_addr);
        out->port = ntohs(v4->sin_port);
        return true;
    }
    if (address->sa_family != AF_INET6) {
        return false;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    out->address.kind = NET_ADDRESS_IPV6;
    out->address.as.ipv6.first = mem_load_u64(v6->sin6_addr.s6_addr);
    out->address.as.ipv6.second = mem_load_u64(v6->sin6_addr.s6_addr + 8);
    out->address.as.ipv6.scope = v6->sin6_scope_id;
    out->port = ntohs(v6->sin6_port);
    return true;
}

struct calls_limits hosted_socket_limits(u32 share)
{
    struct rlimit limit;
    u32 sockets = HOSTED_SOCKETS;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / share < HOSTED_SOCKETS) {
        sockets = (u32)(limit.rlim_cur / share);
    }
    u32 of_process = sockets / 2 < HOSTED_CLIENT_SOCKETS ? sockets / 2 : HOSTED_CLIENT_SOCKETS;
    return (struct calls_limits){HOSTED_CLIENT_CALLS, HOSTED_CALLS, of_process, sockets};
}

enum net_error hosted_net_error(int uv_error)
{
    ASSERT(uv_error < 0);
    switch (uv_error) {
    case UV_ECONNREFUSED:
        return NET_ERROR_REFUSED;
    case UV_ECONNRESET:
    case UV_ECONNABORTED:
    case UV_EPIPE:
        return NET_ERROR_RESET;
    case UV_ETIMEDOUT:
    case UV_EAI_AGAIN:
        return NET_ERROR_TIMED_OUT;
    case UV_ENETUNREACH:
    case UV_EHOSTUNREACH:
    case UV_ENETDOWN:
        return NET_ERROR_UNREACHABLE;
    case UV_EADDRINUSE:
        return NET_ERROR_ADDRESS_IN_USE;
    case UV_EADDRNOTAVAIL:
        return NET_ERROR_ADDRESS_NOT_AVAILABLE;
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_ENOENT:
        return NET_ERROR_UNKNOWN_NAME;
    case UV_ECANCELED:
    case UV_ENOTCONN:
    case UV_ENOTSOCK:
        return NET_ERROR_CLOSED;
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOBUFS:
    case UV_ENOMEM:
        return NET_ERROR_LIMIT;
    case UV_EACCES:
    case UV_EPERM:
        return NET_ERROR_DENIED;
    case UV_EAFNOSUPPORT:
    case UV_EPROTONOSUPPORT:
        return NET_ERROR_UNSUPPORTED;
    case UV_EINVAL:
    case UV_EMSGSIZE:
    case UV_EDESTADDRREQ:
        return NET_ERROR_INVALID;
    default:
        return NET_ERROR_FAILED;
    }
}
