// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt publish`: signs what a name stands for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/compiler.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/unixfs.h"
#include "core/base/wire.h"
#include "core/platform.h"
#include "core/wasm/limits.h"
#include "lib/p2p/cid_text.h"
#include "machines/hosted/file.h"
#include "machines/hosted/records.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/keys.h"
#include "tools/redshirt/names.h"
#include "tools/redshirt/pins.h"

#define NS_PER_S ((u64)1000000000)

enum {
    VALID_DAYS = 90, // of a record: then it has to be published anew
    TTL_S = 3600,    // for which others need not ask again
    SECONDS_PER_DAY = 86400,
    RECORD_NAME = RECORD_NAME_BYTES + 1,
};

struct publication {
    struct span name;
    const char *version; // NULL: the sequence's number
    struct cid program;
    struct cid yank;
    const char *yank_reason; // NULL: nothing is taken back
    bool forgets_yanks;      // what the manifest before took back is not said again
    u8 seed[P2P_SECRET_BYTES];
    struct peer_id key;
    bool is_new; // the key was made just now
    struct manifest manifest;
    struct span former;      // the block of the manifest before, which `manifest` may point into
    struct cid signed_block; // of the manifest
};

// ---- the interfaces that a program wants

struct program_bytes {
    u8 *data;
    size_t size;
};

