// SPDX-License-Identifier: GPL-3.0-or-later
// The user's words, and what follows from one that has changed. Nothing is remembered of a
// judgement but the bond: so rows that change are compared with the bonds there are.
#include "core/kernel/grant.h"
#include "core/base/cid.h"
#include "core/kernel/internal.h"
#include "interfaces/budget.h"

static const u8 all[32];
static const u8 budgets[32] = BUDGET_HASH;

// ---- rows

static u64 pair_key(const struct kernel *kernel, enum kernel_right right, const u8 program[32],
                    const u8 interface[32])
{
    u64 key = kernel->name_secret + (u64)right;
    key = (key ^ mem_load_u64(program)) * 0x9e3779b97f4a7c15ull;
    key = (key ^ key >> 29 ^ mem_load_u64(interface)) * 0xbf58476d1ce4e5b9ull;
    return key ^ key >> 31;
}

static struct grant_row *row_find(struct kernel *kernel, enum kernel_right right,
                                  const u8 program[32], const u8 interface[32])
{
    struct map_node *node =
        map_find(&kernel->grant_map, pair_key(kernel, right, program, interface));
    for (; node != NULL; node = map_find_next(node)) {
        struct grant_row *row = CONTAINER_OF(node, struct grant_row, by_pair);
        if (row->right == right && mem_equal(row->program, program, 32) &&
            mem_equal(row->interface, interface, 32)) {
            return row;
        }
    }
    return NULL;
}

// The row that counts for that program, or NULL.
static struct grant_row *row_judge(struct kernel *kernel, enum kernel_right right,
                                   const u8 program[32], const u8 interface[32])
{
    struct grant_row *row = row_find(kernel, right, program, interface);
    if (row == NULL) {
        row = row_find(kernel, right, program, all);
    }
    return row != NULL ? row : row_find(kernel, right, all, interface);
}

static void limit_drop(struct kernel *kernel, struct grant_row *row)
{
    if (row->limit != NULL) {
        memory_give(kernel_memory(kernel), row->limit, row->limit_size);
    }
    row->limit = NULL;
    row->limit_size = 0;
}

static void row_drop(struct kernel *kernel, struct grant_row *row)
{
    limit_drop(kernel, row);
    map_remove(&kernel->grant_map, &row->by_pair);
    pool_give(&kernel->grants, row);
}

static enum err row_put(struct kernel *kernel, const struct kernel_grant *grant)
{
    if (grant->limit.size > KERNEL_GRANT_LIMIT_BYTES) {
        return ERR_LIMIT;
    }
    u8 *limit = NULL;
    if (grant->limit.size > 0) {
        limit = memory_take(kernel_memory(kernel), grant->limit.size);
        if (limit == NULL) {
            return ERR_NO_MEMORY;
        }
        mem_copy(limit, grant->limit.data, grant->limit.size);
    }
    struct grant_row *row = row_find(kernel, grant->right, grant->program, grant->interface);
    if (row == NULL) {
        row = pool_take(&kernel->grants);
        if (row == NULL) {
            if (limit != NULL) {
                memory_give(kernel_memory(kernel), limit, grant->limit.size);
            }
            return kernel->grants.used == KERNEL_GRANTS ? ERR_LIMIT : ERR_NO_MEMORY;
        }
        row->right = (u8)grant->right;
        mem_copy(row->program, grant->program, sizeof row->program);
        mem_copy(row->interface, grant->interface, sizeof row->interface);
        map_add(&kernel->grant_map, &row->by_pair,
                pair_key(kernel, grant->right, grant->program, grant->interface));
    }
    limit_drop(kernel, row);
    row->word = (u8)grant->word;
    row->is_learned = grant->is_learned;
    row->limit = limit;
    row->limit_size = (u16)grant->limit.size;
    return ERR_OK;
}

void grants_init(struct kernel *kernel)
{
    STATIC_ASSERT(KERNEL_GRANT_LIMIT_BYTES <= UINT16_MAX);
    list_init(&kernel->open_questions);
    list_init(&kernel->answered);
}

void grants_drop(struct kernel *kernel)
{
    for (u32 slot = 0; slot < kernel->grants.chunk_count * POOL_CHUNK_ITEMS; slot++) {
        struct grant_row *row = pool_at(&kernel->grants, slot);
        if (row != NULL) {
            limit_drop(kernel, row);
        }
    }
}

enum err grant_learn_locked(struct kernel *kernel, const struct kernel_grant *grant)
{
    const struct grant_row *row = row_find(kernel, grant->right, grant->program, grant->interface);
    return row != NULL && row->word != KERNEL_ASK ? ERR_EXISTS : row_put(kernel, grant);
}

