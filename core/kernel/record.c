// SPDX-License-Identifier: GPL-3.0-or-later
// What a process is given comes to it in few places: results of its calls and the bytes that they
// write, and memory that it asks for and gets or not. The first is seen here when it goes on after
// a call, the second in the functions of its store. Replayed, the same places give what is written.
//
// A process that is recorded has imports of its own (kernel->recorded), so that the calls of all
// others do not ask whether they are.
#include "core/kernel/record.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/kernel/internal.h"
#include "core/kernel/recording.h"

STATIC_ASSERT((u32)RECORDING_SEND == (u32)HOST_SEND);
STATIC_ASSERT((u32)RECORDING_ANSWER == (u32)HOST_ANSWER);
STATIC_ASSERT((u32)RECORDING_WAIT == (u32)HOST_WAIT);

// A bond whose interface is known.
struct known_bond {
    u32 id; // 0: none
    u8 hash[32];
    struct span name; // in `text`, or the recording
    char text[INTERFACE_NAME_BYTES];
};

// A memory of a process that is replayed.
struct known_memory {
    const u8 *base;
    u32 pages_max; // that it had
};

// Of the worker that has the process, but for `next`.
struct kernel_record {
    struct kernel *kernel;
    struct kernel_record *next; // of the kernel's
    struct kernel_record_config config;
    struct recording_out out;
    struct wasm_store store; // its functions are the process's own
    bool has_process;
    bool has_begun;
    bool is_over; // nothing more is replayed: the outcome is known
    bool is_lost; // nothing more is kept
    bool has_call;
    struct recording_call call; // under way
    u8 *to;                     // where that writes
    u32 memory_count;
    struct known_memory memories[KERNEL_RECORD_MEMORIES];
    struct known_bond bonds[KERNEL_RECORD_BONDS]; // by the lowest bits of the id
    struct kernel_record_state state;
};

enum err kernel_record_create(struct kernel *kernel, const struct kernel_record_config *config,
                              struct kernel_record **out)
{
    ASSERT(config->put != NULL || config->replay != NULL);
    ASSERT(config->words.size <= RECORDING_WORDS);
    struct kernel_record *record = memory_take(kernel->config.memory, sizeof *record);
    if (record == NULL) {
        return ERR_NO_MEMORY;
    }
    *record = (struct kernel_record){
        .kernel = kernel,
        .config = *config,
        .out = {.put = config->put, .context = config->context},
    };
    kernel_lock(kernel);
    record->next = kernel->records;
    kernel->records = record;
    kernel_unlock(kernel);
    *out = record;
    return ERR_OK;
}

void record_drop(struct kernel *kernel)
{
    while (kernel->records != NULL) {
        struct kernel_record *record = kernel->records;
        kernel->records = record->next;
        memory_give(kernel->config.memory, record, sizeof *record);
    }
}

void record_process_new_locked(struct kernel_record *record, struct process *process)
{
    ASSERT(!record->has_process && process->record == NULL);
    record->has_process = true;
    process->record = record;
    process->is_watched = true;
}

bool record_holds_locked(const struct process *process)
{
    if (process->record == NULL) {
        return false;
    }
    __atomic_store_n(&process->record->state.wanted_thread, true, __ATOMIC_RELAXED);
    return true;
}

// ---- keeping

static void keep(struct kernel_record *record, const struct recording_record *what)
{
    if (record->config.put != NULL && !record->is_lost) {
        record->is_lost = !recording_put(&record->out, what);
    }
}

// ---- the recording that is replayed

static bool is_replay(const struct kernel_record *record)
{
    return record->config.replay != NULL;
}

// Nothing more is replayed.
static void stop(struct kernel_record *record, enum kernel_record_outcome outcome,
                 struct span words)
{
    if (record->is_over) {
        return; // the first reason counts
    }
    record->is_over = true;
    record->state.outcome = outcome;
    struct text text = text_over(record->state.words, sizeof record->state.words);
    text_printable(&text, words);
}

