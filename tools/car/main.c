// SPDX-License-Identifier: GPL-3.0-or-later
// tools/car: makes the archive that a bare machine boots from.
//
//     car OUT.car SYSTEM FOLDER...
//
// SYSTEM is a manifest (machines/bare/common/manifest.h) in which `@name` stands for a program:
// name.wasm in the first FOLDER that has it. The archive holds the manifest, with CID and name in
// the place of each, as its root, and the blocks of all programs, each once.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium/crypto_hash_sha256.h>

#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/car.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "machines/bare/common/manifest.h"

enum { FILE_BYTES = 64 << 20, PATH_LETTERS = 1024, NAME_LETTERS = 64 };

// Bytes that grow.
struct bytes {
    u8 *data;
    size_t size;
    size_t capacity;
};

static NORETURN void fail(const char *what, const char *about)
{
    fprintf(stderr, "car: %s: %s\n", about, what);
    exit(1);
}

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "car: %s:%d: not so: %s\n", file, line, claim);
    abort();
}

static void append(struct bytes *bytes, const void *data, size_t size)
{
    if (size > bytes->capacity - bytes->size) {
        bytes->capacity = 2 * (bytes->size + size);
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (bytes->data == NULL) {
            fail("no memory", "archive");
        }
    }
    mem_copy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void *resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    (void)self;
    (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return malloc(new_size);
}

static void sha256(struct span bytes, u8 out[CID_DIGEST_BYTES])
{
    static const u8 none;
    crypto_hash_sha256(out, bytes.size == 0 ? &none : bytes.data, bytes.size);
}

// Appends a block unless it is there already.
static enum err add_block(void *context, const struct cid *cid, struct span block)
{
    struct bytes *blocks = context;
    struct reader at = reader_over(span_of(blocks->data, blocks->size));
    struct car_block one;
    while (car_next(&at, &one)) {
        if (cid_equal(&one.cid, cid)) {
            return ERR_OK;
        }
    }
    u8 prefix[CAR_PREFIX_BYTES];
    append(blocks, prefix, car_write_prefix(cid, block.size, prefix));
    append(blocks, block.data, block.size);
    return ERR_OK;
}

// The whole of a file; false when there is none.
static bool read_file(const char *path, struct bytes *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        if (errno != ENOENT) {
            fail(strerror(errno), path);
        }
        return false;
    }
    u8 part[65536];
    size_t got;
    while ((got = fread(part, 1, sizeof part, file)) > 0) {
        append(out, part, got);
        if (out->size > FILE_BYTES) {
            fail("too long", path);
        }
    }
    if (ferror(file)) {
        fail(strerror(errno), path);
    }
    fclose(file);
    return true;
}

static struct cid add_file(struct span file, struct bytes *blocks)
{
    struct memory memory = {resize};
    struct arena arena;
    struct unixfs_builder builder;
    struct cid cid;
    arena_init(&arena, &memory, UNIXFS_BUILDER_BYTES);
    unixfs_builder_init(&builder, &arena, sha256, add_block, blocks);
    if (unixfs_builder_write(&builder, file) != ERR_OK ||
        unixfs_builder_finish(&builder, &cid) != ERR_OK) {
        fail("cannot be cut into blocks", "file");
    }
    arena_drop(&arena);
    return cid;
}

// The program's name in the place of `@name` is its CID and, behind a space, its name.
static void add_program(struct span name, char **folders, struct bytes *manifest,
                        struct bytes *blocks)
{
    char path[PATH_LETTERS];
    char text[CID_TEXT_BYTES];
    struct bytes file = {0};
    if (name.size == 0 || name.size > NAME_LETTERS) {
        fail("a name after @ has 1 to 64 letters", "system");
    }
    for (char **folder = folders; *folder != NULL; folder++) {
        int size = snprintf(path, sizeof path, "%s/%.*s.wasm", *folder, (int)name.size,
                            (const char *)name.data);
        if (size < 0 || (size_t)size >= sizeof path) {
            fail("too long a path", *folder);
        }
        if (read_file(path, &file)) {
            struct cid cid = add_file(span_of(file.data, file.size), blocks);
            cid_write_text(&cid, text);
            append(manifest, text, CID_TEXT_LETTERS);
            append(manifest, " ", 1);
            append(manifest, name.data, name.size);
            free(file.data);
            return;
        }
    }
    snprintf(path, sizeof path, "%.*s", (int)name.size, (const char *)name.data);
    fail("no program of this name in the folders", path);
}

static void make_manifest(struct span system, char **folders, struct bytes *manifest,
                          struct bytes *blocks)
{
    size_t at = 0;
    while (at < system.size) {
        size_t end = at + 1;
        if (system.data[at] != '@') {
            append(manifest, system.data + at, 1);
            at++;
            continue;
        }
        while (end < system.size && system.data[end] > ' ') {
            end++;
        }
        add_program(span_slice(system, at + 1, end), folders, manifest, blocks);
        at = end;
    }
}

static void write_out(const char *path, const struct cid *root, const struct bytes *blocks)
{
    u8 header[CAR_HEADER_BYTES];
    size_t size = car_write_header(root, header);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(header, 1, size, file) != size ||
        fwrite(blocks->data, 1, blocks->size, file) != blocks->size || fclose(file) != 0) {
        fail(strerror(errno), path);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("use: car OUT.car SYSTEM FOLDER...\n", stderr);
        return 2;
    }
    struct bytes system = {0};
    struct bytes manifest = {0};
    struct bytes blocks = {0};
    struct report report;
    u32 runs;
    report_clear(&report);
    if (!read_file(argv[2], &system)) {
        fail("no such file", argv[2]);
    }
    make_manifest(span_of(system.data, system.size), argv + 3, &manifest, &blocks);
    struct span text = span_of(manifest.data, manifest.size);
    if (manifest_open(text, &runs, &report) != ERR_OK) {
        fail(report.text, argv[2]);
    }
    struct cid root = cid_of_block(CID_RAW, text, sha256);
    if (add_block(&blocks, &root, text) != ERR_OK) {
        fail("no memory", argv[2]);
    }
    write_out(argv[1], &root, &blocks);
    char name[CID_TEXT_BYTES];
    cid_write_text(&root, name);
    printf("%s\n", name);
    return 0;
}
