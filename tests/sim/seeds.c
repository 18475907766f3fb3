// SPDX-License-Identifier: GPL-3.0-or-later
// tests/sim/seeds.c: whole systems out of a seed. Puppets that send, answer, wait, cancel, spawn,
// pipe and misbehave at random; real programs (ping, hello, store-loader out of a store that fails
// now and then); kills, delays, words of a user who changes his mind, and allocations that fail.
// After each turn or so the kernel checks itself; at the end every message must have had its one
// answer, and nothing may be left.
//
// Use     seeds FIRST COUNT        runs them; prints the seed that fails, and how to run it again
//         seeds --trace SEED       one seed, with a line for all that happens
#include "core/base/assert.h"
#include "core/kernel/limits.h"
#include "core/kernel/names.h"
#include "interfaces/budget.h"
#include "interfaces/consent.h"
#include "interfaces/loader.h"
#include "interfaces/processes.h"
#include "interfaces/stdio.h"
#include "interfaces/system.h"
#include "machines/sim/sim.h"
#include "machines/sim/sim_devices.h"
#include "tests/kernel/grants.h"
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ACTORS = 8,       // puppets that the seed moves
    ACTORS_MOST = 64, // with their children
    PLAN = 4,         // orders that belong together
    KNOWN = 64,       // ids an actor remembers
    TURNS = 2500,
    BOOK = 128,    // bytes for each prepared body, from the area's start
    BATCH = 50,    // seeds a child process runs
    ENDS = 8,      // of pipes, that an actor remembers
    PIPED = 50000, // bytes of a write into one, at most: two of them wait
};

static const struct stage_interface interfaces[] = {
    {"test:sim/a", {{"one", 0}, {"two", 0}}},
    {"test:sim/b", {{"one", 0}}},
    {"test:sim/c", {{"call", 0}}},
    {"test:sim/b", {{"one", 1}}}, // another b, that does not fit the first
    {.name = CONSENT_NAME, .real = &consent_interface},
    {.name = PROCESSES_NAME, .real = &processes_interface},
    {.name = STDIO_NAME, .real = &stdio_interface},
};
enum { INTERFACES = sizeof interfaces / sizeof *interfaces, OF_PROCESSES = 5, OF_STDIO = 6 };
static const struct stage_interface budget = {.name = BUDGET_NAME};

// What a command was, so that its result is understood.
enum step {
    STEP_NONE,
    STEP_SENT,
    STEP_BOUND,
    STEP_BOUND_PEEK,
    STEP_PIPED,
    STEP_PIPED_PEEK,
    STEP_WAITED,
    STEP_NOTES,
    STEP_OTHER
};

struct actor {
    struct puppet *puppet;
    struct puppet_order plan[PLAN];
    u8 steps[PLAN];
    u32 plan_at;
    u32 plan_count;
    u8 step;     // of the order under way
    u32 address; // where its notes or its answer are
    u32 bonds[KNOWN];
    u8 bond_interface[KNOWN];
    u32 bond_count;
    u64 ends[ENDS];
    u32 end_count;
    u64 held[KNOWN]; // to be answered
    u32 held_count;
    u64 *sent; // that an answer is to come for; grows
    u32 sent_count;
    u32 sent_room;
    bool is_prepared;
    bool is_client;  // never handles anything: can be the survivor
    bool is_handler; // may have sent something to itself
    bool is_hostile; // its results say nothing
};

struct run {
    struct stage stage;
    struct actor actors[ACTORS_MOST];
    u32 actor_count;
    char cid[KERNEL_CID_TEXT_BYTES];
    char stranger[KERNEL_CID_TEXT_BYTES]; // the same, and nobody has said a word about it
    char ping[KERNEL_CID_TEXT_BYTES];
    char pinger[KERNEL_CID_TEXT_BYTES];
    char threads[KERNEL_CID_TEXT_BYTES];
    char hello[KERNEL_CID_TEXT_BYTES];
    char exit[KERNEL_CID_TEXT_BYTES];
    char loader[KERNEL_CID_TEXT_BYTES];
    char stored[KERNEL_CID_TEXT_BYTES];
    char damaged[KERNEL_CID_TEXT_BYTES];
    bool pipes; // half of what most actors do has to do with them
    u32 mood;   // of the user: 0 allows all; 1 changes his mind; 2 is to be asked, too
    struct sim_block blocks[2];
    u64 others[64];
    u32 other_count;
};

