// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "machines/hosted/records.h"
#include "machines/hosted/store.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/consent.h"
#include "tools/redshirt/keys.h"
#include "tools/redshirt/network.h"

#define RECORD SPAN_LITERAL("names")

enum { NS_PER_S = 1000000000 };

static u64 now_ns(void)
{
    return (u64)time(NULL) * NS_PER_S;
}

// ---- the list

// In memory from malloc; empty where there is none.
static int list_read(struct store *store, struct span *out)
{
    struct report report = {0};
    *out = (struct span){0};
    enum err err = record_get(store->home, RECORD, out, &report);
    return err == ERR_OK || err == ERR_NOT_FOUND ? EXIT_GOOD
                                                 : say_refused("the list of names", err, &report);
}

int name_find(struct store *store, const struct peer_id *key, struct known_name *out)
{
    static u8 scratch[IPNS_SCRATCH_BYTES];
    struct span list;
    *out = (struct known_name){0};
    int code = list_read(store, &list);
    if (code == EXIT_GOOD && name_list_find(list, key, &out->line)) {
        enum err err = ipns_record_verify(&keys_crypto, span_of(out->line.bytes, out->line.size),
                                          key, now_ns(), scratch, &out->record, NULL);
        out->is_known = err == ERR_OK || err == ERR_CLOSED;
        out->is_expired = err == ERR_CLOSED;
        out->is_damaged = !out->is_known;
    } else if (code == EXIT_GOOD) {
        out->is_damaged = name_list_is_damaged(list);
    }
    free((void *)list.data);
    return code;
}

int name_keep(struct store *store, const struct name_line *line)
{
    struct span list;
    struct report report = {0};
    int code = list_read(store, &list);
    char *written = code == EXIT_GOOD ? malloc(list.size + NAME_LINE_BYTES + 1) : NULL;
    if (written != NULL) {
        size_t size = name_list_set(list, line, written);
        enum err err = size == 0
                           ? report_err(&report, ERR_LIMIT, 0, "is full of names that are yours")
                           : record_set(store->home, RECORD, span_of(written, size), &report);
        code = err == ERR_OK ? EXIT_GOOD : say_refused("the list of names", err, &report);
    } else if (code == EXIT_GOOD) {
        say("no memory for the list of names");
        code = EXIT_MACHINE;
    }
    free(written);
    free((void *)list.data);
    return code;
}

// ---- what they stand for

int name_manifest(struct store *store, const struct peer_id *key, const struct ipns_record *record,
                  struct manifest *out, struct span *block)
{
    struct cid cid;
    struct report report = {0};
    *block = (struct span){0};
    enum err err = ipns_value_cid(record->value, &cid, &report);
    if (err == ERR_OK) {
        err = store_get(store, &cid, block, &report);
    }
    if (err == ERR_OK) {
        err = manifest_verify(&keys_crypto, *block, key, out, &report);
    }
    if (err != ERR_OK) {
        free((void *)block->data);
        *block = (struct span){0};
        return say_refused("the manifest of the name", err, &report);
    }
    return EXIT_GOOD;
}

bool name_is(const char *text, struct span *name, struct peer_id *key)
{
    const char *at = strchr(text, '@');
    if (at == NULL || at == text || strchr(text, '/') != NULL) {
        return false;
    }
    *name = span_of(text, (size_t)(at - text));
    return peer_id_parse(span_string(at + 1), key, NULL) == ERR_OK;
}

static int name_ask(struct store *store, struct network *network, const char *text)
{
    network->resolve = strchr(text, '@') + 1;
    int code = network_alone(store, network);
    network->resolve = NULL;
    return code;
}

// The program of a manifest, if it is the one that was meant and may be run.
static int program_of(const struct manifest *manifest, struct span name, const char *text,
                      struct cid *out)
{
    const struct manifest_yank *yank = manifest_yanked(manifest, &manifest->program);
    if (!span_equal(manifest->name, name)) {
        say("%s: this key is that of \"%.*s\"", text, (int)manifest->name.size,
            (const char *)manifest->name.data);
        return EXIT_NOT_FOUND;
    }
    if (yank != NULL) {
        say("%s: version %.*s was taken back by who made it: %.*s", text,
            (int)manifest->version.size, (const char *)manifest->version.data,
            (int)yank->reason.size, (const char *)yank->reason.data);
        return EXIT_BAD_CID;
    }
    *out = manifest->program;
    return EXIT_GOOD;
}

int name_resolve(struct store *store, struct network *network, const char *text, struct cid *out)
{
    static struct known_name known; // too large for a stack
    static struct manifest manifest;
    struct span name, block;
    struct peer_id key;
    if (!name_is(text, &name, &key)) {
        return EXIT_NOT_FOUND;
    }
    int asked = network_is_on(network) ? name_ask(store, network, text) : EXIT_GOOD;
    int code = name_find(store, &key, &known);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (!known.is_known) {
        say("%s: nobody has said what it stands for; `--peer ADDRESS` says who may know", text);
        return asked == EXIT_GOOD ? EXIT_NOT_FOUND : asked;
    }
    if (known.is_expired) {
        say("%s: what was last heard of it is no longer valid; its owner has to publish it anew",
            text);
        return EXIT_NOT_FOUND;
    }
    if (asked != EXIT_GOOD) {
        say("%s: taken as it was last heard, number %llu", text,
            (unsigned long long)known.record.sequence);
    }
    code = name_manifest(store, &key, &known.record, &manifest, &block);
    if (code == EXIT_GOOD) {
        code = program_of(&manifest, name, text, out);
        if (code == EXIT_GOOD) {
            consent_manifest(&manifest);
        }
        free((void *)block.data);
    }
    return code;
}

// Tells the name of one line, if all about it is in order.
static void line_tell(struct store *store, const struct name_line *line, names_tell *tell,
                      void *context)
{
    static u8 scratch[IPNS_SCRATCH_BYTES];
    static struct ipns_record record;
    static struct manifest manifest;
    struct cid cid;
    struct span block = {0};
    enum err err = ipns_record_verify(&keys_crypto, span_of(line->bytes, line->size), &line->key,
                                      now_ns(), scratch, &record, NULL);
    if (err == ERR_OK) {
        err = ipns_value_cid(record.value, &cid, NULL);
    }
    if (err == ERR_OK) {
        err = store_get(store, &cid, &block, NULL);
    }
    if (err == ERR_OK) {
        err = manifest_verify(&keys_crypto, block, &line->key, &manifest, NULL);
    }
    if (err == ERR_OK && manifest_yanked(&manifest, &manifest.program) == NULL) {
        char said[MANIFEST_NAME_BYTES + 1 + P2P_PEER_ID_TEXT_BYTES + 1];
        struct text text = text_over(said, sizeof said);
        text_bytes(&text, manifest.name);
        text_char(&text, '@');
        peer_id_write_name(&text, &line->key);
        ASSERT(!text.cut);
        tell(context, said, &manifest.program);
    }
    free((void *)block.data);
}

int names_known(struct store *store, names_tell *tell, void *context)
{
    static struct name_line line; // too large for a stack
    struct span list;
    int code = list_read(store, &list);
    for (size_t at = 0; code == EXIT_GOOD && name_list_next(list, &at, &line);) {
        line_tell(store, &line, tell, context);
    }
    free((void *)list.data);
    return code;
}
