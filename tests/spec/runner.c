// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the scripts of the WebAssembly core test suite, as wast2json converts them, on our engine.
//
//     spec_runner [--mode interpreter|compiled|mixed|small] [--slice UNITS] [--seed NUMBER]
//                 [--storm US] SPECTEST.wasm FILE.json...
//
// Each file prints what failed and one line with its counts; the last line closes over all files.
// Modules in the text format can not reach a binary engine: tests/spec/run checks those, and here
// they are not counted.
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/wasm/exception.h"
#include "core/wasm/features.h"
#include "core/wasm/limits.h"
#include "tests/spec/embed.h"
#include "tests/spec/json.h"
#include "tests/spec/values.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 1 << 30, ARGS = 1 << 11, PATH_BYTES = 4096, SLICE_DEFAULT = 10000 };

// A module that was instantiated, or tried to be: what a failed one put into tables stays there.
struct entry {
    struct span name; // of the script, "$M"; may be empty
    struct arena arena;
    struct wasm_instance *instance; // NULL when there never was one
    struct entry *older;
};

// A name under which others can import an instance.
struct registration {
    struct span name;
    struct wasm_instance *instance;
    struct registration *older;
};

struct runner {
    struct embed *embed;
    struct arena arena; // the script
    const char *folder; // where its modules are
    struct entry *entries;
    struct wasm_instance *current; // the last module command's
    struct registration *registrations;
    struct text why; // what is wrong with the command at hand; empty: nothing
    char why_bytes[512];
    u32 passed;
    u32 failed;
    u32 skipped;
};

static void complain(struct runner *r, const char *text)
{
    if (r->why.size != 0) {
        text_string(&r->why, "; ");
    }
    text_string(&r->why, text);
}

static void complain_report(struct runner *r, const struct report *report, enum err err)
{
    complain(r, err_name(err));
    text_string(&r->why, ": ");
    text_string(&r->why, report->text);
    text_string(&r->why, " at offset ");
    text_u64(&r->why, report->offset);
}

static bool read_file(struct arena *arena, const char *path, struct span *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    bool ok = size >= 0 && fseek(file, 0, SEEK_SET) == 0;
    u8 *bytes = ok ? ARENA_ARRAY(arena, u8, (size_t)size) : NULL;
    ok = bytes != NULL && fread(bytes, 1, (size_t)size, file) == (size_t)size;
    (void)fclose(file);
    *out = span_of(bytes, ok ? (size_t)size : 0);
    return ok;
}

static bool read_module(struct runner *r, const struct json *command, struct span *out)
{
    char path[PATH_BYTES];
    struct text text = text_over(path, sizeof path);
    text_string(&text, r->folder);
    text_char(&text, '/');
    text_bytes(&text, json_string(command, "filename"));
    if (text.cut || !read_file(&r->arena, path, out)) {
        complain(r, "the module's file can not be read");
        return false;
    }
    return true;
}

// ---- linking

// The import's value; false when nobody registered it.
static bool find_import(struct runner *r, const struct wasm_import *import, struct wasm_extern *out)
{
    if (span_equal(import->module, SPAN_LITERAL("host"))) {
        *out = (struct wasm_extern){WASM_FUNCTION, {embed_host(r->embed, import->name)}};
        return out->function != NULL;
    }
    for (struct registration *at = r->registrations; at != NULL; at = at->older) {
        if (span_equal(at->name, import->module) &&
            wasm_instance_export(at->instance, import->name, out) == ERR_OK) {
            return true;
        }
    }
    return false;
}

// How far a module came.
struct attempt {
    enum err err;
    bool is_unknown_import;
    bool is_linking; // the failure is about an import
    enum trap trap;  // of a segment or the start function
    struct report report;
    struct wasm_instance *instance; // once it lives
};