static void name_of(struct span bytes, char out[KERNEL_CID_TEXT_BYTES])
{
    // By way of a kernel that is thrown away: the name is what kernel_program_add says.
    struct kernel *kernel;
    struct kernel_config config = sim_kernel_config(1);
    config.trace = NULL;
    ASSERT(kernel_create(&config, &kernel, NULL) == ERR_OK);
    ASSERT(kernel_program_add(kernel, bytes, (struct span){0}, out, NULL) == ERR_OK);
    kernel_destroy(kernel);
}

// ---- plans

static void plan(struct actor *actor, enum step step, struct puppet_order order)
{
    ASSERT(actor->plan_count < PLAN);
    actor->plan[actor->plan_count] = order;
    actor->steps[actor->plan_count++] = (u8)step;
}

static u32 notes_at(const struct actor *actor)
{
    return actor->puppet->area + PUPPET_AREA_BYTES / 4;
}

// Bodies of system calls stand ready at the area's start: bind and register of each interface,
// spawn of each program, await-end and kill of a child.
static void prepare(struct run *run, struct actor *actor)
{
    static u8 book[16 * BOOK];
    memset(book, 0, sizeof book);
    for (u32 i = 0; i < INTERFACES; i++) {
        stage_interface_hash(&interfaces[i], book + i * BOOK);
        book[i * BOOK + 32] = sim_below(3) == 0; // patient
    }
    STATIC_ASSERT(INTERFACES == 7);
    const char *names[] = {run->cid, run->exit, run->stored, run->damaged, run->hello};
    for (u32 i = 0; i < 5; i++) {
        struct span argument = SPAN_LITERAL("sim");
        struct system_spawn_call call = {
            .request = {.program = span_string(names[i]),
                        .arguments = {.count = 1, .items = &argument}}};
        size_t size = system_spawn_encode_call(book + (INTERFACES + i) * BOOK, BOOK, &call);
        ASSERT(size <= BOOK);
        book[(INTERFACES + i) * BOOK + BOOK - 1] = (u8)size;
    }
    plan(actor, STEP_OTHER,
         (struct puppet_order){
             .kind = PUPPET_POKE, .a = actor->puppet->area, .bytes = span_of(book, sizeof book)});
    actor->is_prepared = true;
}

static u32 body_of(const struct actor *actor, u32 page)
{
    return actor->puppet->area + page * BOOK;
}

static struct puppet_order send_order(const struct actor *actor, u64 bond, u64 function, u64 body,
                                      u64 len, u64 flags)
{
    return (struct puppet_order){.kind = PUPPET_SEND,
                                 .a = bond,
                                 .b = function,
                                 .c = body,
                                 .d = len,
                                 .e = notes_at(actor),
                                 .f = PUPPET_AREA_BYTES / 4,
                                 .g = flags};
}

static void plan_bind(struct actor *actor, u32 which)
{
    actor->bond_interface[KNOWN - 1] = (u8)which;
    plan(actor, STEP_BOUND,
         send_order(actor, 0, SYSTEM_BIND_ID, body_of(actor, which), 33, SEND_WAIT));
}

static void plan_send(struct actor *actor)
{
    if (actor->bond_count == 0) {
        return;
    }
    u32 which = (u32)sim_below(actor->bond_count);
    if (actor->bond_interface[which] >= OF_PROCESSES) {
        return; // plan_pipe
    }
    const struct stage_interface *interface = &interfaces[actor->bond_interface[which]];
    static const u32 lens[] = {0, 4, 64, 72, 73, 500, 4096, 5000, 30000};
    u64 flags = sim_below(8) == 0 ? SEND_NO_ANSWER : sim_below(4) == 0 ? SEND_WAIT : 0;
    plan(actor, flags == 0 ? STEP_SENT : STEP_OTHER,
         send_order(actor, actor->bonds[which], stage_function_id(interface, 0),
                    actor->puppet->area, lens[sim_below(9)], flags));
}

static void plan_answer(struct actor *actor)
{
    if (actor->held_count == 0) {
        return;
    }
    u32 which = (u32)sim_below(actor->held_count);
    u64 id = actor->held[which];
    actor->held[which] = actor->held[--actor->held_count];
    static const u32 lens[] = {0, 8, 72, 73, 6000};
    struct puppet_order order = {
        .kind = PUPPET_ANSWER, .a = id, .b = actor->puppet->area, .c = lens[sim_below(5)]};
    if (sim_below(3) == 0) { // a byte of zeros: `once`, if the question was one of consent
        order.b = body_of(actor, 15);
        order.c = 1;
    }
    plan(actor, STEP_OTHER, order);
}

static void plan_wait(struct actor *actor, bool is_poll)
{
    // Small buffers too: then E_BUFFER, or a few at a time.
    u32 len = sim_below(4) == 0 ? (u32)sim_below(200) : PUPPET_AREA_BYTES / 4;
    plan(actor, STEP_WAITED,
         (struct puppet_order){
             .kind = PUPPET_WAIT, .a = notes_at(actor), .b = len, .c = is_poll ? WAIT_POLL : 0});
}

