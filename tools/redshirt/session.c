// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "tools/redshirt/session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "core/platform.h"
#include "machines/hosted/machine.h"
#include "machines/hosted/store.h"
#include "machines/hosted/terminal.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/consent.h"
#include "tools/redshirt/embedded.h"
#include "tools/redshirt/trace.h"

enum {
    STOP_PATIENCE_US = 800000, // from a signal to leaving by force: the user was promised a second
    WORDS_BYTES = 1024,        // of what is said about a program's end
};

// What signal handlers and endings reach. One session at a time.
static struct {
    struct hosted_machine *machine;
    struct kernel *kernel;
    struct kernel_limits limits; // of what is started
    int signal;                  // atomic: the first that came
    int exit_code;               // atomic: of the main program; -1 before its end
    bool draws;                  // atomic: a program leaves a line on the terminal
    bool is_closing;             // atomic: session_close is at work
    int (*judge)(const char *name, const struct kernel_ending *ending); // of the main program
    char cids[EMBEDDED_MOST][KERNEL_CID_TEXT_BYTES];
} current;

// ---- signals

// A line that is drawn again and again ends with the cursor at its beginning. What the terminal
// itself has written there (^C) stays.
static void line_clear(void)
{
    static const char clear[] = "\x1b[K\n";
    if (__atomic_load_n(&current.draws, __ATOMIC_ACQUIRE)) {
        (void)!write(STDERR_FILENO, clear, sizeof clear - 1);
    }
}

static void leave(int number)
{
    (void)number;
    terminal_restore();
    line_clear();
    _exit(EXIT_BY_SIGNAL + __atomic_load_n(&current.signal, __ATOMIC_ACQUIRE));
}

static void stop(int number)
{
    bool is_closing = __atomic_load_n(&current.is_closing, __ATOMIC_ACQUIRE);
    bool has_come = __atomic_load_n(&current.signal, __ATOMIC_ACQUIRE) != 0;
    if (number == SIGINT && !is_closing && !has_come && hosted_machine_interrupt(current.machine)) {
        return;
    }
    int none = 0;
    if (!__atomic_compare_exchange_n(&current.signal, &none, number, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        leave(number); // the user insists
    }
    // Should the kernel be in the middle of something long, a large answer being copied, the time
    // runs out.
    struct itimerval patience = {.it_value = {.tv_usec = STOP_PATIENCE_US}};
    (void)setitimer(ITIMER_REAL, &patience, NULL);
    if (is_closing) {
        return; // it is ending already, and what is below may be freed
    }
    hosted_machine_abandon(current.machine);
    kernel_stop(current.kernel);
}

static void signals_take(bool take)
{
    struct sigaction action = {.sa_handler = take ? stop : SIG_DFL, .sa_flags = SA_RESTART};
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int failed = sigaction(numbers[i], &action, NULL);
        ASSERT(failed == 0);
    }
    struct sigaction alarm = {.sa_handler = leave};
    int failed = sigaction(SIGALRM, &alarm, NULL);
    ASSERT(failed == 0);
}

// ---- endings

static int code_of_load(enum kernel_load_error error)
{
    switch (error) {
    case KERNEL_LOAD_BAD_CID:
        return EXIT_BAD_CID;
    case KERNEL_LOAD_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case KERNEL_LOAD_WRONG_BYTES:
        return EXIT_DAMAGED;
    case KERNEL_LOAD_NOT_A_PROGRAM:
        return EXIT_NOT_VALID;
    case KERNEL_LOAD_LIMIT:
        return EXIT_TOO_LARGE;
    case KERNEL_LOAD_FAILED:
        return EXIT_IO;
    case KERNEL_LOAD_NO_LOADER:
        return EXIT_NO_LOADER;
    case KERNEL_LOAD_DENIED:
        return EXIT_REFUSED;
    case KERNEL_LOAD_BUDGET:
        return EXIT_TOO_LARGE;
    }
    return EXIT_IO;
}

