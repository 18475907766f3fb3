// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/shell/jobs.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "programs/rt/redshirt.h"
#include "programs/shell/loop.h"
#include "programs/shell/shell.h"

enum { REQUEST_BYTES = SHELL_FIELD_BYTES + SHELL_VARIABLE_BYTES + 32768 }; // 32768: what is around

struct child {
    struct wait wait;
    struct job *job;  // NULL: it is free, or given up
    bool is_given_up; // its start took too long for the user: it is ended when it begins
    u64 process;
    u32 place;
    u8 name_size;
    u8 name[SHELL_NAME_SHOWN];
};

// A program that is being started.
static struct {
    bool is_done;
    u32 status;
    u64 process;
    struct span name;
} start;

static struct job jobs[SHELL_JOBS];
static struct child children[SHELL_CHILDREN];
static struct job *front; // that Ctrl-C is for

// ---- jobs

static void look_over(struct job *job)
{
    job->is_over = job->is_ready && job->running == 0 && job->pumps.pumps == 0;
}

static void pump_ended(struct pump_owner *owner)
{
    look_over(CONTAINER_OF(owner, struct job, pumps));
}

static void job_free(struct job *job)
{
    ASSERT(job->is_over);
    job->number = 0;
}

static void over_free(void)
{
    for (u32 i = 0; i < SHELL_JOBS; i++) {
        if (jobs[i].number != 0 && jobs[i].is_behind && jobs[i].is_over) {
            job_free(&jobs[i]);
        }
    }
}

// NULL: there are too many.
static struct job *job_place(bool is_behind, u32 *number)
{
    u32 count = 0;
    struct job *job = NULL;
    *number = 1;
    for (u32 i = 0; i < SHELL_JOBS; i++) {
        count += jobs[i].number != 0;
        if (jobs[i].number == 0) {
            job = &jobs[i];
        } else if (jobs[i].number >= *number) {
            *number = jobs[i].number + 1;
        }
    }
    bool is_full = is_behind && count == SHELL_JOBS - 1; // `kill` and `exit` go in front
    return is_full ? NULL : job;
}

struct job *job_new(struct span text, bool is_behind)
{
    u32 number;
    struct job *job = job_place(is_behind, &number);
    if (job == NULL && !shell.is_interactive) { // nobody is told of those that are over
        loop_look();
        over_free();
        job = job_place(is_behind, &number);
    }
    if (job == NULL) {
        shell_say(text, "there are too many jobs");
        return NULL;
    }
    *job = (struct job){.number = number, .is_behind = is_behind};
    job->pumps.ended = pump_ended;
    job->size = (u32)(text.size < SHELL_JOB_BYTES ? text.size : SHELL_JOB_BYTES);
    mem_copy(job->text, text.data, job->size);
    return job;
}

void job_status(struct job *job, u32 place, u32 status)
{
    if (place >= job->last) {
        job->last = place;
        job->status = status;
    }
}

void job_ready(struct job *job)
{
    job->is_ready = true;
    look_over(job);
}

// ---- children

static u32 ending_status(const struct child *child, const struct system_ending *ending)
{
    switch (ending->kind) {
    case SYSTEM_ENDING_EXITED:
        return ending->as.exited;
    case SYSTEM_ENDING_TRAPPED:
        shell_say(span_of(child->name, child->name_size), "stopped by a trap");
        shell_show(ending->as.trapped);
        return CODE_TRAPPED;
    case SYSTEM_ENDING_KILLED:
        return CODE_KILLED;
    }
    return CODE_BAD;
}

static void child_ended(struct wait *wait, i32 error, struct span body)
{
    struct child *child = CONTAINER_OF(wait, struct child, wait);
    struct job *job = child->job;
    struct processes_result_system_ending_system_error result;
    bool is_good = error == 0 && processes_wait_decode_result(body, &result) == ERR_OK && result.ok;
    job_status(job, child->place, is_good ? ending_status(child, &result.value) : CODE_BAD);
    child->job = NULL;
    ASSERT(job->running > 0);
    job->running--;
    look_over(job);
}

static void child_kill(const struct child *child)
{
    struct processes_kill_call call = {child->process};
    u8 body[PROCESSES_KILL_CALL_BYTES];
    size_t size = processes_kill_encode_call(body, sizeof body, &call);
    (void)rt_tell((u32)shell.processes, PROCESSES_KILL_ID, body, (u32)size);
}

