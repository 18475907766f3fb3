// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/stage.h: a kernel on the simulated machine, and processes that do what a test says.
//
// Use     stage_open; stage_program makes a puppet program that declares the interfaces wanted;
//         stage_start starts one; then puppet_* moves it, one command at a time, by real syscalls.
//         A command that blocks returns BLOCKED and is seen again by puppet_resume. stage_close
//         checks that nothing is left.
// Owner   one stage at a time. Memory of a result is valid until the next command of that puppet.
#pragma once
#include "core/base/abi.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/kernel.h"
#include "tests/kernel/puppet.h"
#include <stdio.h>

enum {
    STAGE_PUPPETS = 1200,
    STAGE_FUNCTIONS = 8,
    STAGE_LIMITS = 32, // of one client
};

struct interface_definition;
// An interface made up by a test. A function is its name and, so that it can change, a variant.
struct stage_function {
    const char *name;
    u32 variant;
};
struct stage_interface {
    const char *name;
    struct stage_function functions[STAGE_FUNCTIONS]; // up to the first without a name
    const struct interface_definition *real; // NULL, or the interface that it is, functions and all
};

u64 stage_function_id(const struct stage_interface *interface, u32 function);
void stage_interface_hash(const struct stage_interface *interface, u8 out[32]);

struct puppet {
    u64 process;
    bool is_idle;    // stands at `next`: can be told something
    bool is_blocked; // was told something that has not come back
    bool has_ended;
    struct kernel_ending ending;
    char ending_text[256];
    u64 client;  // its bond to the stage's device
    u64 message; // of its `next`; 0: answered
    i64 result;
    u8 bytes[PUPPET_AREA_BYTES];
    u32 bytes_len;
    u32 area; // address; a test may use the first half of PUPPET_AREA_BYTES
};

struct sim_devices;
struct stage {
    struct kernel *kernel;
    struct kernel_device *device;
    struct puppet *puppets[STAGE_PUPPETS];
    u32 puppet_count;
    struct sim_devices *devices; // NULL, or the test's
    u32 workers;
    i64 fuel_most;                // of one turn
    bool check;                   // kernel_check between turns
    struct kernel_record *record; // NULL, or of the next process that is started
};

void stage_open(struct stage *stage, u64 seed, u32 workers, FILE *trace);
// The same with a kernel of one's own making.
void stage_open_config(struct stage *stage, u64 seed, const struct kernel_config *config,
                       FILE *trace);
void stage_close(struct stage *stage);
// The same while processes run that never stop.
void stage_close_running(struct stage *stage);

// A program that declares these interfaces beside its own; its CID is written to `cid`.
void stage_program(struct stage *stage, const struct stage_interface *const *interfaces, u32 count,
                   char cid[KERNEL_CID_TEXT_BYTES]);
// The bytes of such a program; freed by the caller.
struct span stage_program_bytes(const struct stage_interface *const *interfaces, u32 count);

// Starts a puppet and waits until it can be moved.
struct puppet *stage_start(struct stage *stage, const char *cid);
// Starts any program, as a puppet that may never come to `next`. Does not wait.
struct puppet *stage_start_any(struct stage *stage, const char *cid);
// A file that the build made; its bytes stay.
struct span stage_file(const char *path);
void stage_add(struct stage *stage, struct span bytes, struct span adapts,
               char cid[KERNEL_CID_TEXT_BYTES]);
// Takes over bytes from malloc that the kernel borrows.
void stage_keep(struct span bytes);
// The puppet of a process that another one spawned.
struct puppet *stage_find(struct stage *stage, u64 process);
// One turn. False: nothing was ready.
bool stage_turn(struct stage *stage);
// Lets the device take what is there for it; no worker has a turn.
void stage_take(struct stage *stage);
// Turns until nothing is ready, or for `turns` of them.
void stage_settle(struct stage *stage, u32 turns);
void stage_kill(struct stage *stage, struct puppet *puppet);

// What a command that has not come back gives.
#define BLOCKED ((i64) - 100000)
#define ENDED ((i64) - 100001)

struct puppet_order {
    u32 kind;
    u64 a, b, c, d, e, f, g;
    struct span bytes;
};

// Tells the puppet, which must be idle, and settles. BLOCKED, ENDED, or what came of it.
i64 puppet_do(struct stage *stage, struct puppet *puppet, const struct puppet_order *order);
// The same without settling.
void puppet_tell(struct stage *stage, struct puppet *puppet, const struct puppet_order *order);
// Settles and looks again.
i64 puppet_resume(struct stage *stage, struct puppet *puppet);

// The body is copied to the area's start, the answer comes to its quarter.
i64 puppet_send(struct stage *stage, struct puppet *puppet, u32 bond, u64 function,
                struct span body, u32 flags);
i64 puppet_answer(struct stage *stage, struct puppet *puppet, u64 message, struct span body,
                  u32 flags);
i64 puppet_wait(struct stage *stage, struct puppet *puppet, u32 len, u32 flags);
struct span puppet_peek(struct stage *stage, struct puppet *puppet, u32 address, u32 len);
void puppet_poke(struct stage *stage, struct puppet *puppet, u32 address, struct span bytes);
u32 puppet_answer_address(const struct puppet *puppet);

// One notification. False: there is none.
struct notification {
    struct abi_notification header;
    u8 body[65536];
};
bool puppet_next(struct stage *stage, struct puppet *puppet, struct notification *out);

// PUPPET_FILL: the error that it came to, and how many were sent and not taken back.
i64 puppet_fill(struct stage *stage, struct puppet *puppet, u32 bond, u64 function, u32 len,
                u32 flags, u32 most, u32 *sent);

// Calls of the system interface; negative: the error, or -1000 - the case of its error type.
i64 puppet_bind(struct stage *stage, struct puppet *puppet, const struct stage_interface *interface,
                bool patient);
// A bind whose answer comes as a notification; the message's id.
i64 puppet_bind_later(struct stage *stage, struct puppet *puppet,
                      const struct stage_interface *interface);
// What came of a puppet_bind that was BLOCKED.
i64 puppet_bind_end(struct stage *stage, struct puppet *puppet);
// How many there are, each then in `limits`, valid until the next command of that puppet.
i64 puppet_client_limits(struct stage *stage, struct puppet *puppet, u64 client,
                         struct span limits[STAGE_LIMITS]);
i64 puppet_unbind(struct stage *stage, struct puppet *puppet, u32 bond);
i64 puppet_register(struct stage *stage, struct puppet *puppet,
                    const struct stage_interface *interface);
// A register whose answer comes as a notification, unless flags say otherwise.
i64 puppet_register_later(struct stage *stage, struct puppet *puppet,
                          const struct stage_interface *interface, u32 flags);
// What came of a puppet_register that was BLOCKED.
i64 puppet_register_end(struct stage *stage, struct puppet *puppet);
i64 puppet_unregister(struct stage *stage, struct puppet *puppet, u32 registration);
i64 puppet_cancel(struct stage *stage, struct puppet *puppet, u64 message);
i64 puppet_spawn(struct stage *stage, struct puppet *puppet, struct span cid);
//   memory  enum system_memory_kind
i64 puppet_spawn_within(struct stage *stage, struct puppet *puppet, struct span cid, u32 memory);
// How it ended: its code; -1 and puppet->bytes: trapped; -2: killed. Negative from -1000 on: the
// error.
i64 puppet_ending(struct puppet *puppet, size_t len);
i64 puppet_await_end(struct stage *stage, struct puppet *puppet, u64 process);
i64 puppet_kill(struct stage *stage, struct puppet *puppet, u64 process);