static struct known_bond *known_at(struct kernel_record *record, u32 id)
{
    return &record->bonds[id % KERNEL_RECORD_BONDS];
}

// What happened next, bonds aside, of which there is one in a row. False: the replay is over.
static bool next(struct kernel_record *record, struct recording_record *out)
{
    struct report report;
    for (;;) {
        report_clear(&report);
        enum err err = recording_next(record->config.replay, out, &report);
        if (err != ERR_OK) {
            stop(record, err == ERR_CLOSED ? KERNEL_RECORD_CUT : KERNEL_RECORD_DAMAGED,
                 span_string(report.text));
            return false;
        }
        if (out->kind != RECORDING_BOND) {
            return true;
        }
        struct known_bond *known = known_at(record, out->bond.id);
        known->id = out->bond.id;
        known->name = out->bond.name;
        mem_copy(known->hash, out->bond.hash, sizeof known->hash);
        keep(record, out);
    }
}

// ---- words

// The function of a message, as far as somebody knows its name.
static void function_describe(struct kernel_record *record, const struct process *process, u32 bond,
                              u64 function, struct text *out)
{
    const struct definition *definition = &record->kernel->system;
    struct span interface = definition->name;
    if (bond != 0) {
        const struct known_bond *known = known_at(record, bond);
        bool is_known = known->id == bond;
        interface = is_known ? known->name : SPAN_LITERAL("a bond that it has not");
        definition = is_known ? process_definition(process, known->hash) : NULL;
    }
    const struct function_definition *found =
        definition == NULL ? NULL : definition_function(definition, function);
    if (found != NULL) {
        text_printable(out, found->name);
    } else {
        text_string(out, "function 0x");
        text_hex(out, function, 16);
    }
    text_string(out, " of ");
    text_printable(out, interface);
}

static void call_describe(struct kernel_record *record, const struct process *process,
                          const struct recording_call *call, struct text *out)
{
    switch (call->kind) {
    case RECORDING_SEND:
        text_string(out, "send of ");
        text_u64(out, call->arguments[3]);
        text_string(out, " bytes to ");
        function_describe(record, process, (u32)call->arguments[0], call->arguments[1], out);
        break;
    case RECORDING_ANSWER:
        text_string(out, "answer of ");
        text_u64(out, call->arguments[2]);
        text_string(out, " bytes");
        break;
    case RECORDING_WAIT:
        text_string(out, "wait");
        break;
    default:
        text_string(out, "wait at an address");
        break;
    }
}

static void pages_describe(u32 before, u32 after, struct text *out)
{
    text_string(out, "memory growing from ");
    text_u64(out, before);
    text_string(out, " to ");
    text_u64(out, after);
    text_string(out, " pages");
}

static void end_describe(u32 kind, u32 code, struct span words, struct text *out)
{
    switch (kind) {
    case KERNEL_EXITED:
        text_string(out, "its end with code ");
        text_u64(out, code);
        break;
    case KERNEL_TRAPPED:
        text_string(out, "a trap: ");
        text_printable(out, words);
        break;
    case KERNEL_KILLED:
        text_string(out, "its being killed");
        break;
    default:
        text_string(out, "its never beginning: ");
        text_printable(out, words);
        break;
    }
}

static void record_describe(struct kernel_record *record, const struct process *process,
                            const struct recording_record *what, struct text *out)
{
    switch (what->kind) {
    case RECORDING_MEMORY:
        text_string(out, "a memory of ");
        text_u64(out, what->memory.pages);
        text_string(out, " pages");
        break;
    case RECORDING_GROWN:
        pages_describe(what->grown.before, what->grown.after, out);
        text_string(out, what->grown.is_refused ? ", refused" : "");
        break;
    case RECORDING_CALL:
        call_describe(record, process, &what->call, out);
        break;
    default:
        end_describe(what->end.kind, what->end.code, what->end.text, out);
        break;
    }
}