static void plan_cancel(struct actor *actor)
{
    if (actor->sent_count == 0) {
        return;
    }
    static u64 id;
    id = actor->sent[sim_below(actor->sent_count)];
    plan(actor, STEP_OTHER,
         (struct puppet_order){
             .kind = PUPPET_POKE, .a = body_of(actor, 14), .bytes = span_of(&id, sizeof id)});
    plan(actor, STEP_OTHER,
         send_order(actor, 0, SYSTEM_CANCEL_ID, body_of(actor, 14), 8, SEND_WAIT));
}

static void plan_give_up(struct actor *actor)
{
    if (actor->bond_count == 0) {
        return;
    }
    static u32 bond;
    u32 which = (u32)sim_below(actor->bond_count);
    bond = actor->bonds[which];
    actor->bonds[which] = actor->bonds[--actor->bond_count];
    actor->bond_interface[which] = actor->bond_interface[actor->bond_count];
    plan(actor, STEP_OTHER,
         (struct puppet_order){
             .kind = PUPPET_POKE, .a = body_of(actor, 14), .bytes = span_of(&bond, sizeof bond)});
    plan(actor, STEP_OTHER,
         send_order(actor, 0, SYSTEM_UNBIND_ID, body_of(actor, 14), 4, SEND_WAIT));
}

static void plan_spawn(struct actor *actor)
{
    u32 page = INTERFACES + (u32)sim_below(5);
    static const u32 sizes[] = {4 + 59 + 4 + 4 + 3 + 4};
    plan(actor, STEP_OTHER,
         send_order(actor, 0, SYSTEM_SPAWN_ID, body_of(actor, page), sizes[0],
                    sim_below(5) == 0 ? SEND_NO_ANSWER : SEND_WAIT));
}

// ---- children with streams, and pipes

// A bond of the actor's to that interface; 0: none.
static u32 bond_to(const struct actor *actor, u32 interface)
{
    for (u32 i = 0; i < actor->bond_count; i++) {
        if (actor->bond_interface[i] == interface) {
            return actor->bonds[i];
        }
    }
    return 0;
}

// An end of a pipe, mostly one that it holds, and of the kind.
static u64 some_end(const struct actor *actor, bool is_writer)
{
    if (actor->end_count == 0 || sim_below(20) == 0) {
        return sim_below(UINT64_MAX);
    }
    u32 which = 2 * (u32)sim_below(actor->end_count / 2) + is_writer;
    return actor->ends[sim_below(20) == 0 ? which ^ 1 : which];
}

static struct processes_stream some_stream(const struct actor *actor, bool is_writer)
{
    u64 dice = sim_below(6);
    return (struct processes_stream){.kind = dice == 0   ? PROCESSES_STREAM_INHERIT
                                             : dice == 1 ? PROCESSES_STREAM_NOTHING
                                                         : PROCESSES_STREAM_PIPE,
                                     .as.pipe = some_end(actor, is_writer)};
}

static size_t encode_spawn(const struct run *run, const struct actor *actor, u8 *body, size_t room)
{
    static const struct span fence[] = {SPAN_LITERAL(PROCESSES_NAME), SPAN_LITERAL(STDIO_NAME),
                                        SPAN_LITERAL("redshirt:test/puppet")};
    struct processes_spawn_call call = {
        .request = {.program = {.kind = PROCESSES_PROGRAM_CID, .as.cid = span_string(run->cid)},
                    .input = some_stream(actor, false),
                    .output = some_stream(actor, true),
                    .error = some_stream(actor, true),
                    .only = {.some = sim_below(4) == 0, .value = {.count = 3, .items = fence}}}};
    if (sim_below(2) == 0) {
        call.request.program = (struct processes_program){.kind = PROCESSES_PROGRAM_NAME,
                                                          .as.name = SPAN_LITERAL("puppet")};
    }
    return processes_spawn_encode_call(body, room, &call);
}

// A call of processes by a number: a process's, near the actor's own, or an end's.
static size_t encode_number(const struct actor *actor, u8 *body, u64 *function)
{
    static const u64 functions[] = {PROCESSES_WAIT_ID, PROCESSES_KILL_ID, PROCESSES_DESCENDANTS_ID,
                                    PROCESSES_CLOSE_ID};
    u64 which = sim_below(COUNT_OF(functions));
    *function = functions[which];
    mem_store_u64(body, which == 3 ? some_end(actor, sim_below(2) == 0)
                                   : actor->puppet->process + sim_below(8));
    return 8;
}

