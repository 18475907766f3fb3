// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt why` and `redshirt peers`: what programs/p2p-loader has noted in its records.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "lib/p2p/cid_text.h"
#include "lib/p2p/limits.h"
#include "machines/hosted/records.h"
#include "machines/hosted/store.h"
#include "tools/redshirt/command.h"

enum { TIME_BYTES = 32 };

// The record's lines, ending in zero, in memory from malloc; empty when there is none.
static int record_read(struct store *store, struct span name, char **out)
{
    struct span bytes = {0};
    struct report report = {0};
    enum err err = record_get(store->home, name, &bytes, &report);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return say_refused("the record", err, &report);
    }
    *out = malloc(bytes.size + 1);
    if (*out == NULL) {
        free((void *)bytes.data);
        say("no memory");
        return EXIT_MACHINE;
    }
    mem_copy(*out, bytes.data, bytes.size);
    (*out)[bytes.size] = 0;
    free((void *)bytes.data);
    return EXIT_GOOD;
}

static const char *time_words(const char *seconds, char out[TIME_BYTES])
{
    time_t when = (time_t)strtoull(seconds, NULL, 10);
    struct tm parts;
    if (gmtime_r(&when, &parts) == NULL ||
        strftime(out, TIME_BYTES, "%Y-%m-%d %H:%M:%S", &parts) == 0) {
        return "?";
    }
    return out;
}

// ---- why

// Prints the lines of one block. Returns how many.
static u32 block_print(const char *log, const struct cid *cid)
{
    char name[CID_TEXT_BYTES];
    u32 count = 0;
    cid_write_text(cid, name);
    for (const char *line = log; *line != 0; line = strchr(line, '\n') + 1) {
        char peer[P2P_PEER_ID_TEXT_BYTES], bytes[24], seconds[24], when[TIME_BYTES];
        if (strncmp(line, "block ", 6) == 0 && strncmp(line + 6, name, CID_TEXT_LETTERS) == 0 &&
            sscanf(line + 6 + CID_TEXT_LETTERS, " %79s %23s %23s", peer, bytes, seconds) == 3) {
            printf("%s  %s bytes from %s  %s\n", name, bytes, peer, time_words(seconds, when));
            count++;
        }
        if (strchr(line, '\n') == NULL) {
            break;
        }
    }
    return count;
}

struct counts {
    u32 told;    // blocks with a line
    u32 here;    // blocks of the store without one
    u32 missing; // blocks that the store lacks
};

// A block and all below it; damaged nodes have nothing below them.
static void file_print(struct store *store, const char *log, const struct cid *cid, u32 depth,
                       struct counts *counts)
{
    u32 lines = block_print(log, cid);
    counts->told += lines != 0;
    if (!store_has(store, cid)) {
        counts->missing++;
        return;
    }
    counts->here += lines == 0;
    struct span block;
    struct unixfs_node node;
    struct unixfs_link link;
    if (cid->codec != CID_DAG_PB || depth == UNIXFS_DEPTH ||
        store_get(store, cid, &block, NULL) != ERR_OK) {
        return;
    }
    if (unixfs_node_parse(block, &node, NULL) == ERR_OK) {
        while (unixfs_node_next(&node, &link)) {
            file_print(store, log, &link.cid, depth + 1, counts);
        }
    }
    free((void *)block.data);
}

static void bad_print(const char *log)
{
    for (const char *line = log; *line != 0; line = strchr(line, '\n') + 1) {
        char peer[P2P_PEER_ID_TEXT_BYTES], bytes[24], seconds[24], words[128], when[TIME_BYTES];
        if (sscanf(line, "bad %79s %23s %23s %127[^\n]", peer, bytes, seconds, words) == 4) {
            printf("%s %s, %s bytes  %s\n", peer, words, bytes, time_words(seconds, when));
        }
        if (strchr(line, '\n') == NULL) {
            break;
        }
    }
}

static int why_print(struct store *store, const char *name)
{
    struct cid cid;
    struct report report = {0};
    struct counts counts = {0};
    char *log = NULL;
    if (p2p_cid_parse_word(span_string(name), &cid, &report) != ERR_OK) {
        return say_bad_cid(name, &report);
    }
    int code = record_read(store, SPAN_LITERAL("why"), &log);
    if (code != EXIT_GOOD) {
        return code;
    }
    file_print(store, log, &cid, 0, &counts);
    if (counts.here != 0) {
        printf("%u block%s in the store that no peer gave, or longer ago than the log goes\n",
               counts.here, counts.here == 1 ? "" : "s");
    }
    if (counts.missing != 0) {
        printf("%u block%s not in the store\n", counts.missing, counts.missing == 1 ? "" : "s");
    }
    bad_print(log);
    free(log);
    return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_IO;
}

static int why_run(const struct command *command, int count, char **arguments)
{
    struct store store;
    if (count != 1 || arguments[0][0] == '-') {
        return say_usage(command, "one CID is wanted");
    }
    int code = store_open_home(&store);
    if (code == EXIT_GOOD) {
        code = why_print(&store, arguments[0]);
        store_close(&store);
    }
    return code;
}

const struct command command_why = {
    "why",
    "tells where each block of a file came from",
    "Usage: redshirt why CID\n"
    "\n"
    "Prints, for each block of the file, which peer gave it and when, and which peers have sent "
    "what\n"
    "nobody asked for. The log behind it has 128 KiB; the oldest lines go.\n"
    "\n"
    "Exit codes: 67 not a CID that is served, 74 the log cannot be read.\n",
    why_run,
};

// ---- peers

// One node, after an empty line where it is not the first.
static void node_print(void *context, struct span bytes)
{
    u32 *count = context;
    if ((*count)++ != 0) {
        putchar('\n');
    }
    (void)fwrite(bytes.data, 1, bytes.size, stdout);
}

static int peers_print(struct store *store)
{
    u32 count = 0;
    struct report report = {0};
    enum err err = record_told(store->home, SPAN_LITERAL("peers"), node_print, &count, &report);
    if (err != ERR_OK) {
        return say_refused("what nodes tell", err, &report);
    }
    if (count == 0) {
        say("no node is running; `redshirt serve` starts one");
        return EXIT_NOT_FOUND;
    }
    return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_IO;
}

static int peers_run(const struct command *command, int count, char **arguments)
{
    struct store store;
    if (count != 0) {
        return say_usage(command, "what is \"%s\" for?", arguments[0]);
    }
    int code = store_open_home(&store);
    if (code == EXIT_GOOD) {
        code = peers_print(&store);
        store_close(&store);
    }
    return code;
}

const struct command command_peers = {
    "peers",
    "lists who is connected to what runs in this home",
    "Usage: redshirt peers\n"
    "\n"
    "Prints, for each node that runs in this home (`serve`, `demo`, a fetch of some seconds), who "
    "it is,\n"
    "where it listens, and for each connection the peer, its address, who began it, the bytes that "
    "came\n"
    "and went, and the name of its software. `redshirt demo --listen ADDRESS` shows it as a page.\n"
    "\n"
    "Exit codes: 66 no node is running in this home.\n",
    peers_run,
};
