// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/report.h"
#include "core/base/text.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/records.h"
#include "machines/hosted/store.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/consent.h"
#include "tools/redshirt/keys.h"
#include "tools/redshirt/network.h"

#define RECORD SPAN_LITERAL("names")

enum {
    NS_PER_S = 1000000000,
    WORD_BYTES = 5, // "mine ", "seen "
    LINE_BYTES = WORD_BYTES + P2P_PEER_ID_TEXT_BYTES + 2 * P2P_KAD_NAME_BYTES + 2,
};

static u64 now_ns(void)
{
    return (u64)time(NULL) * NS_PER_S;
}

// ---- the list

static int list_read(struct store *store, char **out, size_t *size)
{
    struct span bytes = {0};
    struct report report = {0};
    enum err err = record_get(store->home, RECORD, &bytes, &report);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return say_refused("the list of names", err, &report);
    }
    *size = bytes.size;
    *out = malloc(bytes.size + LINE_BYTES);
    if (*out != NULL) {
        mem_copy(*out, bytes.data, bytes.size);
        (*out)[bytes.size] = 0;
    }
    free((void *)bytes.data);
    if (*out == NULL) {
        say("no memory for the list of names");
        return EXIT_MACHINE;
    }
    return EXIT_GOOD;
}

// The line of a key, whoever made it; NULL: there is none. *end is behind its newline.
static char *line_find(char *list, const char *key, char **end)
{
    size_t letters = strlen(key);
    for (char *line = list; *line != 0; line = *end) {
        char *newline = strchr(line, '\n');
        *end = newline == NULL ? line + strlen(line) : newline + 1;
        if (strlen(line) > WORD_BYTES + letters && memcmp(line + WORD_BYTES, key, letters) == 0 &&
            line[WORD_BYTES + letters] == ' ') {
            return line;
        }
    }
    return NULL;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// How many bytes; 0: not hexadecimal, or too many.
static size_t hex_read(const char *text, u8 *out, size_t capacity)
{
    size_t size = 0;
    for (; *text != 0 && *text != '\n'; text += 2) {
        int high = digit_of(text[0]);
        int low = high < 0 ? -1 : digit_of(text[1]);
        if (low < 0 || size == capacity) {
            return 0;
        }
        out[size++] = (u8)(high << 4 | low);
    }
    return size;
}

static void key_text(const struct peer_id *key, char out[P2P_PEER_ID_TEXT_BYTES])
{
    struct text text = text_over(out, P2P_PEER_ID_TEXT_BYTES);
    peer_id_write_name(&text, key);
}

int name_find(struct store *store, const struct peer_id *key, struct known_name *out)
{
    char *list = NULL, *end, letters[P2P_PEER_ID_TEXT_BYTES];
    size_t size;
    *out = (struct known_name){0};
    int code = list_read(store, &list, &size);
    if (code != EXIT_GOOD) {
        return code;
    }
    key_text(key, letters);
    const char *line = line_find(list, letters, &end);
    if (line != NULL) {
        static u8 scratch[IPNS_SCRATCH_BYTES];
        const char *hex = line + WORD_BYTES + strlen(letters) + 1;
        size_t bytes = hex_read(hex, out->bytes, sizeof out->bytes);
        enum err err = ipns_record_verify(&keys_crypto, span_of(out->bytes, bytes), key, now_ns(),
                                          scratch, &out->record, NULL);
        out->is_known = err == ERR_OK || err == ERR_CLOSED;
        out->is_expired = err == ERR_CLOSED;
    }
    free(list);
    return EXIT_GOOD;
}

// Takes the key's line out and puts the new one behind the others.
static size_t line_replace(char *list, size_t size, const char *letters, struct span record)
{
    char *end;
    char *line = line_find(list, letters, &end);
    if (line != NULL) {
        memmove(line, end, size - (size_t)(end - list));
        size -= (size_t)(end - line);
    }
    struct text text = text_over(list + size, LINE_BYTES);
    text_string(&text, "mine ");
    text_string(&text, letters);
    text_char(&text, ' ');
    text_hex_bytes(&text, record);
    text_char(&text, '\n');
    return size + text.size;
}

int name_keep(struct store *store, const struct peer_id *key, struct span record)
{
    char *list = NULL, letters[P2P_PEER_ID_TEXT_BYTES];
    size_t size;
    key_text(key, letters);
    int lock = record_lock(store->home);
    if (lock < 0) {
        say("the folder of the list of names cannot be opened");
        return EXIT_IO;
    }
    int code = list_read(store, &list, &size);
    if (code == EXIT_GOOD) {
        struct report report = {0};
        size = line_replace(list, size, letters, record);
        enum err err = record_set(store->home, RECORD, span_of(list, size), &report);
        code = err == ERR_OK ? EXIT_GOOD : say_refused("the list of names", err, &report);
    }
    record_unlock(lock);
    free(list);
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
