// SPDX-License-Identifier: GPL-3.0-or-later
// A pipeline is started from the left. A command's streams are worked out in a row of three, first
// what the pipeline says, then each redirection in turn; a file takes a pipe and a pump. What this
// process holds of a pipe and does not pump itself it closes as soon as the child has its share.
#include "programs/shell/run.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "interfaces/processes.h"
#include "interfaces/processes_client.h"
#include "interfaces/processes_section.h"
#include "lib/shell/expand.h"
#include "lib/shell/parse.h"
#include "lib/shell/pattern.h"
#include "programs/rt/redshirt.h"
#include "programs/shell/builtin.h"
#include "programs/shell/folders.h"
#include "programs/shell/glob.h"
#include "programs/shell/jobs.h"
#include "programs/shell/loop.h"
#include "programs/shell/shell.h"
#include "programs/shell/store.h"

enum { STREAMS = 3 };

// A command that is being started.
struct starting {
    const struct parsed *list;
    const struct command *command;
    struct job *job;
    struct processes_stream streams[STREAMS];
    u32 own[STREAMS];  // of the shell's own streams, where one is inherited: which
    u32 closing_count; // ends of pipes that go when the child has them
    u64 closing[2 + SHELL_REDIRECTS];
};

static struct expansion words;    // the command's, as fields: assignments, then arguments
static struct expansion patterns; // of one word

// ---- words

static enum err word_add(struct span word)
{
    expansion_init(&patterns);
    TRY(expand_word(&patterns, word, EXPAND_FIELDS, &shell.variables, shell.status));
    for (u32 i = 0; i < patterns.count; i++) {
        struct span field = expansion_field(&patterns, i);
        TRY(patterns.fields[i].is_pattern ? glob_add(field, &words) : expansion_add(&words, field));
    }
    return ERR_OK;
}

// Fills `words`. False: that was said.
static bool words_expand(const struct parsed *list, const struct command *command)
{
    expansion_init(&words);
    for (u32 i = 0; i < command->word_count; i++) {
        struct span word = list->words[command->word_first + i];
        enum err err = i < command->assignment_count
                           ? expand_word(&words, word, EXPAND_ONE, &shell.variables, shell.status)
                           : word_add(word);
        if (err != ERR_OK) {
            shell_say(word, "it stands for too many words, or too long ones");
            return false;
        }
    }
    return true;
}

// ---- streams

// Makes a pipe whose one end is for a child, which is closed here when the child has it. False:
// that was said.
static bool pipe_make(struct starting *start, u32 stream, u64 *own)
{
    struct processes_result_pipe_ends_pipe_error result;
    i64 error = processes_pipe((u32)shell.processes, &result);
    if (error < 0 || !result.ok) {
        shell_say((struct span){0}, "there are too many pipes");
        return false;
    }
    u64 end = stream == 0 ? result.value.reader : result.value.writer;
    *own = stream == 0 ? result.value.writer : result.value.reader;
    ASSERT(start->closing_count < COUNT_OF(start->closing));
    start->closing[start->closing_count++] = end;
    start->streams[stream] =
        (struct processes_stream){.kind = PROCESSES_STREAM_PIPE, .as.pipe = end};
    return true;
}

static bool file_connect(struct starting *start, const struct redirect *redirect)
{
    static const enum open_how hows[] = {
        [REDIRECT_READ] = OPEN_READ,
        [REDIRECT_WRITE] = OPEN_WRITE,
        [REDIRECT_APPEND] = OPEN_APPEND,
    };
    static struct path path;
    static struct expansion name;
    u64 file;
    u64 own;
    expansion_init(&name);
    enum err err = expand_word(&name, redirect->word, EXPAND_ONE, &shell.variables, shell.status);
    struct span field = err == ERR_OK ? expansion_field(&name, 0) : redirect->word;
    if (err != ERR_OK || path_join(path_span(&shell.folder), field, &path) != ERR_OK) {
        shell_say(field, "the name is too long");
        return false;
    }
    if (span_equal(path_span(&path), SPAN_LITERAL("/dev/null"))) { // a name that everybody types
        start->streams[redirect->stream].kind = PROCESSES_STREAM_NOTHING;
        return true;
    }
    const char *word = field.size == 0
                           ? "it is no name of a file"
                           : folders_open(path_span(&path), hows[redirect->kind], &file);
    if (word != NULL) {
        shell_say(field, word);
        return false;
    }
    if (!pipe_make(start, redirect->stream, &own)) {
        folders_close(file);
        return false;
    }
    struct pump_owner *owner = &start->job->pumps;
    bool is_good = redirect->kind == REDIRECT_READ
                       ? pump_from_file(owner, file, field, own)
                       : pump_to_file(owner, own, file, field, redirect->kind == REDIRECT_APPEND);
    if (!is_good) {
        shell_say(field, "there are too many redirections");
    }
    return is_good;
}

