// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/shell/prompt.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "interfaces/processes.h"
#include "interfaces/processes_client.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_client.h"
#include "interfaces/terminal.h"
#include "interfaces/terminal_client.h"
#include "lib/shell/complete.h"
#include "lib/shell/editor.h"
#include "lib/shell/parse.h"
#include "programs/rt/redshirt.h"
#include "programs/shell/builtin.h"
#include "programs/shell/folders.h"
#include "programs/shell/jobs.h"
#include "programs/shell/loop.h"
#include "programs/shell/run.h"
#include "programs/shell/shell.h"

// Pastes come in brackets.
#define BRACKETS_ON "\x1b[?2004h"
#define BRACKETS_OFF "\x1b[?2004l"

static struct {
    struct editor editor;
    struct wait input;
    struct wait resized;
    bool is_editing; // the line is on the screen
    bool is_over;    // the terminal is gone
    u32 typed_start; // what was typed and not looked at: [start, end)
    u32 typed_end;
    u8 typed[SHELL_TYPED_BYTES];
    struct terminal_extent extent; // as it was seen last
    u32 size;                      // of the command so far, which may have several lines
    u8 command[SHELL_COMMAND_BYTES];
} prompt;

static char drawn[SHELL_DRAWN_BYTES];

static struct text drawing(void)
{
    return text_over(drawn, sizeof drawn);
}

static void show(const struct text *out)
{
    ASSERT(!out->cut);
    (void)shell_write(1, span_of(out->data, out->size));
}

void prompt_hide(void)
{
    if (prompt.is_editing) {
        struct text out = drawing();
        editor_hide(&prompt.editor, &out);
        show(&out);
    }
}

void prompt_show(void)
{
    if (prompt.is_editing) {
        struct text out = drawing();
        editor_show(&prompt.editor, &out);
        show(&out);
    }
}

// ---- the terminal

// False: it is gone, or a program behind has it, which is said.
static bool mode_set(enum terminal_mode mode)
{
    struct terminal_set_mode_call call = {mode};
    struct terminal_result_none_error result;
    if (terminal_set_mode((u32)shell.terminal, &call, &result) < 0) {
        return false;
    }
    if (!result.ok && result.error == TERMINAL_ERROR_TAKEN) {
        shell_say((struct span){0}, "a program behind has taken the terminal: this is the end");
        shell.status = CODE_BAD;
    }
    return result.ok;
}

static void size_take(void)
{
    struct terminal_option_extent extent;
    struct text out = drawing();
    if (terminal_size((u32)shell.terminal, &extent) < 0 || !extent.some) {
        return;
    }
    bool is_same =
        extent.value.columns == prompt.extent.columns && extent.value.rows == prompt.extent.rows;
    prompt.extent = extent.value;
    if (!is_same) {
        editor_resize(&prompt.editor, extent.value.columns, extent.value.rows, prompt.is_editing,
                      &out);
    } else if (prompt.is_editing) { // the user was asked something
        (void)shell_write(1, SPAN_LITERAL(BRACKETS_ON));
        editor_lost(&prompt.editor, &out);
    }
    show(&out);
}

static void resized(struct wait *wait, i32 error, struct span body)
{
    (void)body;
    if (error == 0) {
        size_take();
        (void)wait_send(wait, (u32)shell.terminal, TERMINAL_RESIZED_ID, NULL, 0);
    }
}

static void was_typed(struct wait *wait, i32 error, struct span body)
{
    (void)wait;
    struct stdio_result_bytes_error result;
    bool is_good = error == 0 && stdio_read_decode_result(body, &result) == ERR_OK && result.ok &&
                   result.value.size > 0 && result.value.size <= SHELL_TYPED_BYTES;
    if (!is_good) {
        prompt.is_over = true;
        return;
    }
    mem_copy(prompt.typed, result.value.data, result.value.size);
    prompt.typed_start = 0;
    prompt.typed_end = (u32)result.value.size;
}

static bool input_ask(void)
{
    struct stdio_read_call call = {SHELL_TYPED_BYTES};
    u8 body[STDIO_READ_CALL_BYTES];
    size_t size = stdio_read_encode_call(body, sizeof body, &call);
    prompt.input.done = was_typed;
    return wait_send(&prompt.input, (u32)shell.stdio, STDIO_READ_ID, body, size);
}

// ---- completion

struct completing {
    struct candidates *candidates;
    struct span prefix;
};

static bool name_offer(void *context, struct span name, bool is_folder)
{
    const struct completing *completing = context;
    bool is_hidden = name.size > 0 && name.data[0] == '.' && completing->prefix.size == 0;
    if (!is_hidden) {
        candidates_add(completing->candidates, completing->prefix, name, is_folder);
    }
    return true;
}

