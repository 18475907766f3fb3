// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/kept.h: the compiled code of a program, as the machine keeps it from one run to the
// next. docs/jit.md, "The cache", tells what trusts what.
//
// A program's code of one kind is asked for when the first process that could run it begins, and
// saved when it was compiled. What comes is checked as a whole before anything of it is placed;
// what is not sound is told once, removed, and as if it had not been there.
//
// Use     kept_ask; when kept_is_answered, kept_step until it is no longer ERR_PAUSED; kept_write,
//         compiling, kept_save. compiled.c does that.
// Owner   a program has one struct kept of each kind at most, from kept_ask until kept_drop.
// Locks   none is held, but where a name says so.
// Limits  core/jit/limits.h.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/jit.h"
struct jit_compiler;
struct jit_module;
struct kernel;
struct kept;
struct program;

// Asks the machine, if nobody did before.
//   arrived  NULL, or called when there is something, before kept_is_answered is true; in any
//            thread
typedef void kept_arrived(struct program *program, enum jit_bounds bounds);
void kept_ask(struct program *program, enum jit_bounds bounds, kept_arrived *arrived);
// Whether the answer is there. False also when nobody has asked.
bool kept_is_answered(const struct program *program, enum jit_bounds bounds);

// Checks, and then places, what has come; takes from *fuel.
// ERR_PAUSED     call again
// ERR_NOT_FOUND  there is nothing, or nothing sound
// ERR_NO_MEMORY  not all could be placed
enum err kept_step(struct program *program, enum jit_bounds bounds, struct jit_module *module,
                   i64 *fuel);
// Whether what was placed is all that can be compiled.
bool kept_is_whole(const struct program *program, enum jit_bounds bounds);

// What is compiled from now on shall be saved, together with what was placed.
void kept_write(struct program *program, enum jit_bounds bounds, struct jit_compiler *compiler);
// Saves that, if it is more than there was.
//   is_whole  all that can be compiled was
void kept_save(struct program *program, enum jit_bounds bounds, struct jit_compiler *compiler,
               bool is_whole);

// Logs that a process of the program is about to run.
void kept_say_begins(const struct program *program);

// The program goes; nobody waits for an answer.
void kept_drop(struct program *program, enum jit_bounds bounds);
// Waits until the machine has done all that it was asked. No worker runs.
void kept_settle(struct kernel *kernel);