static void plan_pipe(const struct run *run, struct actor *actor)
{
    static u8 body[PIPED + 64];
    static u8 bytes[PIPED];
    u32 which = sim_below(2) == 0 ? OF_PROCESSES : OF_STDIO;
    u32 bond = bond_to(actor, which);
    if (bond == 0) {
        plan_bind(actor, which);
        return;
    }
    bool is_stdio = which == OF_STDIO;
    struct span some = span_of(bytes, sim_below(2) == 0 ? sim_below(PIPED) : sim_below(100));
    u64 function = PROCESSES_PIPE_ID;
    size_t size = 0;
    u64 dice = is_stdio ? sim_below(2) : sim_below(16);
    if (is_stdio && dice == 0) {
        struct stdio_write_call call = {(enum stdio_stream)(1 + sim_below(2)), some};
        function = STDIO_WRITE_ID;
        size = stdio_write_encode_call(body, sizeof body, &call);
    } else if (is_stdio) {
        struct stdio_read_call call = {(u32)sim_below(PIPED)};
        function = STDIO_READ_ID;
        size = stdio_read_encode_call(body, sizeof body, &call);
    } else if (dice < 6) {
        struct processes_write_call call = {some_end(actor, true), some};
        function = PROCESSES_WRITE_ID;
        size = processes_write_encode_call(body, sizeof body, &call);
    } else if (dice < 10) {
        struct processes_read_call call = {some_end(actor, false), (u32)sim_below(PIPED)};
        function = PROCESSES_READ_ID;
        size = processes_read_encode_call(body, sizeof body, &call);
    } else if (dice < 13) {
        function = PROCESSES_SPAWN_ID;
        size = encode_spawn(run, actor, body, sizeof body);
    } else if (dice < 14) {
        size = encode_number(actor, body, &function);
    }
    u64 flags = function == PROCESSES_PIPE_ID ? SEND_WAIT : sim_below(3);
    actor->is_hostile = true; // nobody writes down what it sends, which may wait for itself
    plan(actor, STEP_OTHER,
         (struct puppet_order){
             .kind = PUPPET_POKE, .a = body_of(actor, 16), .bytes = span_of(body, size)});
    plan(actor, function == PROCESSES_PIPE_ID ? STEP_PIPED : STEP_OTHER,
         send_order(actor, bond, function, body_of(actor, 16), size, flags));
}

static void plan_hostile(struct actor *actor)
{
    u64 wild[7];
    for (u32 i = 0; i < 7; i++) {
        u64 dice = sim_below(6);
        wild[i] = dice == 0                            ? sim_below(UINT64_MAX)
                  : dice == 1                          ? 0xffffffff - sim_below(16)
                  : dice == 2                          ? sim_below(8)
                  : dice == 3                          ? actor->puppet->area + sim_below(64)
                  : dice == 4 && actor->bond_count > 0 ? actor->bonds[0] ^ sim_below(4)
                  : actor->sent_count > 0              ? actor->sent[0] ^ sim_below(4)
                                                       : 0;
    }
    u32 kind = (u32)sim_below(3);
    u32 flags = kind == PUPPET_SEND ? 6 : kind == PUPPET_ANSWER ? 5 : 2;
    wild[flags] &= 3;
    if (kind == PUPPET_WAIT) {
        wild[2] |= WAIT_POLL; // it may be refused, but need not sit for ever
    }
    plan(actor, STEP_OTHER,
         (struct puppet_order){.kind = kind,
                               .a = wild[0],
                               .b = wild[1],
                               .c = wild[2],
                               .d = wild[3],
                               .e = wild[4],
                               .f = wild[5],
                               .g = wild[6]});
    actor->is_hostile = true;
}

static void plan_next(struct run *run, struct actor *actor)
{
    if (!actor->is_prepared) {
        prepare(run, actor);
        return;
    }
    if (run->pipes && !actor->is_client && sim_below(2) == 0) {
        plan_pipe(run, actor);
        return;
    }
    u64 dice = sim_below(100);
    if (dice < 12) {
        plan_bind(actor, (u32)sim_below(INTERFACES));
    } else if (dice < 20 && !actor->is_client) {
        actor->is_handler = true;
        plan(actor, STEP_OTHER,
             send_order(actor, 0, SYSTEM_REGISTER_ID, body_of(actor, (u32)sim_below(INTERFACES)),
                        32, SEND_WAIT));
    } else if (dice < 50) {
        plan_send(actor);
    } else if (dice < 68) {
        plan_answer(actor);
    } else if (dice < 80) {
        plan_wait(actor, sim_below(3) != 0);
    } else if (dice < 84) {
        plan_cancel(actor);
    } else if (dice < 86) {
        plan_give_up(actor);
    } else if (dice < 89) {
        plan_spawn(actor);
    } else if (dice < 91) {
        plan(actor, STEP_OTHER,
             (struct puppet_order){.kind = PUPPET_SPIN, .a = 1 + sim_below(3000)});
    } else if (dice < 92) {
        u32 kind = sim_below(2) == 0 ? PUPPET_TRAP : PUPPET_RETURN;
        plan(actor, STEP_OTHER, (struct puppet_order){.kind = kind});
    } else if (!actor->is_client) {
        plan_hostile(actor);
    }
}

