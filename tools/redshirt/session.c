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
#include "machines/hosted/log_ring.h"
#include "machines/hosted/machine.h"
#include "machines/hosted/store.h"
#include "machines/hosted/terminal.h"
#include "machines/hosted/visits.h"
#include "tools/redshirt/channel_server.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/consent.h"
#include "tools/redshirt/embedded.h"
#include "tools/redshirt/ending.h"
#include "tools/redshirt/life.h"

enum {
    STOP_PATIENCE_US = 800000, // from a signal to leaving by force: the user was promised a second
};

// What signal handlers and endings reach. One session at a time.
static struct {
    struct hosted_machine *machine;
    struct kernel *kernel;
    struct kernel_limits limits; // of what is started
    int signal;                  // atomic: the first that came
    int exit_code;               // atomic: of the main program; -1 before its end
    bool draws;                  // atomic: a program leaves a line on the terminal
    struct visits visits;        // of handlers; over when session_close is at work
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

// What the machine can do of it: nothing when it is ending already, and may be freed.
static void stop_in(int number, bool is_there)
{
    bool has_come = __atomic_load_n(&current.signal, __ATOMIC_ACQUIRE) != 0;
    if (number == SIGINT && is_there && !has_come && hosted_machine_interrupt(current.machine)) {
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
    if (is_there) {
        hosted_machine_abandon(current.machine);
        kernel_stop(current.kernel);
    }
}

static void stop(int number)
{
    bool is_there = visit_begin(&current.visits);
    stop_in(number, is_there);
    if (is_there) {
        visit_end(&current.visits);
    }
}

static void signals_take(bool take)
{
    struct sigaction action = {.sa_handler = take ? stop : SIG_DFL, .sa_flags = SA_RESTART};
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before;
        int failed = sigaction(numbers[i], NULL, &before);
        ASSERT(failed == 0);
        bool is_kept = numbers[i] == SIGHUP && before.sa_handler == SIG_IGN; // nohup
        failed = is_kept ? 0 : sigaction(numbers[i], &action, NULL);
        ASSERT(failed == 0);
    }
    struct sigaction alarm = {.sa_handler = leave};
    int failed = sigaction(SIGALRM, &alarm, NULL);
    ASSERT(failed == 0);
}

// ---- endings

// A program of the system has ended: what needs it will say so by itself. At the end all are
// killed.
static void program_ended(const struct session_program *program, const struct kernel_ending *ending)
{
    bool is_over = !visits_are_open(&current.visits) ||
                   __atomic_load_n(&current.signal, __ATOMIC_ACQUIRE) != 0;
    bool is_said =
        ending->kind != KERNEL_KILLED || (!is_over && (program->is_main || program->watch != NULL));
    const char *name = program->watch != NULL ? program->watch->name : program->name;
    bool is_judged = program->is_main && program->judge != NULL;
    int code = !is_said    ? EXIT_KILLED
               : is_judged ? program->judge(name, ending)
                           : ending_say(name, ending);
    if (program->is_main) {
        if (is_said) {
            session_end(code);
        }
        return;
    }
    if (ending->kind == KERNEL_EXITED && code != 0) {
        say("%s has ended with code %d", name, code);
    }
    if (program->is_loader) {
        kernel_expect_loader(current.kernel, false);
    }
    if (program->watch != NULL && is_said) {
        program->watch->ended(program->watch->context, code);
    }
}

// ---- the session

// What is said of programs is looked for in the log, too.
static void log_keep(struct span line)
{
    log_ring_add(hosted_machine_log(current.machine), line);
}

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
    struct kernel_process_id process;
    struct report report = {0};
    if (program->draws) {
        __atomic_store_n(&current.draws, true, __ATOMIC_RELEASE);
    }
    enum err err = life_start(program, current.limits, &process, &report);
    if (err == ERR_OK && program->is_keeper) {
        hosted_machine_trust(session->machine, process);
    }
    return err == ERR_OK ? EXIT_GOOD : say_refused(program->name, err, &report);
}

enum err session_replace(struct session *session, struct life_succession *succession,
                         const char *successor, u64 *process, struct report *report)
{
    const char *cid = successor;
    if (embedded_has(successor) && session_embedded(session, successor, &cid) != EXIT_GOOD) {
        return report_err(report, ERR_IO, 0, "the new one cannot be put into the store");
    }
    struct cid parsed;
    TRY(cid_parse_text(span_string(cid), &parsed, report));
    succession->successor = &parsed;
    succession->limits = current.limits;
    return life_replace(succession, process, report);
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
    visits_open(&current.visits);
    ASSERT(settings->command != NULL);
    session->command = settings->command;
    session->what = settings->what;
    lives_open(session->kernel, program_ended);
    say_also(log_keep);
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
    struct channel_server *server = channel_server_start(session);
    enum err err = hosted_machine_run(session->machine, &report);
    channel_server_stop(server);
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
    visits_over(&current.visits);
    lives_closing();
    consent_stop();
    say_also(NULL);
    bool is_stuck = !hosted_machine_destroy(session->machine);
    if (number != 0) {
        line_clear();
    }
    if (is_stuck) {
        // The host still resolves a name for a program that is gone: leaving is all that ends it.
        int code = __atomic_load_n(&current.exit_code, __ATOMIC_ACQUIRE);
        _exit(code >= 0 ? code : EXIT_BY_SIGNAL + number);
    }
    signals_take(false);
    struct itimerval none = {0};
    (void)setitimer(ITIMER_REAL, &none, NULL);
    lives_close();
    current.machine = NULL;
    current.kernel = NULL;
}
