// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt replay`: runs a program again as it was recorded (docs/recording.md). Nothing of this
// host is asked: what the program was given is in the file, and so is the program.
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/kernel/limits.h"
#include "core/kernel/record.h"
#include "core/kernel/recording.h"
#include "interfaces/log.h"
#include "interfaces/stdio.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/log_line.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/debugger.h"
#include "tools/redshirt/ending.h"
#include "tools/redshirt/engine.h"
#include "tools/redshirt/recorder.h"
#include "tools/redshirt/session.h"

// One at a time: the session's main program has no other context.
static struct replay {
    const char *path;
    const char *record; // NULL: it is not recorded again
    u16 gdb_port;       // 0: nobody debugs it
    struct span bytes;  // from malloc
    struct recording recording;
    struct recorder *recorder;
    struct kernel_record_state state;
} current;

// ---- the command line

static int option_take(const struct command *command, struct options *options, const char *option,
                       const char *value)
{
    bool is_engine;
    int code = engine_option(command, options, option, value, &is_engine);
    if (is_engine) {
        return code;
    }
    if (strcmp(option, "record") == 0) {
        current.record = options_value(options, value);
        return current.record != NULL ? EXIT_GOOD : say_usage(command, "--record wants a file");
    }
    if (strcmp(option, "gdb") == 0) {
        u64 port;
        value = options_value(options, value);
        if (value == NULL || !number_parse(value, UINT16_MAX, &port) || port == 0) {
            return say_usage(command, "--gdb wants a port from 1 to 65535");
        }
        current.gdb_port = (u16)port;
        return EXIT_GOOD;
    }
    return say_usage(command, "there is no option \"%s\"", option);
}

static int arguments_take(const struct command *command, int count, char **arguments)
{
    struct options options = {count, arguments, 0};
    const char *option;
    const char *value;
    while ((option = options_next(&options, &value)) != NULL) {
        int code = option_take(command, &options, option, value);
        if (code != EXIT_GOOD) {
            return code;
        }
    }
    if (options.next != count - 1) {
        return say_usage(command, options.next == count ? "which recording?"
                                                        : "one recording is replayed at a time");
    }
    current.path = arguments[options.next];
    return EXIT_GOOD;
}

// ---- the file

// Reads as much as the file had when it was looked at.
static int file_read(int file, size_t size)
{
    u8 *bytes = malloc(size + 1);
    size_t done = 0;
    if (bytes == NULL) {
        say("%s: no memory for it", current.path);
        return EXIT_MACHINE;
    }
    current.bytes.data = bytes;
    while (done < size) {
        ssize_t count = read(file, bytes + done, size - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            say("%s: cannot be read (%s)", current.path, strerror(errno));
            return EXIT_IO;
        }
        if (count == 0) {
            break;
        }
        done += (size_t)count;
    }
    current.bytes.size = done;
    return EXIT_GOOD;
}

static int file_open(void)
{
    int file = open(current.path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) {
        int code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_IO;
        say("%s: %s", current.path, strerror(errno));
        if (file >= 0) {
            close(file);
        }
        return code;
    }
    int code;
    if (!S_ISREG(status.st_mode)) {
        say("%s: a recording is a file", current.path);
        code = EXIT_NOT_VALID;
    } else if (status.st_size > KERNEL_RECORD_BYTES) {
        say("%s: it has more than %d MiB, which no recording has", current.path,
            KERNEL_RECORD_BYTES >> 20);
        code = EXIT_TOO_LARGE;
    } else {
        code = file_read(file, (size_t)status.st_size);
    }
    close(file);
    return code;
}

// ---- while it runs

static void bytes_show(int file, struct span bytes)
{
    if (!write_all(file, bytes)) {
        errno = 0; // whoever read it has left; the program was told what it was told then
    }
}