// ---- results

static void remember_sent(struct actor *actor, u64 id)
{
    if (actor->sent_count == actor->sent_room) {
        actor->sent_room = actor->sent_room * 2 + 64;
        actor->sent = realloc(actor->sent, actor->sent_room * sizeof *actor->sent);
        ASSERT(actor->sent != NULL);
    }
    for (u32 i = 0; i < actor->sent_count; i++) {
        ASSERT(actor->sent[i] != id); // no id is given twice while it is in use
    }
    actor->sent[actor->sent_count++] = id;
}

// An answer came: it must be for something that waits for one, and is the only one.
static void take_answer(struct actor *actor, u64 id)
{
    for (u32 i = 0; i < actor->sent_count; i++) {
        if (actor->sent[i] == id) {
            actor->sent[i] = actor->sent[--actor->sent_count];
            return;
        }
    }
    ASSERT(actor->is_hostile); // a hostile one has sent what we did not write down
}

static void read_notes(struct actor *actor)
{
    const u8 *bytes = actor->puppet->bytes;
    for (u32 at = 0; at + sizeof(struct abi_notification) <= actor->puppet->bytes_len;) {
        struct abi_notification note;
        memcpy(&note, bytes + at, sizeof note);
        ASSERT(note.size >= sizeof note && note.size % 8 == 0);
        ASSERT(note.size <= actor->puppet->bytes_len - at);
        ASSERT(note.body_len <= note.size - sizeof note);
        if (note.kind == NOTIFICATION_ANSWER) {
            take_answer(actor, note.id);
        } else if (note.kind == NOTIFICATION_MESSAGE) {
            if (note.id != 0 && actor->held_count < KNOWN) {
                actor->held[actor->held_count++] = note.id;
            }
        } else {
            ASSERT(note.kind == NOTIFICATION_CLIENT_GONE || note.kind == NOTIFICATION_CANCELLED);
        }
        at += note.size;
    }
}

static void read_ends(struct actor *actor)
{
    struct processes_result_pipe_ends_pipe_error piped;
    struct span body = span_of(actor->puppet->bytes, actor->puppet->bytes_len);
    ASSERT(processes_pipe_decode_result(body, &piped) == ERR_OK);
    if (piped.ok) {
        u32 at = actor->end_count < ENDS ? actor->end_count : 2 * (u32)sim_below(ENDS / 2);
        actor->ends[at] = piped.value.reader;
        actor->ends[at + 1] = piped.value.writer;
        actor->end_count += actor->end_count < ENDS ? 2 : 0;
    }
}

// Understands what came of the last order; may put one in front of the plan.
static void understand(struct actor *actor)
{
    struct puppet *puppet = actor->puppet;
    i64 result = puppet->result;
    enum step step = (enum step)actor->step;
    actor->step = STEP_NONE;
    switch (step) {
    case STEP_SENT:
        if (result > 0) {
            remember_sent(actor, (u64)result);
        }
        break;
    case STEP_BOUND:
    case STEP_PIPED:
    case STEP_WAITED:
        if (result > 0 && (result & ANSWER_IS_ERROR) == 0) {
            actor->plan_count = 0;
            actor->plan_at = 0;
            plan(
                actor,
                step == STEP_BOUND   ? STEP_BOUND_PEEK
                : step == STEP_PIPED ? STEP_PIPED_PEEK
                                     : STEP_NOTES,
                (struct puppet_order){.kind = PUPPET_PEEK, .a = notes_at(actor), .b = (u64)result});
        }
        break;
    case STEP_BOUND_PEEK: {
        struct system_result_u32_bind_error bound;
        ASSERT(system_bind_decode_result(span_of(puppet->bytes, puppet->bytes_len), &bound) ==
               ERR_OK);
        if (bound.ok && actor->bond_count < KNOWN - 1) {
            actor->bond_interface[actor->bond_count] = actor->bond_interface[KNOWN - 1];
            actor->bonds[actor->bond_count++] = bound.value;
        }
        break;
    }
    case STEP_PIPED_PEEK:
        read_ends(actor);
        break;
    case STEP_NOTES:
        read_notes(actor);
        break;
    default:
        break;
    }
}

