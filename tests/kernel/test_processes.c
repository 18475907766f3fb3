// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/test_processes.c: children with streams of their own, and what their parents may do
// with them, as interfaces/processes.wit promises.
#include "core/kernel/internal.h"
#include "core/kernel/names.h"
#include "tests/kernel/children.h"
#include "tests/kernel/grants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <string.h>

enum {
    DENIED = -1000 - SYSTEM_BIND_ERROR_DENIED, // puppet_bind
    DENIED_TO_HANDLE = -1000 - SYSTEM_REGISTER_ERROR_DENIED,
};

static struct notification note;

// ---- spawning

static void a_child_is_spawned_by_cid_waited_for_and_killed(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 1);
    struct puppet *child = family_spawn(&family, family_inherit, family_inherit, family_inherit);
    child_ends(&family, child);
    assert_int_equal(family_wait_by(&family, family.shell, family.bond, child->process), 0);
    assert_int_equal(family_wait_by(&family, family.shell, family.bond, child->process),
                     NO_PROCESS);
    child = family_spawn(&family, family_inherit, family_inherit, family_inherit);
    assert_int_equal(family_kill_by(&family, family.shell, family.bond, child->process), 0);
    assert_int_equal(family_wait_by(&family, family.shell, family.bond, child->process),
                     -(i64)SYSTEM_ENDING_KILLED);
    assert_int_equal(family_kill_by(&family, family.shell, family.bond, child->process),
                     NO_PROCESS);
    stage_close(&family.stage);
}

static void a_child_is_spawned_by_name(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 2);
    struct processes_spawn_request request = family_request(&family);
    request.program =
        (struct processes_program){.kind = PROCESSES_PROGRAM_NAME, .as.name = SPAN_LITERAL("cat")};
    assert_int_equal(family_spawn_by(&family, family.shell, family.bond, &request), NO_PROGRAM);
    assert_int_equal(
        kernel_name_add(family.stage.kernel, SPAN_LITERAL("cat"), span_string(family.cid)), ERR_OK);
    i64 number = family_spawn_by(&family, family.shell, family.bond, &request);
    assert_true(number > 0);
    child_ends(&family, stage_find(&family.stage, (u64)number));
    stage_close(&family.stage);
}

// ---- streams

static void inherited_streams_go_to_the_handler(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 3);
    struct puppet *child = family_spawn(&family, family_nothing, family_inherit, family_nothing);
    u32 bond = family_bind(&family, child, &family_stdio);
    assert_int_equal(
        child_write_tell(&family, child, bond, STDIO_STREAM_OUTPUT, SPAN_LITERAL("out"), 0) > 0,
        true);
    assert_true(puppet_next(&family.stage, family.handler, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_MESSAGE);
    assert_int_equal(note.header.function, STDIO_WRITE_ID);
    struct stdio_write_call call;
    assert_int_equal(stdio_write_decode_call(span_of(note.body, note.header.body_len), &call),
                     ERR_OK);
    assert_int_equal(call.stream, STDIO_STREAM_OUTPUT);
    assert_true(span_equal(call.bytes, SPAN_LITERAL("out")));
    // Its handler is told when such a client goes, though the last it sent was for nobody.
    assert_int_equal(child_write(&family, child, bond, STDIO_STREAM_ERROR, SPAN_LITERAL("e")), 0);
    stage_kill(&family.stage, child);
    stage_settle(&family.stage, 1000);
    assert_true(puppet_next(&family.stage, family.handler, &note));
    assert_int_equal(note.header.kind, NOTIFICATION_CLIENT_GONE);
    stage_close(&family.stage);
}

