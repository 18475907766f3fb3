// SPDX-License-Identifier: GPL-3.0-or-later
// Where branches meet. Control is structured: only branches inside a block lead to its end, so what
// can differ there are its results and the locals assigned since the block was entered. Those are
// in the log of changes, which is also what takes them back for an `else`. A loop's start is met by
// branches that come later: loops.c says which locals they can bring.
#include "core/base/assert.h"
#include "core/jit/builder.h"
#include "core/jit/pace.h"

// ---- scopes

void build_assign(struct builder *b, u32 local, u32 value)
{
    ASSERT(local < b->local_count);
    if (b->locals[local] == value) {
        return;
    }
    if (b->logged[local] <= b->log_start) { // the first change in this scope
        struct change *log =
            builder_grow(b, b->log, &b->log_capacity, b->log_count + 1, sizeof *log);
        if (log == NULL) {
            return;
        }
        b->log = log;
        log[b->log_count++] = (struct change){local, b->locals[local], b->logged[local]};
        b->logged[local] = b->log_count;
    }
    b->locals[local] = value;
}

void scope_enter(struct builder *b, struct control *control)
{
    control->outer_start = b->log_start;
    control->log_start = b->log_count;
    b->log_start = b->log_count;
}

void scope_undo(struct builder *b, const struct control *control)
{
    while (b->log_count > control->log_start) {
        const struct change *change = &b->log[--b->log_count];
        b->locals[change->local] = change->before;
        b->logged[change->local] = change->previous;
    }
}

void scope_leave(struct builder *b, const struct control *control)
{
    ASSERT(b->log_count == control->log_start || b->failed != ERR_OK);
    b->log_start = control->outer_start;
}

void scope_keep(struct builder *b, const struct control *control)
{
    u32 kept = control->log_start;
    for (u32 i = control->log_start; i < b->log_count; i++) {
        struct change change = b->log[i];
        if (change.previous > control->outer_start) {
            b->logged[change.local] = change.previous; // the outer scope knows
        } else {
            b->log[kept++] = change;
            b->logged[change.local] = kept;
        }
    }
    b->log_count = kept;
    b->log_start = control->outer_start;
}

bool build_work(struct builder *b, u64 count)
{
    if (b->failed == ERR_OK && count > b->work_left) {
        b->failed = ERR_LIMIT;
    }
    b->work_left -= b->failed == ERR_OK ? count : 0;
    jit_pace(b->ir->pace, BUILD_WORK_UNITS * (count + 1));
    return b->failed == ERR_OK;
}

// ---- edges

static void carry(struct builder *b, u32 value)
{
    u32 *carried =
        builder_grow(b, b->carried, &b->carried_capacity, b->carried_count + 1, sizeof *b->carried);
    if (carried != NULL) {
        b->carried = carried;
        carried[b->carried_count++] = value;
    }
}

// The locals that differ from what they were when the block was entered. Returns their count.
static u32 carry_changes(struct builder *b, const struct control *control)
{
    u32 count = 0;
    u32 mark = ++b->meeting;
    if (!build_work(b, b->log_count - control->log_start)) {
        return 0;
    }
    for (u32 i = control->log_start; i < b->log_count; i++) {
        const struct change *change = &b->log[i];
        if (b->met[change->local] != mark) {
            b->met[change->local] = mark; // the oldest change has the value at entry
            if (b->locals[change->local] != change->before) {
                carry(b, change->local);
                carry(b, b->locals[change->local]);
                count++;
            }
        }
    }
    return count;
}