static struct child *child_free(void)
{
    for (u32 i = 0; i < SHELL_CHILDREN; i++) {
        if (children[i].job == NULL && !children[i].is_given_up) {
            return &children[i];
        }
    }
    return NULL;
}

// The status for a program that was not started; says why.
static u32 refusal_say(const struct system_spawn_error *error)
{
    struct span name = start.name;
    switch (error->kind) {
    case SYSTEM_SPAWN_ERROR_NOT_FOUND:
        shell_say(name, "there is no program of this name; `help` says what there is");
        return CODE_UNKNOWN;
    case SYSTEM_SPAWN_ERROR_BAD_CID:
        shell_say_detail(name, "it is no program's name", error->as.bad_cid);
        return CODE_UNKNOWN;
    case SYSTEM_SPAWN_ERROR_WRONG_BYTES:
        shell_say_detail(name, "its bytes are not those its name says", error->as.wrong_bytes);
        return CODE_REFUSED;
    case SYSTEM_SPAWN_ERROR_NOT_A_PROGRAM:
        shell_say_detail(name, "it is no program", error->as.not_a_program);
        return CODE_REFUSED;
    case SYSTEM_SPAWN_ERROR_LIMIT:
        shell_say(name, "it is beyond a limit: too many words, or too many programs run");
        return CODE_REFUSED;
    case SYSTEM_SPAWN_ERROR_DENIED:
        shell_say(name, "it was refused");
        return CODE_REFUSED;
    case SYSTEM_SPAWN_ERROR_LOAD_FAILED:
        shell_say_detail(name, "it could not be loaded", error->as.load_failed);
        return CODE_REFUSED;
    }
    return CODE_REFUSED;
}

// Asks to be told of its end. False: the kernel takes no more messages.
static bool end_await(struct child *child, void (*done)(struct wait *, i32, struct span))
{
    struct processes_wait_call call = {child->process};
    u8 body[PROCESSES_WAIT_CALL_BYTES];
    size_t size = processes_wait_encode_call(body, sizeof body, &call);
    child->wait.done = done;
    return wait_send(&child->wait, (u32)shell.processes, PROCESSES_WAIT_ID, body, size);
}

static void given_up_ended(struct wait *wait, i32 error, struct span body)
{
    (void)error;
    (void)body;
    CONTAINER_OF(wait, struct child, wait)->is_given_up = false;
}

// One that was given up has begun after all, or has not.
static void given_up_started(struct wait *wait, i32 error, struct span body)
{
    struct child *child = CONTAINER_OF(wait, struct child, wait);
    struct processes_result_u64_system_spawn_error result;
    child->is_given_up = false;
    if (error == 0 && processes_spawn_decode_result(body, &result) == ERR_OK && result.ok) {
        child->process = result.value;
        child_kill(child);
        child->is_given_up = end_await(child, given_up_ended);
    }
}

static void started(struct wait *wait, i32 error, struct span body)
{
    (void)wait;
    struct processes_result_u64_system_spawn_error result;
    start.is_done = true;
    if (error != 0 || processes_spawn_decode_result(body, &result) != ERR_OK) {
        shell_say_detail(start.name, "it was not started", span_string(rt_error_name(error)));
        start.status = CODE_REFUSED;
    } else if (!result.ok) {
        start.status = refusal_say(&result.error);
    } else {
        start.status = CODE_GOOD;
        start.process = result.value;
    }
}

// Waits until the program begins. The user may lose patience before; a start cannot be taken back.
static u32 start_wait(struct child *child)
{
    while (!start.is_done) {
        loop_turn();
        if (shell.is_interrupted && !start.is_done) {
            child->is_given_up = true;
            child->wait.done = given_up_started;
            return CODE_INTERRUPTED;
        }
    }
    return start.status;
}

