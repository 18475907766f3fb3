// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/http/view.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "interfaces/inspect_client.h"
#include "interfaces/inspect_section.h"
#include "programs/rt/redshirt.h"

enum { EDGE_SLOTS = 2 * SERVER_EDGES }; // a power of two
STATIC_ASSERT((EDGE_SLOTS & (EDGE_SLOTS - 1)) == 0);

static struct view_edge edges[SERVER_EDGES];
static u16 edge_at[EDGE_SLOTS]; // index + 1, 0: nothing

// ---- edges

static bool is_same(const struct view_edge *edge, const struct inspect_bond *bond)
{
    return edge->client == bond->client && edge->handler.some == bond->handler.some &&
           edge->handler.value == bond->handler.value && span_equal(edge->name, bond->name);
}

static u32 slot_of(const struct inspect_bond *bond)
{
    u64 key = bond->client * 0x9e3779b97f4a7c15ull ^ bond->handler.value;
    for (size_t i = 0; i < bond->name.size; i++) {
        key = (key ^ bond->name.data[i]) * 0x100000001b3ull;
    }
    return (u32)(key >> 32) & (EDGE_SLOTS - 1);
}

// The edge that the bond is part of; NULL: it would be one too many.
static struct view_edge *edge_of(struct view *view, const struct inspect_bond *bond)
{
    u32 slot = slot_of(bond);
    for (; edge_at[slot] != 0; slot = (slot + 1) & (EDGE_SLOTS - 1)) {
        struct view_edge *edge = &edges[edge_at[slot] - 1];
        if (is_same(edge, bond)) {
            return edge;
        }
    }
    if (view->edge_count == SERVER_EDGES) {
        view->has_more_edges = true;
        return NULL;
    }
    struct view_edge *edge = &edges[view->edge_count++];
    edge_at[slot] = (u16)view->edge_count;
    *edge = (struct view_edge){bond->client, bond->name, bond->handler, 0, 0, 0};
    return edge;
}

static void edges_add(struct view *view, struct inspect_list_bond *bonds)
{
    struct inspect_bond bond;
    while (inspect_list_bond_next(bonds, &bond)) {
        struct view_edge *edge = edge_of(view, &bond);
        if (edge != NULL) {
            edge->messages += bond.messages;
            edge->bytes += bond.bytes;
            edge->answer_bytes += bond.answer_bytes;
        }
    }
}

// ---- asking

static bool ask(struct view *view, u32 bond, enum view_answer answer, u64 function,
                struct span call)
{
    return rt_call_large(bond, function, call.data, (u32)call.size, &view->answers[answer]) >= 0;
}

static bool ask_bonds(struct view *view, u32 bond)
{
    mem_zero(edge_at, sizeof edge_at);
    view->edges = edges;
    struct inspect_bonds_call call = {0};
    for (u32 part = 0; part < SERVER_BOND_PARTS; part++) {
        u8 body[INSPECT_BONDS_CALL_BYTES];
        size_t size = inspect_bonds_encode_call(body, sizeof body, &call);
        enum view_answer answer = (enum view_answer)(VIEW_BONDS + part);
        struct inspect_bonds_part bonds;
        if (!ask(view, bond, answer, INSPECT_BONDS_ID, span_of(body, size)) ||
            inspect_bonds_decode_result(view->answers[answer], &bonds) != ERR_OK) {
            return false;
        }
        edges_add(view, &bonds.bonds);
        call.start = bonds.next;
        if (call.start == 0) {
            return true;
        }
    }
    view->has_more_edges = true;
    return true;
}

bool view_ask(struct view *view)
{
    static i64 bond = -1;
    static const u8 all[INSPECT_PROCESSES_CALL_BYTES]; // after 0
    STATIC_ASSERT(INSPECT_BUDGETS_CALL_BYTES == sizeof all);
    *view = (struct view){0};
    if (bond < 0) {
        bond = rt_bind(&inspect_interface, false);
    }
    u32 at = (u32)bond;
    const struct span *answers = view->answers;
    return bond >= 0 && inspect_summary(at, &view->totals) >= 0 &&
           ask(view, at, VIEW_PROCESSES, INSPECT_PROCESSES_ID, span_of(all, sizeof all)) &&
           inspect_processes_decode_result(answers[VIEW_PROCESSES], &view->processes) == ERR_OK &&
           ask(view, at, VIEW_BUDGETS, INSPECT_BUDGETS_ID, span_of(all, sizeof all)) &&
           inspect_budgets_decode_result(answers[VIEW_BUDGETS], &view->budgets) == ERR_OK &&
           ask(view, at, VIEW_INTERFACES, INSPECT_INTERFACES_ID, (struct span){0}) &&
           inspect_interfaces_decode_result(answers[VIEW_INTERFACES], &view->interfaces) ==
               ERR_OK &&
           ask(view, at, VIEW_REFUSALS, INSPECT_REFUSALS_ID, (struct span){0}) &&
           inspect_refusals_decode_result(answers[VIEW_REFUSALS], &view->refusals) == ERR_OK &&
           ask_bonds(view, at);
}

void view_drop(struct view *view)
{
    for (u32 i = 0; i < VIEW_ANSWERS; i++) {
        memory_give(rt_memory(), (void *)view->answers[i].data, view->answers[i].size);
    }
    *view = (struct view){0};
}
