// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/life.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/assert.h"
#include "core/base/cid.h"
#include "core/base/list.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/wire.h"
#include "core/kernel/grant.h"
#include "core/kernel/limits.h"
#include "core/kernel/replace.h"
#include "core/kernel/route.h"
#include "core/platform.h"
#include "tools/redshirt/ending.h"
#include "tools/redshirt/session.h"

enum { NS_OF_MS = 1000000 };

static const u8 nobody[32];

struct life {
    struct list_node node;
    struct session_program program;
    char cid[KERNEL_CID_TEXT_BYTES];
    struct kernel_limits limits;
    u64 process;
    bool has_ended;
    bool is_followed;    // another has taken over: its end is nothing
    struct span words[]; // arguments, then environment
};

// What a program may because another did, so that it can be taken back.
struct borrowed {
    u32 grant_count;
    struct kernel_grant grants[LIFE_ROWS];
    u32 route_count;
    struct kernel_route routes[LIFE_ROWS];
    char names[LIFE_ROWS][INTERFACE_NAME_BYTES]; // of the routes
};

struct ending {
    u64 process;
    char text[LIFE_ENDING_BYTES];
};

static struct {
    struct kernel *kernel;
    life_ended ended;
    pthread_mutex_t lock;
    bool is_closing;   // this and what follows: under lock
    struct list lives; // struct life
    // The replacement under way; `new` NULL: there is none.
    struct life *new;
    struct life *old; // NULL: the session has not started it
    u64 begun_ns;
    struct cid program;   // of the old one
    struct cid successor; // of the new one
    u32 name_size;
    char name[INTERFACE_NAME_BYTES]; // of the interface
    struct borrowed borrowed;
    u64 ending_count;
    struct ending endings[LIFE_ENDINGS]; // around
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

// Whom to tell, once the lock is given back, that a program goes on as another.
struct news {
    struct session_watch *watch; // NULL: nobody
    char cid[KERNEL_CID_TEXT_BYTES];
};

static void lives_lock(void)
{
    int failed = pthread_mutex_lock(&all.lock);
    ASSERT(failed == 0);
}

static void lives_unlock(const struct news *news)
{
    int failed = pthread_mutex_unlock(&all.lock);
    ASSERT(failed == 0);
    if (news->watch != NULL && news->watch->followed != NULL) {
        news->watch->followed(news->watch->context, news->cid);
    }
}

static const struct news nothing;

// ---- what another may, too

static bool has_grant(const struct kernel_grant *like)
{
    static u8 limit[KERNEL_GRANT_LIMIT_BYTES];
    struct kernel_grant row;
    for (u32 at = 0; kernel_grant_next(all.kernel, &at, &row, limit);) {
        if (row.right == like->right && mem_equal(row.program, like->program, 32) &&
            mem_equal(row.interface, like->interface, 32)) {
            return true;
        }
    }
    return false;
}

// What the user has said of the new one itself stays as it is.
static enum err grants_lend(const u8 old[32], const u8 new[32])
{
    static u8 limit[KERNEL_GRANT_LIMIT_BYTES];
    struct kernel_grant row;
    for (u32 at = 0; kernel_grant_next(all.kernel, &at, &row, limit);) {
        if (!mem_equal(row.program, old, 32)) {
            continue;
        }
        mem_copy(row.program, new, 32);
        row.is_learned = false;
        if (has_grant(&row)) {
            continue;
        }
        if (all.borrowed.grant_count == LIFE_ROWS) {
            return ERR_LIMIT;
        }
        TRY(kernel_grant_set(all.kernel, &row));
        all.borrowed.grants[all.borrowed.grant_count++] = row;
    }
    return ERR_OK;
}

static bool has_route(const struct kernel_route *like)
{
    char name[INTERFACE_NAME_BYTES];
    struct kernel_route row;
    for (u32 at = 0; kernel_route_next(all.kernel, &at, &row, name);) {
        if (mem_equal(row.client, like->client, 32) && span_equal(row.name, like->name)) {
            return true;
        }
    }
    return false;
}

// The routes by which the old one is a client; those that lead to it go on to the new one by
// themselves.
static enum err routes_lend(const u8 old[32], const u8 new[32])
{
    struct borrowed *borrowed = &all.borrowed;
    for (u32 at = 0;;) {
        if (borrowed->route_count == LIFE_ROWS) {
            return ERR_LIMIT;
        }
        struct kernel_route row;
        if (!kernel_route_next(all.kernel, &at, &row, borrowed->names[borrowed->route_count])) {
            return ERR_OK;
        }
        if (!mem_equal(row.client, old, 32)) {
            continue;
        }
        mem_copy(row.client, new, 32);
        if (!has_route(&row)) {
            TRY(kernel_route_set(all.kernel, &row));
            borrowed->routes[borrowed->route_count++] = row;
        }
    }
}

static void rights_return(void)
{
    struct borrowed *borrowed = &all.borrowed;
    for (u32 i = 0; i < borrowed->route_count; i++) {
        const struct kernel_route *row = &borrowed->routes[i];
        (void)kernel_route_forget(all.kernel, row->name, row->client); // the user may have
    }
    for (u32 i = 0; i < borrowed->grant_count; i++) {
        const struct kernel_grant *row = &borrowed->grants[i];
        (void)kernel_grant_forget(all.kernel, row->right, row->program, row->interface);
    }
    borrowed->route_count = 0;
    borrowed->grant_count = 0;
}

// ---- a replacement under way

static struct span name_of_succession(void)
{
    return span_of(all.name, all.name_size);
}

static void succession_end(void)
{
    all.new = NULL;
    all.old = NULL;
}

// The new one is what the old one was. What it borrowed is its own.
static void take_over(struct news *news)
{
    if (all.old != NULL) {
        all.old->is_followed = true;
    }
    news->watch = all.new->program.watch;
    snprintf(news->cid, sizeof news->cid, "%s", all.new->cid);
    all.borrowed.route_count = 0;
    all.borrowed.grant_count = 0;
    succession_end();
}

static void new_end(void)
{
    struct life *new = all.new;
    rights_return();
    new->is_followed = true;
    succession_end();
    (void)kernel_kill(all.kernel, (struct kernel_process_id){new->process}); // if it still runs
}

// False: it has taken over just now, or before.
static bool give_up(struct news *news)
{
    enum err err = kernel_replace(all.kernel, name_of_succession(), all.program.digest, nobody);
    if (err != ERR_OK) {
        take_over(news);
        return false;
    }
    new_end();
    return true;
}

static bool new_handles(void)
{
    return kernel_program_handles(all.kernel, name_of_succession(), all.successor.digest);
}

// The new one has taken over, or the old one is gone and the seat is free.
static bool is_taken_over(void)
{
    return !kernel_program_handles(all.kernel, name_of_succession(), all.program.digest);
}

// The same while both may run. An old one that the session has started, and that is gone, is about
// to be told of: only then is it known whether it gave way.
static bool is_taken_over_yet(void)
{
    return all.old == NULL ? is_taken_over() : new_handles();
}

// ---- ends

static void ending_note(u64 process, const struct kernel_ending *ending)
{
    struct ending *to = &all.endings[all.ending_count++ % LIFE_ENDINGS];
    to->process = process;
    struct text text = text_over(to->text, sizeof to->text);
    ending_write(&text, ending);
}

// Whether this end is one for those who are told of ends.
static bool is_end(struct life *life, const struct kernel_ending *ending, struct news *news)
{
    if (all.is_closing || all.new == NULL) {
        return !life->is_followed;
    }
    if (life == all.old) {
        // As replace.h says.
        bool has_given_way = ending->kind == KERNEL_EXITED && ending->code == 0;
        if (has_given_way || new_handles()) {
            take_over(news);
        } else {
            new_end(); // nobody knows whether it ever would: who watches over the old one is told
        }
    } else if (life == all.new) {
        if (!is_taken_over()) {
            (void)give_up(news);
        } else {
            take_over(news);
        }
    }
    return !life->is_followed;
}

static void life_over(void *context, struct kernel_process_id process, struct kernel_ending ending)
{
    struct life *life = context;
    struct news news = nothing;
    lives_lock();
    life->has_ended = true;
    ending_note(process.value, &ending);
    bool is_told = is_end(life, &ending, &news);
    list_remove(&life->node);
    lives_unlock(&news);
    if (is_told) {
        all.ended(&life->program, &ending);
    }
    free(life);
}

// ---- starting

// A life that nobody knows yet. NULL: the host gives no memory.
static struct life *life_new(const struct session_program *program, const char *cid)
{
    u32 count = program->argument_count + program->environment_count;
    struct life *life = calloc(1, sizeof *life + count * sizeof life->words[0]);
    if (life == NULL) {
        return NULL;
    }
    life->program = *program;
    snprintf(life->cid, sizeof life->cid, "%s", cid);
    life->program.cid = life->cid;
    life->program.arguments = life->words;
    life->program.environment = life->words + program->argument_count;
    for (u32 i = 0; i < program->argument_count; i++) {
        life->words[i] = program->arguments[i];
    }
    for (u32 i = 0; i < program->environment_count; i++) {
        life->program.environment[i] = program->environment[i];
    }
    return life;
}

// With the lock held: its end can only come when it is known. On failure it is freed.
static enum err life_begin(struct life *life, struct kernel_process_id *out, struct report *report)
{
    const struct session_program *program = &life->program;
    struct kernel_start start = {
        .cid = span_string(life->cid),
        .arguments = program->arguments,
        .argument_count = program->argument_count,
        .environment = program->environment,
        .environment_count = program->environment_count,
        .limits = life->limits,
        .on_end = life_over,
        .context = life,
        .debug = program->debug,
        .record = program->record,
    };
    enum err err = kernel_start(all.kernel, &start, out, report);
    if (err != ERR_OK) {
        free(life);
        return err;
    }
    life->process = out->value;
    list_append(&all.lives, &life->node);
    return ERR_OK;
}

enum err life_start(const struct session_program *program, struct kernel_limits limits,
                    struct kernel_process_id *out, struct report *report)
{
    struct life *life = life_new(program, program->cid);
    if (life == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "the host gives no memory");
    }
    life->limits = limits;
    lives_lock();
    enum err err = life_begin(life, out, report);
    lives_unlock(&nothing);
    return err;
}

