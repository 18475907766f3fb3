// SPDX-License-Identifier: GPL-3.0-or-later
// A device of the kernel for `consent`, with a thread that sleeps until there is a question, a line
// on the terminal, a refusal to tell, or a new file of grants.
#define _GNU_SOURCE 1
#include "tools/redshirt/consent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kernel/device.h"
#include "core/kernel/kernel.h"
#include "core/platform.h"
#include "interfaces/consent.h"
#include "lib/p2p/manifest.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/terminal.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/grants.h"
#include "tools/redshirt/lessons.h"
#include "tools/redshirt/refusals.h"

enum {
    NAME_BYTES = 128,    // of a process or an interface, as it is shown
    WORDS_BYTES = 400,   // of what an interface gives
    LINE_BYTES = 64,     // of an answer
    WISHES_BYTES = 1024, // of what a manifest says; then the rest is counted
    EVENTS_BYTES = 4096,
    PUT_POLL_MS = 100, // a terminal that takes nothing: whether the system ends meanwhile
    // After a question that was taken back, before another is shown: who was about to answer has
    // time to see that it is gone. Long enough to notice, too short to be in anybody's way.
    REST_MS = 500,
};

// Ends a sequence that a program left open.
#define ENDS "\x18\033\\"
// What a program shows that fills the screen stays on its own, from which it may vanish any time;
// behind the question it has that again, empty, and is told to draw (terminal_tell).
static const char first_screen[] = ENDS "\033[?1049l";
static const char other_screen[] = "\033[?1049h";
// Undoes what would hide a question: colours, attributes, letters that are drawn as others, a part
// of the screen that scrolls by itself, and what stands below. Terminals that do not know a
// sequence pass over it.
static const char plain[] = ENDS "\033]104\033\\\033]110\033\\\033]111\033\\"
                                 "\0337\033[r\0338\033[!p\033[0m\x0f\033(B\r\n\033[J";

struct question {
    u64 message;
    struct consent_question said; // lies in the message's body
};

static struct {
    struct kernel *kernel;
    struct kernel_device *device; // NULL: not started
    struct store *store;
    struct grants grants;
    pthread_t thread;
    int pipe[2];
    int terminal;      // -1: nobody is there
    int changes;       // inotify; -1: none
    bool is_stopping;  // atomic
    bool is_shown;     // the first question
    bool is_other;     // it left a program's screen, which comes back
    u64 rest_until_ns; // platform_clock_ns: no question is shown before
    u32 question_count;
    struct question questions[KERNEL_QUESTIONS];
    u32 line_size;
    char line[LINE_BYTES];
    struct lessons lessons;   // noted with the kernel's lock held
    struct refusals refusals; // noted with the kernel's lock held
    bool has_told_more;
} user = {.pipe = {-1, -1}, .terminal = -1, .changes = -1};

// What a publisher says of a program.
static struct {
    bool is_there;
    struct cid program;
    u32 interface_count;
    u8 interfaces[MANIFEST_INTERFACES][MANIFEST_HASH_BYTES];
    char words[WISHES_BYTES];
} wishes;

static void wake(void *context)
{
    (void)context;
    ssize_t unused = write(user.pipe[1], "", 1); // full: it is awake already
    (void)unused;
}

// What untrusted bytes look like on a terminal.
static void show(char *out, size_t size, struct span bytes)
{
    struct text text = text_over(out, size);
    text_printable(&text, bytes);
}

// To the terminal, whole: it may be full of what programs wrote. What it does not take before the
// system ends is lost.
__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    char *words;
    int size = vasprintf(&words, format, values);
    va_end(values);
    for (int done = 0; done < size;) {
        ssize_t count = write(user.terminal, words + done, (size_t)(size - done));
        bool is_full = count < 0 && errno == EAGAIN;
        if (count < 0 && ((!is_full && errno != EINTR) ||
                          __atomic_load_n(&user.is_stopping, __ATOMIC_ACQUIRE))) {
            break;
        }
        struct pollfd file = {user.terminal, POLLOUT, 0};
        if (is_full) {
            (void)poll(&file, 1, PUT_POLL_MS);
        }
        done += count < 0 ? 0 : (int)count;
    }
    if (size >= 0) {
        free(words);
    }
}