static enum err run_start(struct runner *r, struct wasm_instance *instance, enum trap *trap)
{
    const struct wasm_module *module = wasm_instance_module(instance);
    if (!module->has_start) {
        return ERR_OK;
    }
    static struct embed_outcome outcome;
    TRY(embed_call(r->embed, wasm_instance_func(instance, module->start), NULL, &outcome));
    *trap = outcome.trap;
    return outcome.trap == TRAP_NONE ? ERR_OK : ERR_INVALID;
}

static enum err instantiate(struct runner *r, struct span bytes, struct entry *entry,
                            struct attempt *out)
{
    struct wasm_module *module;
    TRY(embed_load(r->embed, bytes, &entry->arena, &module, &out->report));
    out->is_linking = true;
    struct wasm_extern *imports =
        ARENA_ARRAY(&entry->arena, struct wasm_extern, module->import_count);
    if (imports == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 i = 0; i < module->import_count; i++) {
        if (!find_import(r, &module->imports[i], &imports[i])) {
            out->is_unknown_import = true;
            return report_err_detail(&out->report, ERR_NOT_FOUND, 0, "unknown import",
                                     module->imports[i].name);
        }
    }
    enum err err = wasm_instance_create(module, imports, &r->embed->store, &entry->arena,
                                        &entry->instance, &out->trap, &out->report);
    if (entry->instance != NULL) {
        embed_attach(r->embed, entry->instance);
    }
    TRY(err);
    out->instance = entry->instance;
    out->is_linking = false;
    return run_start(r, out->instance, &out->trap);
}

static struct attempt try_module(struct runner *r, struct span bytes, struct span name)
{
    struct attempt attempt = {0};
    struct entry *entry = ARENA_NEW(&r->arena, struct entry);
    if (entry == NULL) {
        attempt.err = ERR_NO_MEMORY;
        return attempt;
    }
    arena_init(&entry->arena, &r->embed->memory, ARENA_BYTES);
    entry->name = name;
    entry->older = r->entries;
    r->entries = entry;
    attempt.err = instantiate(r, bytes, entry, &attempt);
    return attempt;
}

static void register_instance(struct runner *r, struct span name, struct wasm_instance *instance)
{
    struct registration *registration = ARENA_NEW(&r->arena, struct registration);
    if (registration == NULL) {
        complain(r, "out of memory");
        return;
    }
    *registration = (struct registration){name, instance, r->registrations};
    r->registrations = registration;
}

// The instance that a command means: by its name, or the last one.
static struct wasm_instance *instance_of(struct runner *r, struct span name)
{
    for (struct entry *at = r->entries; name.size != 0 && at != NULL; at = at->older) {
        if (span_equal(at->name, name)) {
            return at->instance;
        }
    }
    return name.size == 0 ? r->current : NULL;
}

// ---- actions

static bool write_args(struct runner *r, const struct json *args, const struct wasm_func_type *type,
                       wasm_slot *out)
{
    u32 at = 0;
    u32 slots = 0;
    if (json_count(args) != type->param_count) {
        complain(r, "wrong count of arguments");
        return false;
    }
    for (const struct json *arg = args->first; arg != NULL; arg = arg->next) {
        if (value_type(arg) != type->types[at] || !value_write(arg, &out[slots])) {
            complain(r, "an argument of another type");
            return false;
        }
        slots += value_slots(type->types[at]);
        at++;
    }
    return true;
}

// A `get` gives the value of a global as the only result.
static bool get_global(const struct wasm_global *global, struct embed_outcome *out)
{
    static struct wasm_func_type type;
    static u8 result;
    result = global->type.type;
    type = (struct wasm_func_type){.types = &result, .result_count = 1};
    *out = (struct embed_outcome){.type = &type};
    mem_copy(out->results, global->value, sizeof global->value);
    return true;
}

