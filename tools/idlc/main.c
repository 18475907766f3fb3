// SPDX-License-Identifier: GPL-3.0-or-later
// idlc: the interface compiler. `idlc --help` says what it does.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/wit/limits.h"
#include "tools/idlc/idlc.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
    "usage: idlc [options] FILE.wit\n"
    "\n"
    "Generates C from an interface. With no --out, only checks the file.\n"
    "\n"
    "  --out DIR       write DIR/interfaces/NAME.h, NAME.c, NAME_client.h, NAME_section.h,\n"
    "                  NAME.section and DIR/docs/NAME.md\n"
    "  --as NAME       another NAME than the interface's own, for files and C: a-z, 0-9 and _\n"
    "  --only F,F,...  as if the interface had these functions only\n"
    "  --print         print the interface's hash, then id, F and name of each function\n"
    "  --depends       print the files that FILE.wit uses, by their paths, and do nothing else\n";

struct options {
    const char *out;
    const char *as;
    const char *only;
    const char *file;
    bool print;
    bool depends;
};

NORETURN void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "idlc: %s:%d: not so: %s\n", file, line, claim);
    abort();
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

static void sha256(struct span bytes, u8 out[32])
{
    crypto_hash_sha256(out, bytes.data, bytes.size);
}

// ---- files

struct folder {
    struct arena *arena;
    const char *path; // with its '/', or empty
};

static enum err read_file(struct arena *arena, const char *path, struct span *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return ERR_NOT_FOUND;
    }
    u8 *data = ARENA_ARRAY(arena, u8, WIT_TEXT_BYTES + 1); // one more, so that too long is seen
    enum err err = ERR_NO_MEMORY;
    if (data != NULL) {
        *out = span_of(data, fread(data, 1, WIT_TEXT_BYTES + 1, file));
        err = ferror(file) ? ERR_IO : ERR_OK;
    }
    fclose(file);
    return err;
}

static enum err read_used(void *context, struct span name, struct span *text)
{
    const struct folder *folder = context;
    char path[4096];
    struct text out = text_over(path, sizeof path);
    text_string(&out, folder->path);
    text_bytes(&out, name);
    text_string(&out, ".wit");
    return out.cut ? ERR_LIMIT : read_file(folder->arena, path, text);
}

// Writes one file by way of a temporary one, so that a build never sees half of it.
static bool write_file(struct generator *gen, const char *path, void (*emit)(struct generator *gen))
{
    const char *part = format(gen, "%s.part", path);
    gen->out = fopen(part, "wb");
    if (gen->out == NULL) {
        perror(part);
        return false;
    }
    emit(gen);
    bool bad = ferror(gen->out) != 0;
    bad = fclose(gen->out) != 0 || bad;
    if (bad || rename(part, path) != 0) {
        perror(path);
        return false;
    }
    return true;
}

static bool write_all(struct generator *gen, const char *folder)
{
    const char *base = format(gen, "%s/interfaces/%s", folder, gen->prefix);
    (void)mkdir(folder,
                0777); // those that are there already are no error; a missing one shows below
    (void)mkdir(format(gen, "%s/interfaces", folder), 0777);
    (void)mkdir(format(gen, "%s/docs", folder), 0777);
    return write_file(gen, format(gen, "%s.c", base), emit_source) &&
           write_file(gen, format(gen, "%s_client.h", base), emit_client) &&
           write_file(gen, format(gen, "%s_section.h", base), emit_section_header) &&
           write_file(gen, format(gen, "%s.section", base), emit_section_bytes) &&
           write_file(gen, format(gen, "%s/docs/%s.md", folder, gen->prefix), emit_page) &&
           write_file(gen, format(gen, "%s.h", base), emit_header);
}

// ---- the command

// Whether a name can begin names in C and of files.
static bool is_prefix(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return name[0] >= 'a' && name[0] <= 'z' && name[size] == 0;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const char **value = strcmp(word, "--out") == 0    ? &options->out
                             : strcmp(word, "--as") == 0   ? &options->as
                             : strcmp(word, "--only") == 0 ? &options->only
                                                           : NULL;
        if (value != NULL) {
            if (++i == argc) {
                return false;
            }
            *value = argv[i];
        } else if (strcmp(word, "--print") == 0) {
            options->print = true;
        } else if (strcmp(word, "--depends") == 0) {
            options->depends = true;
        } else if (word[0] == '-' || options->file != NULL) {
            return false;
        } else {
            options->file = word;
        }
    }
    return options->file != NULL && (options->as == NULL || is_prefix(options->as));
}

static enum err keep_only(struct wit_interface *interface, const char *list, struct arena *arena,
                          struct report *report)
{
    struct span names[WIT_FUNCTIONS];
    u32 count = 0;
    while (*list != 0) {
        size_t size = strcspn(list, ",");
        if (count == WIT_FUNCTIONS) {
            return report_err(report, ERR_LIMIT, 0, "--only: too many names");
        }
        names[count++] = span_of(list, size);
        list += list[size] == ',' ? size + 1 : size;
    }
    return wit_keep_functions(interface, names, count, sha256, arena, report);
}

static enum err load(const struct options *options, struct arena *arena, const char *folder,
                     struct wit_interface **out, struct report *report)
{
    struct folder context = {arena, folder};
    struct wit_source source = {read_used, &context};
    struct span file = span_string(options->file);
    struct span text;
    enum err err = read_file(arena, options->file, &text);
    if (err != ERR_OK) {
        return report_err_detail(report, err, 0, "idlc: cannot read", file);
    }
    TRY(wit_load(file, text, &source, sha256, arena, out, report));
    if (options->only != NULL) {
        TRY(keep_only(*out, options->only, arena, report));
    }
    return ERR_OK;
}

static bool generate(const struct options *options, struct wit_interface *interface,
                     struct arena *arena)
{
    struct generator gen = {.interface = interface, .source = options->file, .arena = arena};
    gen.prefix = options->as != NULL ? options->as : c_lower(&gen, interface->name);
    gen.prefix_upper = c_upper(&gen, span_string(gen.prefix));
    names_make(&gen);
    return !names_clash(&gen) && write_all(&gen, options->out);
}

static void print(const struct wit_interface *interface)
{
    static char buffer[WIT_PRINT_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    wit_print(interface, &text);
    fputs(buffer, stdout);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct memory memory = {resize};
    struct arena arena;
    struct report report;
    struct wit_interface *interface;
    if (!read_options(argc, argv, &options)) {
        fputs(help, stderr);
        return 2;
    }
    if (sodium_init() < 0) {
        return 1;
    }
    arena_init(&arena, &memory, (size_t)1 << 30);
    report_clear(&report);
    char folder[4096];
    const char *slash = strrchr(options.file, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - options.file) + 1;
    if (length >= sizeof folder) {
        fputs("idlc: the path is too long\n", stderr);
        return 1;
    }
    memcpy(folder, options.file, length);
    folder[length] = 0;
    enum err err = load(&options, &arena, folder, &interface, &report);
    if (err != ERR_OK) {
        fprintf(stderr, "%s\n", report.err == ERR_OK ? err_name(err) : report.text);
        return 1;
    }
    if (options.depends) {
        for (const struct wit_interface *used = interface->next; used != NULL; used = used->next) {
            printf("%s%.*s\n", folder, (int)used->file.size, used->file.data);
        }
        return 0;
    }
    if (options.print) {
        print(interface);
    }
    bool ok = options.out == NULL || generate(&options, interface, &arena);
    arena_drop(&arena);
    return ok ? 0 : 1;
}