static void move(struct run *run, struct actor *actor)
{
    if (!actor->puppet->is_idle) {
        return;
    }
    understand(actor);
    if (actor->plan_at == actor->plan_count) {
        actor->plan_at = 0;
        actor->plan_count = 0;
        plan_next(run, actor);
    }
    if (actor->plan_at < actor->plan_count) {
        actor->step = actor->steps[actor->plan_at];
        puppet_tell(&run->stage, actor->puppet, &actor->plan[actor->plan_at++]);
    }
}

// ---- a run

static void add_actor(struct run *run, struct puppet *puppet)
{
    if (run->actor_count < ACTORS_MOST) {
        run->actors[run->actor_count] =
            (struct actor){.puppet = puppet, .is_client = run->actor_count % 3 == 0};
        run->actor_count++;
    }
}

static void start_other(struct run *run, const char *cid, const char *count)
{
    struct span arguments[] = {SPAN_LITERAL("other"), span_string(count), SPAN_LITERAL("64"),
                               SPAN_LITERAL("0")};
    struct kernel_start start = {
        .cid = span_string(cid), .arguments = arguments, .argument_count = 4};
    struct kernel_process_id id;
    if (kernel_start(run->stage.kernel, &start, &id, NULL) == ERR_OK && run->other_count < 64) {
        run->others[run->other_count++] = id.value;
    }
}

static void open_run(struct run *run, u64 seed, FILE *trace)
{
    memset(run, 0, sizeof *run);
    struct kernel_config config = sim_kernel_config(1 + (u32)(seed % 4));
    run->mood = (u32)(seed / 4 % 3);
    run->pipes = seed % 3 == 0;
    config.unknown[KERNEL_USE] = run->mood == 2 ? KERNEL_ASK : KERNEL_ALLOW;
    config.unknown[KERNEL_HANDLE] = config.unknown[KERNEL_USE];
    stage_open_config(&run->stage, seed, &config, trace);
    run->stage.check = false;
    grants_say(&run->stage, KERNEL_USE, KERNEL_ALLOW, NULL, &grants_puppet, "");
    const struct stage_interface *declared[INTERFACES];
    for (u32 i = 0; i < INTERFACES; i++) {
        declared[i] = &interfaces[i];
    }
    stage_program(&run->stage, declared, INTERFACES, run->cid);
    ASSERT(kernel_name_add(run->stage.kernel, SPAN_LITERAL("puppet"), span_string(run->cid)) ==
           ERR_OK);
    for (u32 i = 0; i < INTERFACES / 2; i++) {
        const struct stage_interface *first = declared[i];
        declared[i] = declared[INTERFACES - 1 - i];
        declared[INTERFACES - 1 - i] = first;
    }
    stage_program(&run->stage, declared, INTERFACES, run->stranger);
    struct span none = {0};
    stage_add(&run->stage, stage_file("build/programs/ping.wasm"), none, run->ping);
    stage_add(&run->stage, stage_file("build/test/kernel/pinger.wasm"), none, run->pinger);
    stage_add(&run->stage, stage_file("build/programs/hello.wasm"), none, run->hello);
    stage_add(&run->stage, stage_file("build/test/kernel/threads.wasm"), none, run->threads);
    stage_add(&run->stage, stage_file("build/programs/store-loader.wasm"), none, run->loader);
    struct span bytes = stage_file("build/test/kernel/exit.wasm");
    stage_add(&run->stage, bytes, none, run->exit);
    // In the store: a program, and one whose block is damaged.
    struct span stored = stage_file("build/test/kernel/idle.wasm");
    struct span damaged = stage_file("build/test/kernel/ponger.wasm");
    name_of(stored, run->stored);
    name_of(damaged, run->damaged);
    run->blocks[0] = (struct sim_block){run->stored, stored, false};
    run->blocks[1] = (struct sim_block){run->damaged, damaged, true};
    struct sim_devices_config devices = {.blocks = run->blocks,
                                         .block_count = 2,
                                         .delay_ns = 50000,
                                         .fails_one_in = seed % 5 == 0 ? 6 : 0};
    run->stage.devices = sim_devices_create(run->stage.kernel, &devices);
    grants_say(&run->stage, KERNEL_HANDLE, KERNEL_ALLOW, run->cid, NULL, "");
    grants_say(&run->stage, KERNEL_HANDLE, KERNEL_ALLOW, run->ping, NULL, "");
    grants_say(&run->stage, KERNEL_HANDLE, KERNEL_ALLOW, run->loader, NULL, "");
    start_other(run, run->loader, "");
    start_other(run, run->ping, "");
    start_other(run, run->pinger, "200");
    start_other(run, run->pinger, "50");
    start_other(run, run->hello, "");
    start_other(run, run->stored, "");
    start_other(run, run->damaged, "");
    start_other(run, run->threads, "count");
    for (u32 i = 0; i < ACTORS; i++) {
        bool is_strange = run->mood == 2 && i % 2 == 1;
        add_actor(run, stage_start_any(&run->stage, is_strange ? run->stranger : run->cid));
    }
}

