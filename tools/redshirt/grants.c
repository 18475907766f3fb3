// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/grants.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/unixfs.h"
#include "core/kernel/budget.h"
#include "core/platform.h"
#include "interfaces/budget.h"
#include "interfaces/dns.h"
#include "interfaces/files.h"
#include "interfaces/tcp.h"
#include "interfaces/udp.h"
#include "machines/hosted/allow.h"
#include "machines/hosted/allow_names.h"
#include "machines/hosted/folders.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/embedded.h"

#define FILE_NAME "grants"
#define FILE_NEW "grants.new"

static const char first_lines[] =
    "# What programs may do. `redshirt grants` lists it; `redshirt grant` and `redshirt revoke`\n"
    "# change it.\n";

// ---- what comes with the command

static const struct {
    const char *program; // that comes with the command; NULL: all programs
    const char *interface;
    enum kernel_right right;
    const char *limit;
} defaults[] = {
    {NULL, "redshirt:io/log", KERNEL_USE, ""},
    {NULL, "redshirt:io/time", KERNEL_USE, ""},
    {NULL, "redshirt:io/random", KERNEL_USE, ""},
    {NULL, "redshirt:io/stdio", KERNEL_USE, ""},
    // to ask which folders they were given: by this row none
    {NULL, "redshirt:io/files", KERNEL_USE, "none"},
    {NULL, BUDGET_NAME, KERNEL_USE, ""},
    {"store-loader", BUDGET_NAME, KERNEL_USE, ""}, // though all programs have theirs revoked
    {"p2p-loader", BUDGET_NAME, KERNEL_USE, ""},
    {"store-loader", "redshirt:io/blocks", KERNEL_USE, ""},
    {"store-loader", "redshirt:kernel/loader", KERNEL_HANDLE, ""},
    {"log", "redshirt:io/log", KERNEL_HANDLE, ""},
    {"http", "redshirt:kernel/inspect", KERNEL_USE, ""},
    {"ps", "redshirt:kernel/inspect", KERNEL_USE, ""},
    {"top", "redshirt:kernel/inspect", KERNEL_USE, ""},
    {"top", "redshirt:io/terminal", KERNEL_USE, ""},
    {"kill", "redshirt:kernel/processes", KERNEL_USE, ""},
    {"env", "redshirt:kernel/processes", KERNEL_USE, ""},
    {"http", "redshirt:io/tcp", KERNEL_USE, "listen:127.0.0.1:*"},
    {"http", "redshirt:net/peers", KERNEL_USE, ""},
    {"store-loader", "redshirt:kernel/fetch", KERNEL_USE, ""},
    {"p2p-loader", "redshirt:kernel/fetch", KERNEL_HANDLE, ""},
    {"p2p-loader", "redshirt:net/peers", KERNEL_HANDLE, ""},
    {"p2p-loader", "redshirt:io/blocks", KERNEL_USE, ""},
    {"p2p-loader", "redshirt:io/keep", KERNEL_USE, ""},
    {"p2p-loader", "redshirt:io/crypto", KERNEL_USE, ""},
    {"p2p-loader", "redshirt:io/tcp", KERNEL_USE, ""},
    {"p2p-loader", "redshirt:io/udp", KERNEL_USE, ""},
    {"p2p-loader", "redshirt:io/dns", KERNEL_USE, ""},
};

bool grants_program(const char *name, struct cid *out)
{
    size_t index = embedded_find(name);
    if (index == embedded_count) {
        return false;
    }
    *out = *embedded_cid(index);
    return true;
}

const char *grants_program_name(const struct cid *cid)
{
    for (size_t i = 0; i < embedded_count; i++) {
        if (cid_equal(embedded_cid(i), cid)) {
            return embedded_programs[i].name;
        }
    }
    return NULL;
}

