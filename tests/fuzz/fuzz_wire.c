// SPDX-License-Identifier: GPL-3.0-or-later
// Message bodies: the first byte says which of the generated decoders of tests/golden/small.wit and
// of the tree's interfaces gets the rest. What is accepted must encode to the same bytes, and its
// lists must walk.
#include "core/base/assert.h"
#include "interfaces/consent.h"
#include "interfaces/dns.h"
#include "interfaces/inspect.h"
#include "interfaces/processes.h"
#include "interfaces/small.h"
#include "interfaces/system.h"
#include "interfaces/tcp.h"
#include "interfaces/terminal.h"
#include "interfaces/udp.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

// Whether the body decodes; then it is encoded again into `out`, of its size.
typedef bool try_body(struct span body, u8 *out);

#define TRY_BODY(function, what, c_type)                                                           \
    static bool try_##function##_##what(struct span body, u8 *out)                                 \
    {                                                                                              \
        c_type value;                                                                              \
        if (function##_decode_##what(body, &value) != ERR_OK) {                                    \
            return false;                                                                          \
        }                                                                                          \
        ASSERT(function##_encode_##what(out, body.size, &value) == body.size);                     \
        return true;                                                                               \
    }

TRY_BODY(small_put, call, struct small_put_call)
TRY_BODY(small_register, call, struct small_register_call)
TRY_BODY(small_put, result, struct small_result_u64_shared_fault)
TRY_BODY(small_apply, result, struct small_result_none_string)
TRY_BODY(tcp_connect, result, struct tcp_result_connection_net_error)
TRY_BODY(tcp_read, result, struct tcp_result_bytes_net_error)
TRY_BODY(udp_receive, result, struct udp_result_datagram_net_error)
TRY_BODY(dns_resolve, result, struct dns_result_list_net_address_net_error)
TRY_BODY(inspect_processes, result, struct inspect_list_process)
TRY_BODY(inspect_budgets, result, struct inspect_list_budget)
TRY_BODY(inspect_bonds, result, struct inspect_bonds_part)
TRY_BODY(inspect_refusals, result, struct inspect_refusals_part)
TRY_BODY(system_start, result, struct system_start_info)
TRY_BODY(system_spawn, call, struct system_spawn_call)
TRY_BODY(system_spawn, result, struct system_result_u64_spawn_error)
TRY_BODY(system_bind, result, struct system_result_u32_bind_error)
TRY_BODY(processes_spawn, call, struct processes_spawn_call)
TRY_BODY(processes_write, call, struct processes_write_call)
TRY_BODY(processes_read, result, struct processes_result_bytes_pipe_error)
TRY_BODY(processes_descendants, result, struct processes_list_descendant)
TRY_BODY(processes_names, result, struct processes_list_string)
TRY_BODY(terminal_size, result, struct terminal_option_extent)
TRY_BODY(terminal_set_mode, call, struct terminal_set_mode_call)
TRY_BODY(consent_ask, call, struct consent_ask_call)
TRY_BODY(system_register, result, struct system_result_u32_register_error)

static bool try_consent_ask_result(struct span body, u8 *out)
{
    enum consent_answer answer;
    if (consent_ask_decode_result(body, &answer) != ERR_OK) {
        return false;
    }
    ASSERT(consent_ask_encode_result(out, body.size, answer) == body.size);
    return true;
}

// Walks a list of items by its own functions, writing them again.
static void walk_items(struct small_list_item list)
{
    u8 *out = malloc(list.encoded.size);
    struct wire_writer writer = wire_writer_over(out, list.encoded.size);
    struct span encoded = list.encoded;
    struct small_item item;
    u32 count = list.count;
    while (small_list_item_next(&list, &item)) {
        small_item_write(&writer, &item);
        count--;
    }
    ASSERT(count == 0 && span_equal(span_of(out, writer.size), encoded));
    free(out);
}

static bool try_small_every_result(struct span body, u8 *out)
{
    struct small_list_item value;
    if (small_every_decode_result(body, &value) != ERR_OK) {
        return false;
    }
    walk_items(value);
    ASSERT(small_every_encode_result(out, body.size, &value) == body.size);
    return true;
}

static bool try_small_apply_call(struct span body, u8 *out)
{
    struct small_apply_call call;
    if (small_apply_decode_call(body, &call) != ERR_OK) {
        return false;
    }
    ASSERT(small_apply_encode_call(out, body.size, &call) == body.size);
    struct small_change change;
    while (small_list_change_next(&call.changes, &change)) {
        if (change.kind == SMALL_CHANGE_MANY) {
            walk_items(change.as.many);
        }
    }
    u32 letter;
    while (small_list_char_next(&call.letters, &letter)) {
        ASSERT(letter <= 0x10ffff);
    }
    ASSERT(call.changes.encoded.size == 0 && call.letters.encoded.size == 0);
    return true;
}

static bool try_small_numbers_call(struct span body, u8 *out)
{
    struct small_numbers_call call;
    if (small_numbers_decode_call(body, &call) != ERR_OK) {
        return false;
    }
    ASSERT(small_numbers_encode_call(out, body.size, &call) == body.size);
    struct small_list_bool row;
    bool cell;
    while (small_list_list_bool_next(&call.b, &row)) {
        while (small_list_bool_next(&row, &cell)) {
        }
        ASSERT(row.encoded.size == 0);
    }
    ASSERT(call.b.encoded.size == 0);
    return true;
}

static try_body *const tries[] = {
    try_small_apply_call,
    try_small_numbers_call,
    try_small_every_result,
    try_small_put_call,
    try_small_register_call,
    try_small_put_result,
    try_small_apply_result,
    try_tcp_connect_result,
    try_tcp_read_result,
    try_udp_receive_result,
    try_dns_resolve_result,
    try_inspect_processes_result,
    try_system_start_result,
    try_system_spawn_call,
    try_system_spawn_result,
    try_system_bind_result,
    try_inspect_budgets_result,
    try_inspect_bonds_result,
    try_inspect_refusals_result,
    try_processes_spawn_call,
    try_processes_write_call,
    try_processes_read_result,
    try_processes_descendants_result,
    try_processes_names_result,
    try_terminal_size_result,
    try_terminal_set_mode_call,
    try_consent_ask_call,
    try_consent_ask_result,
    try_system_register_result,
};

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct span body = span_of(data + 1, size - 1);
    u8 *out = malloc(body.size);
    ASSERT(out != NULL || body.size == 0);
    if (tries[data[0] % COUNT_OF(tries)](body, out)) {
        ASSERT(mem_equal(out, body.data, body.size)); // one value, one encoding
    }
    free(out);
    return 0;
}
