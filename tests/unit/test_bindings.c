// SPDX-License-Identifier: GPL-3.0-or-later
// Do generated bindings do what docs/interfaces.md says, on tests/golden/small.wit: bytes as
// docs/wire.md has them, lists, dispatch, definition? Their text is in tests/golden; random
// interfaces are in tests/interfaces.
#include "interfaces/shared.h"
#include "interfaces/small.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct small_item spoon = {
    .name = {(const u8 *)"spoon", 5},
    .marks = {SMALL_MARKS_READ | SMALL_MARKS_HIDDEN},
    .default_ = {.some = true, .value = -2},
    .at = {.f0 = {.x = 1, .y = -1}, .f1 = 1.5},
};
#define SPOON                                                                                      \
    "\5\0\0\0spoon" /* name */                                                                     \
    "\5"            /* marks */                                                                    \
    "\1\xfe\xff\xff\xff"                                                                           \
    "\1\0\xff\xff"                                                                                 \
    "\0\0\0\0\0\0\xf8\x3f"

static void a_call_has_the_bytes_of_the_page(void **state)
{
    (void)state;
    struct small_put_call call = {.item = spoon, .static_ = SMALL_STATIC_ON};
    u8 body[64];
    struct span expected = SPAN_LITERAL(SPOON "\1");
    assert_int_equal(small_put_encode_call(NULL, 0, &call), expected.size);
    assert_int_equal(small_put_encode_call(body, sizeof body, &call), expected.size);
    assert_memory_equal(body, expected.data, expected.size);
    struct small_put_call back;
    assert_int_equal(small_put_decode_call(expected, &back), ERR_OK);
    assert_ptr_equal(back.item.name.data, expected.data + 4); // in place
    assert_int_equal(back.item.default_.value, -2);
    assert_int_equal(back.item.at.f0.y, -1);
    assert_true(back.item.at.f1 == 1.5);
    assert_int_equal(back.static_, SMALL_STATIC_ON);
}

static void every_shorter_and_longer_body_is_refused(void **state)
{
    (void)state;
    struct span body = SPAN_LITERAL(SPOON "\1\0");
    struct small_put_call call;
    for (size_t size = 0; size <= body.size; size++) {
        enum err err = small_put_decode_call(span_slice(body, 0, size), &call);
        assert_int_equal(err, size == body.size - 1 ? ERR_OK : ERR_MALFORMED);
    }
}

static void results_have_the_bytes_of_the_page(void **state)
{
    (void)state;
    u8 body[16];
    struct small_result_u64_shared_fault put = {.ok = true, .value = 7};
    assert_int_equal(small_put_encode_result(body, sizeof body, &put), 9);
    assert_memory_equal(body, "\0\7\0\0\0\0\0\0\0", 9);
    put = (struct small_result_u64_shared_fault){.ok = false, .error = SHARED_FAULT_GONE};
    assert_int_equal(small_put_encode_result(body, sizeof body, &put), 2);
    assert_memory_equal(body, "\1\1", 2);
    assert_int_equal(SMALL_PUT_RESULT_BYTES, 9);
    struct small_result_none_string apply = {.ok = false, .error = SPAN_LITERAL("x")};
    assert_int_equal(small_apply_encode_result(body, sizeof body, &apply), 6);
    assert_memory_equal(body, "\1\1\0\0\0x", 6);
    struct small_result_none_none numbers = {.ok = true};
    assert_int_equal(small_numbers_encode_result(body, sizeof body, &numbers), 1);
    assert_int_equal(body[0], 0);
    assert_int_equal(small_nothing_encode_result(body, sizeof body), 0);
    assert_int_equal(small_nothing_decode_result(span_of(body, 0)), ERR_OK);
    assert_int_equal(small_nothing_decode_result(span_of(body, 1)), ERR_MALFORMED);
}

static void lists_are_walked_in_place(void **state)
{
    (void)state;
    const struct small_change changes[] = {
        {.kind = SMALL_CHANGE_NOTHING},
        {.kind = SMALL_CHANGE_RENAME, .as.rename = SPAN_LITERAL("fork")},
        {.kind = SMALL_CHANGE_MANY, .as.many = {.count = 1, .items = &spoon}},
    };
    const u32 letters[] = {'a', 0x10ffff};
    struct small_apply_call call = {.changes = {.count = 3, .items = changes},
                                    .letters = {.count = 2, .items = letters}};
    u8 body[128];
    u8 again[128];
    size_t size = small_apply_encode_call(body, sizeof body, &call);
    struct small_apply_call back;
    assert_int_equal(small_apply_decode_call(span_of(body, size), &back), ERR_OK);
    // a received list can be sent as it is
    assert_int_equal(small_apply_encode_call(again, sizeof again, &back), size);
    assert_memory_equal(again, body, size);
    struct small_change change;
    struct small_item item;
    u32 letter;
    assert_int_equal(back.changes.count, 3);
    assert_true(small_list_change_next(&back.changes, &change));
    assert_int_equal(change.kind, SMALL_CHANGE_NOTHING);
    assert_true(small_list_change_next(&back.changes, &change));
    assert_memory_equal(change.as.rename.data, "fork", 4);
    assert_true(small_list_change_next(&back.changes, &change));
    assert_true(small_list_item_next(&change.as.many, &item));
    assert_memory_equal(item.name.data, "spoon", 5);
    assert_false(small_list_item_next(&change.as.many, &item));
    assert_false(small_list_change_next(&back.changes, &change));
    assert_true(small_list_char_next(&back.letters, &letter));
    assert_true(small_list_char_next(&back.letters, &letter));
    assert_int_equal(letter, 0x10ffff);
    // and one made for sending is walked the same way
    assert_true(small_list_char_next(&call.letters, &letter));
    assert_int_equal(letter, 'a');
}

