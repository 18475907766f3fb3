// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/bench/peer.h"
#include <stdlib.h>
#include <wasm3.h>

enum { STACK_BYTES = 1 << 20 };

struct peer {
    IM3Environment environment;
    IM3Runtime runtime;
    IM3Function run;
};

const char *peer_name(void)
{
    return "wasm3";
}

struct peer *peer_open(struct span wasm)
{
    struct peer *peer = calloc(1, sizeof *peer);
    IM3Module module = NULL;
    peer->environment = m3_NewEnvironment();
    peer->runtime = m3_NewRuntime(peer->environment, STACK_BYTES, NULL);
    if (m3_ParseModule(peer->environment, &module, wasm.data, (u32)wasm.size) != NULL ||
        m3_LoadModule(peer->runtime, module) != NULL ||
        m3_FindFunction(&peer->run, peer->runtime, "run") != NULL) {
        peer_close(peer);
        return NULL;
    }
    return peer;
}

bool peer_run(struct peer *peer, u32 n, u64 *result)
{
    const void *arguments[] = {&n};
    const void *results[] = {result};
    return m3_Call(peer->run, 1, arguments) == NULL && m3_GetResults(peer->run, 1, results) == NULL;
}

void peer_close(struct peer *peer)
{
    m3_FreeRuntime(peer->runtime);
    m3_FreeEnvironment(peer->environment);
    free(peer);
}
