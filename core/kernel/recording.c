// SPDX-License-Identifier: GPL-3.0-or-later
// A record is its size, kind and detail, what it says, zeros up to a multiple of 8 and the sum of
// all that came before. So damage is found at the record that has it, and what was
// cut off is told from it: there the bytes run out.
#include "core/kernel/recording.h"
#include "core/base/abi.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/wire.h"
#include "core/kernel/kernel.h"
#include "core/kernel/limits.h"
#include "core/wasm/limits.h"

enum {
    HEAD_BYTES = 8,  // u32 bytes said, u8 kind, u8 detail, u16 0
    SUM_BYTES = 8,   // behind it
    CALL_BYTES = 72, // of what is said by a call before its bytes; so of the others
    MODULE_BYTES = 8 + RECORDING_CID_BYTES + RECORDING_ADAPTS_BYTES,
    BOND_BYTES = 8 + 32,
    END_BYTES = 16,
    FIXED_MOST = MODULE_BYTES,
    DETAIL_DONE = 0x80, // of a call: it has a result
    SUM_LANES = 4,      // words at once,
    SUM_LONG = 256,     // of runs of so many bytes and more
};

static const char magic[] = "redshirt record\n";
STATIC_ASSERT(sizeof magic - 1 + 8 == RECORDING_PREFIX_BYTES);

#define SUM_START 0x6a09e667f3bcc909ull
#define SUM_FACTOR 0x9fb21c651e98df25ull

// Both steps can be undone, so two sums that differ stay different over the same bytes.
static u64 sum_word(u64 sum, u64 word)
{
    sum = (sum ^ word) * SUM_FACTOR;
    return sum ^ sum >> 29;
}

// Long runs go in SUM_LANES sums side by side, which a CPU adds to at the same time: 64 KiB take a
// quarter of what they take one word after another. They end as words of the one.
static u64 sum_lanes(u64 sum, const u8 *data, size_t rows)
{
    u64 lanes[SUM_LANES] = {0};
    for (size_t row = 0; row < rows; row++) {
        for (u32 i = 0; i < SUM_LANES; i++) {
            lanes[i] = sum_word(lanes[i], mem_load_u64(data + i * sizeof(u64)));
        }
        data += sizeof lanes;
    }
    for (u32 i = 0; i < SUM_LANES; i++) {
        sum = sum_word(sum, lanes[i]);
    }
    return sum;
}

u64 recording_sum(u64 sum, struct span bytes)
{
    size_t rows = bytes.size / (SUM_LANES * sizeof(u64));
    size_t at = 0;
    if (bytes.size >= SUM_LONG) {
        sum = sum_lanes(sum, bytes.data, rows);
        at = rows * SUM_LANES * sizeof(u64);
    }
    for (; bytes.size - at >= sizeof(u64); at += sizeof(u64)) {
        sum = sum_word(sum, mem_load_u64(bytes.data + at));
    }
    if (at < bytes.size) {
        u8 last[sizeof(u64)] = {0};
        mem_copy(last, bytes.data + at, bytes.size - at);
        sum = sum_word(sum, mem_load_u64(last));
    }
    return sum;
}

static u32 told_bytes(const struct recording_call *call, u32 len)
{
    i32 result = (i32)call->result;
    if (result > 0) {
        return (u32)result;
    }
    bool has_header = result == E_BUFFER && len >= sizeof(struct abi_notification);
    return has_header ? sizeof(struct abi_notification) : 0;
}

u32 recording_call_bytes(const struct recording_call *call, u32 *pointer)
{
    *pointer = 0;
    if (!call->has_result) {
        return 0;
    }
    switch (call->kind) {
    case RECORDING_SEND:
        *pointer = 4;
        return call->arguments[6] == SEND_WAIT && call->result >= 0 ? (u32)call->result : 0;
    case RECORDING_ANSWER:
        *pointer = 3;
        return (call->arguments[5] & ANSWER_WAIT) != 0 ? told_bytes(call, (u32)call->arguments[4])
                                                       : 0;
    case RECORDING_WAIT:
        return told_bytes(call, (u32)call->arguments[1]);
    default:
        return 0;
    }
}

// ---- writing

static size_t padding_of(size_t size)
{
    return (0 - size) & (sizeof(u64) - 1);
}

bool recording_begin(struct recording_out *out)
{
    u8 prefix[RECORDING_PREFIX_BYTES] = {0};
    mem_copy(prefix, magic, sizeof magic - 1);
    mem_store_u32(prefix + sizeof magic - 1, RECORDING_VERSION);
    struct span piece = span_of(prefix, sizeof prefix);
    out->sum = recording_sum(SUM_START, piece);
    out->bytes = sizeof prefix;
    return out->put(out->context, &piece, 1);
}