static void nothing_is_at_its_end_and_swallows(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 4);
    struct puppet *child = family_spawn(&family, family_nothing, family_nothing, family_nothing);
    u32 bond = family_bind(&family, child, &family_stdio);
    assert_int_equal(child_read(&family, child, bond, 10), 0);
    assert_int_equal(child_write(&family, child, bond, STDIO_STREAM_OUTPUT, SPAN_LITERAL("out")),
                     0);
    assert_int_equal(child_write(&family, child, bond, STDIO_STREAM_ERROR, SPAN_LITERAL("err")), 0);
    assert_int_equal(child_write(&family, child, bond, STDIO_STREAM_INPUT, SPAN_LITERAL("in")),
                     STREAM_FAILED);
    for (u8 i = 0; i < 3; i++) {
        assert_int_equal(child_is_terminal(&family, child, bond, i), 0);
    }
    assert_false(puppet_next(&family.stage, family.handler, &note));
    stage_close(&family.stage);
}

// ---- what a child is left

static i64 spawn_within(struct family *family, struct puppet *parent, u32 bond,
                        const struct span *names, u32 count)
{
    struct processes_spawn_request request = family_request(family);
    request.only = (struct processes_option_list_string){true, {.count = count, .items = names}};
    return family_spawn_by(family, parent, bond, &request);
}

static void a_fence_leaves_a_child_what_it_names(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 10);
    const struct span names[] = {SPAN_LITERAL("redshirt:test/puppet"), SPAN_LITERAL(PROCESSES_NAME),
                                 SPAN_LITERAL("test:no/such")};
    i64 number = spawn_within(&family, family.shell, family.bond, names, 3);
    assert_true(number > 0);
    struct puppet *child = stage_find(&family.stage, (u64)number);
    assert_int_equal(puppet_bind(&family.stage, child, &family_stdio, false), DENIED);
    assert_int_equal(puppet_register(&family.stage, child, &family_alpha), DENIED_TO_HANDLE);
    u32 bond = family_bind(&family, child, &family_processes);
    // Who it starts is behind the fence as well, however it is started and whatever is asked for.
    number = puppet_spawn(&family.stage, child, span_string(family.cid));
    assert_true(number > 0);
    struct puppet *grandchild = stage_find(&family.stage, (u64)number);
    assert_int_equal(puppet_bind(&family.stage, grandchild, &family_stdio, false), DENIED);
    const struct span wider[] = {SPAN_LITERAL(STDIO_NAME), SPAN_LITERAL("redshirt:test/puppet")};
    number = spawn_within(&family, child, bond, wider, 2);
    assert_true(number > 0);
    grandchild = stage_find(&family.stage, (u64)number);
    assert_int_equal(puppet_bind(&family.stage, grandchild, &family_stdio, false), DENIED);
    assert_int_equal(puppet_bind(&family.stage, grandchild, &family_processes, false), DENIED);
    // No fence of its own, and none above it: all that is granted.
    number = spawn_within(&family, family.shell, family.bond, wider, 2);
    struct puppet *other = stage_find(&family.stage, (u64)number);
    (void)family_bind(&family, other, &family_stdio);
    stage_close(&family.stage);
}

static void a_fence_gives_nothing_that_was_not_granted(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 11);
    const struct span names[] = {SPAN_LITERAL("redshirt:test/puppet"), SPAN_LITERAL(STDIO_NAME)};
    grants_say(&family.stage, KERNEL_USE, KERNEL_DENY, family.cid, &family_stdio, "");
    i64 number = spawn_within(&family, family.shell, family.bond, names, 2);
    assert_true(number > 0);
    struct puppet *child = stage_find(&family.stage, (u64)number);
    assert_int_equal(puppet_bind(&family.stage, child, &family_stdio, false), DENIED);
    stage_close(&family.stage);
}

static void limit_of_a_fence(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 12);
    static char longest[INTERFACE_NAME_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    struct span names[KERNEL_FENCE_NAMES + 1];
    for (u32 i = 0; i <= KERNEL_FENCE_NAMES; i++) {
        names[i] = span_of(longest, INTERFACE_NAME_BYTES);
    }
    names[0] = SPAN_LITERAL("redshirt:test/puppet");
    names[1] = span_of(longest, sizeof longest); // no interface has such a name
    i64 number = spawn_within(&family, family.shell, family.bond, names, KERNEL_FENCE_NAMES);
    assert_true(number > 0);
    struct puppet *child = stage_find(&family.stage, (u64)number);
    assert_int_equal(puppet_bind(&family.stage, child, &family_stdio, false), DENIED);
    assert_int_equal(
        spawn_within(&family, family.shell, family.bond, names, KERNEL_FENCE_NAMES + 1), TOO_MUCH);
    stage_close(&family.stage);
}