static void programs_offer(struct completing *completing)
{
    static u8 buffer[SHELL_NAMES_BYTES];
    struct processes_names_call call = {completing->prefix};
    struct processes_list_string result;
    struct span name;
    for (u32 i = 0; (name = builtin_name(i)).size > 0; i++) {
        (void)name_offer(completing, name, false);
    }
    i64 error = processes_names((u32)shell.processes, buffer, sizeof buffer, &call, &result);
    while (error >= 0 && processes_list_string_next(&result, &name)) {
        (void)name_offer(completing, name, false);
    }
}

static void variables_offer(struct completing *completing)
{
    for (u32 i = 0; i < shell.variables.count; i++) {
        struct span entry = variables_entry(&shell.variables, i);
        (void)name_offer(completing, span_slice(entry, 0, shell.variables.items[i].name_size),
                         false);
    }
}

static void complete(void)
{
    static struct word_at word;
    static struct candidates candidates;
    static struct path path;
    word_at(editor_left(&prompt.editor), &word);
    candidates_init(&candidates);
    struct span plain = span_of(word.plain, word.size);
    size_t start = word.is_variable ? 0 : word_name_start(plain);
    struct completing completing = {&candidates, span_slice(plain, start, plain.size)};
    if (word.is_variable) {
        variables_offer(&completing);
    } else if (word.is_command && start == 0) {
        programs_offer(&completing);
    } else if (path_join(path_span(&shell.folder), span_slice(plain, 0, start), &path) == ERR_OK) {
        (void)folders_list(path_span(&path), name_offer, &completing);
    }
    struct text out = drawing();
    editor_complete(&prompt.editor, &candidates, (u32)completing.prefix.size, &out);
    show(&out);
}

// ---- lines

static void prompt_text(struct text *out)
{
    if (prompt.size > 0) {
        text_string(out, "> ");
        return;
    }
    text_bytes(out, path_span(&shell.folder));
    text_string(out, " $ ");
}

static void news_tell(void)
{
    static char said[SHELL_JOBS * (SHELL_JOB_BYTES + 64)];
    struct text out = text_over(said, sizeof said);
    if (jobs_tell(&out)) {
        prompt_hide();
        (void)shell_write(2, span_of(out.data, out.size));
        prompt_show();
    }
}

// What is typed, until a line is whole or there is none.
static enum editor_event line_read(void)
{
    enum editor_event event = EDITOR_MORE;
    while (event == EDITOR_MORE && !prompt.is_over) {
        if (jobs_have_news()) {
            news_tell();
        }
        if (prompt.typed_start == prompt.typed_end) {
            if (!prompt.input.is_waiting && !input_ask()) {
                prompt.is_over = true; // nothing will ever come
                break;
            }
            loop_turn();
            continue;
        }
        size_t taken;
        struct text out = drawing();
        event = editor_take(
            &prompt.editor,
            span_of(prompt.typed + prompt.typed_start, prompt.typed_end - prompt.typed_start),
            &taken, &out);
        show(&out);
        prompt.typed_start += (u32)taken;
        if (event == EDITOR_COMPLETE) {
            complete();
            event = EDITOR_MORE;
        }
    }
    return event;
}

// Edits one line behind a prompt.
static enum editor_event line_edit(void)
{
    char said[SHELL_PROMPT_BYTES];
    struct text text = text_over(said, sizeof said);
    prompt_text(&text);
    news_tell();
    if (!mode_set(TERMINAL_MODE_RAW)) {
        prompt.is_over = true;
        return EDITOR_END;
    }
    (void)shell_write(1, SPAN_LITERAL(BRACKETS_ON));
    struct text out = drawing();
    editor_begin(&prompt.editor, span_of(text.data, text.size), &out);
    show(&out);
    prompt.is_editing = true;
    enum editor_event event = line_read();
    prompt.is_editing = false;
    (void)shell_write(1, SPAN_LITERAL(BRACKETS_OFF));
    (void)mode_set(TERMINAL_MODE_LINE);
    return event;
}

// ---- history

// Adds the command to the file that HISTFILE names, if it does.
static void history_keep(struct span command)
{
    static char line[SHELL_LINE_BYTES * 2 + 2];
    static struct path path;
    struct span name;
    u64 file;
    if (!history_add(&shell.history, command) ||
        !variables_get(&shell.variables, SPAN_LITERAL("HISTFILE"), &name) || name.size == 0) {
        return;
    }
    struct text text = text_over(line, sizeof line);
    history_write(command, &text);
    const char *word = "the path is too long";
    if (path_join(SPAN_LITERAL("/"), name, &path) == ERR_OK) {
        word = folders_open(path_span(&path), OPEN_APPEND, &file);
    }
    if (word == NULL) {
        word = folders_add(file, span_of(text.data, text.size));
        folders_close(file);
    }
    if (word != NULL) {
        shell_say_detail(SPAN_LITERAL("HISTFILE"), word, name);
        variables_unset(&shell.variables, SPAN_LITERAL("HISTFILE")); // said once
    }
}