void edge_add(struct builder *b, struct control *control, u32 from, u32 successor, u32 arity)
{
    struct edge *edges =
        builder_grow(b, b->edges, &b->edge_capacity, b->edge_count + 1, sizeof *edges);
    if (edges == NULL) {
        return;
    }
    b->edges = edges;
    u32 index = b->edge_count++;
    struct edge edge = {from, successor, b->carried_count, 0, IR_NONE, IR_NONE};
    for (u32 i = 0; i < arity; i++) {
        carry(b, b->stack[b->height - arity + i]);
    }
    if (control->kind == CONTROL_LOOP) {
        (void)build_work(b, control->phi_count);
        for (u32 i = control->param_count; i < control->phi_count && b->failed == ERR_OK; i++) {
            carry(b, b->locals[b->loop_locals[control->locals + i - control->param_count]]);
        }
        block_link(b, from, successor == IR_NONE ? 0 : successor, control->block);
    } else if (control != b->controls) { // that is the function: it returns operands only
        edge.local_count = carry_changes(b, control);
    }
    edges[index] = edge;
    if (control->first_edge == IR_NONE) {
        control->first_edge = index;
    } else {
        edges[control->last_edge].next = index;
    }
    control->last_edge = index;
    control->edge_count++;
}

// ---- the end of a block

// Whether the values of a row are all one. A row has one value for each predecessor.
static bool row_is_one(const struct builder *b, u32 row, u32 count)
{
    u32 first = value_resolve(b, b->ir->lists[row]);
    for (u32 i = 1; i < count; i++) {
        if (value_resolve(b, b->ir->lists[row + i]) != first) {
            return false;
        }
    }
    return true;
}

// Where a way is taken because a value is 0, a 0 that it carries is that value: then nothing has to
// be moved when the value lies where the phi will. LLVM has it the other way round.
static void row_find_zeros(struct builder *b, u32 row, const struct control *control)
{
    u32 *value = &b->ir->lists[row];
    for (u32 at = control->first_edge; at != IR_NONE; at = b->edges[at].next, value++) {
        const struct ir_ins *ins = &b->ir->ins[*value];
        if (b->edges[at].zero != IR_NONE && ins->op == IR_CONST && ins->kind == KIND_I &&
            ins->bits == 0) {
            *value = b->edges[at].zero;
        }
    }
}

// The value of a row in the block that begins.
static u32 row_value(struct builder *b, u32 row, const struct control *control)
{
    const u32 *values = &b->ir->lists[row];
    u32 count = control->edge_count;
    u8 kind = b->ir->ins[values[0]].kind;
    if (row_is_one(b, row, count)) {
        return value_resolve(b, values[0]);
    }
    if (kind == KIND_I) {
        row_find_zeros(b, row, control);
        if (row_is_one(b, row, count)) {
            return value_resolve(b, values[0]);
        }
    }
    u64 highest = 0;
    for (u32 i = 0; i < count; i++) {
        highest = b->highest[values[i]] > highest ? b->highest[values[i]] : highest;
    }
    u32 phi = build_append(b, &(struct ir_ins){.op = IR_PHI, .kind = kind, .a = row});
    b->highest[phi] = highest;
    return phi;
}

// Rows for all locals that some edge changes, filled in. Returns their count; the first is *rows.
static u32 join_rows(struct builder *b, const struct control *control, u32 *rows)
{
    u32 mark = ++b->meeting;
    u32 count = 0;
    u32 number = 0;
    *rows = b->ir->list_count;
    for (u32 at = control->first_edge; at != IR_NONE; at = b->edges[at].next, number++) {
        const struct edge *edge = &b->edges[at];
        const u32 *pairs = &b->carried[edge->values + control->result_count];
        for (u32 i = 0; i < edge->local_count; i++) {
            u32 local = pairs[2 * i];
            if (b->met[local] != mark) {
                u32 *locals = builder_grow(b, b->met_locals, &b->met_capacity, count + 1,
                                           sizeof *b->met_locals);
                u32 row = build_work(b, control->edge_count) ? build_list(b, control->edge_count)
                                                             : IR_NONE;
                if (locals == NULL || row == IR_NONE) {
                    return 0;
                }
                for (u32 k = 0; k < control->edge_count; k++) {
                    b->ir->lists[row + k] = b->locals[local];
                }
                b->met_locals = locals;
                locals[count] = local;
                b->met[local] = mark;
                b->met_at[local] = count++;
            }
            b->ir->lists[*rows + b->met_at[local] * control->edge_count + number] =
                pairs[2 * i + 1];
        }
    }
    return count;
}