// ---- who is whose

// A child of a puppet that has a bond to processes; the child gets one, too.
static struct puppet *child_of(struct family *family, struct puppet *parent, u32 bond, u32 *own)
{
    struct processes_spawn_request request = family_request(family);
    i64 number = family_spawn_by(family, parent, bond, &request);
    assert_true(number > 0);
    struct puppet *child = stage_find(&family->stage, (u64)number);
    *own = family_bind(family, child, &family_processes);
    return child;
}

// How many there are above that number in one answer, which lists them at `out`.
static u32 descendants(struct family *family, struct puppet *puppet, u32 bond, u64 after,
                       u64 out[KERNEL_DESCENDANTS])
{
    struct processes_descendants_call call = {after};
    size_t size = processes_descendants_encode_call(family_room, sizeof family_room, &call);
    i64 sent = family_tell(family, puppet, bond, PROCESSES_DESCENDANTS_ID, size, SEND_WAIT);
    struct processes_list_descendant list;
    struct processes_descendant item;
    struct span body = puppet_peek(&family->stage, puppet, puppet->area, (u32)sent);
    assert_int_equal(processes_descendants_decode_result(body, &list), ERR_OK);
    u32 count = 0;
    while (processes_list_descendant_next(&list, &item)) {
        assert_true(count < KERNEL_DESCENDANTS && item.process > after);
        assert_true(span_equal(item.program, span_string(family->cid)));
        out[count++] = item.process;
    }
    return count;
}

static void descendants_are_listed_and_killed_by_who_is_above_them(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 13);
    u64 seen[KERNEL_DESCENDANTS];
    u32 bonds[4];
    struct puppet *child = child_of(&family, family.shell, family.bond, &bonds[0]);
    struct puppet *sibling = child_of(&family, family.shell, family.bond, &bonds[1]);
    struct puppet *grandchild = child_of(&family, child, bonds[0], &bonds[2]);
    struct puppet *last = child_of(&family, grandchild, bonds[2], &bonds[3]);
    assert_int_equal(descendants(&family, family.shell, family.bond, 0, seen), 4);
    assert_int_equal(seen[3], last->process);
    assert_int_equal(descendants(&family, family.shell, family.bond, seen[1], seen), 2);
    assert_int_equal(descendants(&family, child, bonds[0], 0, seen), 2);
    assert_int_equal(seen[0], grandchild->process);
    assert_int_equal(descendants(&family, sibling, bonds[1], 0, seen), 0);
    // One that ends, on another worker, is told of no more: its name is being freed.
    struct process *ends = process_find_locked(family.stage.kernel, child->process);
    ends->is_ending = true;
    assert_int_equal(descendants(&family, family.shell, family.bond, 0, seen), 3);
    ends->is_ending = false;
    const u64 not_his[] = {0,
                           UINT64_MAX,
                           sibling->process,
                           child->process,
                           family.shell->process,
                           family.handler->process};
    for (u32 i = 0; i < COUNT_OF(not_his); i++) {
        assert_int_equal(family_kill_by(&family, child, bonds[0], not_his[i]), NO_PROCESS);
        assert_int_equal(family_wait_by(&family, child, bonds[0], not_his[i]), NO_PROCESS);
    }
    assert_int_equal(family_kill_by(&family, child, bonds[0], last->process), 0);
    stage_settle(&family.stage, 1000);
    assert_true(last->has_ended);
    assert_int_equal(family_wait_by(&family, child, bonds[0], last->process), NO_PROCESS);
    // One whose parent has ended is known to the first of them all, and to nobody else.
    stage_kill(&family.stage, child);
    stage_settle(&family.stage, 1000);
    assert_int_equal(descendants(&family, family.shell, family.bond, 0, seen), 2);
    assert_int_equal(seen[1], grandchild->process);
    assert_int_equal(family_kill_by(&family, sibling, bonds[1], grandchild->process), NO_PROCESS);
    assert_int_equal(family_kill_by(&family, family.shell, family.bond, grandchild->process), 0);
    stage_settle(&family.stage, 1000);
    assert_true(grandchild->has_ended);
    assert_int_equal(family_kill_by(&family, family.shell, family.bond, child->process), 0);
    assert_int_equal(family_wait_by(&family, family.shell, family.bond, child->process),
                     -(i64)SYSTEM_ENDING_KILLED);
    stage_close(&family.stage);
}

