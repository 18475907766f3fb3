// SPDX-License-Identifier: GPL-3.0-or-later
// Has redshirt:kernel/fetch get the CID that is its argument, and prints what redshirt:net/peers
// shows: "under way CID" meanwhile; then "got" or "failed", and each peer and offence.
#include "core/base/text.h"
#include "interfaces/fetch.h"
#include "interfaces/fetch_section.h"
#include "interfaces/peers.h"
#include "interfaces/peers_client.h"
#include "interfaces/peers_section.h"
#include "programs/rt/redshirt.h"

enum { ASKS = 1000, LINE_BYTES = 512 };

static u8 buffer[65536];

static void print_words(const char *first, struct span second, const char *third, u64 number)
{
    char line[LINE_BYTES];
    struct text text = text_over(line, sizeof line);
    text_string(&text, first);
    text_bytes(&text, second);
    text_string(&text, third);
    text_u64(&text, number);
    text_char(&text, '\n');
    (void)rt_print(line);
}

static bool show(u32 bond, struct peers_state *state)
{
    i64 error = peers_show(bond, buffer, sizeof buffer, state);
    if (error != 0) {
        (void)rt_print(rt_error_name(error));
    }
    return error == 0;
}

// Asks until the file is there, or gives up.
static bool await_file(u32 bond, struct span cid)
{
    struct peers_state state;
    struct peers_file file;
    for (u32 i = 0; i < ASKS && show(bond, &state); i++) {
        while (peers_list_file_next(&state.files, &file)) {
            if (span_equal(file.cid, cid)) {
                print_words("under way ", file.cid, ", wanted ", state.wanted);
                return true;
            }
        }
    }
    return false;
}

static void print_state(const struct peers_state *state)
{
    struct peers_list_peer peers = state->peers;
    struct peers_list_offence offences = state->offences;
    struct peers_peer peer;
    struct peers_offence offence;
    print_words("self ", state->self, " ", state->connected);
    while (peers_list_peer_next(&peers, &peer)) {
        print_words("peer ", peer.id, peer.is_ours ? " ours " : " theirs ", peer.moved.blocks_in);
        print_words("at ", peer.address, " ", peer.moved.bytes_in);
        print_words("agent ", peer.agent, " ", peer.unasked);
    }
    while (peers_list_offence_next(&offences, &offence)) {
        print_words("offence ", offence.peer, " ", offence.bytes);
        print_words("words ", offence.words, " ", 0);
    }
}

u32 program_main(void)
{
    struct fetch_fetch_call call = {rt_argument(1)};
    struct fetch_result_none_error result = {0};
    struct peers_state state;
    struct rt_event event;
    u8 body[128];
    i64 fetch = rt_bind(&fetch_interface, true);
    i64 peers = rt_bind(&peers_interface, true);
    size_t size = fetch_fetch_encode_call(body, sizeof body, &call);
    if (fetch < 0 || peers < 0 || size > sizeof body ||
        rt_send((u32)fetch, FETCH_FETCH_ID, body, (u32)size) <= 0 ||
        !await_file((u32)peers, call.cid)) {
        (void)rt_print("nothing\n");
        return 1;
    }
    rt_next(&event);
    bool is_got = event.kind == NOTIFICATION_ANSWER && event.error == 0 &&
                  fetch_fetch_decode_result(event.body, &result) == ERR_OK && result.ok;
    (void)rt_print(is_got ? "got\n" : "failed\n");
    if (!show((u32)peers, &state)) {
        return 1;
    }
    print_state(&state);
    return 0;
}