// What a record says: its fixed part is written to `to`, which is zero; the rest is returned.
static struct span say(const struct recording_record *record, u8 *to, size_t *fixed, u8 *detail)
{
    const struct recording_call *call = &record->call;
    const struct recording_module *module = &record->module;
    switch (record->kind) {
    case RECORDING_MODULE:
        *fixed = MODULE_BYTES;
        *detail = module->is_adapter;
        mem_store_u32(to, (u32)module->cid.size);
        mem_store_u32(to + 4, (u32)module->adapts.size);
        mem_copy(to + 8, module->cid.data, module->cid.size);
        mem_copy(to + 8 + RECORDING_CID_BYTES, module->adapts.data, module->adapts.size);
        return module->bytes;
    case RECORDING_MEMORY:
        *fixed = 8;
        mem_store_u32(to, record->memory.pages);
        mem_store_u32(to + 4, record->memory.pages_max);
        return (struct span){0};
    case RECORDING_GROWN:
        *fixed = 8;
        *detail = record->grown.is_refused;
        mem_store_u32(to, record->grown.before);
        mem_store_u32(to + 4, record->grown.after);
        return (struct span){0};
    case RECORDING_BOND:
        *fixed = BOND_BYTES;
        mem_store_u32(to, record->bond.id);
        mem_copy(to + 8, record->bond.hash, 32);
        return record->bond.name;
    case RECORDING_CALL:
        *fixed = CALL_BYTES;
        *detail = (u8)(call->kind | (call->has_result ? DETAIL_DONE : 0));
        for (u32 i = 0; i < RECORDING_ARGUMENTS; i++) {
            mem_store_u64(to + i * sizeof(u64), call->arguments[i]);
        }
        mem_store_u64(to + CALL_BYTES - 16, call->digest);
        mem_store_u64(to + CALL_BYTES - 8, call->has_result ? (u64)call->result : 0);
        return call->bytes;
    case RECORDING_END:
        *fixed = END_BYTES;
        mem_store_u32(to, record->end.kind);
        mem_store_u32(to + 4, record->end.code);
        mem_store_u32(to + 8, record->end.load);
        return record->end.text;
    default:
        *fixed = 0;
        return record->words;
    }
}

bool recording_put(struct recording_out *out, const struct recording_record *record)
{
    u8 head[HEAD_BYTES + FIXED_MOST] = {0};
    size_t fixed = 0;
    u8 detail = 0;
    struct span rest = say(record, head + HEAD_BYTES, &fixed, &detail);
    size_t padding = padding_of(rest.size);
    u64 bytes = HEAD_BYTES + fixed + (u64)rest.size + padding + SUM_BYTES;
    if (bytes > KERNEL_RECORD_BYTES - out->bytes) {
        return false;
    }
    out->bytes += bytes;
    mem_store_u32(head, (u32)(fixed + rest.size));
    head[4] = record->kind;
    head[5] = detail;
    out->sum = recording_sum(out->sum, span_of(head, HEAD_BYTES + fixed));
    out->sum = recording_sum(out->sum, rest);
    u8 tail[sizeof(u64) + SUM_BYTES] = {0};
    mem_store_u64(tail + padding, out->sum);
    struct span pieces[RECORDING_PIECES] = {span_of(head, HEAD_BYTES + fixed), rest,
                                            span_of(tail, padding + SUM_BYTES)};
    return out->put(out->context, pieces, RECORDING_PIECES);
}

// ---- reading

// One record as it lies there.
struct raw {
    u8 kind;
    u8 detail;
    const u8 *fixed;
    struct span rest;
};

static enum err damaged(const struct recording *recording, const char *why, struct report *report)
{
    return report_err(report, ERR_MALFORMED, recording->at, why);
}

// How long the fixed part of a kind is; ~0: there is no such kind.
static size_t fixed_bytes(u8 kind)
{
    switch (kind) {
    case RECORDING_START:
        return 0;
    case RECORDING_MODULE:
        return MODULE_BYTES;
    case RECORDING_MEMORY:
    case RECORDING_GROWN:
        return 8;
    case RECORDING_BOND:
        return BOND_BYTES;
    case RECORDING_CALL:
        return CALL_BYTES;
    case RECORDING_END:
        return END_BYTES;
    default:
        return SIZE_MAX;
    }
}

