// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell: a shell: runs programs by name, connects them by pipes and files, and reads lines
// from whoever sits at the terminal.
//
// Use     shell                   reads commands from the terminal, or from the standard input
//         shell FILE              from a file in a folder that it was given
//         shell -c TEXT [NAME]    from the text, which messages call NAME
//
// What it is made of: lib/shell is the logic; loop.h waits for messages; folders.h is the files;
// pump.h and jobs.h are what runs; run.h starts it; builtin.h is what the shell does itself;
// prompt.h is the terminal.
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "interfaces/files.h"
#include "interfaces/files_section.h"
#include "interfaces/processes.h"
#include "interfaces/processes_section.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_client.h"
#include "interfaces/stdio_section.h"
#include "interfaces/system.h"
#include "interfaces/terminal.h"
#include "interfaces/terminal_section.h"
#include "lib/shell/characters.h"
#include "lib/shell/letter.h"
#include "lib/shell/parse.h"
#include "programs/rt/redshirt.h"
#include "programs/shell/folders.h"
#include "programs/shell/jobs.h"
#include "programs/shell/loop.h"
#include "programs/shell/prompt.h"
#include "programs/shell/run.h"
#include "programs/shell/shell.h"

struct shell shell;

static struct parsed parsed;
static struct wait interrupts;

// ---- words

bool shell_write(u32 stream, struct span bytes)
{
    static u8 buffer[SHELL_PIECE_BYTES + 64];
    while (bytes.size > 0) {
        size_t piece = bytes.size < SHELL_PIECE_BYTES ? bytes.size : SHELL_PIECE_BYTES;
        struct stdio_write_call call = {(enum stdio_stream)stream, span_slice(bytes, 0, piece)};
        struct stdio_result_none_error result;
        i64 error = shell.stdio < 0
                        ? E_NO_HANDLER
                        : stdio_write((u32)shell.stdio, buffer, sizeof buffer, &call, &result);
        if (error < 0 || !result.ok) {
            return false;
        }
        bytes = span_slice(bytes, piece, bytes.size);
    }
    return true;
}

bool shell_put(u32 stream, struct span lines)
{
    static char shown[SHELL_OUTPUT_BYTES];
    struct stdio_is_terminal_call call = {(enum stdio_stream)stream};
    bool is_terminal = false;
    if (shell.stdio >= 0 && stdio_is_terminal((u32)shell.stdio, &call, &is_terminal) < 0) {
        return false;
    }
    struct text out = text_over(shown, sizeof shown);
    if (is_terminal) {
        letters_show(&out, lines);
        ASSERT(!out.cut);
        lines = span_of(out.data, out.size);
    }
    return shell_write(stream, lines);
}

void shell_say_detail(struct span what, const char *reason, struct span detail)
{
    char said[SHELL_ERROR_BYTES];
    struct text out = text_over(said, sizeof said - 1);
    if (shell.source.size > 0) {
        text_printable(&out, shell.source);
        text_string(&out, ": line ");
        text_u64(&out, shell.line);
    } else {
        text_string(&out, "shell");
    }
    text_string(&out, ": ");
    if (what.size > 0) {
        text_printable(&out, what);
        text_string(&out, ": ");
    }
    text_string(&out, reason);
    if (detail.size > 0) {
        text_string(&out, ": ");
        text_printable(&out, detail);
    }
    said[out.size] = '\n';
    prompt_hide();
    (void)shell_write(2, span_of(said, out.size + 1));
    prompt_show();
}

void shell_say(struct span what, const char *reason)
{
    shell_say_detail(what, reason, (struct span){0});
}

void shell_show(struct span bytes)
{
    char said[SHELL_ERROR_BYTES];
    struct text out = text_over(said, sizeof said - 1);
    for (size_t i = 0; i < bytes.size; i++) {
        u8 byte = bytes.data[i];
        text_char(&out, byte == '\n' || (byte >= ' ' && byte < 0x7f) ? (char)byte : '?');
    }
    said[out.size] = '\n';
    prompt_hide();
    (void)shell_write(2, span_of(said, out.size + 1));
    prompt_show();
}

void shell_folder_set(const struct path *folder)
{
    if (shell.folder.size > 0) { // else it is the first
        (void)variables_set(&shell.variables, SPAN_LITERAL("OLDPWD"), path_span(&shell.folder),
                            true);
    }
    shell.folder = *folder;
    if (variables_set(&shell.variables, SPAN_LITERAL("PWD"), path_span(folder), true) != ERR_OK) {
        shell_say(SPAN_LITERAL("PWD"), "there is no room for this variable");
    }
}

// ---- scripts

// Runs the list that the text begins with.
//   taken  receives its size, and that of the line with it where it is not run
//   ends   the text does not go on
// False: more of it is needed.
static bool list_do(struct span text, size_t *taken, bool ends)
{
    struct report report = {0};
    enum err err = parse(text, &parsed, taken, &report);
    if (err != ERR_OK && parsed.is_unfinished && !ends && text.size <= SHELL_COMMAND_BYTES) {
        return false;
    }
    u32 first = shell.line;
    if (err != ERR_OK) {
        shell.line = first + parse_line_of(text, report.offset) - 1;
        shell_say((struct span){0}, report.text);
        shell.status = CODE_USAGE;
        shell.exits = true; // what follows may depend on it
        return true;
    }
    u32 offset = parsed.command_count > 0 ? parsed.commands[0].offset : 0;
    shell.line = first + parse_line_of(text, offset) - 1;
    run_list(&parsed);
    shell.line = first + parse_line_of(text, *taken) - 1;
    return true;
}