// ---- who is above whom

enum err lineage_take_locked(struct kernel *kernel, struct process *parent, struct lineage **out)
{
    struct lineage *above = parent->above;
    if (parent->below == NULL) {
        const struct program *program = parent->program;
        struct lineage *same = above;
        while (same != NULL && !mem_equal(same->program, program->digest, 32)) {
            same = same->above;
        }
        if (same != NULL) {
            parent->below = above;
        } else {
            u32 depth = above == NULL ? 0 : above->depth;
            struct lineage *below = depth < KERNEL_LINEAGE ? pool_take(&kernel->lineages) : NULL;
            if (below == NULL) {
                return depth < KERNEL_LINEAGE ? ERR_NO_MEMORY : ERR_LIMIT;
            }
            below->above = above;
            below->depth = depth + 1;
            below->codec = program->codec;
            mem_copy(below->program, program->digest, sizeof below->program);
            parent->below = below;
        }
        if (above != NULL) {
            above->reference_count++;
        }
        if (parent->below != above) {
            parent->below->reference_count++;
        }
    }
    parent->below->reference_count++;
    *out = parent->below;
    return ERR_OK;
}

void lineage_give_locked(struct kernel *kernel, struct lineage *lineage)
{
    while (lineage != NULL) { // at most KERNEL_LINEAGE
        ASSERT(lineage->reference_count > 0);
        if (--lineage->reference_count > 0) {
            return;
        }
        struct lineage *above = lineage->above;
        pool_give(&kernel->lineages, lineage);
        lineage = above;
    }
}

struct grant_walk grant_walk_begin(const struct process *process)
{
    const struct process *leader = process->leader;
    return (struct grant_walk){
        .above = leader->above,
        .program = leader->program->digest,
        .codec = leader->program->codec,
    };
}

void grant_up(struct grant_walk *walk)
{
    const struct lineage *above = walk->above;
    walk->program = above == NULL ? NULL : above->program;
    walk->codec = above == NULL ? 0 : above->codec;
    walk->above = above == NULL ? NULL : above->above;
}

// ---- judging

enum kernel_word grant_word_locked(struct kernel *kernel, enum kernel_right right,
                                   const u8 program[32], const u8 interface[32])
{
    const struct grant_row *row = row_judge(kernel, right, program, interface);
    return (enum kernel_word)(row == NULL ? kernel->config.unknown[right] : row->word);
}

enum kernel_word grant_judge_locked(struct kernel *kernel, const struct process *process,
                                    enum kernel_right right, const struct definition *definition,
                                    struct grant_walk *asked)
{
    if (right == KERNEL_USE && span_equal(definition->name, kernel->system.name)) {
        return KERNEL_ALLOW; // everybody has bond 0
    }
    if (!fence_allows(process->leader->fence, definition->name)) {
        return KERNEL_DENY;
    }
    enum kernel_word word = KERNEL_ALLOW;
    struct grant_walk walk = grant_walk_begin(process);
    for (; walk.program != NULL; grant_up(&walk)) {
        const struct grant_row *row = row_judge(kernel, right, walk.program, definition->hash);
        u8 said = row == NULL ? kernel->config.unknown[right] : row->word;
        if (said == KERNEL_DENY) {
            return KERNEL_DENY;
        }
        if (said == KERNEL_ASK && word == KERNEL_ALLOW) {
            word = KERNEL_ASK;
            *asked = walk;
        }
    }
    return word;
}

void grant_refused_locked(struct kernel *kernel, const struct process *process,
                          enum kernel_right right, const struct definition *definition)
{
    if (!fence_allows(process->leader->fence, definition->name)) {
        return; // its parent's doing, which no word of the user's would change
    }
    struct grant_walk walk = grant_walk_begin(process);
    bool is_own = true;
    for (; walk.above != NULL; grant_up(&walk), is_own = false) {
        const struct grant_row *row = row_judge(kernel, right, walk.program, definition->hash);
        u8 said = row == NULL ? kernel->config.unknown[right] : row->word;
        if (said != KERNEL_ALLOW) {
            break;
        }
    }
    struct kernel_refusal refusal = {
        .right = (u8)right,
        .program = walk.program,
        .interface = definition->hash,
        .started_as = is_own ? process_started_as(process->leader) : (struct span){0},
        .name = definition->name,
    };
    refusal_note_locked(kernel, process, &refusal, walk.codec);
}