// ---- refusals

void consent_refused(void *context, const struct kernel_refusal *refusal)
{
    (void)context;
    if (refusals_note(&user.refusals, refusal)) {
        wake(NULL);
    }
}

static void refusal_tell(const struct refusal *refusal)
{
    const struct interface_definition *known = grants_known(refusal->interface);
    char digits[65];
    struct text interface = text_over(digits, sizeof digits);
    if (known == NULL) {
        text_hex_bytes(&interface, span_of(refusal->interface, 32));
    } else {
        text_string(&interface, strrchr(known->name, '/') + 1);
    }
    const char *name = refusal->started_as[0] == 0 ? refusal->cid : refusal->started_as;
    const char *option = refusal->right == KERNEL_HANDLE ? "--handle " : "";
    say("%s may not %s %s: `redshirt grant %s%s %s` allows it, `redshirt run %s %s` once", name,
        refusal->right == KERNEL_HANDLE ? "handle" : "use", refusal->name, option, refusal->cid,
        interface.data, refusal->right == KERNEL_HANDLE ? "--handle" : "--allow", interface.data);
}

static void refusals_tell(void)
{
    const struct refusal *refusal;
    while ((refusal = refusals_next(&user.refusals)) != NULL) {
        refusal_tell(refusal);
    }
    if (!user.has_told_more && __atomic_load_n(&user.refusals.has_more, __ATOMIC_ACQUIRE)) {
        user.has_told_more = true;
        say("and more was refused; after %d refusals the others are not told", REFUSALS_MOST);
    }
}

bool consent_has_refused(void)
{
    return refusals_is_any(&user.refusals);
}

// ---- the file

static void file_read(void)
{
    struct grants now;
    if (grants_load(user.store, &now) != EXIT_GOOD) {
        return; // it was said; what was applied stays
    }
    grants_reapply(user.kernel, &user.grants, &now);
    grants_free(&user.grants);
    user.grants = now;
}

static void file_changed(void)
{
    static char events[EVENTS_BYTES] __attribute__((aligned(8)));
    ssize_t size = read(user.changes, events, sizeof events);
    bool is_ours = false;
    for (ssize_t at = 0; at < size;) {
        const struct inotify_event *event = (const void *)(events + at);
        is_ours |= event->len > 0 && strcmp(event->name, "grants") == 0;
        at += (ssize_t)(sizeof *event + event->len);
    }
    if (is_ours) {
        file_read();
    }
}

// What the user has allowed for ever.
static void file_add(const struct grants_line *line)
{
    struct grants grants;
    if (grants_lock(user.store) != EXIT_GOOD) {
        return;
    }
    if (grants_load(user.store, &grants) == EXIT_GOOD) {
        if (!grants_set(&grants, line)) {
            say("there are too many grants to keep another");
        } else {
            (void)grants_save(user.store, &grants);
        }
        grants_free(&grants);
    }
    grants_unlock(user.store);
}

// ---- answers that are kept

void consent_learned(void *context, const struct kernel_learned *learned)
{
    (void)context;
    lessons_note(&user.lessons, learned);
    wake(NULL);
}

static void lessons_keep(void)
{
    struct grants_line line;
    while (lessons_next(&user.lessons, &line)) {
        file_add(&line);
        lessons_took(&user.lessons);
    }
    if (lessons_lost(&user.lessons)) {
        say("too many answers at once: some of what is allowed always is asked about again");
    }
}

// ---- questions

// What a program had before the question.
static void screen_give_back(void)
{
    if (user.is_other) {
        put("%s", other_screen);
        user.is_other = false;
    }
}

