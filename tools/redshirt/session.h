// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/session.h: a machine that lives as long as one command: its system programs, its
// signals, and its end.
//
// Use     session_open; session_start what shall run; session_run, which returns the exit code;
//         session_close.
// Signals SIGINT, SIGTERM and SIGHUP stop whatever runs; a second one, or a second of waiting, ends
//         the process. SIGINT is first offered to programs that wait for it (terminal.wit).
//         A SIGHUP that is ignored when the session opens stays so (nohup).
// Threads one session at a time.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/kernel/kernel.h"
struct hosted_machine;
struct kernel_debug;
struct life_succession;
struct report;
struct store;

struct session {
    struct hosted_machine *machine;
    struct kernel *kernel;
    struct store *store;
    const char *command; // session_config's
    const char *what;
};

struct session_config {
    u32 workers;         // 0: as many as the machine takes
    bool has_log;        // the machine itself handles `log`
    bool is_debugged;    // programs are interpreted, and can be debugged
    bool fetches;        // what the store lacks is asked of others: network_start follows
    bool is_replay;      // nobody loads or asks anything: programs come by kernel_program_add
    const char *command; // what it is called where there are several: "up", of
    const char *what;    // "demo.system"; or NULL. They stay alive
};

// Who is told that a program has ended, after people were; with its exit code. On some worker.
struct session_watch {
    const char *name;
    void (*ended)(void *context, int code);
    // The program goes on as another, of that CID, which has taken over from it (life.h).
    void (*followed)(void *context, const char *cid);
    void *context;
};

// What a program of the session is started with. The lists are copied, what is in them stays alive.
struct session_program {
    const char *name;       // for words about it; stays alive
    const char *cid;        // zero-terminated
    struct span *arguments; // the program's name first
    u32 argument_count;
    struct span *environment;
    u32 environment_count;
    struct kernel_debug *debug;   // NULL, or who debugs it
    struct kernel_record *record; // NULL, or what records or replays it
    // NULL, or says how the main program has ended in the place of the session, and returns the
    // exit code. On some worker.
    int (*judge)(const char *name, const struct kernel_ending *ending);
    bool is_loader;              // others wait until it handles the loader interface, or has ended
    bool is_keeper;              // it may write into the store, and nobody else
    struct session_watch *watch; // NULL, or whom its end is told; alive until session_close
    bool draws;                  // a line on the terminal, which a signal's end clears
    bool is_main;                // its end is the end of the session, and its code the session's
};

// Makes the machine and starts the loader. Says what fails; returns EXIT_GOOD or the exit code.
// The engine comes from the environment: REDSHIRT_ENGINE, one of the names below; so do the
// memories of all processes, REDSHIRT_MEMORY, whether much is said, REDSHIRT_VERBOSE, and whether
// perf is told where code lies, REDSHIRT_PERF_MAP.
int session_open(struct session *session, struct store *store,
                 const struct session_config *settings);

// The CID of a program that comes with the command; NULL: there is none of that name. Those that
// the loader has to load are put into the store first. Says what fails; returns EXIT_GOOD or the
// exit code.
int session_embedded(struct session *session, const char *name, const char **cid);

// Starts a program. Says what fails; returns EXIT_GOOD or the exit code.
int session_start(struct session *session, const struct session_program *program);

// Starts a program that is to take over an interface from one that runs: what comes with the
// command by its name, others by their CID. The report says why not, whatever the error.
enum err session_replace(struct session *session, struct life_succession *succession,
                         const char *successor, u64 *process, struct report *report);

// Runs until the main program ends or a signal comes; meanwhile the user's other commands reach the
// session (channel_server.h). Returns the exit code, which for a signal is
// EXIT_GOOD or EXIT_BY_SIGNAL plus its number.
int session_run(struct session *session, bool signal_is_good);

// Ends a session that runs, with that code; from any thread.
void session_end(int code);

void session_close(struct session *session);

// Reads the name of an engine (enum kernel_engine): interpreter, auto, compiled. False: none.
bool session_engine(const char *name, u8 *out);
// The same of enum kernel_memory: auto, fast, small.
bool session_memory(const char *name, enum kernel_memory *out);