u32 grant_limits_locked(struct kernel *kernel, const struct process *process,
                        const struct definition *definition, struct span *limits)
{
    u32 count = 0;
    struct grant_walk walk = grant_walk_begin(process);
    for (; walk.program != NULL; grant_up(&walk)) {
        const struct grant_row *row = row_judge(kernel, KERNEL_USE, walk.program, definition->hash);
        if (row != NULL && row->limit_size > 0) {
            ASSERT(count <= KERNEL_LINEAGE);
            limits[count++] = span_of(row->limit, row->limit_size);
        }
    }
    return count;
}

// ---- budgets

// What the row of that program leaves a process. False: nothing.
static bool budget_read(struct kernel *kernel, const u8 program[32], struct kernel_budget *out)
{
    // No row for all interfaces counts here: a budget is not used, it is had.
    const struct grant_row *row = row_find(kernel, KERNEL_USE, program, budgets);
    row = row != NULL ? row : row_find(kernel, KERNEL_USE, all, budgets);
    if (row == NULL) {
        *out = kernel_budget_most();
        return true;
    }
    return row->word == KERNEL_ALLOW &&
           kernel_budget_parse(span_of(row->limit, row->limit_size), out, NULL) == ERR_OK;
}

enum err grant_budget_locked(struct kernel *kernel, const struct process *process,
                             const struct grant_walk *own, struct kernel_budget *out,
                             struct grant_walk *denied)
{
    struct kernel_budget budget = kernel_budget_most();
    budget.addressing = (u8)process->limits.memory;
    struct grant_walk walk = *own;
    for (bool is_own = true; walk.program != NULL; grant_up(&walk), is_own = false) {
        struct kernel_budget said;
        if (!budget_read(kernel, walk.program, &said)) {
            *denied = walk;
            return ERR_DENIED;
        }
        budget_narrow(&budget, &said, is_own);
    }
    *out = budget;
    return ERR_OK;
}

void grant_budget_refused_locked(struct kernel *kernel, const struct process *process,
                                 const struct grant_walk *own, const struct grant_walk *denied)
{
    struct kernel_refusal refusal = {
        .right = KERNEL_USE,
        .program = denied->program,
        .interface = budgets,
        .started_as =
            denied->program == own->program ? process_started_as(process) : (struct span){0},
        .name = SPAN_LITERAL(BUDGET_NAME),
    };
    refusal_note_locked(kernel, process, &refusal, denied->codec);
}

struct bond *grant_client_locked(struct kernel *kernel, const struct party *party, u64 client)
{
    struct bond *bond = pool_at(&kernel->bonds, client & (KERNEL_BONDS_ALL - 1));
    if (bond == NULL || bond->id == 0 || bond->client != client) {
        return NULL;
    }
    const struct registration *handler = bond->entry->handler;
    bool is_his = handler != NULL && handler->party == party && handler->serial == bond->told;
    return is_his ? bond : NULL;
}

// ---- rows that change

// Whether the row is, or was, the one that counts for a program and an interface.
static bool governs(struct kernel *kernel, const struct kernel_grant *row, const u8 program[32],
                    const u8 interface[32])
{
    bool is_for_all = mem_equal(row->program, all, 32);
    bool is_of_all = mem_equal(row->interface, all, 32);
    if ((!is_for_all && !mem_equal(row->program, program, 32)) ||
        (!is_of_all && !mem_equal(row->interface, interface, 32))) {
        return false;
    }
    if (!is_for_all && !is_of_all) {
        return true;
    }
    bool has_nearer = row_find(kernel, row->right, program, interface) != NULL;
    if (is_for_all) {
        has_nearer |= row_find(kernel, row->right, program, all) != NULL;
    }
    if (is_for_all && is_of_all) {
        has_nearer |= row_find(kernel, row->right, all, interface) != NULL;
    }
    return !has_nearer;
}

// Whether a change of the row can mean something for what a process has of an interface.
static bool concerns(struct kernel *kernel, const struct kernel_grant *row,
                     const struct process *process, const struct definition *definition)
{
    struct grant_walk walk = grant_walk_begin(process);
    while (walk.program != NULL && !governs(kernel, row, walk.program, definition->hash)) {
        grant_up(&walk);
    }
    return walk.program != NULL;
}

// Whoever handles what it was not chosen for is ended; that takes care of all it has.
static void registration_judge_locked(struct kernel *kernel, struct registration *registration,
                                      const struct kernel_grant *changed)
{
    if (registration == NULL || registration->party->kind != PARTY_PROCESS) {
        return;
    }
    struct process *process = party_process(registration->party);
    struct grant_walk asked;
    if (concerns(kernel, changed, process, registration->definition) &&
        grant_judge_locked(kernel, process, KERNEL_HANDLE, registration->definition, &asked) !=
            KERNEL_ALLOW) {
        process_kill_locked(kernel, process->leader);
    }
}