static bool streams_redirect(struct starting *start)
{
    for (u32 i = 0; i < start->command->redirect_count; i++) {
        const struct redirect *redirect =
            &start->list->redirects[start->command->redirect_first + i];
        if (redirect->kind == REDIRECT_SAME) {
            start->streams[redirect->stream] = start->streams[redirect->other];
            start->own[redirect->stream] = start->own[redirect->other];
        } else if (!file_connect(start, redirect)) {
            return false;
        }
    }
    return true;
}

// A child inherits each stream as its own kind: another of the shell's takes a pipe and a pump.
static bool streams_cross(struct starting *start)
{
    u64 reader;
    for (u32 i = 1; i < STREAMS; i++) {
        if (start->streams[i].kind != PROCESSES_STREAM_INHERIT || start->own[i] == i) {
            continue;
        }
        if (!pipe_make(start, i, &reader)) {
            return false;
        }
        if (!pump_to_stream(&start->job->pumps, reader, start->own[i])) {
            shell_say((struct span){0}, "there are too many redirections");
            return false;
        }
    }
    return true;
}

// ---- one command

// What the words say of the environment: exported variables, then those of this command alone.
static u32 environment_list(u32 assignment_count, struct span *out)
{
    u32 count = 0;
    for (u32 i = 0; i < shell.variables.count; i++) {
        const struct variable *variable = &shell.variables.items[i];
        struct span entry = variables_entry(&shell.variables, i);
        bool is_other = false;
        for (u32 a = 0; a < assignment_count; a++) {
            struct span own = expansion_field(&words, a);
            is_other = is_other || (own.size > variable->name_size &&
                                    mem_equal(own.data, entry.data, variable->name_size + 1));
        }
        if (variable->is_exported && !is_other) {
            out[count++] = entry;
        }
    }
    for (u32 a = 0; a < assignment_count; a++) {
        out[count++] = expansion_field(&words, a);
    }
    return count;
}

static bool is_cid(struct span name)
{
    enum { CID_SHORTEST = 40 }; // letters
    return name.size >= CID_SHORTEST && mem_equal(name.data, "baf", 3);
}

static bool has_slash(struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '/') {
            return true;
        }
    }
    return false;
}

// The CID of the program in a file, which is in the store then. Returns NULL, or why not.
static const char *file_find(struct span name, char cid[CID_TEXT_BYTES])
{
    static struct path path;
    if (path_join(path_span(&shell.folder), name, &path) != ERR_OK) {
        return "the path is too long";
    }
    return store_add(path_span(&path), cid);
}

static u32 program_start(struct starting *start, u32 place, const struct span *arguments, u32 count)
{
    static struct span environment[SHELL_VARIABLES + SHELL_WORDS];
    struct processes_spawn_request request = {
        .arguments = {.count = count, .items = arguments},
        .environment = {.items = environment},
        .input = start->streams[0],
        .output = start->streams[1],
        .error = start->streams[2],
    };
    struct span name = arguments[0];
    char cid[CID_TEXT_BYTES];
    if (has_slash(name)) {
        const char *word = file_find(name, cid);
        if (word != NULL) {
            shell_say(name, word);
            return CODE_UNKNOWN;
        }
        name = span_string(cid);
    }
    if (is_cid(name)) {
        request.program = (struct processes_program){PROCESSES_PROGRAM_CID, .as.cid = name};
    } else {
        request.program = (struct processes_program){PROCESSES_PROGRAM_NAME, .as.name = name};
    }
    request.environment.count = environment_list(start->command->assignment_count, environment);
    return child_start(start->job, place, &request);
}

static u32 assignments_do(void)
{
    for (u32 i = 0; i < words.count; i++) {
        struct span field = expansion_field(&words, i);
        if (variables_assign(&shell.variables, field, false) != ERR_OK) {
            shell_say(field, "there are too many variables, or too long ones");
            return CODE_BAD;
        }
    }
    return CODE_GOOD;
}

// What a builtin says goes where its output leads.
static u32 builtin_do(struct starting *start, builtin_function *function,
                      const struct span *arguments, u32 count)
{
    struct text out = builtin_out();
    u32 status = function(arguments, count, &out);
    struct span said = span_of(out.data, out.size);
    const struct processes_stream *stream = &start->streams[1];
    if (out.cut) {
        shell_say(arguments[0], "it says more than there is room for");
        status = CODE_BAD;
    }
    if (stream->kind == PROCESSES_STREAM_INHERIT) {
        return shell_put(start->own[1], said) ? status : CODE_BAD;
    }
    if (stream->kind == PROCESSES_STREAM_NOTHING) {
        return status;
    }
    // the end that a child would have a share in is this pump's
    for (u32 i = 0; i < start->closing_count; i++) {
        if (start->closing[i] == stream->as.pipe) {
            start->closing[i] = start->closing[--start->closing_count];
            return pump_from_memory(&start->job->pumps, said, stream->as.pipe) ? status : CODE_BAD;
        }
    }
    return status;
}