// The values of all edges in the block that begins.
static void join_values(struct builder *b, const struct control *control)
{
    u32 count = control->edge_count;
    for (u32 i = 0; i < control->result_count && b->failed == ERR_OK; i++) {
        u32 row = build_work(b, count) ? build_list(b, count) : IR_NONE;
        u32 number = 0;
        for (u32 at = control->first_edge; at != IR_NONE && row != IR_NONE;
             at = b->edges[at].next) {
            b->ir->lists[row + number++] = b->carried[b->edges[at].values + i];
        }
        build_push(b, row == IR_NONE ? 0 : row_value(b, row, control));
    }
    u32 rows;
    u32 row_count = join_rows(b, control, &rows);
    for (u32 i = 0; i < row_count && b->failed == ERR_OK; i++) {
        build_assign(b, b->met_locals[i], row_value(b, rows + i * count, control));
    }
}

// The value that must be 0 when a branch goes this way, if it lies in a register anyway: what only
// decides the branch is perhaps never computed as a value.
static u32 zero_behind(const struct builder *b, u32 block, u32 successor)
{
    const struct ir_ins *exit = &b->ir->ins[b->ir->blocks[block].end - 1];
    if (exit->op != IR_BRANCH || successor != 1) {
        return IR_NONE;
    }
    u32 op = b->ir->ins[exit->a].op;
    bool is_kept = op == IR_PHI || op == IR_PARAM || op == IR_CALL || op == IR_CALL_INDIRECT;
    return is_kept ? exit->a : IR_NONE;
}

// All edges come from blocks that do nothing else but jump here. Returns the lowest block that
// dominates them all.
static u32 join_sources(struct builder *b, const struct control *control)
{
    u32 count = control->edge_count;
    u32 sources = build_list(b, count); // in reverse: so the ways up share most of their length
    u32 number = 0;
    if (sources == IR_NONE) {
        return 0;
    }
    for (u32 at = control->first_edge; at != IR_NONE; at = b->edges[at].next) {
        struct edge *edge = &b->edges[at];
        b->ir->lists[sources + count - ++number] = edge->block;
        if (edge->successor != IR_NONE) {
            edge->zero = zero_behind(b, edge->block, edge->successor);
            edge->block = block_between(b, edge->block, edge->successor);
        }
        edge->successor = 0;
    }
    u32 common = b->ir->lists[sources];
    for (u32 i = 1; i < count && b->failed == ERR_OK; i++) {
        common = dominator_common(b, common, b->ir->lists[sources + i]);
    }
    return common;
}

static void join_many(struct builder *b, const struct control *control)
{
    u32 dominator = join_sources(b, control);
    u32 block = block_begin(b, dominator);
    u32 preds = build_list(b, control->edge_count);
    if (b->failed != ERR_OK) {
        return;
    }
    b->ir->blocks[block].preds = preds;
    b->ir->blocks[block].pred_count = control->edge_count;
    for (u32 at = control->first_edge; at != IR_NONE; at = b->edges[at].next) {
        b->ir->lists[preds++] = b->edges[at].block;
        block_link(b, b->edges[at].block, 0, block);
    }
    clobber_globals(b);
    join_values(b, control);
}

// With one edge there is nothing to choose from.
static void join_one(struct builder *b, const struct control *control)
{
    const struct edge *edge = &b->edges[control->first_edge];
    struct ir_block *from = &b->ir->blocks[edge->block];
    bool is_last = edge->block == b->ir->block_count - 1;
    if (edge->successor == IR_NONE && is_last) {
        b->ir->ins_count--; // goes on as if it had never jumped
        b->block = edge->block;
        from->succ_count = 0;
    } else {
        (void)block_behind(b, edge->block, edge->successor == IR_NONE ? 0 : edge->successor);
        clobber_globals(b);
    }
    const u32 *values = &b->carried[edge->values];
    for (u32 i = 0; i < control->result_count; i++) {
        build_push(b, values[i]);
    }
    for (u32 i = 0; i < edge->local_count; i++) {
        const u32 *pair = &values[control->result_count + 2 * i];
        build_assign(b, pair[0], pair[1]);
    }
}