static const char *advice_of_load(enum kernel_load_error error)
{
    switch (error) {
    case KERNEL_LOAD_BAD_CID:
        return "a program's name looks like bafkrei...; `redshirt add FILE` prints it";
    case KERNEL_LOAD_NOT_FOUND:
        return "`redshirt add FILE` puts it into the store, `--peer ADDRESS` says who may have it";
    case KERNEL_LOAD_WRONG_BYTES:
        return "`redshirt add FILE` again replaces what is damaged";
    case KERNEL_LOAD_NOT_A_PROGRAM:
        return "a program is a WebAssembly module that exports memory and _start";
    case KERNEL_LOAD_LIMIT:
        return "a program has at most 64 MiB, 512 MiB with its code for the interpreter; what its "
               "budget says is in `redshirt grants`: docs/budgets.md";
    case KERNEL_LOAD_FAILED:
        return "try again, or look into the store with `redshirt ls --check`";
    case KERNEL_LOAD_NO_LOADER:
        return "the program store-loader has to run";
    case KERNEL_LOAD_DENIED:
        return "`redshirt grants` lists what it may have: docs/budgets.md";
    case KERNEL_LOAD_BUDGET: // not_loaded_say
        break;
    }
    return "";
}

static void not_loaded_say(const char *name, const struct kernel_ending *ending)
{
    int size = ending->text.size < WORDS_BYTES ? (int)ending->text.size : WORDS_BYTES;
    const char *text = (const char *)ending->text.data;
    if (ending->load != KERNEL_LOAD_BUDGET) {
        say("cannot run %s: %.*s; %s", name, size, text, advice_of_load(ending->load));
        return;
    }
    unsigned long long kib = ending->memory_bytes / 1024;
    say("cannot run %s: %.*s; `redshirt grant %s budget=memory:%lluKiB` leaves it so much, "
        "`redshirt run --allow budget=memory:%lluKiB %s` once",
        name, size, text, name, kib, kib, name);
}

int session_ending(const char *name, const struct kernel_ending *ending)
{
    int size = ending->text.size < WORDS_BYTES ? (int)ending->text.size : WORDS_BYTES;
    const char *text = (const char *)ending->text.data;
    switch (ending->kind) {
    case KERNEL_EXITED:
        return (int)(ending->code > 255 ? 255 : ending->code);
    case KERNEL_TRAPPED:
        say("%s was stopped by a trap: %.*s", name, size, text);
        trace_say(ending);
        return EXIT_TRAPPED;
    case KERNEL_KILLED:
        say("%s was killed", name);
        return EXIT_KILLED;
    case KERNEL_NOT_LOADED:
        not_loaded_say(name, ending);
        return code_of_load(ending->load);
    }
    return EXIT_MACHINE;
}

static void main_ended(void *context, struct kernel_process_id process, struct kernel_ending ending)
{
    (void)process;
    if (ending.kind == KERNEL_KILLED && __atomic_load_n(&current.signal, __ATOMIC_ACQUIRE) != 0) {
        return; // by the user, who knows
    }
    session_end(current.judge != NULL ? current.judge(context, &ending)
                                      : session_ending(context, &ending));
}

// A program of the system has ended: what needs it will say so by itself. At the end all are
// killed.
static void other_ended(void *context, struct kernel_process_id process,
                        struct kernel_ending ending)
{
    (void)process;
    if (ending.kind == KERNEL_KILLED) {
        return;
    }
    int code = session_ending(context, &ending);
    if (ending.kind == KERNEL_EXITED && code != 0) {
        say("%s has ended with code %d", (const char *)context, code);
    }
}

static void watched_ended(void *context, struct kernel_process_id process,
                          struct kernel_ending ending)
{
    (void)process;
    struct session_watch *watch = context;
    bool is_over = __atomic_load_n(&current.is_closing, __ATOMIC_ACQUIRE) ||
                   __atomic_load_n(&current.signal, __ATOMIC_ACQUIRE) != 0;
    if (ending.kind == KERNEL_KILLED && is_over) {
        return;
    }
    int code = session_ending(watch->name, &ending);
    if (ending.kind == KERNEL_EXITED && code != 0) {
        say("%s has ended with code %d", watch->name, code);
    }
    watch->ended(watch->context, code);
}

