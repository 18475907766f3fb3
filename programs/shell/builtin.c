// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/shell/builtin.h"
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "interfaces/processes.h"
#include "interfaces/processes_client.h"
#include "lib/shell/path.h"
#include "programs/rt/redshirt.h"
#include "programs/shell/folders.h"
#include "programs/shell/jobs.h"
#include "programs/shell/shell.h"

struct builtin {
    const char *name;
    builtin_function *function;
    bool changes;
    const char *use;
};

static const struct builtin *builtin_of(struct span name);

static u32 usage(const struct span *arguments)
{
    const struct builtin *builtin = builtin_of(arguments[0]);
    shell_say_detail(arguments[0], "it is used so", span_string(builtin->use));
    return CODE_USAGE;
}

// ---- folders and variables

static u32 do_cd(const struct span *arguments, u32 count, struct text *out)
{
    static struct path path;
    struct span to = count > 1 ? arguments[1] : SPAN_LITERAL("/");
    struct span old = {0};
    bool is_folder;
    u64 size;
    if (count > 2) {
        return usage(arguments);
    }
    if (count == 1) {
        (void)variables_get(&shell.variables, SPAN_LITERAL("HOME"), &to);
    }
    bool is_back = span_equal(to, SPAN_LITERAL("-"));
    if (is_back) {
        if (!variables_get(&shell.variables, SPAN_LITERAL("OLDPWD"), &old)) {
            shell_say(arguments[0], "there is no folder to go back to");
            return CODE_BAD;
        }
        to = old;
    }
    if (path_join(path_span(&shell.folder), to, &path) != ERR_OK) {
        shell_say(to, "the path is too long");
        return CODE_BAD;
    }
    const char *word = folders_look(path_span(&path), &is_folder, &size);
    if (word != NULL || !is_folder) {
        shell_say(to, word != NULL ? word : "not a folder");
        return CODE_BAD;
    }
    if (is_back) {
        text_bytes(out, path_span(&path));
        text_char(out, '\n');
    }
    shell_folder_set(&path);
    return CODE_GOOD;
}

static u32 do_pwd(const struct span *arguments, u32 count, struct text *out)
{
    if (count > 1) {
        return usage(arguments);
    }
    text_bytes(out, path_span(&shell.folder));
    text_char(out, '\n');
    return CODE_GOOD;
}

static u32 do_export(const struct span *arguments, u32 count, struct text *out)
{
    u32 status = CODE_GOOD;
    for (u32 i = 0; count == 1 && i < shell.variables.count; i++) {
        if (shell.variables.items[i].is_exported) {
            text_bytes(out, variables_entry(&shell.variables, i));
            text_char(out, '\n');
        }
    }
    for (u32 i = 1; i < count; i++) {
        static u8 kept[SHELL_VARIABLE_BYTES]; // a value of its own, as setting asks for
        enum err err = variables_assign(&shell.variables, arguments[i], true);
        struct span value = {0};
        bool is_name = err == ERR_MALFORMED;
        if (is_name) {
            (void)variables_get(&shell.variables, arguments[i], &value);
            mem_copy(kept, value.data, value.size);
            err = variables_set(&shell.variables, arguments[i], span_of(kept, value.size), true);
        }
        if (err != ERR_OK) {
            shell_say(arguments[i], err == ERR_MALFORMED ? "it is no name of a variable"
                                                         : "there are too many variables");
            status = CODE_BAD;
        }
    }
    return status;
}

static u32 do_unset(const struct span *arguments, u32 count, struct text *out)
{
    (void)out;
    for (u32 i = 1; i < count; i++) {
        variables_unset(&shell.variables, arguments[i]);
    }
    return CODE_GOOD;
}

// ---- jobs

