// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tap: stands in front of any interface of the system and tells on the standard error what
// passes:
//
//     tap redshirt:io/tcp
//
//     tcp connect(27)            the function, and the bytes of the message's body
//     tcp connect: 58            those of its answer,
//     tcp read: E_CANCELLED      or why there is none
#include "core/base/text.h"
#include "interfaces/blocks.h"
#include "interfaces/blocks_section.h"
#include "interfaces/crypto.h"
#include "interfaces/crypto_section.h"
#include "interfaces/dns.h"
#include "interfaces/dns_section.h"
#include "interfaces/inspect.h"
#include "interfaces/inspect_section.h"
#include "interfaces/log.h"
#include "interfaces/log_section.h"
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "interfaces/random.h"
#include "interfaces/random_section.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_section.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_section.h"
#include "interfaces/time.h"
#include "interfaces/time_section.h"
#include "interfaces/udp.h"
#include "interfaces/udp_section.h"
#include "programs/rt/forward.h"
#include "programs/rt/redshirt.h"

static const struct interface_definition *const known[] = {
    &blocks_interface, &crypto_interface, &dns_interface,    &inspect_interface,
    &log_interface,    &ping_interface,   &random_interface, &stdio_interface,
    &tcp_interface,    &time_interface,   &udp_interface,
};

enum { LINE_BYTES = 640 }; // two names of 256 bytes, and numbers

// What stands behind the last `/` of the interface's name, and the function's.
static void name_write(struct text *line, const struct interface_definition *interface,
                       u64 function)
{
    const char *last = interface->name;
    for (const char *at = interface->name; *at != 0; at++) {
        last = *at == '/' ? at + 1 : last;
    }
    text_string(line, last);
    text_char(line, ' ');
    for (u32 i = 0; i < interface->function_count; i++) {
        if (interface->functions[i].id == function) {
            text_string(line, interface->functions[i].name);
            return;
        }
    }
    text_hex(line, function, 16);
}

static bool tell_message(void *context, const struct rt_event *event)
{
    char bytes[LINE_BYTES];
    struct text line = text_over(bytes, sizeof bytes);
    name_write(&line, context, event->function);
    text_char(&line, '(');
    text_u64(&line, event->body.size);
    text_string(&line, ")\n");
    (void)rt_print_error(bytes);
    return true;
}

static struct span tell_answer(void *context, u64 function, const struct rt_event *event)
{
    char bytes[LINE_BYTES];
    struct text line = text_over(bytes, sizeof bytes);
    name_write(&line, context, function);
    text_string(&line, ": ");
    if (event->error != 0) {
        text_string(&line, rt_error_name(event->error));
    } else {
        text_u64(&line, event->body.size);
    }
    text_char(&line, '\n');
    (void)rt_print_error(bytes);
    return event->body;
}

u32 program_main(void)
{
    struct span name = rt_argument(1);
    for (u32 i = 0; i < COUNT_OF(known); i++) {
        if (span_equal(span_string(known[i]->name), name)) {
            struct forward forward = {.interface = known[i],
                                      .message = tell_message,
                                      .answer = tell_answer,
                                      .context = (void *)known[i]};
            return forward_run(&forward);
        }
    }
    (void)rt_print_error("usage: tap INTERFACE, one of\n");
    for (u32 i = 0; i < COUNT_OF(known); i++) {
        (void)rt_print_error("    ");
        (void)rt_print_error(known[i]->name);
        (void)rt_print_error("\n");
    }
    return 64;
}