static void loader_ended(void *context, struct kernel_process_id process,
                         struct kernel_ending ending)
{
    other_ended(context, process, ending);
    kernel_expect_loader(current.kernel, false);
}

// ---- the session

// The kernel itself holds what nothing else can load: the loader, and the adapter that the loader's
// answer may have to be linked with. All other programs come through the loader.
static int programs_add(struct session *session)
{
    ASSERT(embedded_count <= EMBEDDED_MOST);
    for (size_t i = 0; i < embedded_count; i++) {
        const char *name = embedded_programs[i].name;
        bool is_wasi = strcmp(name, "wasi") == 0;
        if (!is_wasi && strcmp(name, "store-loader") != 0) {
            continue;
        }
        struct span adapts = is_wasi ? SPAN_LITERAL("wasi_snapshot_preview1") : (struct span){0};
        struct report report = {0};
        enum err err = kernel_program_add(session->kernel, embedded_bytes(i), adapts,
                                          current.cids[i], &report);
        if (err != ERR_OK) {
            return say_refused(name, err, &report);
        }
    }
    return EXIT_GOOD;
}

int session_embedded(struct session *session, const char *name, const char **cid)
{
    *cid = NULL;
    size_t index = embedded_find(name);
    if (index == embedded_count) {
        return EXIT_GOOD;
    }
    int code = EXIT_GOOD;
    if (current.cids[index][0] == 0) {
        code = embedded_put(session->store, index, current.cids[index]);
    }
    *cid = code == EXIT_GOOD ? current.cids[index] : NULL;
    return code;
}

int session_start(struct session *session, const struct session_program *program)
{
    struct kernel_start start = {
        .cid = span_string(program->cid),
        .arguments = program->arguments,
        .argument_count = program->argument_count,
        .environment = program->environment,
        .environment_count = program->environment_count,
        .limits = current.limits,
        .on_end = program->is_loader       ? loader_ended
                  : program->is_main       ? main_ended
                  : program->watch != NULL ? watched_ended
                                           : other_ended,
        .context = program->watch != NULL ? (void *)program->watch : (void *)program->name,
        .debug = program->debug,
        .record = program->record,
    };
    struct kernel_process_id process;
    struct report report = {0};
    if (program->is_main) {
        current.judge = program->judge;
    }
    if (program->draws) {
        __atomic_store_n(&current.draws, true, __ATOMIC_RELEASE);
    }
    enum err err = kernel_start(session->kernel, &start, &process, &report);
    if (err == ERR_OK && program->is_keeper) {
        hosted_machine_trust(session->machine, process);
    }
    return err == ERR_OK ? EXIT_GOOD : say_refused(program->name, err, &report);
}

bool session_engine(const char *name, u8 *out)
{
    static const char *const names[] = {
        [KERNEL_ENGINE_INTERPRETER] = "interpreter",
        [KERNEL_ENGINE_AUTO] = "auto",
        [KERNEL_ENGINE_COMPILED] = "compiled",
    };
    for (u32 i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (u8)i;
            return true;
        }
    }
    return false;
}

bool session_memory(const char *name, enum kernel_memory *out)
{
    static const char *const names[] = {
        [KERNEL_MEMORY_AUTO] = "auto",
        [KERNEL_MEMORY_FAST] = "fast",
        [KERNEL_MEMORY_SMALL] = "small",
    };
    for (u32 i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum kernel_memory)i;
            return true;
        }
    }
    return false;
}

// What the environment says of this session.
static int environment_take(struct hosted_machine_config *config, struct kernel_limits *limits)
{
    const char *verbose = getenv("REDSHIRT_VERBOSE");
    config->is_verbose = verbose != NULL && *verbose != 0;
    const char *perf_map = getenv("REDSHIRT_PERF_MAP");
    config->has_perf_map = perf_map != NULL && *perf_map != 0;
    const char *engine = getenv("REDSHIRT_ENGINE");
    if (!session_engine(engine == NULL ? "auto" : engine, &config->engine)) {
        say("REDSHIRT_ENGINE is none of interpreter, auto and compiled");
        return EXIT_USAGE;
    }
    const char *memory = getenv("REDSHIRT_MEMORY");
    if (!session_memory(memory == NULL ? "auto" : memory, &limits->memory)) {
        say("REDSHIRT_MEMORY is none of auto, fast and small");
        return EXIT_USAGE;
    }
    return EXIT_GOOD;
}