bool grants_default(u32 index, struct grants_line *out)
{
    *out = (struct grants_line){.word = KERNEL_ALLOW};
    if (index >= COUNT_OF(defaults)) {
        return false;
    }
    // A program that this build leaves out gets a row that is about nobody.
    bool is_here =
        defaults[index].program == NULL || grants_program(defaults[index].program, &out->program);
    out->right = defaults[index].right;
    out->limit = span_string(defaults[index].limit);
    if (strcmp(defaults[index].interface, "*") == 0) {
        out->name = SPAN_LITERAL("*");
    } else {
        int code = grants_interface(span_string(defaults[index].interface), out);
        ASSERT(code == EXIT_GOOD);
    }
    if (!is_here) {
        out->word = KERNEL_DENY;
        out->program.digest[0] = 1;
    }
    return true;
}

// ---- names

// Without functions, so nothing else of it is generated.
static const struct interface_definition budget = {
    .name = BUDGET_NAME,
    .words = "What a process takes of the machine.",
    .hash = BUDGET_HASH,
};

static const struct interface_definition *known_at(size_t index)
{
    return index < known_interface_count    ? known_interfaces[index]
           : index == known_interface_count ? &budget
                                            : NULL;
}

const struct interface_definition *grants_known(const u8 hash[32])
{
    const struct interface_definition *known;
    for (size_t i = 0; (known = known_at(i)) != NULL; i++) {
        if (mem_equal(known->hash, hash, 32)) {
            return known;
        }
    }
    return NULL;
}

static bool is_called(const struct interface_definition *interface, struct span text)
{
    const char *last = strrchr(interface->name, '/');
    ASSERT(last != NULL);
    return span_equal(text, span_string(interface->name)) ||
           span_equal(text, span_string(last + 1));
}

int grants_interface(struct span text, struct grants_line *line)
{
    const struct interface_definition *known;
    for (size_t i = 0; (known = known_at(i)) != NULL; i++) {
        if (is_called(known, text)) {
            mem_copy(line->interface, known->hash, sizeof line->interface);
            line->name = span_string(known->name);
            return EXIT_GOOD;
        }
    }
    if (grants_hash_parse(text, line->interface)) {
        known = grants_known(line->interface);
        line->name = known == NULL ? SPAN_LITERAL("unknown") : span_string(known->name);
        return EXIT_GOOD;
    }
    say("there is no interface \"%.*s\"; `redshirt interface FILE.wit` prints the hash of one that "
        "is not the system's own",
        (int)text.size, (const char *)text.data);
    return EXIT_USAGE;
}

static bool is_of(const struct grants_line *line, const struct interface_definition *interface)
{
    return mem_equal(line->interface, interface->hash, sizeof line->interface);
}

// What is wrong with a limit, where its handler is the kernel or one of the machine's.
// A folder is given by the path that leads to it without links: what a link leads to may change.
static int folders_check(const struct folders *folders)
{
    for (u32 i = 0; i < folders->count; i++) {
        const char *host = folders->parts[i].host;
        char *place = realpath(host, NULL); // NULL: it is not there yet
        bool is_same = place == NULL || strcmp(place, host) == 0;
        if (!is_same) {
            say("the folder %s is %s by its name without links and dots: give that", host, place);
        }
        free(place);
        if (!is_same) {
            return EXIT_USAGE;
        }
    }
    return EXIT_GOOD;
}

static int limit_check(const struct grants_line *line)
{
    static struct allow allow;
    static struct folders folders;
    struct kernel_budget unused;
    struct report report = {0};
    const char *shape = "";
    enum err err = ERR_OK;
    if (is_of(line, &tcp_interface) || is_of(line, &udp_interface)) {
        err = allow_parse(line->limit, &allow, &report);
        shape = "connect:HOST:PORT or listen:PORT; docs/grants.md";
    } else if (is_of(line, &dns_interface)) {
        err = allow_names_check(line->limit, &report);
        shape = "example.org,*.example.net; docs/grants.md";
    } else if (is_of(line, &budget)) {
        err = kernel_budget_parse(line->limit, &unused, &report);
        shape = "memory:64MiB,children:4; docs/budgets.md";
    } else if (is_of(line, &files_interface)) {
        err = folders_parse(line->limit, &folders, &report);
        shape = "HOST[:GUEST][:ro] or none; docs/grants.md";
        if (err == ERR_OK) {
            return folders_check(&folders);
        }
    }
    if (err == ERR_OK) {
        return EXIT_GOOD;
    }
    say("the limit %.*s: %s, at its byte %llu (%s)", (int)line->limit.size,
        (const char *)line->limit.data, report.text, (unsigned long long)report.offset, shape);
    return EXIT_USAGE;
}