// A word about what puppets use or handle: one of them, or all.
static void change_mind(struct run *run)
{
    static const char *const limits[] = {"", "some", "less"};
    const struct stage_interface *interface = &interfaces[sim_below(INTERFACES)];
    enum kernel_right right = sim_below(6) == 0 ? KERNEL_HANDLE : KERNEL_USE;
    const char *names[] = {run->cid, run->pinger, run->stranger, NULL};
    const char *cid = names[sim_below(4)];
    struct kernel_grant grant = {.right = right,
                                 .word = (enum kernel_word)sim_below(3),
                                 .limit = span_string(limits[sim_below(3)])};
    grants_name(&grant, cid, interface);
    if (sim_below(2) == 0) {
        (void)!kernel_grant_set(run->stage.kernel, &grant);
    } else {
        (void)!kernel_grant_forget(run->stage.kernel, right, grant.program, grant.interface);
    }
}

// What is left to programs that run or are about to: more, less, or (puppets aside) nothing.
static void change_budget(struct run *run)
{
    static const char *const limits[] = {"memory:1MiB,children:3,cpu:30",
                                         "messages:4,queued:1KiB,cpu:1",
                                         "memory:128KiB,addressing:small", "", "nonsense"};
    const char *names[] = {run->cid, NULL, run->pinger, run->threads};
    u32 name = sim_below(4);
    bool is_hard = name > 1;
    struct kernel_grant grant = {.word = KERNEL_ALLOW,
                                 .limit = span_string(limits[sim_below(is_hard ? 5 : 4)])};
    if (is_hard && sim_below(8) == 0) {
        grant.word = KERNEL_DENY;
    }
    grants_name(&grant, names[name], &budget);
    if (sim_below(2) == 0) {
        (void)!kernel_grant_set(run->stage.kernel, &grant);
    } else {
        (void)!kernel_grant_forget(run->stage.kernel, KERNEL_USE, grant.program, grant.interface);
    }
}

static void mischief(struct run *run)
{
    if (run->mood > 0 && sim_below(60) == 0) {
        change_mind(run);
    }
    if (run->mood > 0 && sim_below(80) == 0) {
        change_budget(run);
    }
    if (sim_below(150) == 0) {
        stage_kill(&run->stage, run->actors[sim_below(run->actor_count)].puppet);
    }
    if (sim_below(250) == 0 && run->other_count > 0) {
        u64 victim = run->others[sim_below(run->other_count)];
        (void)!kernel_kill(run->stage.kernel, (struct kernel_process_id){victim});
    }
    if (sim_below(200) == 0) {
        const char *names[] = {run->loader, run->ping, run->pinger, run->stored, run->damaged};
        start_other(run, names[sim_below(5)], "20");
    }
    if (sim_below(300) == 0) {
        static const char *const whats[] = {"count", "times", "trap", "exit", "stay"};
        start_other(run, run->threads, whats[sim_below(COUNT_OF(whats))]);
    }
    if (sim_below(200) == 0 && run->actor_count < ACTORS_MOST) {
        bool is_strange = run->mood == 2 && sim_below(2) == 0;
        struct kernel_start start = {.cid = span_string(is_strange ? run->stranger : run->cid)};
        struct kernel_process_id id;
        (void)!kernel_start(run->stage.kernel, &start, &id,
                            NULL); // becomes an actor when it shows up
    }
}

static void adopt(struct run *run)
{
    for (u32 i = 0; i < run->stage.puppet_count; i++) {
        struct puppet *puppet = run->stage.puppets[i];
        bool is_known = !puppet->is_idle;
        for (u32 a = 0; a < run->actor_count && !is_known; a++) {
            is_known = run->actors[a].puppet == puppet;
        }
        if (!is_known) {
            add_actor(run, puppet);
        }
    }
}