// What programs need to be loaded and to be granted something.
static int system_start(struct session *session, const struct session_config *settings)
{
    int code = consent_start(session->kernel, session->store);
    if (code == EXIT_GOOD) {
        code = programs_add(session);
    }
    const char *loader = NULL;
    if (code == EXIT_GOOD) {
        code = session_embedded(session, "store-loader", &loader);
    }
    if (loader != NULL) {
        struct span arguments[] = {SPAN_LITERAL("store-loader"), SPAN_LITERAL("--fetch")};
        struct session_program program = {.name = "store-loader",
                                          .cid = loader,
                                          .arguments = arguments,
                                          .argument_count = settings->fetches ? 2 : 1,
                                          .is_loader = true};
        kernel_expect_loader(session->kernel, true);
        code = session_start(session, &program);
    }
    return code;
}

int session_open(struct session *session, struct store *store,
                 const struct session_config *settings)
{
    struct hosted_machine_config config = {.workers = settings->workers,
                                           .store = store,
                                           .has_log = settings->has_log,
                                           .refused = consent_refused,
                                           .learned = consent_learned};
    struct kernel_limits limits;
    if (environment_take(&config, &limits) != EXIT_GOOD) {
        return EXIT_USAGE;
    }
    if (settings->is_debugged) {
        config.engine = KERNEL_ENGINE_INTERPRETER;
        config.has_probes = true;
    }
    struct report report = {0};
    enum err err = hosted_machine_create(&config, &session->machine, &report);
    if (err != ERR_OK) {
        say("the machine does not start: %s", report.text);
        return EXIT_MACHINE;
    }
    session->kernel = hosted_machine_kernel(session->machine);
    session->store = store;
    memset(current.cids, 0, sizeof current.cids);
    current.machine = session->machine;
    current.kernel = session->kernel;
    current.limits = limits;
    current.exit_code = -1;
    current.draws = false;
    current.is_closing = false;
    signals_take(true);
    int code = settings->is_replay ? EXIT_GOOD : system_start(session, settings);
    if (code != EXIT_GOOD) {
        session_close(session);
    }
    return code;
}

int session_run(struct session *session, bool signal_is_good)
{
    struct report report = {0};
    enum err err = hosted_machine_run(session->machine, &report);
    if (err != ERR_OK) {
        say("the machine does not run: %s", report.text);
        return EXIT_MACHINE;
    }
    int number = __atomic_load_n(&current.signal, __ATOMIC_ACQUIRE);
    int code = __atomic_load_n(&current.exit_code, __ATOMIC_ACQUIRE);
    if (code >= 0) { // a program that fails after it was refused something fails for that
        return code != 0 && consent_has_refused() ? EXIT_REFUSED : code;
    }
    ASSERT(number != 0);
    return signal_is_good ? EXIT_GOOD : EXIT_BY_SIGNAL + number;
}

void session_end(int code)
{
    __atomic_store_n(&current.exit_code, code, __ATOMIC_RELEASE);
    kernel_stop(current.kernel);
}

void session_close(struct session *session)
{
    int number = __atomic_load_n(&current.signal, __ATOMIC_ACQUIRE);
    __atomic_store_n(&current.is_closing, true, __ATOMIC_RELEASE);
    consent_stop();
    bool is_stuck = !hosted_machine_destroy(session->machine);
    if (number != 0) {
        line_clear();
    }
    if (is_stuck) {
        // The host still resolves a name for a program that is gone: leaving is all that ends it.
        int code = __atomic_load_n(&current.exit_code, __ATOMIC_ACQUIRE);
        _exit(code >= 0 ? code : EXIT_BY_SIGNAL + number);
    }
    struct itimerval none = {0};
    (void)setitimer(ITIMER_REAL, &none, NULL);
    signals_take(false);
    current.machine = NULL;
    current.kernel = NULL;
}
