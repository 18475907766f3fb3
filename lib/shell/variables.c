// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/shell/variables.h"
#include "core/base/assert.h"
#include "lib/shell/characters.h"

void variables_init(struct variables *variables)
{
    variables->count = 0;
    variables->size = 0;
}

struct span variables_entry(const struct variables *variables, u32 index)
{
    ASSERT(index < variables->count);
    return span_of(variables->bytes + variables->items[index].offset, variables->items[index].size);
}

// Its index, or `count`.
static u32 find(const struct variables *variables, struct span name)
{
    u32 index = 0;
    while (index < variables->count) {
        struct span entry = variables_entry(variables, index);
        if (span_equal(span_slice(entry, 0, variables->items[index].name_size), name)) {
            break;
        }
        index++;
    }
    return index;
}

static void take_out(struct variables *variables, u32 index)
{
    struct variable gone = variables->items[index];
    u32 end = gone.offset + gone.size;
    mem_move(variables->bytes + gone.offset, variables->bytes + end, variables->size - end);
    variables->size -= gone.size;
    variables->count--;
    for (u32 i = index; i < variables->count; i++) {
        variables->items[i] = variables->items[i + 1];
        variables->items[i].offset -= gone.size;
    }
}

static bool has_zero(struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] == 0) {
            return true;
        }
    }
    return false;
}

enum err variables_set(struct variables *variables, struct span name, struct span value,
                       bool is_exported)
{
    if (name.size == 0 || name_size(name) != name.size) {
        return ERR_MALFORMED;
    }
    if (has_zero(value)) {
        return ERR_INVALID;
    }
    u32 index = find(variables, name);
    bool is_there = index < variables->count;
    u32 freed = is_there ? variables->items[index].size : 0;
    u32 room = SHELL_VARIABLE_BYTES - variables->size + freed;
    if (name.size > SHELL_NAME_BYTES || (!is_there && variables->count == SHELL_VARIABLES) ||
        value.size > SHELL_VARIABLE_BYTES || name.size + 1 + value.size > room) {
        return ERR_LIMIT;
    }
    ASSERT(value.data < variables->bytes || value.data >= variables->bytes + SHELL_VARIABLE_BYTES);
    if (is_there) {
        is_exported = is_exported || variables->items[index].is_exported;
        take_out(variables, index);
    }
    struct variable *item = &variables->items[variables->count++];
    *item = (struct variable){variables->size, (u32)(name.size + 1 + value.size), (u32)name.size,
                              is_exported};
    u8 *at = variables->bytes + item->offset;
    mem_copy(at, name.data, name.size);
    at[name.size] = '=';
    mem_copy(at + name.size + 1, value.data, value.size);
    variables->size += item->size;
    return ERR_OK;
}

enum err variables_assign(struct variables *variables, struct span assignment, bool is_exported)
{
    size_t size = name_size(assignment);
    if (size == 0 || size == assignment.size || assignment.data[size] != '=') {
        return ERR_MALFORMED;
    }
    return variables_set(variables, span_slice(assignment, 0, size),
                         span_slice(assignment, size + 1, assignment.size), is_exported);
}

bool variables_get(const struct variables *variables, struct span name, struct span *value)
{
    u32 index = find(variables, name);
    if (index == variables->count) {
        return false;
    }
    struct span entry = variables_entry(variables, index);
    *value = span_slice(entry, variables->items[index].name_size + 1, entry.size);
    return true;
}

void variables_unset(struct variables *variables, struct span name)
{
    u32 index = find(variables, name);
    if (index < variables->count) {
        take_out(variables, index);
    }
}