// ---- replacing

static struct life *life_find(u64 process)
{
    for (struct list_node *node = list_first(&all.lives); node != NULL;
         node = list_next(&all.lives, node)) {
        struct life *life = LIST_ITEM(node, struct life, node);
        if (life->process == process && !life->has_ended) {
            return life;
        }
    }
    return NULL;
}

// Whether it can be done at all.
static enum err replace_check(const struct life_succession *succession, const struct life *old,
                              struct report *report)
{
    if (all.is_closing) {
        return report_err(report, ERR_BUSY, 0, "the system is about to end");
    }
    if (all.new != NULL) {
        return report_err(report, ERR_BUSY, 0,
                          "another program has not taken over yet; try again when it has");
    }
    if (mem_equal(succession->program->digest, succession->successor->digest, 32)) {
        return report_err(report, ERR_INVALID, 0, "it runs this very program already");
    }
    if (old != NULL && old->program.is_keeper) {
        return report_err(report, ERR_INVALID, 0,
                          "it looks after the store, and stays as long as the system");
    }
    if (succession->interface.size > INTERFACE_NAME_BYTES) {
        return report_err(report, ERR_INVALID, 0, "there is no such interface");
    }
    if (!kernel_program_handles(all.kernel, succession->interface, succession->program->digest)) {
        return report_err(report, ERR_NOT_FOUND, 0, "it does not handle that any more");
    }
    return ERR_OK;
}

