// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/jobs.h: pipelines that run: their children and pumps, in front and behind.
//
// Use     job_new, child_start for each command, job_ready; then job_wait, or leave it to itself in
//         the background. A job is over when all its children and pumps are; one behind is told of
//         by jobs_tell. Where nobody sits at a prompt it stays for `fg` and `wait` to ask for,
//         until its place is needed.
// Limits  SHELL_JOBS, SHELL_CHILDREN.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "interfaces/processes.h"
#include "programs/shell/limits.h"
#include "programs/shell/pump.h"
struct text;

struct job {
    struct pump_owner pumps; // first, so that it leads back here
    u32 number;              // 0: it is free
    bool is_ready;           // all of its children have been started
    bool is_behind;
    bool is_over;
    u32 running; // children
    u32 status;  // of the last command
    u32 last;    // its place among the commands,
    u32 size;
    u8 text[SHELL_JOB_BYTES];
};

// A job without children. NULL: there are too many; that was said.
struct job *job_new(struct span text, bool is_behind);

// Starts a program as one of its children, and waits until it begins.
//   place  of the command in the pipeline
// Returns CODE_GOOD, or what the command's status is instead; then it has said why.
u32 child_start(struct job *job, u32 place, const struct processes_spawn_request *request);

// A command that needs no child, or could not be started, has that status.
void job_status(struct job *job, u32 place, u32 status);

// All commands are there.
void job_ready(struct job *job);

// Waits for its end, unless the user interrupts: then its children are killed first, if
// `is_in_front`. Returns its status; a job that is over is then free.
u32 job_wait(struct job *job, bool is_in_front);

// Ends its children. False: it has none.
bool job_kill(struct job *job);

// The one of that number, or NULL. 0: the newest of those behind.
struct job *job_find(u32 number);

// Says which jobs are over and frees them. Returns whether there were any.
bool jobs_tell(struct text *out);
// Whether jobs_tell has something to say.
bool jobs_have_news(void);

// Lists those behind.
void jobs_list(struct text *out);
// How many of those run.
u32 jobs_behind(void);

// Ends the children of the job that Ctrl-C is for, if there is one.
void jobs_interrupt(void);
