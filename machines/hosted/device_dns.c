// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/dns, by the host's resolver, which libuv runs on threads of its own.
//
// Limit: a lookup that the host works on cannot be ended; when its client is gone, its answer goes
// nowhere, and it counts as under way until the host gives up.
#define _GNU_SOURCE 1
#include <netdb.h>
#include <stdlib.h>
#include <uv.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/dns.h"
#include "machines/hosted/allow.h"
#include "machines/hosted/allow_names.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/net.h"

struct dns {
    struct hosted_device device;
    struct calls calls;
};

struct lookup {
    struct call call;
    struct dns *dns;
    u64 client;
    char name[HOSTED_NAME_BYTES + 1];
    uv_getaddrinfo_t request;
};

static void answer(struct dns *dns, u64 message,
                   const struct dns_result_list_net_address_net_error *result)
{
    u8 body[16 + HOSTED_ADDRESSES * NET_ENDPOINT_BYTES];
    size_t size = dns_resolve_encode_result(body, sizeof body, result);
    ASSERT(size <= sizeof body);
    hosted_answer(&dns->device, message, span_of(body, size));
}

static void answer_error(struct dns *dns, u64 message, enum net_error error)
{
    answer(dns, message, &(struct dns_result_list_net_address_net_error){.error = error});
}

static bool address_equal(const struct net_address *a, const struct net_address *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == NET_ADDRESS_IPV4) {
        return a->as.ipv4 == b->as.ipv4;
    }
    const struct net_ipv6 *left = &a->as.ipv6;
    const struct net_ipv6 *right = &b->as.ipv6;
    return left->first == right->first && left->second == right->second &&
           left->scope == right->scope;
}

// The addresses in the host's order, each once.
static u32 addresses_take(const struct addrinfo *found, struct net_address out[HOSTED_ADDRESSES])
{
    u32 count = 0;
    for (; found != NULL && count < HOSTED_ADDRESSES; found = found->ai_next) {
        struct net_endpoint endpoint;
        if (!hosted_address_to(found->ai_addr, &endpoint)) {
            continue;
        }
        bool again = false;
        for (u32 i = 0; i < count; i++) {
            again = again || address_equal(&out[i], &endpoint.address);
        }
        if (!again) {
            out[count++] = endpoint.address;
        }
    }
    return count;
}

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = CONTAINER_OF(request, struct lookup, request);
    struct dns *dns = lookup->dns;
    u64 message = lookup->call.message;
    calls_end(&dns->calls, &lookup->call);
    struct net_address addresses[HOSTED_ADDRESSES];
    u32 count = status == 0 ? addresses_take(found, addresses) : 0;
    for (u32 i = 0; i < count; i++) { // what tcp and udp may take for that name
        resolved_add(abi_client_owner(lookup->client), lookup->name, &addresses[i]);
    }
    free(lookup);
    uv_freeaddrinfo(found);
    if (count == 0) {
        answer_error(dns, message, status == 0 ? NET_ERROR_UNKNOWN_NAME : hosted_net_error(status));
        return;
    }
    struct dns_result_list_net_address_net_error result = {.ok = true};
    result.value.count = count;
    result.value.items = addresses;
    answer(dns, message, &result);
}

// A name that the host's resolver can be asked for, ended by zero.
static bool name_take(struct span name, char out[HOSTED_NAME_BYTES + 1])
{
    if (name.size == 0 || name.size > HOSTED_NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= 0x20 || name.data[i] >= 0x7f) {
            return false;
        }
        out[i] = (char)name.data[i];
    }
    out[name.size] = 0;
    return true;
}

static void do_resolve(void *context, const struct interface_message *message,
                       const struct dns_resolve_call *arguments)
{
    struct dns *dns = context;
    if (message->id == 0) {
        return;
    }
    char name[HOSTED_NAME_BYTES + 1] = {0};
    if (!name_take(arguments->name, name)) {
        answer_error(dns, message->id, NET_ERROR_INVALID);
        return;
    }
    if (!allow_names_client(dns->device.kernel, message->client, arguments->name)) {
        answer_error(dns, message->id, NET_ERROR_DENIED);
        return;
    }
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        answer_error(dns, message->id, NET_ERROR_LIMIT);
        return;
    }
    if (calls_begin(&dns->calls, &lookup->call, message->client, message->id) != ERR_OK) {
        free(lookup);
        answer_error(dns, message->id, NET_ERROR_LIMIT);
        return;
    }
    lookup->dns = dns;
    lookup->client = message->client;
    mem_copy(lookup->name, name, sizeof lookup->name);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int failed =
        uv_getaddrinfo(&dns->device.loop->uv, &lookup->request, resolved, name, NULL, &hints);
    if (failed != 0) {
        calls_end(&dns->calls, &lookup->call);
        free(lookup);
        answer_error(dns, message->id, hosted_net_error(failed));
    }
}

static const struct dns_handler handler = {.resolve = do_resolve};

// One that has not begun ends at once, with ECANCELED; one that has goes on.
static void lookup_cancel(struct call *call)
{
    if (call != NULL) {
        (void)uv_cancel((uv_req_t *)&CONTAINER_OF(call, struct lookup, call)->request);
    }
}

static void dns_cancel_all(struct dns *dns, u64 client)
{
    struct call *first = calls_of_client(&dns->calls, client);
    if (first == NULL) {
        return;
    }
    struct list *all = &first->client->calls; // stays: the callbacks come later
    for (struct list_node *node = list_first(all); node != NULL; node = list_next(all, node)) {
        lookup_cancel(LIST_ITEM(node, struct call, of_client));
    }
}

static void dns_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct dns *dns = CONTAINER_OF(device, struct dns, device);
    struct interface_message message = hosted_message(event);
    switch (event->kind) {
    case KERNEL_EVENT_MESSAGE:
        hosted_dispatched(device, event->id, dns_dispatch(&handler, dns, &message));
        return;
    case KERNEL_EVENT_CLIENT_GONE:
        dns_cancel_all(dns, event->client);
        return;
    case KERNEL_EVENT_CANCELLED:
        lookup_cancel(calls_find(&dns->calls, event->id));
        return;
    }
}

static void dns_drop(struct hosted_device *device)
{
    struct dns *dns = CONTAINER_OF(device, struct dns, device);
    calls_drop(&dns->calls);
    free(dns);
}

enum err hosted_dns_add(struct hosted_loop *loop, struct kernel *kernel)
{
    struct dns *dns = calloc(1, sizeof *dns);
    if (dns == NULL) {
        return ERR_NO_MEMORY;
    }
    enum err err =
        calls_init(&dns->calls, (struct calls_limits){HOSTED_CLIENT_LOOKUPS, HOSTED_LOOKUPS, 0, 0});
    if (err == ERR_OK) {
        dns->device = (struct hosted_device){.handle = dns_handle, .drop = dns_drop};
        err = hosted_device_add(loop, kernel, &dns_interface, &dns->device);
        if (err == ERR_OK) {
            return ERR_OK;
        }
        calls_drop(&dns->calls);
    }
    free(dns);
    return err;
}
