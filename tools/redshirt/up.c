// SPDX-License-Identifier: GPL-3.0-or-later
// `redshirt up FILE`: a whole system, as its file says (tools/redshirt/system_file.h). A thread of
// its own starts again what has ended and should not have.
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/kernel/route.h"
#include "core/platform.h"
#include "machines/hosted/limits.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/embedded.h"
#include "tools/redshirt/grants.h"
#include "tools/redshirt/network.h"
#include "tools/redshirt/program.h"
#include "tools/redshirt/session.h"
#include "tools/redshirt/supervise.h"
#include "tools/redshirt/system_file.h"

enum {
    NS_OF_S = 1000000000,
    READY_S = 5,       // is how long others wait for one to handle what it is there for,
    LOOK_NS = 2000000, // looking as often
};

enum member_state { MEMBER_RUNS, MEMBER_WAITS, MEMBER_IS_DONE };

// A program of the file.
struct member {
    struct up *up;
    char cid[CID_TEXT_BYTES];
    struct cid program;
    struct span arguments[SYSTEM_WORDS + 1];
    struct session_watch watch;
    struct span handles[SYSTEM_GRANTS + SYSTEM_ROUTES]; // names of what it is there for
    u32 handle_count;
    struct grants_line said[SYSTEM_GRANTS]; // what the file says of it
    u32 said_count;
    enum member_state state; // this and the following: under up->lock
    struct supervise supervise;
    u64 again_ns; // MEMBER_WAITS
    int code;     // of its last end
};

struct up {
    const char *path;
    struct session session;
    struct system_file *file;
    struct member *members;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_over;
    bool is_check; // nothing is to run, or to be kept
    u32 workers;
    struct network network;
};

// ---- words about the file

__attribute__((format(printf, 4, 5))) static int
say_at(const struct up *up, struct system_place place, int code, const char *format, ...)
{
    char words[512];
    va_list list;
    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    say("%s:%u:%u: %s", up->path, place.line, place.column, words);
    return code;
}