// The process did `now` where `then` is written. With `argument`, below 0: none, both are calls of
// one kind.
static void differ(struct kernel_record *record, const struct process *process,
                   const struct recording_record *then, const struct recording_record *now,
                   i32 argument)
{
    char words[KERNEL_RECORD_TEXT];
    struct text text = text_over(words, sizeof words);
    text_string(&text, "behind its call ");
    text_u64(&text, record->state.calls);
    text_string(&text, " came ");
    record_describe(record, process, then, &text);
    text_string(&text, ", and now comes ");
    record_describe(record, process, now, &text);
    if (argument == RECORDING_ARGUMENTS) {
        text_string(&text, ", with other bytes in it");
    } else if (argument >= 0) {
        text_string(&text, ": argument ");
        text_u64(&text, (u64)argument);
        text_string(&text, " was 0x");
        text_hex(&text, then->call.arguments[argument], 1);
        text_string(&text, " and is 0x");
        text_hex(&text, now->call.arguments[argument], 1);
    }
    stop(record, KERNEL_RECORD_DIFFERENT, span_of(text.data, text.size));
}

// ---- memory

static struct process *process_of(struct wasm_store *store)
{
    return CONTAINER_OF(store, struct process, store);
}

static enum err memory_create(struct wasm_store *store, u32 pages, u32 *pages_max, u8 **base)
{
    struct process *process = process_of(store);
    struct kernel_record *record = process->record;
    TRY(record->store.memory_create(store, pages, pages_max, base));
    struct recording_record now = {.kind = RECORDING_MEMORY};
    now.memory.pages = pages;
    now.memory.pages_max = *pages_max;
    if (is_replay(record)) {
        struct recording_record then;
        if (record->is_over || !next(record, &then)) {
            return ERR_OK; // it ends at its first call
        }
        if (then.kind != RECORDING_MEMORY || then.memory.pages != pages) {
            differ(record, process, &then, &now, -1);
            return ERR_OK;
        }
        ASSERT(record->memory_count < KERNEL_RECORD_MEMORIES); // one for each of two modules' own
        record->memories[record->memory_count++] =
            (struct known_memory){*base, then.memory.pages_max};
        now = then;
    }
    keep(record, &now);
    return ERR_OK;
}

// Whether the memory was one that could have so many pages: otherwise the engine refused, and
// nothing of that is written.
static bool could_have(const struct kernel_record *record, const u8 *base, u32 pages)
{
    for (u32 i = 0; i < record->memory_count; i++) {
        if (record->memories[i].base == base) {
            return pages <= record->memories[i].pages_max;
        }
    }
    return true;
}

static enum err replay_grow(struct process *process, u8 *base, const struct recording_record *now)
{
    struct kernel_record *record = process->record;
    struct wasm_store *store = &process->store;
    if (record->is_over || !could_have(record, base, now->grown.after)) {
        return ERR_NO_MEMORY;
    }
    struct recording_record then;
    if (!next(record, &then)) {
        return ERR_NO_MEMORY;
    }
    if (then.kind != RECORDING_GROWN || then.grown.before != now->grown.before ||
        then.grown.after != now->grown.after) {
        differ(record, process, &then, now, -1);
        return ERR_NO_MEMORY;
    }
    if (then.grown.is_refused) {
        keep(record, &then);
        return ERR_NO_MEMORY;
    }
    enum err err = record->store.memory_grow(store, base, now->grown.before, now->grown.after);
    if (err != ERR_OK) {
        stop(record, KERNEL_RECORD_DIFFERENT,
             SPAN_LITERAL("its memory grew, and here is no room for that"));
        return err;
    }
    keep(record, &then);
    return ERR_OK;
}

static enum err memory_grow(struct wasm_store *store, u8 *base, u32 pages_old, u32 pages_new)
{
    struct process *process = process_of(store);
    struct kernel_record *record = process->record;
    struct recording_record now = {.kind = RECORDING_GROWN};
    now.grown.before = pages_old;
    now.grown.after = pages_new;
    if (is_replay(record)) {
        return replay_grow(process, base, &now);
    }
    enum err err = record->store.memory_grow(store, base, pages_old, pages_new);
    now.grown.is_refused = err != ERR_OK;
    keep(record, &now);
    return err;
}