static bool number_read(struct span text, u64 *number)
{
    *number = 0;
    for (size_t i = 0; i < text.size; i++) {
        u8 digit = (u8)(text.data[i] - '0');
        if (digit > 9 || *number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *number = *number * 10 + digit;
    }
    return text.size > 0;
}

// The job that `%N`, `N`, or the newest that `%` or nothing stands for. NULL: there is none; that
// was said.
static struct job *job_read(const struct span *arguments, u32 count)
{
    struct span word = count > 1 ? arguments[1] : (struct span){0};
    u64 number = 0;
    bool is_percent = word.size > 0 && word.data[0] == '%';
    bool is_newest = count == 1 || (is_percent && word.size == 1);
    bool is_good = is_newest || number_read(span_slice(word, is_percent, word.size), &number);
    struct job *job = is_good && number <= UINT32_MAX ? job_find((u32)number) : NULL;
    if (job == NULL) {
        shell_say(count > 1 ? word : arguments[0], "there is no such job; `jobs` lists them");
    }
    return job;
}

static u32 do_jobs(const struct span *arguments, u32 count, struct text *out)
{
    if (count > 1) {
        return usage(arguments);
    }
    jobs_list(out);
    return CODE_GOOD;
}

static u32 do_fg(const struct span *arguments, u32 count, struct text *out)
{
    (void)out;
    if (count > 2) {
        return usage(arguments);
    }
    struct job *job = job_read(arguments, count);
    if (job == NULL) {
        return CODE_BAD;
    }
    job->is_behind = false;
    return job_wait(job, true);
}

static u32 do_bg(const struct span *arguments, u32 count, struct text *out)
{
    (void)count;
    (void)out;
    shell_say(arguments[0], "programs are not stopped, so none can go on behind; `COMMAND &` "
                            "starts one there");
    return CODE_BAD;
}

static u32 do_wait(const struct span *arguments, u32 count, struct text *out)
{
    (void)out;
    if (count > 2) {
        return usage(arguments);
    }
    struct job *job = count == 2 ? job_read(arguments, count) : job_find(0);
    u32 status = count == 2 && job == NULL ? CODE_UNKNOWN : CODE_GOOD;
    while (job != NULL && !shell.is_interrupted) {
        status = job_wait(job, false);
        job = count == 2 ? NULL : job_find(0);
    }
    return count == 2 || shell.is_interrupted ? status : CODE_GOOD;
}

static u32 do_kill(const struct span *arguments, u32 count, struct text *out)
{
    (void)out;
    u32 status = CODE_GOOD;
    if (count == 1) {
        return usage(arguments);
    }
    for (u32 i = 1; i < count; i++) {
        struct span pair[] = {arguments[0], arguments[i]};
        struct processes_kill_call call;
        struct processes_result_none_system_error result;
        if (arguments[i].size > 0 && arguments[i].data[0] == '%') {
            struct job *job = job_read(pair, 2);
            status = job != NULL && job_kill(job) ? status : CODE_BAD;
        } else if (!number_read(arguments[i], &call.process)) {
            return usage(arguments);
        } else if (processes_kill((u32)shell.processes, &call, &result) < 0 || !result.ok) {
            shell_say(arguments[i], "there is no such process below this shell");
            status = CODE_BAD;
        }
    }
    return status;
}

// ---- what there is

static bool program_has(struct span name)
{
    static u8 buffer[SHELL_NAMES_BYTES];
    struct processes_names_call call = {name};
    struct processes_list_string result;
    struct span found;
    i64 error = processes_names((u32)shell.processes, buffer, sizeof buffer, &call, &result);
    // by their bytes, so that the name itself is in front of those that it begins
    return error >= 0 && processes_list_string_next(&result, &found) && span_equal(found, name);
}

static u32 do_type(const struct span *arguments, u32 count, struct text *out)
{
    u32 status = CODE_GOOD;
    if (count == 1) {
        return usage(arguments);
    }
    for (u32 i = 1; i < count; i++) {
        bool is_builtin = builtin_of(arguments[i]) != NULL;
        if (!is_builtin && !program_has(arguments[i])) {
            shell_say(arguments[i], "there is no program of this name");
            status = CODE_BAD;
            continue;
        }
        text_bytes(out, arguments[i]);
        text_string(out, is_builtin ? ": the shell does it itself\n" : ": a program\n");
    }
    return status;
}

static u32 do_history(const struct span *arguments, u32 count, struct text *out)
{
    if (count > 1) {
        return usage(arguments);
    }
    for (u32 age = shell.history.count; age-- > 0;) {
        text_u64(out, shell.history.count - age);
        text_string(out, "  ");
        text_bytes(out, history_line(&shell.history, age));
        text_char(out, '\n');
    }
    return CODE_GOOD;
}

// ---- the shell

bool builtin_exit(void)
{
    shell.exits = !shell.is_interactive || shell.was_warned || jobs_behind() == 0;
    shell.was_warned = true;
    if (!shell.exits) {
        shell_say((struct span){0}, "what runs behind ends with the shell; `jobs` lists it, and a "
                                    "second `exit` ends both");
    }
    return shell.exits;
}

static u32 do_exit(const struct span *arguments, u32 count, struct text *out)
{
    (void)out;
    u64 code = shell.status;
    if (count > 2 || (count == 2 && (!number_read(arguments[1], &code) || code > UINT8_MAX))) {
        return usage(arguments);
    }
    return builtin_exit() ? (u32)code : CODE_BAD;
}

static u32 do_true(const struct span *arguments, u32 count, struct text *out)
{
    (void)arguments;
    (void)count;
    (void)out;
    return CODE_GOOD;
}

static u32 do_false(const struct span *arguments, u32 count, struct text *out)
{
    (void)arguments;
    (void)count;
    (void)out;
    return CODE_BAD;
}

static u32 do_help(const struct span *arguments, u32 count, struct text *out);

static const struct builtin builtins[] = {
    {"bg", do_bg, true, "bg: it cannot"},
    {"cd", do_cd, true, "cd [FOLDER|-]: goes there; to $HOME, or / where that is not set"},
    {"exit", do_exit, true, "exit [0-255]: ends the shell"},
    {"export", do_export, true, "export [NAME[=VALUE]]...: tells programs of variables"},
    {"false", do_false, false, "false: fails"},
    {"fg", do_fg, true, "fg [%N]: waits for a job, which Ctrl-C then ends"},
    {"help", do_help, false, "help: says this"},
    {"history", do_history, false, "history: lists what was typed"},
    {"jobs", do_jobs, false, "jobs: lists what runs behind"},
    {"kill", do_kill, true, "kill %N|PROCESS...: ends a job, or a process"},
    {"pwd", do_pwd, false, "pwd: says where the shell is"},
    {"true", do_true, false, "true: does nothing, well"},
    {"type", do_type, false, "type NAME...: says what a name stands for"},
    {"unset", do_unset, true, "unset NAME...: forgets variables"},
    {"wait", do_wait, true, "wait [%N]: waits for a job, or for all"},
    {"which", do_type, false, "which NAME...: the same as type"},
};

static const struct builtin *builtin_of(struct span name)
{
    for (u32 i = 0; i < COUNT_OF(builtins); i++) {
        if (span_equal(name, span_string(builtins[i].name))) {
            return &builtins[i];
        }
    }
    return NULL;
}

static u32 do_help(const struct span *arguments, u32 count, struct text *out)
{
    (void)arguments;
    (void)count;
    for (u32 i = 0; i < COUNT_OF(builtins); i++) {
        text_string(out, builtins[i].use);
        text_char(out, '\n');
    }
    text_string(out, "\nprograms:");
    static u8 buffer[SHELL_NAMES_BYTES];
    struct processes_names_call call = {0};
    struct processes_list_string result;
    struct span name;
    i64 error = processes_names((u32)shell.processes, buffer, sizeof buffer, &call, &result);
    while (error >= 0 && processes_list_string_next(&result, &name)) {
        text_char(out, ' ');
        text_bytes(out, name);
    }
    text_string(out, "\n\nfolders:");
    for (u32 i = 0; i < folders_count(); i++) {
        text_char(out, ' ');
        text_bytes(out, folders_path(i));
    }
    text_string(out,
                folders_count() == 0 ? " none; `redshirt shell --dir FOLDER` gives one\n" : "\n");
    return CODE_GOOD;
}

builtin_function *builtin_find(struct span name, bool *changes)
{
    const struct builtin *builtin = builtin_of(name);
    *changes = builtin != NULL && builtin->changes;
    return builtin == NULL ? NULL : builtin->function;
}

struct span builtin_name(u32 index)
{
    return index < COUNT_OF(builtins) ? span_string(builtins[index].name) : (struct span){0};
}

struct text builtin_out(void)
{
    static char said[SHELL_OUTPUT_BYTES];
    return text_over(said, sizeof said);
}
