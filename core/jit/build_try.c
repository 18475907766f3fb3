// SPDX-License-Identifier: GPL-3.0-or-later
// Exceptions in the ir. A call in a try_table has two ways out: what IR_CAUGHT gives is 0 when it
// has returned. On the other way the number of the clause decides; numbers go from the innermost
// try_table outwards, as wasm_catch_find (core/wasm/unwind.h) counts.
#include "core/base/assert.h"
#include "core/jit/builder.h"
#include "core/jit/jit.h"
#include "core/jit/pace.h"
#include "core/wasm/module.h"

// Units of pace.h for a clause that is read, and for the way to its label.
enum { COUNT_UNITS = 4, CLAUSE_UNITS = 100 };

void build_try(struct builder *b, const u8 *clauses)
{
    struct control *control = &b->controls[b->depth - 1];
    control->clauses = clauses;
    control->outer_try = b->try;
    b->try = b->depth;
}

void build_try_end(struct builder *b, const struct control *control)
{
    b->try = control->outer_try;
}

// The next clause around the present place. False: there is none, or none that can be reached.
struct clauses {
    struct body_reader in;
    u32 try; // the control whose clauses are read, plus 1; 0: all are
    u32 left;
    bool is_closed; // one was met that catches all
};

static struct clauses clauses_begin(const struct builder *b)
{
    struct clauses clauses = {.try = b->try};
    if (b->try != 0) {
        clauses.in.at = b->controls[b->try - 1].clauses;
        clauses.in.end = b->start + b->body->code.size;
        clauses.left = body_u32(&clauses.in);
    }
    return clauses;
}

static bool clauses_next(const struct builder *b, struct clauses *c, struct wasm_clause_read *out)
{
    while (c->try != 0 && c->left == 0) {
        c->try = b->controls[c->try - 1].outer_try;
        if (c->try != 0) {
            c->in.at = b->controls[c->try - 1].clauses;
            c->left = body_u32(&c->in);
        }
    }
    if (c->try == 0 || c->is_closed) {
        return false;
    }
    c->left--;
    *out = body_clause(&c->in);
    c->is_closed = out->tag == WASM_CATCH_ALL;
    return true;
}

static u32 clauses_count(const struct builder *b)
{
    struct clauses clauses = clauses_begin(b);
    struct wasm_clause_read clause;
    u32 count = 0;
    while (clauses_next(b, &clauses, &clause)) {
        count++;
    }
    jit_pace(b->ir->pace, (u64)count * COUNT_UNITS);
    return count;
}

bool build_lands(const struct builder *b)
{
    return b->try != 0 && clauses_count(b) != 0;
}

static void push_word(struct builder *b, u32 caught, enum kind kind, u32 word)
{
    build_push(b, build_append(b, &(struct ir_ins){
                                      .op = IR_SLOT, .kind = (u8)kind, .a = caught, .c = word}));
}

// The way of one clause to its label, with what it caught.
static void land_clause(struct builder *b, u32 caught, const struct clauses *at,
                        const struct wasm_clause_read *clause)
{
    u32 height = b->height;
    u32 word = JIT_CAUGHT_VALUES;
    if (clause->tag != WASM_CATCH_ALL) {
        const struct wasm_func_type *type = &b->module->types[b->module->tag_types[clause->tag]];
        for (u32 i = 0; i < type->param_count && b->failed == ERR_OK; i++) {
            push_word(b, caught, kind_of_type(type->types[i]), word);
            word += type->types[i] == WASM_V128 ? 2 : 1;
        }
    }
    if (clause->kind == WASM_CATCH_REF || clause->kind == WASM_CATCH_ANY_REF) {
        push_word(b, caught, KIND_L, JIT_CAUGHT_REFERENCE);
    }
    b->ir->caught_words = b->ir->caught_words > word ? b->ir->caught_words : word;
    build_br(b, build_label(b, at->try - 1, clause->depth + 1)); // outside the try_table
    b->height = height;
}

// Which clause it is decides where to go on.
static void land(struct builder *b, u32 caught)
{
    u32 count = clauses_count(b);
    u32 from = b->block;
    if (count > 1) {
        u32 number = build_append(
            b,
            &(struct ir_ins){.op = IR_SLOT, .kind = KIND_I, .a = caught, .c = JIT_CAUGHT_CLAUSE});
        u32 list = build_list(b, count + 1);
        if (list == IR_NONE) {
            return;
        }
        b->ir->lists[list] = count;
        for (u32 i = 0; i < count; i++) {
            b->ir->lists[list + 1 + i] = i;
        }
        block_finish(
            b, &(struct ir_ins){.op = IR_SWITCH, .kind = IR_KIND_NONE, .a = number, .b = list},
            count);
    }
    struct clauses clauses = clauses_begin(b);
    struct wasm_clause_read clause;
    for (u32 i = 0; clauses_next(b, &clauses, &clause) && b->failed == ERR_OK; i++) {
        if (count > 1) {
            (void)block_behind(b, from, i);
        }
        land_clause(b, caught, &clauses, &clause);
        jit_pace(b->ir->pace, CLAUSE_UNITS);
    }
}

void build_landing(struct builder *b, u32 call, bool returns)
{
    struct ir_ins caught = {.op = IR_CAUGHT, .kind = KIND_L, .a = call};
    u32 value = build_append(b, &caught);
    if (!returns) {
        land(b, value);
        b->block = IR_NONE;
        return;
    }
    struct ir_ins test = {.op = ROW_I64_EQZ, .kind = KIND_I, .a = value};
    u32 condition = build_append(b, &test);
    u32 from = b->block;
    block_finish(b, &(struct ir_ins){.op = IR_BRANCH, .kind = IR_KIND_NONE, .a = condition}, 2);
    (void)block_behind(b, from, 1);
    land(b, value);
    (void)block_behind(b, from, 0);
}

void build_throw(struct builder *b, struct body_reader *in, enum row row)
{
    bool lands = build_lands(b);
    struct ir_ins ins = {.op = IR_HELPER, .kind = IR_KIND_NONE, .a = IR_HELPER_THROW_REF};
    if (row == ROW_THROW) {
        u32 tag = body_u32(in);
        u32 count = b->module->types[b->module->tag_types[tag]].param_count;
        ins = (struct ir_ins){.op = IR_THROW, .kind = IR_KIND_NONE, .a = tag};
        ins.b = build_pop_list(b, count);
    } else {
        ins.b = build_pop_list(b, 1);
    }
    ins.lane = lands;
    u32 call = build_append(b, &ins);
    if (lands) {
        build_landing(b, call, false);
        return;
    }
    block_finish(
        b, &(struct ir_ins){.op = IR_UNREACHABLE, .kind = IR_KIND_NONE, .c = TRAP_UNREACHABLE}, 0);
}
