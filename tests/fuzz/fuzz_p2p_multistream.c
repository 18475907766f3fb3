// SPDX-License-Identifier: GPL-3.0-or-later
// Lines of a negotiation, for a listener and a dialler, cut as the first byte says: the outcome
// does not depend on it.
#include "core/base/assert.h"
#include "lib/p2p/multistream.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static const struct span names[] = {{(const u8 *)"/a/1", 4}, {(const u8 *)"/bb/1", 5}};

struct outcome {
    enum err err;
    enum multistream_step step;
    u32 replies;
    size_t read;
};

static struct outcome run(bool is_dialler, struct span bytes, size_t cut)
{
    struct multistream stream = {.is_dialler = is_dialler};
    struct outcome outcome = {0};
    for (size_t end = 0;;) {
        struct multistream_answer answer;
        size_t size = end - outcome.read;
        u8 *block = malloc(size); // of its own, so that the sanitizer sees its end
        mem_copy(block, bytes.data + outcome.read, size);
        outcome.err = multistream_read(&stream, span_of(block, size), names, is_dialler ? 1 : 2,
                                       &outcome.step, &answer, NULL);
        free(block);
        if (outcome.err != ERR_OK) {
            return outcome;
        }
        ASSERT(answer.taken <= size && answer.reply_size <= sizeof answer.reply);
        outcome.read += answer.taken;
        outcome.replies += answer.reply_size;
        if (outcome.step == MULTISTREAM_AGREED || outcome.step == MULTISTREAM_REFUSED) {
            return outcome;
        }
        if (outcome.step == MULTISTREAM_MORE) {
            if (end == bytes.size) {
                return outcome;
            }
            end = bytes.size - end < cut ? bytes.size : end + cut;
        }
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct span bytes = span_of(data + 1, size - 1);
    for (u32 role = 0; role < 2; role++) {
        struct outcome whole = run(role == 1, bytes, bytes.size + 1);
        struct outcome cut = run(role == 1, bytes, (size_t)data[0] + 1);
        ASSERT(whole.err == cut.err && whole.read == cut.read && whole.replies == cut.replies);
        ASSERT(whole.err != ERR_OK || whole.step == cut.step);
    }
    return 0;
}