static u32 command_do(struct starting *start, u32 place, bool is_alone)
{
    static struct span arguments[SHELL_FIELDS];
    if (!words_expand(start->list, start->command) || !streams_redirect(start)) {
        return CODE_BAD;
    }
    u32 first = start->command->assignment_count;
    u32 count = words.count - first;
    for (u32 i = 0; i < count; i++) {
        arguments[i] = expansion_field(&words, first + i);
    }
    if (count == 0) {
        return is_alone ? assignments_do() : CODE_GOOD;
    }
    if (arguments[0].size == 0) {
        shell_say(SPAN_LITERAL("''"), "there is no program of this name");
        return CODE_UNKNOWN;
    }
    bool changes;
    builtin_function *function = builtin_find(arguments[0], &changes);
    if (function == NULL) {
        return streams_cross(start) ? program_start(start, place, arguments, count) : CODE_BAD;
    }
    if (changes && !is_alone) {
        shell_say(arguments[0], "it is about the shell itself, and stands alone, in front");
        return CODE_USAGE;
    }
    return builtin_do(start, function, arguments, count);
}

// ---- pipelines

static void streams_begin(struct starting *start, bool is_first, u64 reader)
{
    bool has_no_input = start->job->is_behind || shell.takes_input;
    for (u32 i = 0; i < STREAMS; i++) {
        start->streams[i] = (struct processes_stream){.kind = PROCESSES_STREAM_INHERIT};
        start->own[i] = i;
    }
    if (!is_first) {
        start->streams[0] =
            (struct processes_stream){.kind = PROCESSES_STREAM_PIPE, .as.pipe = reader};
        start->closing[start->closing_count++] = reader;
    } else if (has_no_input) {
        start->streams[0].kind = PROCESSES_STREAM_NOTHING;
    }
}

// Starts each command. A command that fails leaves its place in the pipeline empty.
static void commands_start(const struct parsed *list, const struct pipeline *pipeline,
                           struct job *job)
{
    static struct starting start; // too large for a stack
    u64 reader = 0;
    bool is_alone = pipeline->command_count == 1 && !pipeline->is_background;
    for (u32 i = 0; i < pipeline->command_count && !shell.is_interrupted; i++) {
        bool is_last = i + 1 == pipeline->command_count;
        start = (struct starting){
            .list = list, .command = &list->commands[pipeline->command_first + i], .job = job};
        streams_begin(&start, i == 0, reader);
        reader = 0;
        bool is_piped = is_last || pipe_make(&start, 1, &reader);
        u32 status = is_piped ? command_do(&start, i, is_alone) : CODE_BAD;
        job_status(job, i, status);
        for (u32 c = 0; c < start.closing_count; c++) {
            pipe_close(start.closing[c]);
        }
        if (!is_piped) {
            break;
        }
    }
    if (reader != 0) {
        pipe_close(reader); // nobody came to read it
    }
}

static void pipeline_run(const struct parsed *list, const struct pipeline *pipeline)
{
    struct job *job = job_new(pipeline->text, pipeline->is_background);
    if (job == NULL) {
        shell.status = CODE_BAD;
        return;
    }
    commands_start(list, pipeline, job);
    job_ready(job);
    if (!job->is_behind) {
        shell.status = job_wait(job, true);
        return;
    }
    shell.status = CODE_GOOD;
    if (shell.is_interactive) {
        char said[32];
        struct text text = text_over(said, sizeof said);
        text_char(&text, '[');
        text_u64(&text, job->number);
        text_string(&text, "]\n");
        (void)shell_write(2, span_of(text.data, text.size));
    }
}

void run_list(const struct parsed *list)
{
    for (u32 i = 0; i < list->pipeline_count && !shell.exits && !shell.is_interrupted; i++) {
        const struct pipeline *pipeline = &list->pipelines[i];
        bool is_due = pipeline->when == WHEN_ALWAYS ||
                      (pipeline->when == WHEN_GOOD) == (shell.status == CODE_GOOD);
        if (is_due) {
            pipeline_run(list, pipeline);
        }
    }
    if (shell.is_interrupted) {
        shell.status = CODE_INTERRUPTED;
    }
}