// ---- the beginning

void record_begin(struct process *process)
{
    struct kernel_record *record = process->record;
    record->store = process->store;
    process->store.memory_create = memory_create;
    process->store.memory_grow = memory_grow;
    record->has_begun = true;
    if (record->config.put == NULL) {
        return;
    }
    const struct recording *replay = record->config.replay;
    record->is_lost = !recording_begin(&record->out);
    keep(record, &(struct recording_record){
                     .kind = RECORDING_START,
                     .words = replay != NULL ? replay->words : record->config.words,
                 });
    const struct program *programs[] = {process->program, process->program->adapter};
    for (u32 i = 0; i < COUNT_OF(programs) && programs[i] != NULL; i++) {
        keep(record, &(struct recording_record){
                         .kind = RECORDING_MODULE,
                         .module = {.is_adapter = i > 0,
                                    .cid = span_string(programs[i]->cid),
                                    .adapts = programs[i]->adapts,
                                    .bytes = programs[i]->module->bytes},
                     });
    }
}

// ---- calls

// Which slots are 64 bits wide: of the others an engine may leave anything in the upper half.
static const u8 wide_arguments[RECORDING_CALL_KINDS] = {
    [RECORDING_SEND] = 1 << 1,
    [RECORDING_ANSWER] = 1 << 0,
};
static const u8 argument_counts[RECORDING_CALL_KINDS] = {
    [RECORDING_SEND] = 7,
    [RECORDING_ANSWER] = 6,
    [RECORDING_WAIT] = 3,
    [RECORDING_PARK] = 1,
};
// Where the argument stands that points to what is sent or answered; its length is behind it.
static const u8 body_arguments[RECORDING_CALL_KINDS] = {
    [RECORDING_SEND] = 2,
    [RECORDING_ANSWER] = 1,
};
static const u8 out_arguments[RECORDING_CALL_KINDS] = {
    [RECORDING_SEND] = 4,
    [RECORDING_ANSWER] = 3,
    [RECORDING_WAIT] = 0,
};

// Notes the call that the process stands at. *body receives what it sends: empty when that is not
// in its memory, or longer than anything that is sent.
static void call_note(struct process *process, struct span *body)
{
    struct kernel_record *record = process->record;
    const struct wasm_host_call *host = &process->thread.host;
    u32 index = host->function->index;
    u8 kind = index < HOST_COUNT + RECORDING_PARK ? (u8)(index - HOST_COUNT) : RECORDING_PARK;
    struct recording_call *call = &record->call;
    *call = (struct recording_call){.kind = kind};
    for (u32 i = 0; i < argument_counts[kind]; i++) {
        bool is_wide = (wide_arguments[kind] >> i & 1) != 0;
        call->arguments[i] = is_wide ? host->slots[i] : (u32)host->slots[i];
    }
    record->to = NULL;
    *body = (struct span){0};
    const struct wasm_memory *memory = wasm_instance_memory0(host->caller);
    if (kind == RECORDING_PARK || memory == NULL) {
        return;
    }
    u32 at = out_arguments[kind];
    record->to = wasm_memory_at(memory, (u32)call->arguments[at], (u32)call->arguments[at + 1]);
    if (kind != RECORDING_WAIT) {
        at = body_arguments[kind];
        u32 size = (u32)call->arguments[at + 1];
        const u8 *data = wasm_memory_at(memory, (u32)call->arguments[at], size);
        if (data != NULL && size <= KERNEL_BODY_BYTES) {
            *body = span_of(data, size);
        }
    }
    call->digest = recording_sum(0, *body);
}