int grants_interface_limit(char *text, struct grants_line *line)
{
    char *equals = strchr(text, '=');
    size_t size = equals == NULL ? strlen(text) : (size_t)(equals - text);
    line->limit = span_string(equals == NULL ? "" : equals + 1);
    if (equals != NULL && (line->limit.size == 0 || !grants_limit_fits(line->limit))) {
        say("a limit has 1 to %d bytes, none of them a blank", KERNEL_GRANT_LIMIT_BYTES);
        return EXIT_USAGE;
    }
    int code = grants_interface(span_of(text, size), line);
    return code == EXIT_GOOD && line->limit.size > 0 ? limit_check(line) : code;
}

// ---- lines

static bool is_same(const struct grants_line *a, const struct grants_line *b)
{
    return a->right == b->right &&
           mem_equal(a->program.digest, b->program.digest, sizeof a->program.digest) &&
           mem_equal(a->interface, b->interface, sizeof a->interface);
}

const struct grants_line *grants_find(const struct grants *grants, const struct grants_line *line)
{
    for (u32 i = grants->count; i > 0; i--) { // of two in a file the last one counts
        if (is_same(&grants->lines[i - 1], line)) {
            return &grants->lines[i - 1];
        }
    }
    return NULL;
}

static bool append(struct grants *grants, const struct grants_line *line)
{
    if (grants->count == KERNEL_GRANTS) {
        return false;
    }
    if (grants->count == grants->room) {
        u32 room = grants->room * 2 + 64;
        struct grants_line *lines = realloc(grants->lines, room * sizeof *lines);
        if (lines == NULL) {
            return false;
        }
        grants->lines = lines;
        grants->room = room;
    }
    grants->lines[grants->count++] = *line;
    return true;
}

bool grants_set(struct grants *grants, const struct grants_line *line)
{
    struct grants_line *same = (struct grants_line *)grants_find(grants, line);
    if (same != NULL) {
        *same = *line;
        return true;
    }
    return append(grants, line);
}

bool grants_remove(struct grants *grants, const struct grants_line *line)
{
    u32 kept = 0;
    for (u32 i = 0; i < grants->count; i++) {
        if (!is_same(&grants->lines[i], line)) {
            grants->lines[kept++] = grants->lines[i];
        }
    }
    bool found = kept < grants->count;
    grants->count = kept;
    return found;
}

void grants_free(struct grants *grants)
{
    free(grants->lines);
    free(grants->text);
    *grants = (struct grants){0};
}

// ---- the file

int grants_lock(struct store *store)
{
    while (flock(store->home, LOCK_EX) != 0) {
        if (errno != EINTR) {
            say("the file of grants cannot be locked: %s", strerror(errno));
            return EXIT_IO;
        }
    }
    return EXIT_GOOD;
}

void grants_unlock(struct store *store)
{
    (void)flock(store->home, LOCK_UN);
}

// All bytes of the file, from malloc; *size 0 and NULL when there is none.
static int file_read(struct store *store, char **out, size_t *size)
{
    *out = NULL;
    *size = 0;
    int file = openat(store->home, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) {
        return EXIT_GOOD;
    }
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        say("the file of grants cannot be read: %s", file < 0 ? strerror(errno) : "it is no file");
        if (file >= 0) {
            close(file);
        }
        return EXIT_IO;
    }
    char *text = status.st_size > GRANTS_FILE_BYTES ? NULL : malloc((size_t)status.st_size + 1);
    ssize_t count = 0;
    while (text != NULL && *size < (size_t)status.st_size &&
           (count = read(file, text + *size, (size_t)status.st_size - *size)) > 0) {
        *size += (size_t)count;
    }
    close(file);
    if (text == NULL || count < 0) {
        free(text);
        say(count < 0 ? "the file of grants cannot be read" : "the file of grants is too large");
        return count < 0 ? EXIT_IO : EXIT_TOO_LARGE;
    }
    *out = text;
    return EXIT_GOOD;
}