static void line_show(struct span body)
{
    struct log_write_call call;
    if (log_write_decode_call(body, &call) != ERR_OK) {
        return;
    }
    char buffer[HOSTED_LOG_BYTES + HOSTED_LOG_BESIDE];
    struct text text = text_over(buffer, sizeof buffer);
    hosted_log_line(&text, call.level, call.line);
    bytes_show(STDERR_FILENO, span_of(text.data, text.size));
}

// What went to the standard output and error goes there again.
static void replay_sent(void *context, const struct kernel_record_sent *sent)
{
    (void)context;
    static const u8 stdio[] = STDIO_HASH;
    static const u8 log[] = LOG_HASH;
    bool was_refused = sent->has_result && (sent->result < 0 || sent->result >> 32 == 1);
    if (sent->hash == NULL || was_refused) {
        return;
    }
    struct stdio_write_call call;
    if (memcmp(sent->hash, stdio, sizeof stdio) == 0 && sent->function == STDIO_WRITE_ID &&
        stdio_write_decode_call(sent->body, &call) == ERR_OK) {
        bytes_show(call.stream == STDIO_STREAM_ERROR ? STDERR_FILENO : STDOUT_FILENO, call.bytes);
    } else if (memcmp(sent->hash, log, sizeof log) == 0 && sent->function == LOG_WRITE_ID) {
        line_show(sent->body);
    }
}

static void replay_ended(void *context, const struct kernel_record_state *state)
{
    (void)context;
    current.state = *state;
    if (current.recorder != NULL) {
        recorder_end(current.recorder, state);
    }
}

// How it ended, after replay_ended.
static int replay_judge(const char *name, const struct kernel_ending *ending)
{
    const struct kernel_record_state *state = &current.state;
    unsigned long long calls = state->calls;
    switch (state->outcome) {
    case KERNEL_RECORD_NOTHING:
    case KERNEL_RECORD_WHOLE:
    case KERNEL_RECORD_STOPPED:
    case KERNEL_RECORD_LOST:
        break;
    case KERNEL_RECORD_CUT:
        say("%s: the recording ends here, behind call %llu, and the program had not ended", name,
            calls);
        return EXIT_ASTRAY;
    case KERNEL_RECORD_DIFFERENT:
        say("%s: the program went another way than when it was recorded by %.*s: %s", name,
            (int)current.recording.words.size, (const char *)current.recording.words.data,
            state->words);
        return EXIT_ASTRAY;
    case KERNEL_RECORD_DAMAGED:
        say("%s: the recording is damaged behind call %llu: %s", name, calls, state->words);
        return EXIT_NOT_VALID;
    }
    return ending_say(name, ending);
}

// ---- one replay

// Whether it ends before anything stands behind the program, which may have had an adapter.
static bool is_cut_behind(const struct recording_module *module)
{
    u64 left = current.bytes.size - current.recording.at;
    return !module->is_adapter && current.recording.adapter.bytes.size == 0 && left < sizeof(u64);
}

static int module_add(struct session *session, const struct recording_module *module,
                      char cid[KERNEL_CID_TEXT_BYTES])
{
    struct report report = {0};
    enum err err = kernel_program_add(session->kernel, module->bytes, module->adapts, cid, &report);
    if (err != ERR_OK && is_cut_behind(module)) {
        say("%s: the recording was cut short before the program began", current.path);
        return EXIT_ASTRAY;
    }
    if (err != ERR_OK) {
        return say_refused(current.path, err, &report);
    }
    if (!span_equal(module->cid, span_string(cid))) {
        say("%s: a program in the recording is not the one that it names", current.path);
        return EXIT_DAMAGED;
    }
    return EXIT_GOOD;
}

static int programs_add(struct session *session, char cid[KERNEL_CID_TEXT_BYTES])
{
    int code = EXIT_GOOD;
    if (current.recording.adapter.bytes.size > 0) {
        code = module_add(session, &current.recording.adapter, cid);
    }
    return code == EXIT_GOOD ? module_add(session, &current.recording.program, cid) : code;
}