// Everybody but one honest client dies; then each of its messages must have been answered.
static void settle_accounts(struct run *run)
{
    struct actor *survivor = NULL;
    for (u32 i = 0; i < run->actor_count; i++) {
        struct actor *actor = &run->actors[i];
        bool fits = actor->puppet->is_idle && !actor->is_hostile && !actor->is_handler &&
                    actor->is_prepared;
        if (fits && (survivor == NULL || actor->sent_count > survivor->sent_count)) {
            survivor = actor;
        }
    }
    u64 kept = survivor == NULL ? 0 : survivor->puppet->process;
    for (u64 id = 1; id < 3000; id++) {
        if (id != kept) {
            (void)!kernel_kill(run->stage.kernel, (struct kernel_process_id){id});
        }
    }
    stage_settle(&run->stage, 100000);
    kernel_check(run->stage.kernel);
    if (survivor == NULL || survivor->puppet->has_ended) {
        return;
    }
    understand(survivor);
    if (survivor->plan_at < survivor->plan_count &&
        survivor->steps[survivor->plan_at] == STEP_NOTES) { // it has waited, but not looked yet
        (void)puppet_do(&run->stage, survivor->puppet, &survivor->plan[survivor->plan_at]);
        read_notes(survivor);
    }
    for (u32 i = 0; i < 2000 && survivor->sent_count > 0; i++) {
        survivor->plan_count = 0;
        survivor->plan_at = 0;
        struct puppet_order wait = {.kind = PUPPET_WAIT,
                                    .a = notes_at(survivor),
                                    .b = PUPPET_AREA_BYTES / 4,
                                    .c = WAIT_POLL};
        i64 got = puppet_do(&run->stage, survivor->puppet, &wait);
        ASSERT(got > 0); // what was sent to the dead was answered, whatever became of them
        struct puppet_order peek = {.kind = PUPPET_PEEK, .a = notes_at(survivor), .b = (u64)got};
        (void)puppet_do(&run->stage, survivor->puppet, &peek);
        read_notes(survivor);
    }
    ASSERT(survivor->sent_count == 0);
    (void)!kernel_kill(run->stage.kernel, (struct kernel_process_id){kept});
}

static u64 run_seed(u64 seed, FILE *trace)
{
    static struct run run;
    open_run(&run, seed, trace);
    u32 check_every = 1 + (u32)(seed % 40);
    if (seed % 7 == 0) {
        stage_settle(&run.stage, 200);
        sim_memory_fails(30 + (u32)(seed % 100));
    }
    for (u32 turn = 0; turn < TURNS; turn++) {
        mischief(&run);
        (void)stage_turn(&run.stage);
        adopt(&run);
        move(&run, &run.actors[sim_below(run.actor_count)]);
        if (turn % check_every == 0) {
            kernel_check(run.stage.kernel);
        }
    }
    sim_memory_fails(0);
    settle_accounts(&run);
    stage_settle(&run.stage, 100000);
    kernel_check(run.stage.kernel);
    kernel_check_empty(run.stage.kernel);
    u64 hash = sim_trace_hash();
    struct sim_devices *devices = run.stage.devices;
    stage_close_running(&run.stage);
    sim_devices_drop(devices);
    for (u32 i = 0; i < run.actor_count; i++) {
        free(run.actors[i].sent);
    }
    return hash;
}

// Runs a batch in a child, which says each seed before it begins. Returns how many passed.
static u32 run_batch(u64 first, u32 count, const char *self)
{
    int said[2];
    if (pipe(said) != 0) {
        return 0;
    }
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (u64 seed = first; seed < first + count; seed++) {
            if (write(said[1], &seed, sizeof seed) != sizeof seed) {
                _exit(2);
            }
            u64 hash = run_seed(seed, NULL);
            if (seed % 8 == 0 && run_seed(seed, NULL) != hash) {
                fprintf(stderr, "two runs of seed %lu differ\n", seed);
                _exit(1);
            }
        }
        exit(0); // not _exit: the leak checker looks
    }
    close(said[1]);
    u64 seed = first;
    u64 last = first;
    u32 begun = 0;
    while (read(said[0], &seed, sizeof seed) == sizeof seed) {
        last = seed;
        begun++;
    }
    close(said[0]);
    int status;
    (void)waitpid(child, &status, 0);
    if (status == 0) {
        return count;
    }
    printf("seed %lu failed; once more with all that happens: %s --trace %lu\n", last, self, last);
    return begun == 0 ? 0 : begun - 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--trace") == 0) {
        u64 hash = run_seed(strtoull(argv[2], NULL, 10), stdout);
        printf("%016lx\n", hash);
        return 0;
    }
    u64 first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    u32 count = argc > 2 ? (u32)strtoul(argv[2], NULL, 10) : 1000;
    u32 passed = 0;
    for (u32 at = 0; at < count; at += BATCH) {
        u32 batch = count - at < BATCH ? count - at : BATCH;
        passed += run_batch(first + at, batch, argv[0]);
    }
    printf("%u passed, %u failed, 0 skipped\n", passed, count - passed);
    return passed == count ? 0 : 1;
}