static void limit_of_generations(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 14);
    family.stage.check = false;
    u32 top_bond;
    struct puppet *top = child_of(&family, family.shell, family.bond, &top_bond);
    struct puppet *line[KERNEL_GENERATIONS + 3] = {top};
    u32 bond = top_bond;
    for (u32 i = 1; i < COUNT_OF(line); i++) {
        line[i] = child_of(&family, line[i - 1], bond, &bond);
    }
    u32 last = KERNEL_GENERATIONS + 1; // its parent is as many steps from the first
    assert_int_equal(family_kill_by(&family, top, top_bond, line[last + 1]->process), NO_PROCESS);
    assert_int_equal(family_kill_by(&family, top, top_bond, line[last]->process), 0);
    stage_settle(&family.stage, 1000);
    assert_true(line[last]->has_ended);
    stage_close(&family.stage);
}

static void limit_of_descendants_in_an_answer(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 15);
    family.stage.check = false;
    u64 seen[KERNEL_DESCENDANTS];
    u32 all = 2 * KERNEL_DESCENDANTS + 3;
    for (u32 i = 0; i < all; i++) {
        struct processes_spawn_request request = family_request(&family);
        assert_true(family_spawn_by(&family, family.shell, family.bond, &request) > 0);
        (void)stage_start(&family.stage, family.cid); // of another family
    }
    u32 count = 0;
    u64 after = 0;
    for (u32 got; (got = descendants(&family, family.shell, family.bond, after, seen)) > 0;) {
        count += got;
        after = seen[got - 1];
    }
    assert_int_equal(count, all);
    stage_close(&family.stage);
}

static void one_waits_for_a_child_at_a_time(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 16);
    struct puppet *child = family_spawn(&family, family_inherit, family_inherit, family_inherit);
    struct processes_wait_call call = {child->process};
    size_t size = processes_wait_encode_call(family_room, sizeof family_room, &call);
    i64 id = family_tell(&family, family.shell, family.bond, PROCESSES_WAIT_ID, size, 0);
    assert_true(id > 0);
    assert_int_equal(family_wait_by(&family, family.shell, family.bond, child->process),
                     BEING_WAITED_FOR);
    stage_kill(&family.stage, child);
    assert_true(puppet_next(&family.stage, family.shell, &note));
    assert_int_equal(note.header.id, id);
    assert_int_equal(note.body[0], 0);
    assert_int_equal(note.body[1], SYSTEM_ENDING_KILLED);
    stage_close(&family.stage);
}

// Nothing that the interface answers later outlives the right to it.
static void a_right_that_is_revoked_ends_what_is_waited_for(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 17);
    struct puppet *child = family_spawn(&family, family_inherit, family_inherit, family_inherit);
    struct processes_wait_call call = {child->process};
    size_t size = processes_wait_encode_call(family_room, sizeof family_room, &call);
    i64 id = family_tell(&family, family.shell, family.bond, PROCESSES_WAIT_ID, size, 0);
    assert_true(id > 0);
    grants_say(&family.stage, KERNEL_USE, KERNEL_DENY, family.cid, &family_processes, "");
    assert_true(puppet_next(&family.stage, family.shell, &note));
    assert_int_equal(note.header.id, id);
    assert_int_equal(note.header.flags, NOTIFICATION_IS_ERROR);
    assert_int_equal(mem_load_u32(note.body), -E_DENIED);
    assert_int_equal(family_wait_by(&family, family.shell, family.bond, child->process), E_HANDLE);
    assert_int_equal(puppet_kill(&family.stage, family.shell, child->process), 0);
    assert_int_equal(puppet_await_end(&family.stage, family.shell, child->process), -2);
    stage_close(&family.stage);
}