u32 child_start(struct job *job, u32 place, const struct processes_spawn_request *request)
{
    static u8 body[REQUEST_BYTES];
    struct child *child = child_free();
    struct processes_spawn_call call = {*request};
    size_t size = processes_spawn_encode_call(body, sizeof body, &call);
    start.name = request->arguments.items[0];
    start.is_done = false;
    if (child == NULL || size > sizeof body) {
        shell_say(start.name, child == NULL ? "too many programs run" : "its words are too long");
        return CODE_REFUSED;
    }
    loop_look(); // finding its words may have taken long, and the user may have lost patience
    if (shell.is_interrupted) {
        return CODE_INTERRUPTED;
    }
    child->wait.done = started;
    if (!wait_send(&child->wait, (u32)shell.processes, PROCESSES_SPAWN_ID, body, size)) {
        shell_say(start.name, "the kernel takes no more messages");
        return CODE_REFUSED;
    }
    u32 status = start_wait(child);
    if (status != CODE_GOOD) {
        return status;
    }
    *child = (struct child){.job = job, .process = start.process, .place = place};
    child->name_size =
        (u8)(start.name.size < SHELL_NAME_SHOWN ? start.name.size : SHELL_NAME_SHOWN);
    mem_copy(child->name, start.name.data, child->name_size);
    if (!end_await(child, child_ended)) {
        child_kill(child);
        child->job = NULL;
        shell_say(start.name, "the kernel takes no more messages");
        return CODE_REFUSED;
    }
    job->running++;
    return CODE_GOOD;
}

// ---- waiting and killing

bool job_kill(struct job *job)
{
    for (u32 i = 0; i < SHELL_CHILDREN; i++) {
        if (children[i].job == job) {
            child_kill(&children[i]);
        }
    }
    return job->running > 0;
}

void jobs_interrupt(void)
{
    if (front != NULL) {
        (void)job_kill(front);
    }
}

u32 job_wait(struct job *job, bool is_in_front)
{
    front = is_in_front ? job : NULL;
    while (!job->is_over && (is_in_front || !shell.is_interrupted)) {
        if (is_in_front && shell.is_interrupted) {
            (void)job_kill(job); // again: one may have begun meanwhile
            if (job->running == 0 && shell.interrupts > 1) {
                job->is_behind = true; // what children have left behind keeps a redirection open
                break;
            }
        }
        loop_turn();
    }
    front = NULL;
    if (!job->is_over) {
        return CODE_INTERRUPTED;
    }
    u32 status = job->status;
    job_free(job);
    return status;
}

// ---- those behind

struct job *job_find(u32 number)
{
    struct job *found = NULL;
    for (u32 i = 0; i < SHELL_JOBS; i++) {
        struct job *job = &jobs[i];
        if (job->number == 0 || !job->is_behind) {
            continue;
        }
        if (number == job->number ||
            (number == 0 && (found == NULL || job->number > found->number))) {
            found = job;
        }
    }
    return found;
}

static void job_show(const struct job *job, struct text *out)
{
    text_char(out, '[');
    text_u64(out, job->number);
    text_string(out, job->is_over ? "] ended" : "] runs");
    if (job->is_over && job->status != 0) {
        text_string(out, " with ");
        text_u64(out, job->status);
    }
    text_string(out, "  ");
    for (u32 i = 0; i < job->size; i++) { // letters of other scripts stay
        u8 byte = job->text[i];
        text_char(out, byte < 0x20 || byte == 0x7f ? ' ' : (char)byte);
    }
    text_char(out, '\n');
}

void jobs_list(struct text *out)
{
    u32 after = 0;
    for (u32 shown = 0; shown < SHELL_JOBS; shown++) {
        const struct job *next = NULL;
        for (u32 i = 0; i < SHELL_JOBS; i++) {
            const struct job *job = &jobs[i];
            if (job->number > after && job->is_behind &&
                (next == NULL || job->number < next->number)) {
                next = job;
            }
        }
        if (next == NULL) {
            return;
        }
        job_show(next, out);
        after = next->number;
    }
}

bool jobs_have_news(void)
{
    for (u32 i = 0; i < SHELL_JOBS; i++) {
        if (jobs[i].number != 0 && jobs[i].is_behind && jobs[i].is_over) {
            return true;
        }
    }
    return false;
}

bool jobs_tell(struct text *out)
{
    bool has_told = false;
    for (u32 i = 0; i < SHELL_JOBS; i++) {
        struct job *job = &jobs[i];
        if (job->number != 0 && job->is_behind && job->is_over) {
            job_show(job, out);
            job_free(job);
            has_told = true;
        }
    }
    return has_told;
}

u32 jobs_behind(void)
{
    u32 count = 0;
    for (u32 i = 0; i < SHELL_JOBS; i++) {
        count += jobs[i].number != 0 && jobs[i].is_behind && !jobs[i].is_over;
    }
    return count;
}
