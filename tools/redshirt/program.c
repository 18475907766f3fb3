// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/report.h"
#include "core/wasm/limits.h"
#include "lib/p2p/cid_text.h"
#include "machines/hosted/file.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/embedded.h"
#include "tools/redshirt/names.h"

enum { NAME_SHORTEST = 40 }; // letters of a CID of any kind that there is

// A pipe or a device does not say how much it holds, and may never end.
static bool is_program_size(void *context, u64 bytes)
{
    (void)context;
    return bytes <= WASM_MODULE_BYTES;
}

// Puts the file into the store, unless that is NULL, under the name that it is then loaded by.
static int file_add(struct store *store, const char *path, char cid[CID_TEXT_BYTES])
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) {
        int code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_IO;
        say("cannot run %s: %s", path, strerror(errno));
        if (file >= 0) {
            close(file);
        }
        return code;
    }
    int code = EXIT_GOOD;
    if (S_ISREG(status.st_mode) && status.st_size > WASM_MODULE_BYTES) {
        say("cannot run %s: it has %llu MiB, and a program has at most %d MiB", path,
            (unsigned long long)status.st_size >> 20, WASM_MODULE_BYTES >> 20);
        code = EXIT_TOO_LARGE;
    } else {
        struct report report = {0};
        struct cid name;
        enum err err = hosted_file_add(store, file, is_program_size, NULL, &name, &report);
        if (err == ERR_OK) {
            cid_write_text(&name, cid);
        } else {
            code = say_refused(path, err, &report);
        }
    }
    close(file);
    return code;
}

static int find(struct store *store, struct network *network, const char *program, bool is_put,
                char cid[CID_TEXT_BYTES])
{
    struct report report = {0};
    struct cid parsed;
    struct span name;
    struct peer_id key;
    enum err err = p2p_cid_parse_word(span_string(program), &parsed, &report);
    if (err == ERR_OK) {
        cid_write_text(&parsed, cid);
        return EXIT_GOOD;
    }
    bool is_address = strncmp(program, "/ipfs/", 6) == 0 || strncmp(program, "ipfs://", 7) == 0;
    bool is_path = (strchr(program, '/') != NULL && !is_address) || access(program, F_OK) == 0;
    if (is_path) {
        return file_add(is_put ? store : NULL, program, cid);
    }
    if (name_is(program, &name, &key)) {
        int code = name_resolve(store, network, program, &parsed);
        if (code == EXIT_GOOD) {
            cid_write_text(&parsed, cid);
        }
        return code;
    }
    const char *at = strchr(program, '@');
    if (at != NULL) {
        report_clear(&report);
        (void)peer_id_parse(span_string(at + 1), &key, &report);
        say("cannot run %s: what stands behind @ is no key as `redshirt publish` prints it (%s)",
            program, report.text);
        return EXIT_BAD_CID;
    }
    size_t embedded = embedded_find(program);
    if (embedded < embedded_count && is_put) {
        return embedded_put(store, embedded, cid);
    }
    if (embedded < embedded_count) {
        cid_write_text(embedded_cid(embedded), cid);
        return EXIT_GOOD;
    }
    // What begins as names of blocks do, and is long, was meant as one.
    bool looks_like_cid = is_address ||
                          (err == ERR_UNSUPPORTED && strlen(program) >= NAME_SHORTEST) ||
                          strncasecmp(program, "baf", 3) == 0;
    if (looks_like_cid) {
        say("cannot run %s: %s", program, report.text);
        return EXIT_BAD_CID;
    }
    say("cannot run %s: it is neither a file nor a CID nor NAME@KEY, and no program of that name "
        "comes with redshirt; `redshirt ls` lists what is here",
        program);
    return EXIT_NOT_FOUND;
}

int program_find(struct store *store, struct network *network, const char *program,
                 char cid[CID_TEXT_BYTES])
{
    return find(store, network, program, true, cid);
}

int program_look(struct store *store, struct network *network, const char *program,
                 char cid[CID_TEXT_BYTES])
{
    return find(store, network, program, false, cid);
}