static void bond_judge_locked(struct kernel *kernel, struct bond *bond,
                              const struct kernel_grant *changed, bool has_new_limit)
{
    struct grant_walk asked;
    if (bond == NULL || bond->id == 0 ||
        !concerns(kernel, changed, bond->process, bond->definition)) {
        return;
    }
    // With another limit as well: its handler may have asked for the old one.
    bool is_kept = grant_judge_locked(kernel, bond->process, KERNEL_USE, bond->definition,
                                      &asked) == KERNEL_ALLOW;
    if (!is_kept || (has_new_limit && !span_equal(bond->definition->name, kernel->system.name))) {
        bond_revoke_locked(kernel, bond);
    }
}

// The lock is given back in between: whoever binds meanwhile is judged by the rows as they are now.
static void changed_locked(struct kernel *kernel, const struct kernel_grant *row,
                           bool has_new_limit)
{
    bool is_of_budgets = mem_equal(row->interface, budgets, sizeof budgets);
    consent_changed_locked(kernel);
    const struct pool *pool = row->right == KERNEL_USE ? &kernel->bonds : &kernel->registrations;
    for (u32 slot = 0; slot < pool->chunk_count * POOL_CHUNK_ITEMS; slot++) {
        if (row->right == KERNEL_USE) {
            bond_judge_locked(kernel, pool_at(pool, slot), row, has_new_limit);
        } else {
            registration_judge_locked(kernel, pool_at(pool, slot), row);
        }
        if (slot % KERNEL_SWEEP == KERNEL_SWEEP - 1) {
            kernel_unlock(kernel);
            kernel_lock(kernel);
        }
    }
    if (row->right == KERNEL_USE && is_of_budgets) {
        budgets_changed_locked(kernel);
    }
}

enum err kernel_grant_set(struct kernel *kernel, const struct kernel_grant *grant)
{
    ASSERT(grant->word <= KERNEL_ALLOW && (u32)grant->right < KERNEL_RIGHTS);
    bool is_rest = mem_equal(grant->program, all, 32) && mem_equal(grant->interface, all, 32);
    if (is_rest && grant->limit.size > 0) {
        return ERR_INVALID;
    }
    kernel_lock(kernel);
    if (is_rest) {
        kernel->config.unknown[grant->right] = (u8)grant->word;
        changed_locked(kernel, grant, false);
        kernel_unlock(kernel);
        return ERR_OK;
    }
    const struct grant_row *old = row_judge(kernel, grant->right, grant->program, grant->interface);
    struct span old_limit = old == NULL ? (struct span){0} : span_of(old->limit, old->limit_size);
    bool has_new_limit = !span_equal(old_limit, grant->limit);
    enum err err = row_put(kernel, grant);
    if (err == ERR_OK) {
        changed_locked(kernel, grant, has_new_limit);
    }
    kernel_unlock(kernel);
    return err;
}

enum err kernel_grant_forget(struct kernel *kernel, enum kernel_right right, const u8 program[32],
                             const u8 interface[32])
{
    struct kernel_grant gone = {.right = right};
    mem_copy(gone.program, program, sizeof gone.program);
    mem_copy(gone.interface, interface, sizeof gone.interface);
    kernel_lock(kernel);
    struct grant_row *row = row_find(kernel, right, program, interface);
    if (row != NULL) {
        row_drop(kernel, row);
        changed_locked(kernel, &gone, true);
    }
    kernel_unlock(kernel);
    return row == NULL ? ERR_NOT_FOUND : ERR_OK;
}

bool kernel_grant_next(struct kernel *kernel, u32 *at, struct kernel_grant *out, u8 *limit)
{
    kernel_lock(kernel);
    struct grant_row *row = NULL;
    while (row == NULL && *at < kernel->grants.chunk_count * POOL_CHUNK_ITEMS) {
        row = pool_at(&kernel->grants, (*at)++);
    }
    if (row != NULL) {
        *out = (struct kernel_grant){
            .right = (enum kernel_right)row->right,
            .word = (enum kernel_word)row->word,
            .limit = span_of(limit, row->limit_size),
            .is_learned = row->is_learned,
        };
        mem_copy(out->program, row->program, sizeof out->program);
        mem_copy(out->interface, row->interface, sizeof out->interface);
        mem_copy(limit, row->limit, row->limit_size);
    }
    kernel_unlock(kernel);
    return row != NULL;
}