static void question_end(u32 index, enum consent_answer answer)
{
    u8 body[8];
    size_t size = consent_ask_encode_result(body, sizeof body, answer);
    if (index == 0) {
        screen_give_back();
        terminal_borrow(false); // who asked may go on as soon as it is answered
    }
    kernel_device_answer(user.device, user.questions[index].message, span_of(body, size));
    user.question_count--;
    memmove(&user.questions[index], &user.questions[index + 1],
            (user.question_count - index) * sizeof user.questions[0]);
    user.is_shown = user.is_shown && index > 0;
}

static bool question_parse(const struct question *question, struct grants_line *line)
{
    bool is_to_handle = question->said.wish == CONSENT_RIGHT_HANDLE;
    *line = (struct grants_line){.right = is_to_handle ? KERNEL_HANDLE : KERNEL_USE,
                                 .word = KERNEL_ALLOW};
    line->name = question->said.wanted;
    return cid_parse_text(question->said.program, &line->program, NULL) == ERR_OK &&
           grants_hash_parse(question->said.hash, line->interface) && grants_name_fits(line->name);
}

void consent_manifest(const struct manifest *manifest)
{
    struct text text = text_over(wishes.words, sizeof wishes.words);
    u32 told = 0;
    wishes.is_there = true;
    wishes.program = manifest->program;
    wishes.interface_count = manifest->interface_count;
    text_string(&text, "published as ");
    text_printable(&text, manifest->name);
    text_string(&text, ", version ");
    text_printable(&text, manifest->version);
    text_string(&text, ", by ");
    peer_id_write_name(&text, &manifest->publisher);
    text_string(&text, manifest->interface_count == 0 ? "; it is said to want nothing"
                                                      : "; it is said to want ");
    for (u32 i = 0; i < manifest->interface_count; i++) {
        const struct manifest_interface *wanted = &manifest->interfaces[i];
        mem_copy(wishes.interfaces[i], wanted->hash, MANIFEST_HASH_BYTES);
        if (text.size + wanted->name.size + wanted->limits.size + LINE_BYTES > text.capacity) {
            continue;
        }
        text_string(&text, told++ == 0 ? "" : ", ");
        text_printable(&text, wanted->name);
        text_string(&text, wanted->limits.size == 0 ? "" : "=");
        text_printable(&text, wanted->limits);
    }
    if (told < manifest->interface_count) {
        text_string(&text, " and ");
        text_u64(&text, manifest->interface_count - told);
        text_string(&text, " more");
    }
}

// What its publisher says of the program that asks.
static void wishes_show(const struct grants_line *line)
{
    if (!wishes.is_there || !cid_equal(&wishes.program, &line->program)) {
        return;
    }
    bool is_said = false;
    for (u32 i = 0; i < wishes.interface_count; i++) {
        is_said = is_said || mem_equal(wishes.interfaces[i], line->interface, MANIFEST_HASH_BYTES);
    }
    put("  %s\n%s", wishes.words, is_said ? "" : "  This interface is not among them.\n");
}

// What handling adds to what the interface gives.
static void handling_show(const struct consent_question *said, const char *wanted)
{
    if (said->wish == CONSENT_RIGHT_HANDLE) {
        put("  It would answer %s in place of others: programs that use it would talk to it,\n"
            "  which would learn all that they say and answer what it likes.\n",
            wanted);
    }
}

// A program that started the one that wants something: what it calls itself is not said.
static struct span name_above(const struct consent_question *said)
{
    struct cid cid;
    bool is_cid = cid_parse_text(said->program, &cid, NULL) == ERR_OK;
    const char *known = is_cid ? grants_program_name(&cid) : NULL;
    return known == NULL ? SPAN_LITERAL("a program") : span_string(known);
}

