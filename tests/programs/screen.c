// SPDX-License-Identifier: GPL-3.0-or-later
// Uses redshirt:io/terminal as its arguments say, one after the other, and prints what it saw:
// size, raw, line; read (what is typed, as hex); watch, look (for an interrupt), shape (for another
// size); calls (as many as it gets); other (goes on over another bond), leave (the same, and gives
// this one up), want (something that it has not been granted), paint (the same, and writes until it
// is answered), swap (at another size it wants something else instead), fill (takes the other
// screen, wants something, and waits to be told to draw); trap, spin.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/dns.h"
#include "interfaces/dns_section.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_client.h"
#include "interfaces/stdio_section.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "interfaces/terminal.h"
#include "interfaces/terminal_client.h"
#include "interfaces/terminal_section.h"
#include "interfaces/udp.h"
#include "interfaces/udp_section.h"
#include "programs/rt/redshirt.h"

static u32 bond;
static i64 asked; // for an interrupt; 0: not

static void print_two(const char *before, u64 a, const char *between, u64 b)
{
    char line[64];
    struct text text = text_over(line, sizeof line);
    text_string(&text, before);
    text_u64(&text, a);
    text_string(&text, between);
    text_u64(&text, b);
    text_string(&text, "\n");
    (void)rt_print(line);
}

static void print_size(void)
{
    struct terminal_option_extent size;
    i64 error = terminal_size(bond, &size);
    if (error == 0 && size.some) {
        print_two("size ", size.value.columns, " ", size.value.rows);
    } else {
        (void)rt_print(error == 0 ? "size none\n" : "size failed\n");
    }
}

static void set_mode(enum terminal_mode mode)
{
    static const char *const words[] = {"no-terminal\n", "taken\n", "failed\n"};
    struct terminal_set_mode_call call = {mode};
    struct terminal_result_none_error result;
    i64 error = terminal_set_mode(bond, &call, &result);
    (void)rt_print(mode == TERMINAL_MODE_RAW ? "raw " : "line ");
    (void)rt_print(error < 0 ? rt_error_name(error) : result.ok ? "ok\n" : words[result.error]);
}

static void read_some(u32 standard)
{
    u8 buffer[128];
    struct stdio_read_call call = {64};
    struct stdio_result_bytes_error result;
    if (stdio_read(standard, buffer, sizeof buffer, &call, &result) < 0 || !result.ok) {
        (void)rt_print("read failed\n");
        return;
    }
    char line[160];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "read ");
    text_hex_bytes(&text, result.value);
    text_string(&text, "\n");
    (void)rt_print(line);
}

// Asks, and returns when the device has heard of it.
static void ask(u64 function, i64 *id)
{
    struct terminal_option_extent size;
    *id = rt_send(bond, function, NULL, 0);
    (void)terminal_size(bond, &size);
}

static void expect_answer(i64 id, const char *words)
{
    struct rt_event event;
    do {
        rt_next(&event);
    } while (event.id != (u64)id);
    (void)rt_print(event.error == 0 ? words : "no answer\n");
}

static void ask_much(void)
{
    struct rt_event event;
    u32 count = 0;
    for (i64 id = 0;; count++) {
        ask(TERMINAL_INTERRUPTED_ID, &id);
        if (id < 0 || rt_poll(&event)) {
            break;
        }
    }
    print_two("calls ", count, " error ", (u64)-event.error);
}

static void rebind(bool leaves)
{
    u32 before = bond;
    i64 other = rt_bind(&terminal_interface, false);
    bond = other < 0 ? 0 : (u32)other;
    struct system_unbind_call call = {before};
    struct system_result_none_error result;
    if (leaves && (system_unbind(RT_SYSTEM_BOND, &call, &result) < 0 || !result.ok)) {
        (void)rt_print("not left\n");
    }
}

// Asks for a bond, and does not wait for it.
static i64 bind_begin(const struct interface_definition *interface)
{
    struct system_bind_call call = {.interface = {.a = mem_load_u64(interface->hash),
                                                  .b = mem_load_u64(interface->hash + 8),
                                                  .c = mem_load_u64(interface->hash + 16),
                                                  .d = mem_load_u64(interface->hash + 24)}};
    u8 body[64];
    size_t size = system_bind_encode_call(body, sizeof body, &call);
    return rt_send(RT_SYSTEM_BOND, SYSTEM_BIND_ID, body, (u32)size);
}

