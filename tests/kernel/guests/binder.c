// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/binder.c: binds redshirt:demo/ping and gives the bond up again, COUNT times.
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "interfaces/system.h"
#include "programs/rt/redshirt.h"

static u32 number(struct span text)
{
    u32 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        value = value * 10 + (u32)(text.data[i] - '0');
    }
    return value;
}

u32 program_main(void)
{
    u8 bind[64];
    u8 unbind[8];
    u8 answer[64];
    const u8 *hash = ping_interface.hash;
    struct system_bind_call call = {
        .interface = {mem_load_u64(hash), mem_load_u64(hash + 8), mem_load_u64(hash + 16),
                      mem_load_u64(hash + 24)},
        .patient = true,
    };
    size_t size = system_bind_encode_call(bind, sizeof bind, &call);
    for (u32 count = number(rt_argument(1)); count > 0; count--) {
        struct system_result_u32_bind_error bound;
        i64 got =
            redshirt_send(0, SYSTEM_BIND_ID, bind, (u32)size, answer, sizeof answer, SEND_WAIT);
        if (got < 0 || system_bind_decode_result(span_of(answer, (size_t)got), &bound) != ERR_OK ||
            !bound.ok) {
            return 2;
        }
        struct system_unbind_call give = {bound.value};
        size_t give_size = system_unbind_encode_call(unbind, sizeof unbind, &give);
        (void)redshirt_send(0, SYSTEM_UNBIND_ID, unbind, (u32)give_size, answer, sizeof answer,
                            SEND_WAIT);
    }
    return 0;
}