static void question_show(void)
{
    const struct consent_question *said = &user.questions[0].said;
    struct grants_line line;
    char name[NAME_BYTES];
    char wanted[NAME_BYTES];
    char words[WORDS_BYTES];
    struct span gives = said->words;
    bool is_good = question_parse(&user.questions[0], &line);
    if (is_good && gives.size == 0) {
        const struct interface_definition *known = grants_known(line.interface);
        gives = known == NULL ? gives : span_string(known->words);
    }
    bool is_above = said->name.size == 0;
    show(name, sizeof name, is_above ? name_above(said) : said->name);
    show(wanted, sizeof wanted, said->wanted);
    show(words, sizeof words,
         gives.size == 0 ? SPAN_LITERAL("Its handler does not say what it gives.") : gives);
    user.is_other = terminal_is_other_screen();
    put("%s%s", user.is_other ? first_screen : "", plain);
    (void)tcflush(user.terminal, TCIFLUSH); // what was typed before was no answer to this
    put("redshirt: %s wants to %s %s.\n  %s\n  program   %.*s\n  interface %.*s\n", name,
        said->wish == CONSENT_RIGHT_HANDLE ? "handle" : "use", wanted, words,
        (int)said->program.size, (const char *)said->program.data, (int)said->hash.size,
        (const char *)said->hash.data);
    if (is_above) {
        put("  It has started a program that wants this, and nobody can pass on what they have "
            "not.\n");
    }
    handling_show(said, wanted);
    if (is_good && said->wish == CONSENT_RIGHT_USE) { // a publisher says what it uses
        wishes_show(&line);
    }
    put("Allow it? o (once), a (always), n (no): ");
    user.is_shown = true;
    user.line_size = 0;
}

static void question_answer(char letter)
{
    struct grants_line line;
    bool is_good = question_parse(&user.questions[0], &line);
    if (letter == 'n' && is_good) {
        refusals_said_no(&user.refusals, line.program.digest, line.interface, (u8)line.right);
    }
    question_end(0, letter == 'a'   ? CONSENT_ANSWER_ALWAYS
                    : letter == 'o' ? CONSENT_ANSWER_ONCE
                                    : CONSENT_ANSWER_NO);
}

// A letter or its word, alone: a line that only begins so was meant for a program, as it may be
// when one behind a shell asks.
static bool line_is(const char *word)
{
    struct span line = span_of((const u8 *)user.line, user.line_size);
    return span_equal(line, span_of((const u8 *)word, 1)) || span_equal(line, span_string(word));
}

static void terminal_line(void)
{
    static const char *const words[] = {"once", "always", "no"};
    const char *word = NULL;
    for (u32 i = 0; i < COUNT_OF(words); i++) {
        word = line_is(words[i]) ? words[i] : word;
    }
    user.line_size = 0;
    if (word != NULL) {
        question_answer(word[0]);
    } else {
        put("o, a or n: ");
    }
}

static void terminal_read(void)
{
    char bytes[LINE_BYTES];
    ssize_t count = read(user.terminal, bytes, sizeof bytes);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        put("\n");
        close(user.terminal);
        user.terminal = -1; // nobody is there any more
        user.is_shown = false;
        return;
    }
    for (ssize_t i = 0; i < count && user.is_shown; i++) {
        if (bytes[i] == '\n') {
            terminal_line();
        } else if (user.line_size < LINE_BYTES) {
            user.line[user.line_size++] = bytes[i];
        }
    }
}

static void on_ask(void *context, const struct interface_message *message,
                   const struct consent_ask_call *call)
{
    (void)context;
    if (user.question_count == KERNEL_QUESTIONS) {
        kernel_device_answer_error(user.device, message->id, -E_BUSY);
        return;
    }
    user.questions[user.question_count++] = (struct question){message->id, call->question};
}

// Who asks chooses when: what is typed for the question that it takes back must not answer another.
static void question_taken_back(void)
{
    put("\n(who asked has gone)\n");
    (void)tcflush(user.terminal, TCIFLUSH); // nor be taken for keys by who has the terminal next
    user.rest_until_ns = platform_clock_ns() + (u64)REST_MS * 1000000;
}

