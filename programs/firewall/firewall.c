// SPDX-License-Identifier: GPL-3.0-or-later
// programs/firewall: stands in front of redshirt:io/tcp and lets through what its arguments say:
//
//     firewall connect:443 connect:8000-8999 listen:8080
//
// connections to those ports, listeners at those; all else is answered `denied`, and told on the
// standard error. An example of what a route can do (docs/system.md): a grant's own limits
// (docs/grants.md) know addresses and names as well, and need no program.
#include "interfaces/tcp.h"
#include "interfaces/tcp_section.h"
#include "programs/firewall/limits.h"
#include "programs/rt/forward.h"
#include "programs/rt/redshirt.h"

struct rule {
    bool is_listen;
    u32 first; // ports
    u32 last;
};

struct firewall {
    struct rule rules[FIREWALL_RULES];
    u32 count;
};

// ---- arguments

static bool prefix_take(struct span *text, const char *prefix)
{
    struct span wanted = span_string(prefix);
    if (text->size < wanted.size || !span_equal(span_of(text->data, wanted.size), wanted)) {
        return false;
    }
    *text = span_of(text->data + wanted.size, text->size - wanted.size);
    return true;
}

static bool port_take(struct span *text, u32 *out)
{
    size_t digits = 0;
    *out = 0;
    while (digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9') {
        *out = *out * 10 + (text->data[digits++] - '0');
        if (*out > UINT16_MAX) {
            return false;
        }
    }
    *text = span_of(text->data + digits, text->size - digits);
    return digits > 0;
}

static bool rule_parse(struct span text, struct rule *out)
{
    out->is_listen = prefix_take(&text, "listen:");
    if ((!out->is_listen && !prefix_take(&text, "connect:")) || !port_take(&text, &out->first)) {
        return false;
    }
    out->last = out->first;
    if (prefix_take(&text, "-") && !port_take(&text, &out->last)) {
        return false;
    }
    return text.size == 0 && out->first <= out->last;
}

static bool rules_take(struct firewall *firewall)
{
    for (u32 i = 1; rt_argument(i).data != NULL; i++) {
        struct span text = rt_argument(i);
        if (firewall->count == FIREWALL_RULES) {
            (void)rt_print_error("firewall: more than 64 rules\n");
            return false;
        }
        if (!rule_parse(text, &firewall->rules[firewall->count])) {
            (void)rt_print_error("firewall: expected connect:PORTS or listen:PORTS, as "
                                 "connect:8000-8999\n");
            return false;
        }
        firewall->count++;
    }
    return true;
}

// ---- what passes

static bool is_allowed(const struct firewall *firewall, bool is_listen, u16 port)
{
    for (u32 i = 0; i < firewall->count; i++) {
        const struct rule *rule = &firewall->rules[i];
        if (rule->is_listen == is_listen && port >= rule->first && port <= rule->last) {
            return true;
        }
    }
    return false;
}

static void refuse_connect(const struct rt_event *event)
{
    u8 body[TCP_CONNECT_RESULT_BYTES];
    struct tcp_result_connection_net_error result = {.ok = false, .error = NET_ERROR_DENIED};
    size_t size = tcp_connect_encode_result(body, sizeof body, &result);
    (void)rt_print_error("firewall: a connection was refused\n");
    (void)rt_answer(event->id, body, (u32)size);
}

static void refuse_listen(const struct rt_event *event)
{
    u8 body[TCP_LISTEN_RESULT_BYTES];
    struct tcp_result_listener_net_error result = {.ok = false, .error = NET_ERROR_DENIED};
    size_t size = tcp_listen_encode_result(body, sizeof body, &result);
    (void)rt_print_error("firewall: a listener was refused\n");
    (void)rt_answer(event->id, body, (u32)size);
}

// What does not decode goes on: whoever is behind says so.
static bool look(void *context, const struct rt_event *event)
{
    const struct firewall *firewall = context;
    struct tcp_connect_call connect;
    struct tcp_listen_call listen;
    if (event->function == TCP_CONNECT_ID &&
        tcp_connect_decode_call(event->body, &connect) == ERR_OK &&
        !is_allowed(firewall, false, connect.to.port)) {
        refuse_connect(event);
        return false;
    }
    if (event->function == TCP_LISTEN_ID &&
        tcp_listen_decode_call(event->body, &listen) == ERR_OK &&
        !is_allowed(firewall, true, listen.at.port)) {
        refuse_listen(event);
        return false;
    }
    return true;
}

u32 program_main(void)
{
    static struct firewall firewall;
    if (!rules_take(&firewall)) {
        return 64;
    }
    struct forward forward = {.interface = &tcp_interface, .message = look, .context = &firewall};
    return forward_run(&forward);
}