// Says which interface the bond is to that is about to be sent on, unless that was said.
static void bond_note(struct process *process)
{
    struct kernel_record *record = process->record;
    u32 id = (u32)record->call.arguments[0];
    struct known_bond *known = known_at(record, id);
    if (record->call.kind != RECORDING_SEND || id == 0 || known->id == id) {
        return;
    }
    struct kernel *kernel = process->kernel;
    kernel_lock(kernel);
    const struct bond *bond = bond_find_locked(kernel, process, id);
    if (bond != NULL) {
        struct span name = bond->definition->name;
        ASSERT(name.size <= sizeof known->text);
        known->id = id;
        mem_copy(known->hash, bond->definition->hash, sizeof known->hash);
        mem_copy(known->text, name.data, name.size);
        known->name = span_of(known->text, name.size);
    }
    kernel_unlock(kernel);
    if (bond != NULL) {
        struct recording_record now = {.kind = RECORDING_BOND};
        now.bond.id = id;
        now.bond.hash = known->hash;
        now.bond.name = known->name;
        keep(record, &now);
    }
}

// Keeps the call, with what came of it or without.
static void call_keep(struct kernel_record *record)
{
    struct recording_record now = {.kind = RECORDING_CALL, .call = record->call};
    record->has_call = false;
    record->state.calls++;
    keep(record, &now);
}

void record_goes_on(struct process *process)
{
    struct kernel_record *record = process->record;
    struct recording_call *call = &record->call;
    if (!record->has_call) {
        return;
    }
    i64 result = (i64)process->thread.host.slots[0];
    call->has_result = true;
    call->result = call->kind == RECORDING_SEND ? result : (i32)result;
    u32 pointer;
    u32 wrote = recording_call_bytes(call, &pointer);
    ASSERT(wrote == 0 || record->to != NULL);
    call->bytes = span_of(record->to, wrote);
    call_keep(record);
}

// ---- calls of a process that is replayed

static struct process *end(struct process *process, enum kernel_ending_kind kind, u32 code)
{
    process_end(process, (struct kernel_ending){.kind = kind, .code = code});
    return NULL;
}

static void sent_tell(struct kernel_record *record, const struct recording_call *call,
                      struct span body)
{
    if (record->config.sent == NULL || call->kind != RECORDING_SEND) {
        return;
    }
    u32 id = (u32)call->arguments[0];
    const struct known_bond *known = known_at(record, id);
    bool is_known = id != 0 && known->id == id;
    struct kernel_record_sent sent = {
        .interface = is_known ? known->name : (struct span){0},
        .hash = is_known ? known->hash : NULL,
        .function = call->arguments[1],
        .body = body,
        .has_result = call->has_result,
        .result = call->result,
    };
    record->config.sent(record->config.context, &sent);
}

// Whether the process calls what is written.
static bool is_same(struct kernel_record *record, const struct process *process,
                    const struct recording_record *then)
{
    struct recording_record now = {.kind = RECORDING_CALL, .call = record->call};
    i32 argument = -1;
    bool same = then->kind == RECORDING_CALL && then->call.kind == now.call.kind;
    for (u32 i = 0; same && i < RECORDING_ARGUMENTS; i++) {
        if (then->call.arguments[i] != now.call.arguments[i]) {
            same = false;
            argument = (i32)i;
        }
    }
    if (same && then->call.digest != now.call.digest) {
        same = false;
        argument = RECORDING_ARGUMENTS;
    }
    if (!same) {
        differ(record, process, then, &now, argument);
    }
    return same;
}

// The process ended in the call.
static struct process *replay_end(struct process *process, struct recording_record *then)
{
    struct kernel_record *record = process->record;
    record->call = then->call;
    call_keep(record);
    if (!next(record, then)) {
        return end(process, KERNEL_KILLED, 0);
    }
    if (then->end.kind != KERNEL_EXITED && then->end.kind != KERNEL_KILLED) {
        stop(record, KERNEL_RECORD_DAMAGED, SPAN_LITERAL("a call ends as none can"));
        return end(process, KERNEL_KILLED, 0);
    }
    stop(record, KERNEL_RECORD_WHOLE, (struct span){0});
    keep(record, then);
    return end(process, (enum kernel_ending_kind)then->end.kind, then->end.code);
}