static bool act(struct runner *r, const struct json *action, struct embed_outcome *out)
{
    static wasm_slot args[ARGS];
    struct wasm_instance *instance = instance_of(r, json_string(action, "module"));
    struct wasm_extern export;
    if (instance == NULL) {
        complain(r, "there is no such module");
        return false;
    }
    if (wasm_instance_export(instance, json_string(action, "field"), &export) != ERR_OK) {
        complain(r, "there is no such export");
        return false;
    }
    if (span_equal(json_string(action, "type"), SPAN_LITERAL("get"))) {
        return export.kind == WASM_GLOBAL && get_global(export.global, out);
    }
    if (export.kind != WASM_FUNCTION) {
        complain(r, "the export is no function");
        return false;
    }
    if (!write_args(r, json_member(action, "args"), export.function->type, args)) {
        return false;
    }
    enum err err = embed_call(r->embed, export.function, args, out);
    if (err != ERR_OK) {
        complain(r, err_name(err));
    }
    return err == ERR_OK;
}

static void check_results(struct runner *r, const struct json *expected,
                          const struct embed_outcome *outcome)
{
    if (outcome->trap != TRAP_NONE) {
        complain(r, outcome->backtrace);
        return;
    }
    if (json_count(expected) != outcome->type->result_count) {
        complain(r, "wrong count of results");
        return;
    }
    u32 at = 0;
    u32 slots = 0;
    for (const struct json *value = expected->first; value != NULL; value = value->next) {
        u8 type = outcome->type->types[outcome->type->param_count + at++];
        if (value_type(value) != type || !value_matches(value, &outcome->results[slots])) {
            complain(r, "expected ");
            value_describe(value, &r->why);
            text_string(&r->why, ", found ");
            slots_describe(type, &outcome->results[slots], &r->why);
        }
        slots += value_slots(type);
    }
}

// Whether our words say what the script expects. Ours may say more than theirs, and theirs name an
// index where ours do not.
static bool same_words(struct span theirs, const char *ours)
{
    struct span mine = span_string(ours);
    size_t size = theirs.size < mine.size ? theirs.size : mine.size;
    return size != 0 && mem_equal(theirs.data, mine.data, size);
}

// Pairs of sentences about one fault. A file that ends early, or whose lengths disagree, is refused
// by whichever check meets it first; the suite's words are those of a decoder that reads beyond the
// end of sections.
static bool same_fault(struct span theirs, const char *ours)
{
    static const char *const pairs[][2] = {
        {"unexpected end of section or function", "length out of bounds"},
        {"length out of bounds", "unexpected end"},
        {"END opcode expected", "unexpected end"},
        {"section size mismatch", "unexpected end"},
        {"illegal opcode", "unexpected end"},
        {"integer representation too long", "unexpected end"},
        {"integer representation too long", "malformed section id"},
        {"integer representation too long", "malformed function type"},
        // wast2json writes a select with an empty list of types as one without a list.
        {"invalid result arity", "type mismatch"},
        // Theirs goes on with the whole stack, ours with the operand.
        {"type mismatch: instruction requires [i32] but stack has []", "type mismatch"},
        {"type mismatch: instruction requires [i32] but stack has [i64]", "type mismatch"},
    };
    for (u32 i = 0; i < COUNT_OF(pairs); i++) {
        if (span_equal(theirs, span_string(pairs[i][0])) &&
            same_words(span_string(pairs[i][1]), ours)) {
            return true;
        }
    }
    return same_words(theirs, ours);
}

// ---- commands

static void do_module(struct runner *r, const struct json *command)
{
    struct span bytes;
    r->current = NULL;
    if (!read_module(r, command, &bytes)) {
        return;
    }
    struct attempt attempt = try_module(r, bytes, json_string(command, "name"));
    if (attempt.err != ERR_OK) {
        complain_report(r, &attempt.report, attempt.err);
        complain(r, trap_name(attempt.trap));
        return;
    }
    r->current = attempt.instance;
}

static void do_register(struct runner *r, const struct json *command)
{
    struct wasm_instance *instance = instance_of(r, json_string(command, "name"));
    if (instance == NULL) {
        complain(r, "there is no such module");
        return;
    }
    register_instance(r, json_string(command, "as"), instance);
}