// How long the rest of a kind can be, so that no sum is made of more.
static size_t rest_most(u8 kind)
{
    switch (kind) {
    case RECORDING_START:
        return RECORDING_WORDS;
    case RECORDING_MODULE:
        return WASM_MODULE_BYTES;
    case RECORDING_BOND:
        return INTERFACE_NAME_BYTES;
    case RECORDING_CALL:
        return KERNEL_RECORD_CALL_BYTES;
    case RECORDING_END:
        return KERNEL_END_TEXT;
    default:
        return 0;
    }
}

// Cuts the next record out and moves past it.
static enum err raw_next(struct recording *recording, struct raw *out, struct report *report)
{
    u64 left = recording->bytes.size - recording->at;
    if (left < HEAD_BYTES) {
        return report_err(report, ERR_CLOSED, recording->at, "the recording was cut short");
    }
    const u8 *at = recording->bytes.data + recording->at;
    u64 size = mem_load_u32(at);
    size_t fixed = fixed_bytes(at[4]);
    if (fixed == SIZE_MAX || size < fixed || mem_load_u16(at + 6) != 0) {
        return damaged(recording, "there is no such record", report);
    }
    if (size - fixed > rest_most(at[4])) {
        return damaged(recording, "a record is longer than any can be", report);
    }
    u64 padded = HEAD_BYTES + size + padding_of((size_t)size);
    if (left < padded + SUM_BYTES) {
        return report_err(report, ERR_CLOSED, recording->at, "the recording was cut short");
    }
    struct span rest = span_of(at + HEAD_BYTES + fixed, (size_t)size - fixed);
    u64 sum = recording_sum(recording->sum, span_of(at, HEAD_BYTES + fixed));
    sum = recording_sum(sum, rest);
    if (sum != mem_load_u64(at + padded)) {
        return damaged(recording, "the sum of a record is wrong", report);
    }
    for (u64 i = HEAD_BYTES + size; i < padded; i++) {
        if (at[i] != 0) {
            return damaged(recording, "something is written where nothing is", report);
        }
    }
    out->kind = at[4];
    out->detail = at[5];
    out->fixed = at + HEAD_BYTES;
    out->rest = rest;
    recording->sum = sum;
    recording->at += padded + SUM_BYTES;
    return ERR_OK;
}

// Whether it is written as we would, so that nothing stands where nobody looks.
static bool is_canonical(const struct raw *raw, const struct recording_record *record)
{
    u8 said[FIXED_MOST] = {0};
    size_t fixed;
    u8 detail = 0;
    struct span rest = say(record, said, &fixed, &detail);
    return detail == raw->detail && rest.size == raw->rest.size &&
           mem_equal(said, raw->fixed, fixed);
}

static enum err module_read(const struct recording *recording, const struct raw *raw,
                            struct recording_module *out, struct report *report)
{
    u32 cid = mem_load_u32(raw->fixed);
    u32 adapts = mem_load_u32(raw->fixed + 4);
    bool is_adapter = raw->detail == 1;
    if (raw->detail > 1 || cid == 0 || cid > RECORDING_CID_BYTES ||
        adapts > RECORDING_ADAPTS_BYTES || is_adapter != (adapts != 0) || raw->rest.size == 0) {
        return damaged(recording, "a module has no name, or one too long", report);
    }
    *out = (struct recording_module){
        .is_adapter = is_adapter,
        .cid = span_of(raw->fixed + 8, cid),
        .adapts = span_of(raw->fixed + 8 + RECORDING_CID_BYTES, adapts),
        .bytes = raw->rest,
    };
    struct recording_record record = {.kind = RECORDING_MODULE, .module = *out};
    return is_canonical(raw, &record) ? ERR_OK
                                      : damaged(recording, "a module has two names", report);
}

enum err recording_open(struct span bytes, struct recording *out, struct report *report)
{
    *out = (struct recording){.bytes = bytes};
    size_t known = bytes.size < sizeof magic - 1 ? bytes.size : sizeof magic - 1;
    if (bytes.size == 0 || !mem_equal(bytes.data, magic, known)) {
        return damaged(out, "this is no recording", report);
    }
    if (bytes.size < RECORDING_PREFIX_BYTES) {
        return report_err(report, ERR_CLOSED, 0, "the recording was cut short before it began");
    }
    if (mem_load_u32(bytes.data + known) != RECORDING_VERSION ||
        mem_load_u32(bytes.data + known + 4) != 0) {
        return report_err(report, ERR_UNSUPPORTED, known, "a recording of another version");
    }
    if (bytes.size > KERNEL_RECORD_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "the recording is longer than one may be");
    }
    out->at = RECORDING_PREFIX_BYTES;
    out->sum = recording_sum(SUM_START, span_of(bytes.data, RECORDING_PREFIX_BYTES));
    struct raw raw;
    TRY(raw_next(out, &raw, report));
    if (raw.kind != RECORDING_START || raw.detail != 0 || raw.rest.size > RECORDING_WORDS) {
        return damaged(out, "the recording does not start as one", report);
    }
    out->words = raw.rest;
    TRY(raw_next(out, &raw, report));
    if (raw.kind != RECORDING_MODULE || raw.detail != 0) {
        return damaged(out, "the recording has no program", report);
    }
    TRY(module_read(out, &raw, &out->program, report));
    // By its kind alone: one that was cut in its adapter has no program that could run.
    enum { KIND_AT = 4 };
    bool has_second = bytes.size - out->at > KIND_AT;
    if (has_second && bytes.data[out->at + KIND_AT] == RECORDING_MODULE) {
        TRY(raw_next(out, &raw, report));
        TRY(module_read(out, &raw, &out->adapter, report));
        if (!out->adapter.is_adapter) {
            return damaged(out, "the recording has two programs", report);
        }
    }
    return ERR_OK;
}