static int lines_read(struct grants *grants, size_t size)
{
    struct grants_reader in = grants_reader_over(span_of(grants->text, size));
    struct report report = {0};
    struct grants_line line;
    for (;;) {
        bool found;
        if (grants_read(&in, &line, &found, &report) != ERR_OK) {
            say("REDSHIRT_HOME/%s:%u:%u: %s; nothing of it is believed until that is mended",
                FILE_NAME, in.line, in.column, report.text);
            return EXIT_NOT_VALID;
        }
        if (!found) {
            return EXIT_GOOD;
        }
        if (!append(grants, &line)) {
            say("REDSHIRT_HOME/%s:%u:1: more than %d lines", FILE_NAME, in.line, KERNEL_GRANTS);
            return EXIT_TOO_LARGE;
        }
    }
}

int grants_load(struct store *store, struct grants *out)
{
    *out = (struct grants){0};
    size_t size;
    int code = file_read(store, &out->text, &size);
    if (code == EXIT_GOOD) {
        code = lines_read(out, size);
    }
    if (code != EXIT_GOOD) {
        grants_free(out);
    }
    return code;
}

static bool lines_write(int file, const struct grants *grants)
{
    bool done = write_all(file, span_string(first_lines));
    for (u32 i = 0; i < grants->count && done; i++) {
        char line[GRANTS_LINE_BYTES + 2];
        struct text text = text_over(line, sizeof line);
        grants_write(&grants->lines[i], &text);
        ASSERT(!text.cut);
        done = write_all(file, span_of(text.data, text.size));
    }
    return done && fsync(file) == 0;
}

int grants_save(struct store *store, const struct grants *grants)
{
    int file =
        openat(store->home, FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool done = file >= 0 && lines_write(file, grants);
    if (file >= 0) {
        done = close(file) == 0 && done;
    }
    done = done && renameat(store->home, FILE_NEW, store->home, FILE_NAME) == 0 &&
           fsync(store->home) == 0;
    if (!done) {
        say("the file of grants cannot be written: %s", strerror(errno));
        (void)unlinkat(store->home, FILE_NEW, 0);
    }
    return done ? EXIT_GOOD : EXIT_IO;
}

// ---- the kernel

int grants_say(struct kernel *kernel, const struct grants_line *line)
{
    struct kernel_grant grant = {.right = line->right, .word = line->word, .limit = line->limit};
    mem_copy(grant.program, line->program.digest, sizeof grant.program);
    mem_copy(grant.interface, line->interface, sizeof grant.interface);
    enum err err = kernel_grant_set(kernel, &grant);
    if (err == ERR_OK) {
        return EXIT_GOOD;
    }
    struct report none = {0};
    return say_refused("the grants", err, &none);
}

int grants_apply(struct kernel *kernel, const struct grants *grants)
{
    struct grants_line line;
    int code = EXIT_GOOD;
    for (u32 i = 0; code == EXIT_GOOD && grants_default(i, &line); i++) {
        code = grants_say(kernel, &line);
    }
    for (u32 i = 0; code == EXIT_GOOD && i < grants->count; i++) {
        code = grants_say(kernel, &grants->lines[i]);
    }
    return code;
}

// What counts where the file says nothing any more.
static void forget(struct kernel *kernel, const struct grants_line *gone)
{
    struct grants_line line;
    for (u32 i = 0; grants_default(i, &line); i++) {
        if (is_same(&line, gone)) {
            (void)grants_say(kernel, &line);
            return;
        }
    }
    (void)!kernel_grant_forget(kernel, gone->right, gone->program.digest, gone->interface);
}

void grants_reapply(struct kernel *kernel, const struct grants *before, const struct grants *now)
{
    for (u32 i = 0; i < before->count; i++) {
        if (grants_find(now, &before->lines[i]) == NULL) {
            forget(kernel, &before->lines[i]);
        }
    }
    for (u32 i = 0; i < now->count; i++) {
        const struct grants_line *line = &now->lines[i];
        const struct grants_line *was = grants_find(before, line);
        if (was == NULL || was->word != line->word || !span_equal(was->limit, line->limit)) {
            (void)grants_say(kernel, line);
        }
    }
}