static void do_return(struct runner *r, const struct json *command)
{
    static struct embed_outcome outcome;
    if (act(r, json_member(command, "action"), &outcome)) {
        check_results(r, json_member(command, "expected"), &outcome);
    }
}

static void do_action(struct runner *r, const struct json *command)
{
    static struct embed_outcome outcome;
    if (act(r, json_member(command, "action"), &outcome) && outcome.trap != TRAP_NONE) {
        complain(r, outcome.backtrace);
    }
}

static void check_trap(struct runner *r, const struct json *command, enum trap trap)
{
    struct span expected = json_string(command, "text");
    if (trap == TRAP_NONE) {
        complain(r, "no trap, expected ");
        text_bytes(&r->why, expected);
    } else if (!same_words(expected, trap_name(trap))) {
        complain(r, trap_name(trap));
        text_string(&r->why, ", expected ");
        text_bytes(&r->why, expected);
    }
}

static void do_trap(struct runner *r, const struct json *command)
{
    static struct embed_outcome outcome;
    if (!act(r, json_member(command, "action"), &outcome)) {
        return;
    }
    check_trap(r, command, outcome.trap);
    if (outcome.trap != TRAP_NONE && strstr(outcome.backtrace, trap_name(outcome.trap)) == NULL) {
        complain(r, "the trap's line does not name it: ");
        text_string(&r->why, outcome.backtrace);
    }
}

static void do_exception(struct runner *r, const struct json *command)
{
    static struct embed_outcome outcome;
    if (act(r, json_member(command, "action"), &outcome) && outcome.trap != TRAP_EXCEPTION) {
        complain(r, trap_name(outcome.trap));
        text_string(&r->why, ", expected an exception");
    }
}

static void do_uninstantiable(struct runner *r, const struct json *command)
{
    struct span bytes;
    if (!read_module(r, command, &bytes)) {
        return;
    }
    struct attempt attempt = try_module(r, bytes, (struct span){0});
    if (attempt.err != ERR_OK && attempt.trap == TRAP_NONE) {
        complain_report(r, &attempt.report, attempt.err);
        return;
    }
    check_trap(r, command, attempt.trap);
}

static void do_unlinkable(struct runner *r, const struct json *command)
{
    struct span bytes;
    if (!read_module(r, command, &bytes)) {
        return;
    }
    struct attempt attempt = try_module(r, bytes, (struct span){0});
    bool refused = attempt.is_linking && (attempt.is_unknown_import || attempt.err == ERR_MISMATCH);
    if (attempt.err == ERR_OK) {
        complain(r, "it was linked");
    } else if (!refused || !same_words(json_string(command, "text"), attempt.report.text)) {
        complain_report(r, &attempt.report, attempt.err);
        text_string(&r->why, ", expected ");
        text_bytes(&r->why, json_string(command, "text"));
    }
}

static void refuse_module(struct runner *r, const struct json *command, enum err expected)
{
    struct span bytes;
    struct report report;
    struct arena arena;
    struct wasm_module *module;
    if (!read_module(r, command, &bytes)) {
        return;
    }
    report_clear(&report);
    arena_init(&arena, &r->embed->memory, ARENA_BYTES);
    enum err err = embed_load(r->embed, bytes, &arena, &module, &report);
    struct span words = json_string(command, "text");
    if (err == ERR_OK) {
        complain(r, "it was accepted, expected ");
        text_bytes(&r->why, words);
    } else if (err != expected || report.err != err || !same_fault(words, report.text)) {
        complain_report(r, &report, err);
        text_string(&r->why, ", expected ");
        text_string(&r->why, err_name(expected));
        text_string(&r->why, ": ");
        text_bytes(&r->why, words);
    }
    arena_drop(&arena);
}

static void do_invalid(struct runner *r, const struct json *command)
{
    refuse_module(r, command, ERR_INVALID);
}

static void do_malformed(struct runner *r, const struct json *command)
{
    refuse_module(r, command, ERR_MALFORMED);
}