// ---- names

static u32 names(struct family *family, const char *prefix, struct span *first, struct span *last)
{
    struct processes_names_call call = {span_string(prefix)};
    size_t size = processes_names_encode_call(family_room, sizeof family_room, &call);
    i64 sent =
        family_tell(family, family->shell, family->bond, PROCESSES_NAMES_ID, size, SEND_WAIT);
    struct processes_list_string list;
    struct span body = puppet_peek(&family->stage, family->shell, family->shell->area, (u32)sent);
    assert_int_equal(processes_names_decode_result(body, &list), ERR_OK);
    u32 count = list.count;
    struct span name;
    *first = (struct span){0};
    for (u32 i = 0; processes_list_string_next(&list, &name); i++) {
        *(i == 0 ? first : last) = name;
    }
    return count;
}

static enum err add_name(struct family *family, const char *name)
{
    return kernel_name_add(family->stage.kernel, span_string(name), span_string(family->cid));
}

static void names_are_listed_in_order(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 18);
    struct span first;
    struct span last;
    assert_int_equal(names(&family, "", &first, &last), 0);
    const char *const added[] = {"tail", "head", "cat", "top", "tac", "cat", "ta"};
    for (u32 i = 0; i < COUNT_OF(added); i++) {
        assert_int_equal(add_name(&family, added[i]), ERR_OK);
    }
    assert_int_equal(names(&family, "", &first, &last), 6);
    assert_true(span_equal(first, SPAN_LITERAL("cat")) && span_equal(last, SPAN_LITERAL("top")));
    assert_int_equal(names(&family, "ta", &first, &last), 3);
    assert_true(span_equal(first, SPAN_LITERAL("ta")) && span_equal(last, SPAN_LITERAL("tail")));
    assert_int_equal(names(&family, "tai", &first, &last), 1);
    assert_int_equal(names(&family, "tails", &first, &last), 0);
    assert_int_equal(names(&family, "zz", &first, &last), 0);
    stage_close(&family.stage);
}

static void names_are_refused(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 19);
    char longest[KERNEL_PROGRAM_NAME_BYTES + 2];
    memset(longest, 'n', sizeof longest);
    longest[KERNEL_PROGRAM_NAME_BYTES + 1] = 0;
    const char *const wrong[] = {"", "a/b", "a b", "\x1b[2J", "\xc3\xa4", "a\n", longest};
    for (u32 i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(add_name(&family, wrong[i]), ERR_INVALID);
    }
    longest[KERNEL_PROGRAM_NAME_BYTES] = 0;
    assert_int_equal(add_name(&family, longest), ERR_OK);
    assert_int_equal(kernel_name_add(family.stage.kernel, SPAN_LITERAL("x"), SPAN_LITERAL("bafy")),
                     ERR_INVALID);
    stage_close(&family.stage);
}

static void limit_of_names(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 20);
    char name[16];
    for (u32 i = 0; i < KERNEL_NAMES; i++) {
        (void)snprintf(name, sizeof name, "%c%u", i < 2 ? 'a' : 'b', i * 7919 % 10000);
        assert_int_equal(add_name(&family, name), ERR_OK);
    }
    assert_int_equal(add_name(&family, "one-more"), ERR_LIMIT);
    assert_int_equal(add_name(&family, "a0"), ERR_OK); // it is there
    struct span first;
    struct span last;
    assert_int_equal(names(&family, "", &first, &last), KERNEL_NAMES_TOLD);
    assert_true(span_equal(first, SPAN_LITERAL("a0")));
    assert_int_equal(names(&family, "a", &first, &last), 2);
    stage_close(&family.stage);
}

// ---- whatever is sent