static enum err call_read(const struct recording *recording, const struct raw *raw,
                          struct recording_call *out, struct report *report)
{
    *out = (struct recording_call){
        .kind = raw->detail & (u8)~DETAIL_DONE,
        .has_result = (raw->detail & DETAIL_DONE) != 0,
        .digest = mem_load_u64(raw->fixed + CALL_BYTES - 16),
        .result = (i64)mem_load_u64(raw->fixed + CALL_BYTES - 8),
        .bytes = raw->rest,
    };
    for (u32 i = 0; i < RECORDING_ARGUMENTS; i++) {
        out->arguments[i] = mem_load_u64(raw->fixed + i * sizeof(u64));
    }
    if (out->kind >= RECORDING_CALL_KINDS) {
        return damaged(recording, "there is no such call", report);
    }
    u32 pointer;
    u32 wrote = recording_call_bytes(out, &pointer);
    if (wrote != out->bytes.size || (wrote > 0 && wrote > out->arguments[pointer + 1])) {
        return damaged(recording, "a call has written something else than it says", report);
    }
    return ERR_OK;
}

// What happened, of a record that is neither START nor MODULE.
static enum err happening_read(const struct recording *recording, const struct raw *raw,
                               struct recording_record *out, struct report *report)
{
    switch (raw->kind) {
    case RECORDING_MEMORY:
        out->memory.pages = mem_load_u32(raw->fixed);
        out->memory.pages_max = mem_load_u32(raw->fixed + 4);
        return ERR_OK;
    case RECORDING_GROWN:
        out->grown.before = mem_load_u32(raw->fixed);
        out->grown.after = mem_load_u32(raw->fixed + 4);
        out->grown.is_refused = raw->detail != 0;
        return ERR_OK;
    case RECORDING_BOND:
        out->bond.id = mem_load_u32(raw->fixed);
        out->bond.hash = raw->fixed + 8;
        out->bond.name = raw->rest;
        return ERR_OK;
    case RECORDING_CALL:
        return call_read(recording, raw, &out->call, report);
    case RECORDING_END:
        out->end.kind = mem_load_u32(raw->fixed);
        out->end.code = mem_load_u32(raw->fixed + 4);
        out->end.load = mem_load_u32(raw->fixed + 8);
        out->end.text = raw->rest;
        return out->end.kind <= KERNEL_NOT_LOADED && out->end.load <= KERNEL_LOAD_BUDGET
                   ? ERR_OK
                   : damaged(recording, "there is no such end", report);
    default:
        return damaged(recording, "a module stands among what happened", report);
    }
}

enum err recording_next(struct recording *recording, struct recording_record *out,
                        struct report *report)
{
    if (recording->has_ended) {
        return report_err(report, ERR_CLOSED, recording->at, "the recording has ended");
    }
    struct raw raw;
    TRY(raw_next(recording, &raw, report));
    *out = (struct recording_record){.kind = raw.kind};
    TRY(happening_read(recording, &raw, out, report));
    if (!is_canonical(&raw, out)) {
        return damaged(recording, "something is written where nothing is", report);
    }
    if (recording->is_to_end && raw.kind != RECORDING_END) {
        return damaged(recording, "something happened behind the end", report);
    }
    if (recording->has_bond && raw.kind == RECORDING_BOND) {
        return damaged(recording, "a bond is followed by another, and no call", report);
    }
    recording->has_bond = raw.kind == RECORDING_BOND;
    recording->is_to_end = raw.kind == RECORDING_CALL && !out->call.has_result;
    recording->has_ended = raw.kind == RECORDING_END;
    if (recording->has_ended && recording->at != recording->bytes.size) {
        return damaged(recording, "something stands behind the end", report);
    }
    return ERR_OK;
}