static const struct {
    const char *type;
    void (*run)(struct runner *r, const struct json *command);
} commands[] = {
    {"module", do_module},
    {"register", do_register},
    {"action", do_action},
    {"assert_return", do_return},
    {"assert_trap", do_trap},
    {"assert_exhaustion", do_trap},
    {"assert_exception", do_exception},
    {"assert_uninstantiable", do_uninstantiable},
    {"assert_unlinkable", do_unlinkable},
    {"assert_invalid", do_invalid},
    {"assert_malformed", do_malformed},
};

static void run_command(struct runner *r, const char *file, const struct json *command)
{
    struct span type = json_string(command, "type");
    if (span_equal(json_string(command, "module_type"), SPAN_LITERAL("text"))) {
        return;
    }
    if (span_equal(json_string(command, "text"), SPAN_LITERAL("multiple tables"))) {
        r->skipped++; // written before Core 2.0, which allows any number of them
        return;
    }
    u32 at = 0;
    r->why = text_over(r->why_bytes, sizeof r->why_bytes);
    while (at < COUNT_OF(commands) && !span_equal(type, span_string(commands[at].type))) {
        at++;
    }
    if (at < COUNT_OF(commands)) {
        commands[at].run(r, command);
    } else {
        complain(r, "unknown command");
    }
    if (r->why.size == 0) {
        r->passed++;
        return;
    }
    const struct json *line = json_member(command, "line");
    r->failed++;
    printf("%s:%u: %.*s: %s\n", file, line != NULL ? (unsigned)line->number : 0, (int)type.size,
           (const char *)type.data, r->why_bytes);
}

// ---- files

// (memory (export "shared_memory") 1 2 shared)
// A module of its own, as one with two memories is beyond what this needs.
static const u8 spectest_shared[] = {0,   'a', 's', 'm', 1,   0,   0,   0,   5,   4,   1,
                                     3,   1,   2,   7,   17,  1,   13,  's', 'h', 'a', 'r',
                                     'e', 'd', '_', 'm', 'e', 'm', 'o', 'r', 'y', 2,   0};

static bool load_spectest(struct runner *r, const char *path)
{
    struct span bytes;
    r->why = text_over(r->why_bytes, sizeof r->why_bytes);
    if (!read_file(&r->arena, path, &bytes)) {
        printf("%s: can not be read\n", path);
        return false;
    }
    struct attempt attempt = try_module(r, bytes, (struct span){0});
    if (attempt.err != ERR_OK) {
        printf("%s: %s: %s\n", path, err_name(attempt.err), attempt.report.text);
        return false;
    }
    register_instance(r, SPAN_LITERAL("spectest"), attempt.instance);
    if ((r->embed->features & WASM_THREADS) != 0) {
        attempt = try_module(r, span_of(spectest_shared, sizeof spectest_shared), (struct span){0});
        if (attempt.err != ERR_OK) {
            printf("the shared memory: %s\n", attempt.report.text);
            return false;
        }
        register_instance(r, SPAN_LITERAL("spectest"), attempt.instance);
    }
    return true;
}

static bool run_script(struct runner *r, const char *path)
{
    struct span text;
    const struct json *script;
    struct report report;
    report_clear(&report);
    if (!read_file(&r->arena, path, &text) ||
        json_read(text, &r->arena, &script, &report) != ERR_OK) {
        printf("%s: not a script: %s at %u\n", path, report.text, (unsigned)report.offset);
        return false;
    }
    const struct json *list = json_member(script, "commands");
    if (json_count(list) == 0) {
        printf("%s: no commands\n", path);
        return false;
    }
    for (const struct json *command = list->first; command != NULL; command = command->next) {
        run_command(r, path, command);
    }
    return true;
}

struct counts {
    u32 passed;
    u32 failed;
    u32 skipped;
};