static struct process *replay_call(struct process *process, struct span body, i64 *fuel)
{
    struct kernel_record *record = process->record;
    struct recording_record then;
    if (record->is_over || !next(record, &then)) {
        return end(process, KERNEL_KILLED, 0);
    }
    if (then.kind == RECORDING_END && then.end.kind == KERNEL_KILLED) { // between two calls
        stop(record, KERNEL_RECORD_WHOLE, (struct span){0});
        keep(record, &then);
        return end(process, KERNEL_KILLED, 0);
    }
    if (!is_same(record, process, &then)) {
        return end(process, KERNEL_KILLED, 0);
    }
    struct span bytes = then.call.bytes;
    if (bytes.size > 0 && record->to == NULL) {
        stop(record, KERNEL_RECORD_DAMAGED,
             SPAN_LITERAL("a call has written where there is no memory"));
        return end(process, KERNEL_KILLED, 0);
    }
    sent_tell(record, &then.call, body);
    if (!then.call.has_result) {
        return replay_end(process, &then);
    }
    mem_copy(record->to, bytes.data, bytes.size);
    i64 result = then.call.result;
    process_set_result(process, then.call.kind == RECORDING_SEND ? result : (u32)result);
    *fuel -= (i64)(bytes.size / KERNEL_FUEL_BYTES);
    record->has_call = true;
    record_goes_on(process); // keeps what is in the memory now
    return process;
}

struct process *record_call(struct process *process, i64 *fuel)
{
    struct kernel_record *record = process->record;
    struct span body;
    ASSERT(!record->has_call);
    call_note(process, &body);
    *fuel -= (i64)(body.size / KERNEL_FUEL_BYTES);
    if (is_replay(record)) {
        return replay_call(process, body, fuel);
    }
    bond_note(process);
    record->has_call = true;
    // What comes of it is seen when the process goes on, which may be on another worker at once.
    struct process *next_process = syscall_do(process, (enum host_function)record->call.kind, fuel);
    if (next_process == process) {
        record_goes_on(process);
        *fuel -= (i64)(record->call.bytes.size / KERNEL_FUEL_BYTES);
    }
    return next_process;
}

// ---- the end

// The process has come to an end of its own.
static void replay_ended(struct kernel_record *record, const struct process *process,
                         const struct recording_record *now)
{
    struct recording_record then;
    if (record->is_over) {
        return;
    }
    if (now->end.kind == KERNEL_KILLED) {
        stop(record, KERNEL_RECORD_STOPPED, (struct span){0});
        return;
    }
    if (!next(record, &then)) {
        return;
    }
    bool was_killed = then.kind == RECORDING_END && then.end.kind == KERNEL_KILLED;
    bool is_as_it_was = then.kind == RECORDING_END && then.end.kind == now->end.kind &&
                        then.end.code == now->end.code && then.end.load == now->end.load &&
                        span_equal(then.end.text, now->end.text);
    if (!was_killed && !is_as_it_was) {
        differ(record, process, &then, now, -1);
        return;
    }
    stop(record, KERNEL_RECORD_WHOLE, (struct span){0});
    keep(record, &then);
}

void record_ended(struct process *process, const struct kernel_ending *ending)
{
    struct kernel_record *record = process->record;
    struct recording_record now = {.kind = RECORDING_END};
    now.end.kind = (u32)ending->kind;
    now.end.code = ending->code;
    now.end.load = (u32)ending->load;
    now.end.text = ending->text;
    if (record->has_begun && is_replay(record)) {
        replay_ended(record, process, &now);
    } else if (record->has_begun) {
        if (record->has_call) {
            call_keep(record); // it ended there
        }
        keep(record, &now);
        record->state.outcome = record->is_lost ? KERNEL_RECORD_LOST : KERNEL_RECORD_WHOLE;
    }
    record->config.ended(record->config.context, &record->state);
}