static void script_run(struct span text, struct span name)
{
    shell.source = name;
    shell.line = 1;
    while (text.size > 0 && !shell.exits && !shell.is_interrupted) {
        size_t taken;
        (void)list_do(text, &taken, true);
        text = span_slice(text, taken, text.size);
    }
}

static void file_run(struct span name)
{
    static struct path path;
    struct span text;
    bool is_folder;
    u64 size;
    u64 file;
    const char *word = "the path is too long";
    if (path_join(path_span(&shell.folder), name, &path) == ERR_OK) {
        word = folders_look(path_span(&path), &is_folder, &size);
    }
    if (word == NULL && size > SHELL_SCRIPT_BYTES) {
        word = "it is too large for a script";
    }
    if (word == NULL) {
        word = folders_open(path_span(&path), OPEN_READ, &file);
    }
    if (word != NULL) {
        shell_say(name, word);
        shell.status = CODE_UNKNOWN;
        return;
    }
    word = folders_read(file, 0, (size_t)size, &text);
    folders_close(file);
    if (word != NULL) {
        shell_say(name, word);
        shell.status = CODE_REFUSED;
        return;
    }
    script_run(text, name);
}

// One read of the standard input behind what is there. Returns how many bytes; 0: it is at its end.
static size_t input_read(u8 *to, size_t most)
{
    static u8 buffer[SHELL_TYPED_BYTES + 64];
    struct stdio_read_call call = {most < SHELL_TYPED_BYTES ? (u32)most : SHELL_TYPED_BYTES};
    struct stdio_result_bytes_error result;
    i64 error = stdio_read((u32)shell.stdio, buffer, sizeof buffer, &call, &result);
    if (error < 0 || !result.ok || result.value.size > call.max) {
        return 0;
    }
    mem_copy(to, result.value.data, result.value.size);
    return result.value.size;
}

// Runs the whole lines of a text. Returns how many bytes that is.
static size_t lines_run(struct span text, bool ends)
{
    size_t at = 0;
    while (at < text.size && !shell.exits && !shell.is_interrupted) {
        size_t end = text.size;
        while (!ends && end > at && text.data[end - 1] != '\n') {
            end--;
        }
        size_t taken;
        if (end == at || !list_do(span_slice(text, at, end), &taken, ends)) {
            break;
        }
        at += taken;
    }
    return at;
}

static void input_run(void)
{
    static u8 text[SHELL_COMMAND_BYTES + SHELL_TYPED_BYTES];
    size_t size = 0;
    bool ends = shell.stdio < 0;
    shell.source = SPAN_LITERAL("input");
    shell.line = 1;
    shell.takes_input = true;
    while (!ends && !shell.exits && !shell.is_interrupted) {
        size_t more = input_read(text + size, sizeof text - size);
        size += more;
        ends = more == 0;
        size_t done = lines_run(span_of(text, size), ends || size == sizeof text);
        mem_move(text, text + done, size - done);
        size -= done;
    }
}

// ---- the start

static void interrupted(struct wait *wait, i32 error, struct span body)
{
    (void)body;
    if (error != 0) {
        return; // nobody tells of interrupts here
    }
    shell.is_interrupted = true;
    shell.interrupts++;
    jobs_interrupt();
    (void)wait_send(wait, (u32)shell.terminal, TERMINAL_INTERRUPTED_ID, NULL, 0);
}

static i64 bind(const struct interface_definition *interface)
{
    return rt_bind(interface, false);
}

static bool begin(void)
{
    static struct path folder;
    loop_init();
    variables_init(&shell.variables);
    history_init(&shell.history);
    shell.stdio = bind(&stdio_interface);
    shell.files = bind(&files_interface);
    shell.terminal = bind(&terminal_interface);
    shell.processes = bind(&processes_interface);
    if (shell.processes < 0) {
        shell_say_detail(SPAN_LITERAL("processes"), "the shell may not start any, and ends",
                         span_string(rt_error_name(shell.processes)));
        return false;
    }
    struct system_list_bytes list = rt_start_info()->environment;
    struct span entry;
    while (system_list_bytes_next(&list, &entry)) {
        (void)variables_assign(&shell.variables, entry, true); // what does not fit is not ours
    }
    folders_init();
    struct span pwd;
    bool is_folder;
    u64 size;
    struct span first = folders_count() > 0 ? folders_path(0) : SPAN_LITERAL("/");
    bool has_pwd = variables_get(&shell.variables, SPAN_LITERAL("PWD"), &pwd) &&
                   path_join(SPAN_LITERAL("/"), pwd, &folder) == ERR_OK &&
                   folders_look(path_span(&folder), &is_folder, &size) == NULL && is_folder;
    enum err err = has_pwd ? ERR_OK : path_join(SPAN_LITERAL("/"), first, &folder);
    ASSERT(err == ERR_OK);
    shell_folder_set(&folder);
    if (shell.terminal >= 0) {
        interrupts.done = interrupted;
        (void)wait_send(&interrupts, (u32)shell.terminal, TERMINAL_INTERRUPTED_ID, NULL, 0);
    }
    return true;
}

u32 program_main(void)
{
    if (!begin()) {
        return CODE_REFUSED;
    }
    struct span first = rt_argument(1);
    if (span_equal(first, SPAN_LITERAL("-c"))) {
        script_run(rt_argument(2), rt_argument(3));
    } else if (first.size > 0) {
        file_run(first);
    } else if (prompt_init()) {
        prompt_run();
    } else {
        input_run();
    }
    return shell.status;
}