static void bodies_that_say_nothing_are_refused(void **state)
{
    (void)state;
    static const u64 functions[] = {
        PROCESSES_SPAWN_ID, PROCESSES_WAIT_ID,  PROCESSES_KILL_ID,
        PROCESSES_PIPE_ID,  PROCESSES_READ_ID,  PROCESSES_WRITE_ID,
        PROCESSES_CLOSE_ID, PROCESSES_NAMES_ID, PROCESSES_DESCENDANTS_ID};
    static const u64 streams[] = {STDIO_READ_ID, STDIO_WRITE_ID, STDIO_IS_TERMINAL_ID};
    struct family family;
    family_open(&family, 21);
    struct puppet *child = family_spawn(&family, family_nothing, family_nothing, family_nothing);
    u32 stdio = family_bind(&family, child, &family_stdio);
    memset(family_room, 0, sizeof family_room);
    family_room[0] = 1; // the output
    for (u32 i = 0; i < COUNT_OF(functions) + COUNT_OF(streams); i++) {
        bool is_stream = i >= COUNT_OF(functions);
        struct puppet *puppet = is_stream ? child : family.shell;
        i64 sent =
            family_tell(&family, puppet, is_stream ? stdio : family.bond,
                        is_stream ? streams[i - COUNT_OF(functions)] : functions[i], 3, SEND_WAIT);
        assert_int_equal(family_result(&family, puppet, sent), E_MALFORMED);
        assert_int_equal(family_tell(&family, puppet, is_stream ? stdio : family.bond,
                                     is_stream ? streams[i - COUNT_OF(functions)] : functions[i], 3,
                                     SEND_NO_ANSWER),
                         0);
    }
    stage_close(&family.stage);
}

// What nobody wants an answer to happens, or not, and leaves nothing.
static void calls_without_answers(void **state)
{
    (void)state;
    struct family family;
    family_open(&family, 22);
    struct family_ends ends = family_pipe(&family);
    struct processes_spawn_call call = {family_request(&family)};
    size_t size = processes_spawn_encode_call(family_room, sizeof family_room, &call);
    assert_int_equal(
        family_tell(&family, family.shell, family.bond, PROCESSES_SPAWN_ID, size, SEND_NO_ANSWER),
        0);
    assert_int_equal(
        family_tell(&family, family.shell, family.bond, PROCESSES_PIPE_ID, 0, SEND_NO_ANSWER), 0);
    struct processes_read_call read = {ends.reader, 10};
    size = processes_read_encode_call(family_room, sizeof family_room, &read);
    assert_int_equal(
        family_tell(&family, family.shell, family.bond, PROCESSES_READ_ID, size, SEND_NO_ANSWER),
        0);
    assert_int_equal(family_write(&family, ends.writer, SPAN_LITERAL("kept")), 0);
    family_expect(family_read(&family, ends.reader, 10), "kept");
    u64 seen[KERNEL_DESCENDANTS];
    assert_int_equal(descendants(&family, family.shell, family.bond, 0, seen), 1);
    stage_close(&family.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_spawned_by_cid_waited_for_and_killed),
        cmocka_unit_test(a_child_is_spawned_by_name),
        cmocka_unit_test(inherited_streams_go_to_the_handler),
        cmocka_unit_test(nothing_is_at_its_end_and_swallows),
        cmocka_unit_test(a_fence_leaves_a_child_what_it_names),
        cmocka_unit_test(a_fence_gives_nothing_that_was_not_granted),
        cmocka_unit_test(limit_of_a_fence),
        cmocka_unit_test(descendants_are_listed_and_killed_by_who_is_above_them),
        cmocka_unit_test(limit_of_generations),
        cmocka_unit_test(limit_of_descendants_in_an_answer),
        cmocka_unit_test(one_waits_for_a_child_at_a_time),
        cmocka_unit_test(a_right_that_is_revoked_ends_what_is_waited_for),
        cmocka_unit_test(names_are_listed_in_order),
        cmocka_unit_test(names_are_refused),
        cmocka_unit_test(limit_of_names),
        cmocka_unit_test(bodies_that_say_nothing_are_refused),
        cmocka_unit_test(calls_without_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