static void nested_lists_are_checked_whole(void **state)
{
    (void)state;
    struct small_numbers_call call;
    struct span good = SPAN_LITERAL("\1\0\0\0\2\1"
                                    "\2\0\0\0"
                                    "\1\0\0\0\1"
                                    "\2\0\0\0\0\1");
    struct span bad = SPAN_LITERAL("\1\0\0\0\2\1"
                                   "\2\0\0\0"
                                   "\1\0\0\0\1"
                                   "\2\0\0\0\0\2"); // the last bool is none
    assert_int_equal(small_numbers_decode_call(good, &call), ERR_OK);
    assert_int_equal(small_numbers_decode_call(bad, &call), ERR_MALFORMED);
    assert_int_equal(small_numbers_decode_call(good, &call), ERR_OK);
    struct small_list_bool row;
    bool value = false;
    assert_true(small_list_list_bool_next(&call.b, &row));
    assert_true(small_list_list_bool_next(&call.b, &row));
    assert_int_equal(row.count, 2);
    assert_true(small_list_bool_next(&row, &value));
    assert_false(value);
    assert_true(small_list_bool_next(&row, &value));
    assert_true(value);
    assert_false(small_list_list_bool_next(&call.b, &row));
}

// ---- dispatch

struct seen {
    u32 calls;
    u64 message;
    size_t bytes;
};

static void on_register(void *context, const struct interface_message *message,
                        const struct small_register_call *call)
{
    struct seen *seen = context;
    seen->calls++;
    seen->message = message->id;
    seen->bytes = call->bytes.size;
}

static void on_nothing(void *context, const struct interface_message *message)
{
    struct seen *seen = context;
    seen->calls++;
    seen->message = message->id;
}

static void dispatch_finds_the_function_or_says_why_not(void **state)
{
    (void)state;
    static const struct small_handler handler = {.register_ = on_register, .nothing = on_nothing};
    struct seen seen = {0};
    struct interface_message message = {
        .id = 42, .function = SMALL_REGISTER_ID, .body = SPAN_LITERAL("\3\0\0\0abc")};
    assert_int_equal(small_dispatch(&handler, &seen, &message), ERR_OK);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.message, 42);
    assert_int_equal(seen.bytes, 3);
    message.body.size--;
    assert_int_equal(small_dispatch(&handler, &seen, &message), ERR_MALFORMED);
    message.function = SMALL_NOTHING_ID; // takes an empty body only
    assert_int_equal(small_dispatch(&handler, &seen, &message), ERR_MALFORMED);
    message.body.size = 0;
    assert_int_equal(small_dispatch(&handler, &seen, &message), ERR_OK);
    assert_int_equal(seen.calls, 2);
    message.function = SMALL_PUT_ID;
    assert_int_equal(small_dispatch(&handler, &seen, &message), ERR_UNSUPPORTED);
    message.function = SMALL_PUT_ID + 1;
    assert_int_equal(small_dispatch(&handler, &seen, &message), ERR_NOT_FOUND);
    assert_int_equal(seen.calls, 2);
}

static void the_definition_hangs_together(void **state)
{
    (void)state;
    u8 functions[SMALL_FUNCTION_COUNT][32];
    u8 preimage[INTERFACE_PREIMAGE_BYTES];
    u8 hash[32];
    assert_int_equal(small_interface.function_count, SMALL_FUNCTION_COUNT);
    for (u32 i = 0; i < SMALL_FUNCTION_COUNT; i++) {
        mem_copy(functions[i], small_interface.functions[i].hash, 32);
        assert_int_equal(small_interface.functions[i].id, mem_load_u64(functions[i]));
    }
    assert_int_equal(small_interface.functions[SMALL_PUT_INDEX].id, SMALL_PUT_ID);
    assert_string_equal(small_interface.functions[SMALL_PUT_INDEX].name, "put");
    size_t size = interface_preimage(span_string(small_interface.name), (const u8(*)[32])functions,
                                     SMALL_FUNCTION_COUNT, preimage, sizeof preimage);
    crypto_hash_sha256(hash, preimage, size);
    assert_memory_equal(hash, small_interface.hash, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_has_the_bytes_of_the_page),
        cmocka_unit_test(every_shorter_and_longer_body_is_refused),
        cmocka_unit_test(results_have_the_bytes_of_the_page),
        cmocka_unit_test(lists_are_walked_in_place),
        cmocka_unit_test(nested_lists_are_checked_whole),
        cmocka_unit_test(dispatch_finds_the_function_or_says_why_not),
        cmocka_unit_test(the_definition_hangs_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