// A life for the successor: what the old one was, or a program of the system's.
static struct life *successor_new(const struct life_succession *succession, const struct life *old)
{
    static const char name[] = "the new one";
    static struct span arguments[] = {SPAN_LITERAL(name)};
    struct session_program plain = {.name = name, .arguments = arguments, .argument_count = 1};
    char cid[KERNEL_CID_TEXT_BYTES];
    STATIC_ASSERT((int)KERNEL_CID_TEXT_BYTES >= (int)CID_TEXT_BYTES);
    cid_write_text(succession->successor, cid);
    struct life *new = life_new(old == NULL ? &plain : &old->program, cid);
    if (new != NULL) {
        new->limits = old == NULL ? succession->limits : old->limits;
        new->program.debug = NULL;
        new->program.record = NULL;
    }
    return new;
}

static enum err rights_lend(const struct life_succession *succession, struct report *report)
{
    const u8 *old = succession->program->digest;
    const u8 *new = succession->successor->digest;
    enum err err = grants_lend(old, new);
    if (err == ERR_OK) {
        err = routes_lend(old, new);
    }
    if (err != ERR_OK) {
        rights_return();
        return report_err(report, err, 0, "the new one cannot be given the rights of the old one");
    }
    return ERR_OK;
}

static enum err replace_begin(const struct life_succession *succession, struct life *old,
                              struct kernel_process_id *out, struct report *report)
{
    struct life *new = successor_new(succession, old);
    if (new == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "the host gives no memory");
    }
    enum err err = rights_lend(succession, report);
    if (err != ERR_OK) {
        free(new);
        return err;
    }
    err = kernel_replace(all.kernel, succession->interface, succession->program->digest,
                         succession->successor->digest);
    if (err != ERR_OK) {
        rights_return();
        free(new);
        return report_err(report, err, 0,
                          err == ERR_EXISTS ? "the new one has a seat of its own there already"
                                            : "it does not handle that any more");
    }
    err = life_begin(new, out, report);
    if (err != ERR_OK) {
        (void)kernel_replace(all.kernel, succession->interface, succession->program->digest,
                             nobody);
        rights_return();
        return err;
    }
    all.new = new;
    all.old = old;
    all.begun_ns = platform_clock_ns();
    all.program = *succession->program;
    all.successor = *succession->successor;
    all.name_size = (u32)succession->interface.size;
    mem_copy(all.name, succession->interface.data, succession->interface.size);
    return ERR_OK;
}