static void paint(void)
{
    struct rt_event event;
    i64 id = bind_begin(&dns_interface);
    do {
        (void)rt_print("ink\n");
    } while (!rt_poll(&event) || event.id != (u64)id);
    (void)rt_print("dry\n");
}

// Takes a question back when the terminal gets another size, and has the next asked in one go.
static void swap(void)
{
    struct rt_event event;
    i64 resized;
    ask(TERMINAL_RESIZED_ID, &resized); // before there is a question: who sees it may resize
    struct system_cancel_call call = {(u64)bind_begin(&dns_interface)};
    u8 body[16];
    size_t size = system_cancel_encode_call(body, sizeof body, &call);
    do { // and prints nothing: that would wait for the question's end
        rt_next(&event);
    } while (event.id != (u64)resized);
    (void)rt_send(RT_SYSTEM_BOND, SYSTEM_CANCEL_ID, body, (u32)size);
    (void)rt_print(rt_bind(&udp_interface, false) == E_DENIED ? "denied\n" : "granted\n");
}

static void fill(void)
{
    i64 resized;
    ask(TERMINAL_RESIZED_ID, &resized);
    (void)rt_print("\x1b[1;1H\x1b[?25;10");
    (void)rt_print("49hfull\n");
    (void)rt_print(rt_bind(&dns_interface, false) == E_DENIED ? "denied\n" : "granted\n");
    expect_answer(resized, "drawing\n");
    (void)rt_print("\x1b[?1049l");
}

static void act(struct span word, u32 standard)
{
    i64 id;
    if (span_equal(word, SPAN_LITERAL("size"))) {
        print_size();
    } else if (span_equal(word, SPAN_LITERAL("raw"))) {
        set_mode(TERMINAL_MODE_RAW);
    } else if (span_equal(word, SPAN_LITERAL("line"))) {
        set_mode(TERMINAL_MODE_LINE);
    } else if (span_equal(word, SPAN_LITERAL("read"))) {
        read_some(standard);
    } else if (span_equal(word, SPAN_LITERAL("watch"))) {
        ask(TERMINAL_INTERRUPTED_ID, &asked);
        (void)rt_print("watching\n");
    } else if (span_equal(word, SPAN_LITERAL("look"))) {
        expect_answer(asked, "interrupted\n");
    } else if (span_equal(word, SPAN_LITERAL("shape"))) {
        ask(TERMINAL_RESIZED_ID, &id);
        (void)rt_print("shaping\n");
        expect_answer(id, "resized\n");
    } else if (span_equal(word, SPAN_LITERAL("calls"))) {
        ask_much();
    } else if (span_equal(word, SPAN_LITERAL("other")) || span_equal(word, SPAN_LITERAL("leave"))) {
        rebind(word.data[0] == 'l');
    } else if (span_equal(word, SPAN_LITERAL("want"))) {
        (void)rt_print("wanting\n");
        (void)rt_print(rt_bind(&dns_interface, false) == E_DENIED ? "denied\n" : "granted\n");
    } else if (span_equal(word, SPAN_LITERAL("paint"))) {
        paint();
    } else if (span_equal(word, SPAN_LITERAL("swap"))) {
        swap();
    } else if (span_equal(word, SPAN_LITERAL("fill"))) {
        fill();
    } else if (span_equal(word, SPAN_LITERAL("trap"))) {
        __builtin_trap();
    } else {
        (void)rt_print("spinning\n");
        for (;;) {
            __asm__ volatile("" ::: "memory");
        }
    }
}

u32 program_main(void)
{
    i64 terminal = rt_bind(&terminal_interface, false);
    i64 standard = rt_bind(&stdio_interface, false);
    if (terminal < 0 || standard < 0) {
        (void)rt_print_error("screen: no bond\n");
        return 90;
    }
    bond = (u32)terminal;
    for (u32 i = 1; rt_argument(i).size > 0; i++) {
        act(rt_argument(i), (u32)standard);
    }
    return 0;
}