static enum err bytes_add(void *context, struct span bytes)
{
    struct program_bytes *program = context;
    if (program->size + bytes.size > WASM_MODULE_BYTES) {
        return ERR_LIMIT;
    }
    u8 *data = realloc(program->data, program->size + bytes.size + 1);
    if (data == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_copy(data + program->size, bytes.data, bytes.size);
    program->data = data;
    program->size += bytes.size;
    return ERR_OK;
}

static enum err name_read(struct reader *in, struct span *out)
{
    u32 size;
    TRY(reader_u32_le(in, &size, NULL));
    return size > INTERFACE_NAME_BYTES ? ERR_LIMIT : reader_bytes(in, size, out, NULL);
}

// One interface of the section redshirt:interfaces: its name and its hash.
static enum err interface_read(struct reader *in, struct manifest_interface *out)
{
    static u8 hashes[INTERFACE_FUNCTIONS][MANIFEST_HASH_BYTES];
    static u8 preimage[INTERFACE_PREIMAGE_BYTES];
    u32 count;
    struct span name;
    TRY(name_read(in, &out->name));
    TRY(reader_u32_le(in, &count, NULL));
    if (count > INTERFACE_FUNCTIONS) {
        return ERR_LIMIT;
    }
    for (u32 i = 0; i < count; i++) {
        struct span hash;
        TRY(reader_bytes(in, MANIFEST_HASH_BYTES, &hash, NULL));
        mem_copy(hashes[i], hash.data, MANIFEST_HASH_BYTES);
        TRY(name_read(in, &name));
    }
    size_t size =
        interface_preimage(out->name, (const u8(*)[32])hashes, count, preimage, sizeof preimage);
    if (size == 0) {
        return ERR_MALFORMED;
    }
    platform_sha256(span_of(preimage, size), out->hash);
    return ERR_OK;
}

// Puts it where the order of hashes wants it; one that is there already is one.
static enum err interface_add(struct manifest *manifest, const struct manifest_interface *wanted)
{
    u32 at = manifest->interface_count;
    while (at > 0 &&
           mem_compare(manifest->interfaces[at - 1].hash, wanted->hash, MANIFEST_HASH_BYTES) > 0) {
        at--;
    }
    if (at > 0 && mem_equal(manifest->interfaces[at - 1].hash, wanted->hash, MANIFEST_HASH_BYTES)) {
        return ERR_OK;
    }
    if (manifest->interface_count == MANIFEST_INTERFACES) {
        return ERR_LIMIT;
    }
    memmove(&manifest->interfaces[at + 1], &manifest->interfaces[at],
            (manifest->interface_count - at) * sizeof *wanted);
    manifest->interfaces[at] = *wanted;
    manifest->interface_count++;
    return ERR_OK;
}

static enum err section_read(struct span section, struct manifest *manifest)
{
    struct reader in = reader_over(section);
    while (reader_left(&in) > 0) {
        u32 count;
        TRY(reader_u32_le(&in, &count, NULL));
        for (u32 i = 0; i < count; i++) {
            struct manifest_interface wanted = {0};
            TRY(interface_read(&in, &wanted));
            TRY(interface_add(manifest, &wanted));
        }
    }
    return ERR_OK;
}

// Walks the sections of a module: a number, a size, and for number 0 a name.
static enum err interfaces_read(struct span module, struct manifest *manifest)
{
    struct reader in = reader_over(module);
    struct span magic, content, name;
    TRY(reader_bytes(&in, 8, &magic, NULL));
    while (reader_left(&in) > 0) {
        u8 kind;
        u32 size;
        TRY(reader_u8(&in, &kind, NULL));
        TRY(reader_leb_u32(&in, &size, NULL));
        TRY(reader_bytes(&in, size, &content, NULL));
        struct reader custom = reader_over(content);
        if (kind != 0 || reader_leb_u32(&custom, &size, NULL) != ERR_OK ||
            reader_bytes(&custom, size, &name, NULL) != ERR_OK ||
            !span_equal(name, SPAN_LITERAL("redshirt:interfaces"))) {
            continue;
        }
        size_t left = reader_left(&custom);
        TRY(section_read(span_slice(content, content.size - left, content.size), manifest));
    }
    return ERR_OK;
}

// ---- the steps

static int key_take(struct store *store, struct publication *publication)
{
    char name[RECORD_NAME];
    struct text text = text_over(name, sizeof name);
    struct span seed = {0};
    struct report report = {0};
    u8 public[P2P_POINT_BYTES];
    text_string(&text, "key-");
    text_bytes(&text, publication->name);
    if (text.cut || !record_name_is_good(span_string(name))) {
        say("a name has 1 to %d small letters, digits and dashes", RECORD_NAME_BYTES - 4);
        return EXIT_USAGE;
    }
    enum err err = record_get(store->home, span_string(name), &seed, &report);
    if (err == ERR_OK && seed.size == P2P_SECRET_BYTES) {
        mem_copy(publication->seed, seed.data, P2P_SECRET_BYTES);
    } else if (err == ERR_NOT_FOUND) {
        report = (struct report){0};
        publication->is_new = true;
        platform_random(publication->seed, P2P_SECRET_BYTES);
        err = record_set(store->home, span_string(name),
                         span_of(publication->seed, P2P_SECRET_BYTES), &report);
    } else if (err == ERR_OK) {
        err = report_err(&report, ERR_INVALID, 0, "the key of this name is damaged");
    }
    free((void *)seed.data);
    if (err != ERR_OK) {
        return say_refused(name, err, &report);
    }
    keys_crypto.identity(NULL, publication->seed, public);
    publication->key = peer_id_of_ed25519(public);
    return EXIT_GOOD;
}

// What the manifest before said against programs is said again; without it nothing is published.
static int former_take(struct store *store, struct publication *publication)
{
    static struct known_name known; // too large for a stack
    static struct manifest before;
    struct manifest *manifest = &publication->manifest;
    int code = name_find(store, &publication->key, &known);
    if (code == EXIT_GOOD && known.is_damaged && !publication->is_new) {
        say("nothing is published: a line of REDSHIRT_HOME/store/records/names is damaged, and it "
            "may have the number of what this name last stood for; put a copy of that file in its "
            "place, or remove the line and let `redshirt run NAME@KEY --peer ADDRESS` ask who has "
            "heard of it");
        return EXIT_DAMAGED;
    }
    manifest->sequence = known.is_known ? known.record.sequence + 1 : 1;
    if (code != EXIT_GOOD || !known.is_known || publication->forgets_yanks) {
        return code;
    }
    code = name_manifest(store, &publication->key, &known.record, &before, &publication->former);
    if (code == EXIT_GOOD) {
        manifest->yank_count = before.yank_count;
        mem_copy(manifest->yanked, before.yanked, sizeof before.yanked);
        return EXIT_GOOD;
    }
    say("nothing is published: %.*s would tell what this name has taken back; `redshirt get CID "
        "--peer ADDRESS` fetches it from who has it, `redshirt publish --forget-yanks` does "
        "without",
        (int)known.record.value.size, (const char *)known.record.value.data);
    return code;
}

static int yank_add(struct publication *publication)
{
    struct manifest *manifest = &publication->manifest;
    u8 binary[CID_BINARY_BYTES], other[CID_BINARY_BYTES];
    u32 at = manifest->yank_count;
    if (publication->yank_reason == NULL || manifest_yanked(manifest, &publication->yank) != NULL) {
        return EXIT_GOOD;
    }
    if (manifest->yank_count == MANIFEST_YANKS) {
        say("at most %d programs can be taken back", MANIFEST_YANKS);
        return EXIT_TOO_LARGE;
    }
    cid_write_binary(&publication->yank, binary);
    for (; at > 0; at--) {
        cid_write_binary(&manifest->yanked[at - 1].program, other);
        if (mem_compare(other, binary, sizeof binary) < 0) {
            break;
        }
        manifest->yanked[at] = manifest->yanked[at - 1];
    }
    manifest->yanked[at] =
        (struct manifest_yank){publication->yank, span_string(publication->yank_reason)};
    manifest->yank_count++;
    return EXIT_GOOD;
}

// Signs the manifest and the record, and keeps both.
static int publication_sign(struct store *store, struct publication *publication)
{
    static u8 block[MANIFEST_BYTES], scratch[IPNS_SCRATCH_BYTES];
    static struct name_line line;
    char value[CID_TEXT_BYTES + 8], name[CID_TEXT_BYTES];
    struct report report = {0};
    enum err err = manifest_check(&publication->manifest, &report);
    if (err != ERR_OK) {
        return say_refused("what is to be published", err, &report);
    }
    size_t size = manifest_write(&keys_crypto, publication->seed, &publication->manifest, block);
    publication->signed_block = cid_of_block(CID_RAW, span_of(block, size), platform_sha256);
    err = store_put(store, &publication->signed_block, span_of(block, size), &report);
    if (err != ERR_OK) {
        return say_refused("the manifest", err, &report);
    }
    cid_write_text(&publication->signed_block, name);
    snprintf(value, sizeof value, "/ipfs/%s", name);
    struct ipns_record what = {
        .value = span_string(value),
        .sequence = publication->manifest.sequence,
        .valid_until_ns = ((u64)time(NULL) + (u64)VALID_DAYS * SECONDS_PER_DAY) * NS_PER_S,
        .ttl_ns = TTL_S * NS_PER_S,
    };
    line.is_mine = true;
    line.key = publication->key;
    line.size = ipns_record_write(&keys_crypto, publication->seed, &what, scratch, line.bytes,
                                  sizeof line.bytes);
    return line.size <= sizeof line.bytes ? name_keep(store, &line) : EXIT_TOO_LARGE;
}

// From reading the key and the record before to writing the next, under record_lock: who publishes
// at the same time finds this one.
static int publish_locked(struct store *store, struct publication *publication, struct span program)
{
    char version[24];
    struct manifest *manifest = &publication->manifest;
    int code = key_take(store, publication);
    if (code == EXIT_GOOD) {
        code = former_take(store, publication);
    }
    if (code == EXIT_GOOD) {
        snprintf(version, sizeof version, "%llu", (unsigned long long)manifest->sequence);
        manifest->publisher = publication->key;
        manifest->name = publication->name;
        manifest->version =
            span_string(publication->version == NULL ? version : publication->version);
        manifest->program = publication->program;
        // What is no module wants nothing; the kernel will say that it is none.
        (void)!interfaces_read(program, manifest);
        code = yank_add(publication);
    }
    return code == EXIT_GOOD ? publication_sign(store, publication) : code;
}

static int publish_in(struct store *store, struct publication *publication)
{
    struct report report = {0};
    struct program_bytes program = {0};
    enum err err = hosted_file_read(store, &publication->program, bytes_add, &program, &report);
    int lock = err == ERR_OK ? record_lock(store->home) : -1;
    int code = EXIT_IO;
    if (err == ERR_NOT_FOUND) {
        say("the program: %s; `redshirt add FILE` puts it into the store, `redshirt get CID --peer "
            "ADDRESS` fetches it",
            report.text);
        code = EXIT_NOT_FOUND;
    } else if (err != ERR_OK) {
        code = say_refused("the program", err, &report);
    } else if (lock < 0) {
        say("the folder of the list of names cannot be opened");
    } else {
        code = publish_locked(store, publication, span_of(program.data, program.size));
        record_unlock(lock);
    }
    if (code == EXIT_GOOD) {
        code = pin_add(store, &publication->signed_block);
    }
    if (code == EXIT_GOOD) {
        code = pin_add(store, &publication->program);
    }
    free(program.data);
    free((void *)publication->former.data);
    return code;
}

// ---- the command

// CID=REASON
static int yank_take(const struct command *command, struct publication *publication, char *value)
{
    char *equals = value == NULL ? NULL : strchr(value, '=');
    struct report report = {0};
    if (equals == NULL) {
        return say_usage(command, "--yank wants CID=REASON");
    }
    *equals = 0;
    if (p2p_cid_parse_word(span_string(value), &publication->yank, &report) != ERR_OK) {
        return say_usage(command, "--yank %s: %s", value, report.text);
    }
    publication->yank_reason = equals + 1;
    return EXIT_GOOD;
}

static int option_take(const struct command *command, struct publication *publication,
                       struct options *options, const char *option, const char *value)
{
    if (strcmp(option, "forget-yanks") == 0) {
        publication->forgets_yanks = true;
        return value == NULL ? EXIT_GOOD : say_usage(command, "--forget-yanks takes no value");
    }
    if (strcmp(option, "version") == 0) {
        publication->version = options_value(options, value);
        return publication->version != NULL ? EXIT_GOOD
                                            : say_usage(command, "--version wants a word");
    }
    if (strcmp(option, "yank") == 0) {
        return yank_take(command, publication, (char *)options_value(options, value));
    }
    return say_usage(command, "there is no option \"%s\"", option);
}

// Options may stand before, between and behind the name and the CID.
static int arguments_take(const struct command *command, struct publication *publication, int count,
                          char **arguments)
{
    const char *words[2];
    int word_count = 0;
    struct options options = {count, arguments, 0};
    struct report report = {0};
    while (options.next < count) {
        const char *value;
        const char *option = options_next(&options, &value);
        int code = EXIT_GOOD;
        if (option != NULL) {
            code = option_take(command, publication, &options, option, value);
        } else if (options.next < count) {
            if (word_count == 2) {
                return say_usage(command, "what is \"%s\" for?", arguments[options.next]);
            }
            words[word_count++] = arguments[options.next++];
        }
        if (code != EXIT_GOOD) {
            return code;
        }
    }
    if (word_count != 2) {
        return say_usage(command, "a name and a CID are wanted");
    }
    publication->name = span_string(words[0]);
    return p2p_cid_parse_word(span_string(words[1]), &publication->program, &report) == ERR_OK
               ? EXIT_GOOD
               : say_bad_cid(words[1], &report);
}

static int publish_run(const struct command *command, int count, char **arguments)
{
    static struct publication publication; // too large for a stack
    struct store store;
    int code = arguments_take(command, &publication, count, arguments);
    if (code == EXIT_GOOD) {
        code = store_open_home(&store);
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    code = publish_in(&store, &publication);
    store_close(&store);
    if (code == EXIT_GOOD) {
        char key[P2P_PEER_ID_TEXT_BYTES];
        struct text text = text_over(key, sizeof key);
        peer_id_write_name(&text, &publication.key);
        printf("%.*s@%s\n", (int)publication.name.size, (const char *)publication.name.data, key);
        code = fflush(stdout) == 0 ? EXIT_GOOD : EXIT_IO;
    }
    mem_zero(publication.seed, sizeof publication.seed);
    return code;
}

const struct command command_publish = {
    "publish",
    "signs that a name of yours stands for a program",
    "Usage: redshirt publish [--version WORD] [--yank CID=REASON] [--forget-yanks] NAME CID\n"
    "\n"
    "Signs that NAME stands for the program, and prints NAME@KEY, which others run: `redshirt run "
    "NAME@KEY`.\n"
    "The key is made at the first use of the name, and kept in this home; whoever has it decides "
    "what the\n"
    "name stands for. `redshirt serve` tells who asks. What is signed says which interfaces the "
    "program\n"
    "wants, and is valid for 90 days: publish it again before.\n"
    "\n"
    "      --version WORD      what people call it (default: a number that counts up)\n"
    "      --yank CID=REASON   says that a program of this name should no longer be run, now and "
    "in all\n"
    "                          that is published later\n"
    "      --forget-yanks      says it no longer of those before\n"
    "\n"
    "Exit codes: 66 the program, or what was published before, is not in the store, 67 not a CID "
    "that is\n"
    "served, 68 one of them is damaged, 73 beyond a limit.\n",
    publish_run,
};