enum err life_replace(const struct life_succession *succession, u64 *process, struct report *report)
{
    struct news news = nothing;
    lives_lock();
    if (all.new != NULL && is_taken_over_yet()) {
        take_over(&news);
    }
    struct life *old = life_find(succession->process);
    struct kernel_process_id id = {0};
    enum err err = replace_check(succession, old, report);
    if (err == ERR_OK) {
        err = replace_begin(succession, old, &id, report);
    }
    lives_unlock(&news);
    *process = id.value;
    return err;
}

bool life_give_up(u64 process)
{
    struct news news = nothing;
    lives_lock();
    bool is_it = all.new != NULL &&all.new->process == process &&give_up(&news);
    lives_unlock(&news);
    return is_it;
}

bool life_tick(void)
{
    struct news news = nothing;
    lives_lock();
    if (all.new != NULL && is_taken_over_yet()) {
        take_over(&news);
    } else if (all.new != NULL &&
               platform_clock_ns() - all.begun_ns > (u64)LIFE_PATIENCE_MS *NS_OF_MS) {
        (void)give_up(&news);
    }
    bool is_under_way = all.new != NULL;
    lives_unlock(&news);
    return is_under_way;
}

bool life_ending(u64 process, struct text *out)
{
    bool is_known = false;
    lives_lock();
    for (u64 i = 0; i < all.ending_count && i < LIFE_ENDINGS && !is_known; i++) {
        const struct ending *ending = &all.endings[(all.ending_count - 1 - i) % LIFE_ENDINGS];
        if (ending->process == process) {
            text_string(out, ending->text);
            is_known = true;
        }
    }
    lives_unlock(&nothing);
    return is_known;
}

// ---- all of them

void lives_open(struct kernel *kernel, life_ended ended)
{
    all.kernel = kernel;
    all.ended = ended;
    all.is_closing = false;
    all.ending_count = 0;
    list_init(&all.lives);
}

void lives_closing(void)
{
    lives_lock();
    all.is_closing = true;
    succession_end();
    all.borrowed.route_count = 0;
    all.borrowed.grant_count = 0;
    lives_unlock(&nothing);
}

void lives_close(void)
{
    struct list_node *node;
    while ((node = list_take(&all.lives)) != NULL) {
        free(LIST_ITEM(node, struct life, node));
    }
    all.kernel = NULL;
}