static int replay_start(struct session *session, struct debugger **debugger)
{
    static char cid[KERNEL_CID_TEXT_BYTES];
    int code = programs_add(session, cid);
    if (code == EXIT_GOOD && current.record != NULL) {
        code = recorder_open(current.record, &current.recorder);
    }
    if (code == EXIT_GOOD && current.gdb_port != 0) {
        code = debugger_open(session->kernel, current.gdb_port, current.path, debugger);
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    struct kernel_record_config config = {
        .context = current.recorder,
        .put = current.recorder == NULL ? NULL : recorder_put,
        .replay = &current.recording,
        .sent = replay_sent,
        .ended = replay_ended,
    };
    struct kernel_record *record;
    enum err err = kernel_record_create(session->kernel, &config, &record);
    if (err != ERR_OK) {
        return say_refused(current.path, err, NULL);
    }
    struct session_program program = {
        .name = current.path,
        .cid = cid,
        .debug = *debugger == NULL ? NULL : debugger_debug(*debugger),
        .record = record,
        .judge = replay_judge,
        .is_main = true,
    };
    return session_start(session, &program);
}

static int replay_in(struct store *store)
{
    struct report report = {0};
    enum err err = recording_open(current.bytes, &current.recording, &report);
    if (err != ERR_OK) {
        int refused = say_refused(current.path, err, &report);
        return err == ERR_CLOSED ? EXIT_ASTRAY : refused;
    }
    struct session session;
    struct session_config config = {.workers = 1,
                                    .is_replay = true,
                                    .is_debugged = current.gdb_port != 0,
                                    .command = "replay",
                                    .what = current.path};
    int code = session_open(&session, store, &config);
    if (code != EXIT_GOOD) {
        return code;
    }
    struct debugger *debugger = NULL;
    code = replay_start(&session, &debugger);
    if (code == EXIT_GOOD) {
        code = session_run(&session, false);
    }
    debugger_stop(debugger);
    session_close(&session);
    debugger_free(debugger);
    return recorder_close(current.recorder, code);
}

static int replay_run(const struct command *command, int count, char **arguments)
{
    int code = arguments_take(command, count, arguments);
    if (code == EXIT_GOOD) {
        code = file_open();
    }
    struct store store;
    if (code == EXIT_GOOD) {
        code = store_open_home(&store);
        if (code == EXIT_GOOD) {
            code = replay_in(&store);
            store_close(&store);
        }
    }
    free((void *)current.bytes.data);
    return code;
}

const struct command command_replay = {
    "replay",
    "runs a program again as `redshirt run --record` has recorded it",
    "Usage: redshirt replay [OPTIONS] FILE\n"
    "\n"
    "Runs the program that is in a recording, made by `redshirt run --record FILE ...`. All that "
    "it\n"
    "was given then is given to it again: what it read, the time, random numbers, answers of "
    "other\n"
    "programs. So it does the same, on any host and with any engine. It reaches nothing: no file, "
    "no\n"
    "network, and nothing is granted. What it wrote to its standard output and error is written\n"
    "again, and the exit code is its own.\n"
    "\n"
    "      --engine NAME      interpreter, compiled, or auto: what runs for a while is compiled\n"
    "      --gdb PORT         waits on 127.0.0.1 and ::1 until GDB's or LLDB's protocol says go "
    "on\n"
    "      --memory NAME      fast, small or auto, as in `redshirt run`\n"
    "      --perf-map         tells `perf` the names of compiled functions: /tmp/perf-PID.map\n"
    "      --record FILE      records it again; the file is the same, byte for byte\n"
    "  -v, --verbose          says where the program's code comes from\n"
    "\n"
    "Exit codes, where the program has none: 64 the command line is wrong, 65 not a recording, or\n"
    "damaged, 66 no such file, 68 its program is not the one that it names, 73 too long, 74 "
    "reading\n"
    "failed, 76 the program went another way than it did, or the recording was cut short and ends\n"
    "before the program, 130 Ctrl-C, 134 stopped by a trap, as it was, 137 killed, as it was.\n",
    replay_run,
};