static int file_read(struct up *up)
{
    static char text[SYSTEM_FILE_BYTES + 1];
    int file = open(up->path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t got = file < 0 ? -1 : 1;
    while (got > 0 && size < sizeof text) {
        got = read(file, text + size, sizeof text - size);
        size += got > 0 ? (size_t)got : 0;
    }
    int why = errno;
    if (file >= 0) {
        close(file);
    }
    if (got < 0) {
        say("cannot read %s: %s", up->path, strerror(why));
        return why == ENOENT ? EXIT_NOT_FOUND : EXIT_IO;
    }
    struct report report = {0};
    struct system_place place;
    enum err err = system_parse(span_of(text, size), up->file, &place, &report);
    if (err != ERR_OK) {
        return say_at(up, place, EXIT_NOT_VALID, "%s", report.text);
    }
    if (up->file->program_count == 0) {
        return say_at(up, place, EXIT_NOT_VALID, "this system has no program");
    }
    return EXIT_GOOD;
}

// ---- programs and what they may

// The CID of what comes with the command; NULL: it is nothing of that.
static int own_find(struct up *up, const char *what, const char **cid)
{
    static char own[CID_TEXT_BYTES];
    if (!up->is_check) {
        return session_embedded(&up->session, what, cid);
    }
    size_t index = embedded_find(what);
    *cid = NULL;
    if (index < embedded_count) {
        cid_write_text(embedded_cid(index), own);
        *cid = own;
    }
    return EXIT_GOOD;
}

// A file that a system file names lies beside it, unless its path begins at the root.
static int member_find(struct up *up, struct member *member, const struct system_program *program)
{
    const char *what = (const char *)program->what.data;
    const char *known;
    int code = own_find(up, what, &known);
    if (code == EXIT_GOOD && known != NULL) {
        snprintf(member->cid, sizeof member->cid, "%s", known);
    } else if (code == EXIT_GOOD) {
        const char *slash = strrchr(up->path, '/');
        int size = slash == NULL ? 0 : (int)(slash - up->path) + 1;
        bool is_name = cid_parse_text(program->what, &member->program, NULL) == ERR_OK ||
                       strchr(what, '@') != NULL;
        bool is_beside = !is_name && *what != '/' && size > 0;
        char *beside = NULL;
        if (is_beside && asprintf(&beside, "%.*s%s", size, up->path, what) < 0) {
            say("the host gives no memory for a system");
            return EXIT_MACHINE;
        }
        static struct network nobody; // a key's newest record is what is known of it here
        const char *path = is_beside ? beside : what;
        code = up->is_check ? program_look(up->session.store, &nobody, path, member->cid)
                            : program_find(up->session.store, &nobody, path, member->cid);
        free(beside);
        if (code != EXIT_GOOD) {
            return say_at(up, program->place, code, "the program %s is not here", what);
        }
    }
    if (code == EXIT_GOOD) {
        enum err err = cid_parse_text(span_string(member->cid), &member->program, NULL);
        ASSERT(err == ERR_OK);
    }
    return code;
}

// An interface as people call it, which the file's own text may be cut for.
static int interface_find(struct up *up, struct span name, struct system_place place,
                          struct grants_line *line)
{
    int code = grants_interface_limit((char *)(uintptr_t)name.data, line);
    return code == EXIT_GOOD ? code : say_at(up, place, code, "so nothing is started");
}

// Rows are about CIDs: two that say different things of one, under whatever names, are refused, as
// one of them would hold for whom the other was meant.
static int said_add(struct up *up, u32 number, const struct grants_line *line,
                    struct system_place place)
{
    for (u32 i = 0; i <= number; i++) {
        const struct member *member = &up->members[i];
        for (u32 k = 0; k < member->said_count; k++) {
            const struct grants_line *other = &member->said[k];
            bool is_about_it = other->right == line->right &&
                               mem_equal(other->program.digest, line->program.digest,
                                         sizeof line->program.digest) &&
                               mem_equal(other->interface, line->interface, sizeof line->interface);
            if (is_about_it &&
                (other->word != line->word || !span_equal(other->limit, line->limit))) {
                return say_at(up, place, EXIT_NOT_VALID,
                              "of the same program something else is said above, under the name "
                              "%s: one program has one row for an interface",
                              member->watch.name);
            }
        }
    }
    struct member *member = &up->members[number];
    member->said[member->said_count++] = *line;
    return EXIT_GOOD;
}

static int grants_tell(struct up *up, u32 number)
{
    const struct system_program *program = &up->file->programs[number];
    for (u32 i = 0; i < program->grant_count; i++) {
        const struct system_grant *grant = &program->grants[i];
        struct grants_line line = {.program = up->members[number].program};
        int code = interface_find(up, grant->interface, grant->place, &line);
        line.right = grant->right;
        line.word = grant->word;
        bool takes_limit = grant->right == KERNEL_USE && grant->word == KERNEL_ALLOW;
        if (code == EXIT_GOOD && line.limit.size > 0 && !takes_limit) {
            return say_at(up, grant->place, EXIT_USAGE, "only `may` takes a limit");
        }
        if (code == EXIT_GOOD) {
            code = said_add(up, number, &line, grant->place);
        }
        if (code == EXIT_GOOD) {
            code = grants_say(up->session.kernel, &line);
        }
        if (code != EXIT_GOOD) {
            return code;
        }
        if (grant->right == KERNEL_HANDLE && grants_known(line.interface) != NULL) {
            struct member *member = &up->members[number];
            member->handles[member->handle_count++] = line.name;
        }
    }
    return EXIT_GOOD;
}

// ---- routes

// Whether the file itself says something of that right of a program.
static bool is_said(const struct system_program *program, const struct grants_line *line)
{
    for (u32 i = 0; i < program->grant_count; i++) {
        struct grants_line said = {0};
        char *text = (char *)(uintptr_t)program->grants[i].interface.data;
        if (program->grants[i].right == line->right &&
            grants_interface_limit(text, &said) == EXIT_GOOD &&
            mem_equal(said.interface, line->interface, sizeof said.interface)) {
            return true;
        }
    }
    return false;
}

// The same under whatever name the program goes in it.
static bool is_said_of_cid(const struct up *up, const struct grants_line *line)
{
    for (u32 i = 0; i < up->file->program_count; i++) {
        if (cid_equal(&up->members[i].program, &line->program) &&
            is_said(&up->file->programs[i], line)) {
            return true;
        }
    }
    return false;
}

// Who stands in front of an interface handles it, and may use what is behind: what the file says
// of that itself, a limit or no, stays.
static int row_allow(struct up *up, u32 number, const struct grants_line *line)
{
    struct member *member = &up->members[number];
    member->handles[member->handle_count++] = line->name;
    struct grants_line said = {
        .word = KERNEL_ALLOW, .program = member->program, .name = line->name};
    mem_copy(said.interface, line->interface, sizeof said.interface);
    int code = EXIT_GOOD;
    for (u32 right = 0; right < KERNEL_RIGHTS && code == EXIT_GOOD; right++) {
        said.right = (enum kernel_right)right;
        if (!is_said_of_cid(up, &said)) {
            code = grants_say(up->session.kernel, &said);
        }
    }
    return code;
}

// Whether the kernel knows another route for that client.
static bool is_led_elsewhere(struct up *up, const struct kernel_route *route)
{
    static char name[INTERFACE_NAME_BYTES];
    struct kernel_route other;
    for (u32 at = 0; kernel_route_next(up->session.kernel, &at, &other, name);) {
        if (span_equal(other.name, route->name) &&
            mem_equal(other.client, route->client, sizeof other.client)) {
            return !mem_equal(other.handler, route->handler, sizeof other.handler);
        }
    }
    return false;
}

static int route_step(struct up *up, const struct system_route *route, struct span name, u32 from,
                      u32 to)
{
    struct kernel_route step = {.name = name};
    if (from != SYSTEM_ALL) {
        mem_copy(step.client, up->members[from].program.digest, sizeof step.client);
    }
    if (to != SYSTEM_ALL) {
        mem_copy(step.handler, up->members[to].program.digest, sizeof step.handler);
    }
    if (mem_equal(step.client, step.handler, sizeof step.client) || is_led_elsewhere(up, &step)) {
        return say_at(up, route->place, EXIT_NOT_VALID,
                      "a program would stand in two places in front of this interface");
    }
    enum err err = kernel_route_set(up->session.kernel, &step);
    return err == ERR_OK ? EXIT_GOOD
                         : say_at(up, route->place, EXIT_MACHINE, "the kernel takes no such route");
}

static int route_tell(struct up *up, const struct system_route *route)
{
    struct grants_line line = {0};
    int code = interface_find(up, route->interface, route->place, &line);
    if (code == EXIT_GOOD && (line.limit.size > 0 || grants_known(line.interface) == NULL)) {
        return say_at(up, route->place, EXIT_USAGE,
                      "a route wants the name of one of the system's interfaces, and no limit");
    }
    u32 from = route->client;
    for (u32 i = 0; i <= route->count && code == EXIT_GOOD; i++) {
        u32 to = i < route->count ? route->row[i] : SYSTEM_ALL;
        code = to == SYSTEM_ALL ? EXIT_GOOD : row_allow(up, to, &line);
        if (code == EXIT_GOOD) {
            code = route_step(up, route, line.name, from, to);
        }
        from = to;
    }
    return code;
}

// ---- running

static void member_start_locked(struct up *up, u32 number)
{
    struct member *member = &up->members[number];
    struct system_program *program = &up->file->programs[number];
    struct session_program start = {
        .name = member->watch.name,
        .cid = member->cid,
        .arguments = member->arguments,
        .argument_count = program->word_count + 1,
        .environment = program->variables,
        .environment_count = program->variable_count,
        .watch = &member->watch,
    };
    supervise_started(&member->supervise, platform_clock_ns());
    member->state = MEMBER_RUNS;
    member->code = session_start(&up->session, &start);
    if (member->code != EXIT_GOOD) {
        member->state = MEMBER_IS_DONE; // the kernel has no room for it, and has said so
    }
}

static void member_ended(void *context, int code)
{
    struct member *member = context;
    struct up *up = member->up;
    pthread_mutex_lock(&up->lock);
    member->code = code;
    switch (
        supervise_ended(&member->supervise, code != 0, platform_clock_ns(), &member->again_ns)) {
    case SUPERVISE_AGAIN:
        member->state = MEMBER_WAITS;
        break;
    case SUPERVISE_GIVE_UP:
        say("%s has ended %d times in a row and is not started again", member->watch.name,
            SUPERVISE_FAILURES + 1);
        member->state = MEMBER_IS_DONE;
        break;
    case SUPERVISE_DONE:
        member->state = MEMBER_IS_DONE;
        break;
    }
    pthread_cond_signal(&up->changed);
    pthread_mutex_unlock(&up->lock);
}

// Another program has taken over from the member's, and is started again from now on.
static void member_followed(void *context, const char *cid)
{
    struct member *member = context;
    struct up *up = member->up;
    pthread_mutex_lock(&up->lock);
    snprintf(member->cid, sizeof member->cid, "%s", cid);
    enum err err = cid_parse_text(span_string(member->cid), &member->program, NULL);
    ASSERT(err == ERR_OK);
    supervise_started(&member->supervise, platform_clock_ns());
    pthread_mutex_unlock(&up->lock);
}

// Whether it handles what it is there for, or is not waited for any more.
static bool is_ready_locked(struct up *up, const struct member *member)
{
    bool is_waited_for =
        member->state == MEMBER_RUNS &&
        platform_clock_ns() - member->supervise.started_ns < (u64)READY_S * NS_OF_S;
    for (u32 i = 0; i < member->handle_count && is_waited_for; i++) {
        if (!kernel_program_handles(up->session.kernel, member->handles[i],
                                    member->program.digest)) {
            return false;
        }
    }
    return true;
}

// Starts those whose time has come; for the first time in their order, each when those before it
// are ready, as who binds does not wait. Returns when to look again; UINT64_MAX: when something
// happens.
static u64 members_start_locked(struct up *up)
{
    u64 next = UINT64_MAX;
    for (u32 i = 0; i < up->file->program_count; i++) {
        struct member *member = &up->members[i];
        if (member->state == MEMBER_WAITS && member->again_ns <= platform_clock_ns()) {
            member_start_locked(up, i);
        }
        if (member->state == MEMBER_WAITS && member->again_ns < next) {
            next = member->again_ns;
        }
        bool has_next = i + 1 < up->file->program_count && up->members[i + 1].again_ns == 0;
        if (has_next && up->members[i + 1].state == MEMBER_WAITS && !is_ready_locked(up, member)) {
            return platform_clock_ns() + LOOK_NS;
        }
    }
    return next;
}

// Whether nothing runs any more, or will. *code is the first one's that failed, or 0.
static bool is_all_done_locked(const struct up *up, int *code)
{
    *code = EXIT_GOOD;
    for (u32 i = 0; i < up->file->program_count; i++) {
        if (up->members[i].state != MEMBER_IS_DONE) {
            return false;
        }
        *code = *code == EXIT_GOOD ? up->members[i].code : *code;
    }
    return true;
}

static void *supervisor_run(void *context)
{
    struct up *up = context;
    pthread_mutex_lock(&up->lock);
    while (!up->is_over) {
        u64 next = members_start_locked(up);
        int code;
        if (is_all_done_locked(up, &code)) {
            session_end(code);
            break;
        }
        struct timespec until = {(time_t)(next / NS_OF_S), (long)(next % NS_OF_S)};
        if (next == UINT64_MAX) {
            pthread_cond_wait(&up->changed, &up->lock);
        } else {
            pthread_cond_timedwait(&up->changed, &up->lock, &until);
        }
    }
    pthread_mutex_unlock(&up->lock);
    return NULL;
}

static int supervisor_start(struct up *up)
{
    pthread_condattr_t attributes;
    bool is_good = pthread_condattr_init(&attributes) == 0 &&
                   pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                   pthread_cond_init(&up->changed, &attributes) == 0 &&
                   pthread_mutex_init(&up->lock, NULL) == 0 &&
                   pthread_create(&up->thread, NULL, supervisor_run, up) == 0;
    if (!is_good) {
        say("the host gives no thread to watch over programs with");
        return EXIT_MACHINE;
    }
    return EXIT_GOOD;
}

static void supervisor_stop(struct up *up)
{
    pthread_mutex_lock(&up->lock);
    up->is_over = true;
    pthread_cond_signal(&up->changed);
    pthread_mutex_unlock(&up->lock);
    int failed = pthread_join(up->thread, NULL);
    ASSERT(failed == 0);
}

static int members_make(struct up *up)
{
    int code = EXIT_GOOD;
    for (u32 i = 0; i < up->file->program_count && code == EXIT_GOOD; i++) {
        struct member *member = &up->members[i];
        struct system_program *program = &up->file->programs[i];
        member->up = up;
        member->watch = (struct session_watch){(const char *)program->name.data, member_ended,
                                               member_followed, member};
        member->supervise.restart = program->restart;
        member->state = MEMBER_WAITS; // since ever
        member->arguments[0] = program->name;
        for (u32 k = 0; k < program->word_count; k++) {
            member->arguments[k + 1] = program->words[k];
        }
        code = member_find(up, member, program);
        if (code == EXIT_GOOD) {
            code = grants_tell(up, i);
        }
    }
    for (u32 i = 0; i < up->file->route_count && code == EXIT_GOOD; i++) {
        code = route_tell(up, &up->file->routes[i]);
    }
    return code;
}

// Whether a program of the file handles `log`, so that the machine does not.
static bool handles_log(const struct system_file *file)
{
    struct grants_line line = {.right = KERNEL_HANDLE};
    char name[] = "redshirt:io/log";
    if (grants_interface(span_string(name), &line) != EXIT_GOOD) {
        return false;
    }
    for (u32 i = 0; i < file->program_count; i++) {
        const struct system_program *program = &file->programs[i];
        if (span_equal(program->what, SPAN_LITERAL("log")) || is_said(program, &line)) {
            return true;
        }
    }
    return false;
}

static int up_in(struct up *up, struct store *store)
{
    bool has_node = up->network.listen_count != 0 || network_is_on(&up->network);
    int code = has_node ? network_settings(store, &up->network) : EXIT_GOOD;
    struct session_config config = {.workers = up->workers,
                                    .has_log = !handles_log(up->file),
                                    .fetches = has_node,
                                    .command = "up",
                                    .what = up->path};
    if (code == EXIT_GOOD) {
        code = session_open(&up->session, store, &config);
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    code = members_make(up);
    if (code == EXIT_GOOD && !up->is_check && has_node) {
        code = network_start(&up->session, &up->network, false);
    }
    if (code == EXIT_GOOD && !up->is_check) {
        code = supervisor_start(up);
        if (code == EXIT_GOOD) {
            code = session_run(&up->session, true);
            supervisor_stop(up);
        }
    }
    session_close(&up->session);
    return code;
}

static int option_take(const struct command *command, struct up *up, struct options *options,
                       const char *option, const char *value)
{
    if (strcmp(option, "workers") == 0 || strcmp(option, "w") == 0) {
        u64 workers;
        value = options_value(options, value);
        if (value == NULL || !number_parse(value, HOSTED_WORKERS, &workers) || workers == 0) {
            return say_usage(command, "--workers wants a number from 1 to %d", HOSTED_WORKERS);
        }
        up->workers = (u32)workers;
        return EXIT_GOOD;
    }
    if (strcmp(option, "check") == 0 && value == NULL) {
        up->is_check = true;
        return EXIT_GOOD;
    }
    bool is_network;
    int code = network_option(command, &up->network, options, option, value, &is_network);
    return is_network ? code : say_usage(command, "there is no option \"%s\"", option);
}

static int up_run(const struct command *command, int count, char **arguments)
{
    static struct up up = {.network.stays = true}; // too large for a stack
    struct options options = {count, arguments, 0};
    const char *option;
    const char *value;
    while ((option = options_next(&options, &value)) != NULL) {
        int code = option_take(command, &up, &options, option, value);
        if (code != EXIT_GOOD) {
            return code;
        }
    }
    if (count - options.next != 1) {
        return say_usage(command,
                         count == options.next ? "which system file?" : "a system is one file");
    }
    up.path = arguments[options.next];
    up.file = calloc(1, sizeof *up.file);
    up.members = calloc(SYSTEM_PROGRAMS, sizeof *up.members);
    struct store store;
    int code = EXIT_MACHINE;
    if (up.file == NULL || up.members == NULL) {
        say("the host gives no memory for a system");
    } else {
        code = file_read(&up);
        if (code == EXIT_GOOD) {
            code = store_open_home(&store);
        }
        if (code == EXIT_GOOD) {
            code = up_in(&up, &store);
            store_close(&store);
        }
    }
    free(up.file);
    free(up.members);
    return code;
}

const struct command command_up = {
    "up",
    "starts a whole system: the programs, rights and routes that a file says",
    "Usage: redshirt up [--check] [--workers N] [--peer ADDRESS]... [--lan] [--public]\n"
    "                   [--listen ADDRESS]... FILE\n"
    "\n"
    "Starts what a system file says, and starts again what ends and should not. Ctrl-C stops it,\n"
    "with exit code 0; when all of it has ended by itself, that is the end too, with the code of\n"
    "the first program that failed. What it may do holds for this run; `redshirt grants` stays as\n"
    "it is. A system file is your word: read it before you start one that you were given.\n"
    "\n"
    "      --check           only says whether the file, its programs and their rights are in\n"
    "                        order; nothing is put into the store\n"
    "  -w, --workers N       so many programs run at once (default: one for each CPU, at most 8)\n"
    "      --peer ADDRESS    whom to ask for programs that are not here\n"
    "      --lan             peers of the local network are asked, too\n"
    "      --public          the public network is asked, too, last\n"
    "  -l, --listen ADDRESS  where peers may come, as /ip4/0.0.0.0/tcp/4001\n"
    "\n"
    "A line is one of these; # begins a comment, \" stands around a word with blanks:\n"
    "\n"
    "  program NAME WHAT [ARGUMENT...]    a CID, a file beside this one, or what comes with the\n"
    "                                     command: log, http, hello, firewall, tap, clock\n"
    "  may INTERFACE[=LIMIT]...           and these are about the program above: it may use that,\n"
    "  may-not INTERFACE...               or not,\n"
    "  handles INTERFACE...               it may answer it,\n"
    "  env NAME=VALUE...                  has this in its environment,\n"
    "  restart never|on-failure|always    and is started again\n"
    "  route INTERFACE NAME... [for NAME] these stand in front of the interface, the first one\n"
    "                                     first, for all programs or for one\n",
    up_run,
};