// The end of that file, as much as the history holds.
static void history_read(void)
{
    static struct path path;
    struct span name;
    struct span bytes;
    bool is_folder;
    u64 size;
    u64 file;
    if (!variables_get(&shell.variables, SPAN_LITERAL("HISTFILE"), &name) ||
        path_join(SPAN_LITERAL("/"), name, &path) != ERR_OK ||
        folders_look(path_span(&path), &is_folder, &size) != NULL ||
        folders_open(path_span(&path), OPEN_READ, &file) != NULL) {
        return; // there will be one
    }
    u64 start = size > SHELL_HISTORY_BYTES ? size - SHELL_HISTORY_BYTES : 0;
    const char *word = folders_read(file, start, SHELL_HISTORY_BYTES, &bytes);
    folders_close(file);
    if (word != NULL || bytes.size == 0) {
        return;
    }
    size_t at = 0;
    while (start > 0 && at < bytes.size && bytes.data[at] != '\n') {
        at++; // half a line
    }
    history_load(&shell.history, span_slice(bytes, at, bytes.size));
    history_loaded(&shell.history);
    memory_give(rt_memory(), (void *)bytes.data, bytes.size);
}

// ---- commands

// Adds the line to the command. False: it is too long; that was said.
static bool command_add(struct span line)
{
    if (line.size + 1 > SHELL_COMMAND_BYTES - prompt.size) {
        shell_say((struct span){0}, "the command is too long");
        return false;
    }
    mem_copy(prompt.command + prompt.size, line.data, line.size);
    prompt.size += (u32)line.size;
    prompt.command[prompt.size++] = '\n';
    return true;
}

// Runs what was typed, list by list, if it is whole.
static void command_run(void)
{
    static struct parsed parsed;
    struct span text = span_of(prompt.command, prompt.size);
    size_t taken;
    for (size_t at = 0; at < text.size; at += taken) { // is all of it whole?
        (void)parse(span_slice(text, at, text.size), &parsed, &taken, NULL);
        if (parsed.is_unfinished) {
            return; // another line will come
        }
    }
    history_keep(span_slice(text, 0, text.size - 1));
    prompt.size = 0;
    while (text.size > 0 && !shell.exits && !shell.is_interrupted) {
        struct report report = {0};
        if (parse(text, &parsed, &taken, &report) != ERR_OK) {
            shell_say((struct span){0}, report.text);
            shell.status = CODE_USAGE;
            return;
        }
        bool was_warned = shell.was_warned;
        run_list(&parsed);
        shell.was_warned = shell.was_warned && !was_warned;
        text = span_slice(text, taken, text.size);
    }
}

static void line_do(enum editor_event event)
{
    shell.is_interrupted = false;
    shell.interrupts = 0;
    if (event == EDITOR_CANCEL) {
        prompt.size = 0;
        shell.status = CODE_INTERRUPTED;
    } else if (event == EDITOR_END && prompt.size > 0) {
        prompt.size = 0;
        shell_say((struct span){0}, "the command is not finished");
        shell.status = CODE_USAGE;
    } else if (event == EDITOR_END) {
        (void)builtin_exit();
    } else if (!command_add(editor_line(&prompt.editor))) {
        prompt.size = 0;
        shell.status = CODE_USAGE;
    } else {
        command_run();
    }
}

bool prompt_init(void)
{
    struct stdio_is_terminal_call input = {STDIO_STREAM_INPUT};
    struct stdio_is_terminal_call output = {STDIO_STREAM_OUTPUT};
    bool is_input = false;
    bool is_output = false;
    if (shell.terminal < 0 || shell.stdio < 0 ||
        stdio_is_terminal((u32)shell.stdio, &input, &is_input) < 0 ||
        stdio_is_terminal((u32)shell.stdio, &output, &is_output) < 0 || !is_input || !is_output) {
        return false;
    }
    editor_init(&prompt.editor, &shell.history);
    return true;
}

void prompt_run(void)
{
    shell.is_interactive = true;
    history_read();
    size_take();
    prompt.resized.done = resized;
    (void)wait_send(&prompt.resized, (u32)shell.terminal, TERMINAL_RESIZED_ID, NULL, 0);
    while (!shell.exits && !prompt.is_over) {
        enum editor_event event = line_edit();
        if (prompt.is_over) {
            break;
        }
        line_do(event);
    }
    wait_cancel(&prompt.input);
    wait_cancel(&prompt.resized);
}