// How long no question is shown yet, ms.
static int rest_ms(void)
{
    u64 now = platform_clock_ns();
    return now < user.rest_until_ns ? (int)((user.rest_until_ns - now) / 1000000) + 1 : 0;
}

static void events_take(void)
{
    static const struct consent_handler handler = {on_ask};
    struct kernel_event event;
    while (kernel_device_take(user.device, &event)) {
        if (event.kind == KERNEL_EVENT_MESSAGE) {
            struct interface_message message = hosted_message(&event);
            if (consent_dispatch(&handler, NULL, &message) != ERR_OK && event.id != 0) {
                kernel_device_answer_error(user.device, event.id, -E_MALFORMED);
            }
        }
        for (u32 i = 0; event.kind == KERNEL_EVENT_CANCELLED && i < user.question_count; i++) {
            if (user.questions[i].message == event.id) {
                if (i == 0 && user.is_shown) {
                    question_taken_back();
                }
                question_end(i, CONSENT_ANSWER_NO);
                break;
            }
        }
    }
}

// ---- the thread

static void *run(void *context)
{
    (void)context;
    while (!__atomic_load_n(&user.is_stopping, __ATOMIC_ACQUIRE)) {
        struct pollfd files[] = {{user.pipe[0], POLLIN, 0},
                                 {user.changes, POLLIN, 0},
                                 {user.is_shown ? user.terminal : -1, POLLIN, 0}};
        bool is_resting = user.question_count > 0 && !user.is_shown;
        (void)poll(files, COUNT_OF(files), is_resting ? rest_ms() : -1);
        char bytes[64];
        while (files[0].revents != 0 && read(user.pipe[0], bytes, sizeof bytes) > 0) {
        }
        if (files[1].revents != 0) {
            file_changed();
        }
        if (files[2].revents != 0) {
            terminal_read();
        }
        refusals_tell();
        lessons_keep();
        events_take();
        while (user.question_count > 0 && user.terminal < 0) {
            question_end(0, CONSENT_ANSWER_NO);
        }
        bool is_next = user.question_count > 0 && !user.is_shown;
        terminal_borrow(user.is_shown || is_next); // an answer is a line
        if (is_next && rest_ms() == 0) {
            question_show();
        }
    }
    return NULL;
}

static void watch(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", user.store->home);
    user.changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (user.changes >= 0 && inotify_add_watch(user.changes, path, IN_MOVED_TO) < 0) {
        close(user.changes);
        user.changes = -1; // what is revoked meanwhile counts from the next start on
    }
}

int consent_start(struct kernel *kernel, struct store *store)
{
    static const struct kernel_device_config config = {.interface = &consent_interface,
                                                       .wake = wake};
    user.kernel = kernel;
    user.store = store;
    int code = grants_load(store, &user.grants);
    if (code == EXIT_GOOD) {
        code = grants_apply(kernel, &user.grants);
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    user.terminal = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK) : -1;
    watch();
    bool done = pipe2(user.pipe, O_CLOEXEC | O_NONBLOCK) == 0 &&
                kernel_device_register(kernel, &config, &user.device) == ERR_OK;
    hosted_signals_block(true);
    done = done && pthread_create(&user.thread, NULL, run, NULL) == 0;
    hosted_signals_block(false);
    if (!done) {
        user.device = NULL;
        say("the host gives no thread to ask the user with");
        return EXIT_MACHINE;
    }
    return EXIT_GOOD;
}

void consent_stop(void)
{
    if (user.device == NULL) {
        return;
    }
    __atomic_store_n(&user.is_stopping, true, __ATOMIC_RELEASE);
    wake(NULL);
    int failed = pthread_join(user.thread, NULL);
    ASSERT(failed == 0);
    refusals_tell();
    lessons_keep();
    if (user.is_shown) {
        put("\n");
        screen_give_back();
    }
    terminal_borrow(false); // what programs wrote meanwhile is still written
    user.device = NULL;
}