static void run_file(struct embed *embed, const char *spectest, const char *path,
                     struct counts *counts)
{
    static char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    struct text text = text_over(folder, sizeof folder);
    text_bytes(&text, slash != NULL ? span_of(path, (size_t)(slash - path)) : SPAN_LITERAL("."));
    struct runner r = {.embed = embed, .folder = folder};
    arena_init(&r.arena, &embed->memory, ARENA_BYTES);
    if (!load_spectest(&r, spectest) || !run_script(&r, path)) {
        r.failed++;
    }
    for (struct entry *entry = r.entries; entry != NULL; entry = entry->older) {
        if (entry->instance != NULL) {
            wasm_instance_destroy(entry->instance);
        }
    }
    wasm_exceptions_drop(&embed->store);
    embed_forget(embed);
    for (struct entry *entry = r.entries; entry != NULL; entry = entry->older) {
        arena_drop(&entry->arena);
    }
    arena_drop(&r.arena);
    printf("%s: %u passed, %u failed\n", path, r.passed, r.failed);
    counts->passed += r.passed;
    counts->failed += r.failed;
    counts->skipped += r.skipped;
}

static int usage(void)
{
    fprintf(stderr, "usage: spec_runner [--mode interpreter|compiled|mixed|small] [--slice UNITS] "
                    "[--seed NUMBER] [--storm US]\n       [--features 2.0|all|NAME,...] "
                    "SPECTEST.wasm FILE.json...\n");
    return 2;
}

// Reads what the modules may use beyond Core 2.0. False: there is none such.
static bool features_read(const char *text, u32 *out)
{
    static const struct {
        const char *name;
        u32 features;
    } known[] = {
        {"2.0", WASM_FEATURES_2_0},
        {"all", WASM_FEATURES_ALL},
        {"extended-const", WASM_EXTENDED_CONST},
        {"tail-calls", WASM_TAIL_CALLS},
        {"multi-memory", WASM_MULTI_MEMORY},
        {"exceptions", WASM_EXCEPTIONS},
        {"threads", WASM_THREADS},
    };
    u32 features = 0;
    while (*text != 0) {
        size_t size = strcspn(text, ",");
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) &&
               (strlen(known[i].name) != size || memcmp(known[i].name, text, size) != 0)) {
            i++;
        }
        if (i == sizeof(known) / sizeof(known[0])) {
            return false;
        }
        features |= known[i].features;
        text += size + (text[size] == ',');
    }
    *out = features;
    return true;
}

int main(int argc, char **argv)
{
    static struct embed embed;
    i64 slice = SLICE_DEFAULT;
    enum embed_mode mode = EMBED_INTERPRETER;
    u32 seed = 0;
    u32 storm_us = 0;
    u32 features = WASM_FEATURES_2_0;
    int at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        if (strcmp(argv[at], "--slice") == 0) {
            slice = strtoll(argv[at + 1], NULL, 10);
        } else if (strcmp(argv[at], "--seed") == 0) {
            seed = (u32)strtoul(argv[at + 1], NULL, 10);
        } else if (strcmp(argv[at], "--storm") == 0) {
            storm_us = (u32)strtoul(argv[at + 1], NULL, 10);
        } else if (strcmp(argv[at], "--features") == 0 && features_read(argv[at + 1], &features)) {
            continue;
        } else if (strcmp(argv[at], "--mode") != 0 || !embed_mode_read(argv[at + 1], &mode)) {
            return usage();
        }
    }
    if (argc - at < 2 || slice <= 0) {
        return usage();
    }
    struct counts counts = {0};
    const char *spectest = argv[at];
    for (at++; at < argc; at++) {
        embed_create(&embed, mode, slice);
        embed.seed = seed;
        embed.features = features;
        if (storm_us != 0 && mode != EMBED_INTERPRETER) {
            jit_host_storm(&embed.host_machine, storm_us);
        }
        run_file(&embed, spectest, argv[at], &counts);
        embed_destroy(&embed);
    }
    printf("%u passed, %u failed, %u skipped\n", counts.passed, counts.failed, counts.skipped);
    return counts.failed == 0 ? 0 : 1;
}