void join_make(struct builder *b, struct control *control)
{
    ASSERT(control->edge_count != 0 || b->failed != ERR_OK);
    scope_undo(b, control);
    scope_leave(b, control);
    b->height = control->height;
    if (b->failed != ERR_OK) {
        return;
    }
    if (control->edge_count == 1) {
        join_one(b, control);
    } else {
        join_many(b, control);
    }
}

// ---- loops

void loop_begin(struct builder *b, struct control *control, const struct loop_note *note)
{
    u32 entry = b->block;
    u32 locals = note == NULL ? 0 : note->count;
    block_finish(b, &(struct ir_ins){.op = IR_JUMP, .kind = IR_KIND_NONE}, 1);
    control->block = block_begin(b, entry);
    block_link(b, entry, 0, control->block);
    control->phis = b->ir->ins_count;
    control->phi_count = control->param_count + locals;
    control->locals = note == NULL ? 0 : note->locals;
    clobber_globals(b);
    (void)build_work(b, control->phi_count);
    for (u32 i = 0; i < control->phi_count && b->failed == ERR_OK; i++) {
        u32 local = i < control->param_count
                        ? IR_NONE
                        : b->loop_locals[control->locals + i - control->param_count];
        u32 *place = local == IR_NONE ? &b->stack[control->height + i] : &b->locals[local];
        // Until the end of the loop, the value from outside is in `c`.
        u32 phi = build_append(
            b, &(struct ir_ins){
                   .op = IR_PHI, .kind = b->ir->ins[*place].kind, .a = IR_NONE, .c = *place});
        if (local == IR_NONE) {
            *place = phi;
        } else {
            build_assign(b, local, phi);
        }
    }
}

// Gives phi number `number` of a loop its inputs, or finds that it is another value.
static void loop_phi(struct builder *b, const struct control *control, u32 number)
{
    struct ir_ins *phi = &b->ir->ins[control->phis + number];
    u32 same = value_resolve(b, phi->c);
    bool is_one = true;
    for (u32 at = control->first_edge; at != IR_NONE && is_one; at = b->edges[at].next) {
        u32 value = value_resolve(b, b->carried[b->edges[at].values + number]);
        is_one = value == same || value == control->phis + number;
    }
    if (is_one) {
        phi->op = BUILD_ALIAS;
        phi->a = same;
        phi->c = 0;
        return;
    }
    u32 row = build_list(b, 1 + control->edge_count);
    if (row == IR_NONE) {
        return;
    }
    phi->a = row;
    b->ir->lists[row++] = phi->c;
    phi->c = 0;
    for (u32 at = control->first_edge; at != IR_NONE; at = b->edges[at].next) {
        b->ir->lists[row++] = b->carried[b->edges[at].values + number];
    }
}

void loop_finish(struct builder *b, struct control *control)
{
    u32 preds = build_list(b, 1 + control->edge_count);
    if (b->failed != ERR_OK) {
        return;
    }
    struct ir_block *header = &b->ir->blocks[control->block];
    header->preds = preds;
    header->pred_count = 1 + control->edge_count;
    b->ir->lists[preds++] = header->dominator;
    for (u32 at = control->first_edge; at != IR_NONE; at = b->edges[at].next) {
        b->ir->lists[preds++] = b->edges[at].block;
    }
    if (control->edge_count != 0) {
        header->loop = control->block;
        header->loop_end = b->ir->block_count;
    }
    for (u32 i = 0; i < control->phi_count && b->failed == ERR_OK; i++) {
        loop_phi(b, control, i);
    }
}
