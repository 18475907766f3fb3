// SPDX-License-Identifier: GPL-3.0-or-later
// Uses redshirt:io/files as its arguments say, one call each, and prints a line for each; the tests
// in tests/hosted/test_files.py compare. Words of an argument are separated by blanks: the call,
// then mostly the number of a handle (in the order they were opened; `x` is one of nobody) and a
// path, in which + is a blank.
#include "interfaces/files.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/files_client.h"
#include "interfaces/files_section.h"
#include "programs/rt/redshirt.h"

enum { BUFFER_BYTES = 65536 + 4096 + 64, HANDLES = 2048, WORDS = 6, NOBODYS = 987654 };

static u8 buffer[BUFFER_BYTES];
static u8 bytes[BUFFER_BYTES];
static u64 handles[HANDLES];
static u32 handle_count;
static u32 bond;

static const char *const errors[] = {
    "denied",    "not-open", "wrong-mode", "read-only",   "no-access", "not-permitted",
    "not-found", "exists",   "not-folder", "is-folder",   "not-empty", "loop",
    "bad-name",  "too-long", "invalid",    "too-large",   "no-space",  "other-device",
    "too-many",  "busy",     "limit",      "unsupported", "failed",
};
static const char *const kinds[] = {
    "unknown", "file", "folder", "link", "block-device", "character-device", "pipe", "socket",
};

// ---- words

static struct span words[WORDS];

static void words_take(struct span text)
{
    u32 count = 0;
    size_t start = 0;
    for (u32 i = 0; i < WORDS; i++) {
        words[i] = (struct span){0};
    }
    for (size_t i = 0; i <= text.size && count < WORDS; i++) {
        if (i == text.size || text.data[i] == ' ') {
            words[count++] = span_slice(text, start, i);
            start = i + 1;
        }
    }
}

static bool is_word(u32 index, const char *word)
{
    return span_equal(words[index], span_string(word));
}

static bool has(u32 index, char letter)
{
    for (size_t i = 0; i < words[index].size; i++) {
        if (words[index].data[i] == (u8)letter) {
            return true;
        }
    }
    return false;
}

static u64 number(u32 index)
{
    u64 value = 0;
    for (size_t i = 0; i < words[index].size; i++) {
        value = value * 10 + (u64)(words[index].data[i] - '0');
    }
    return value;
}

static u64 handle(u32 index)
{
    u64 at = number(index);
    return is_word(index, "x") || at >= handle_count ? NOBODYS : handles[at];
}

// A path: + is a blank, ~ a zero, ^ a byte that no UTF-8 has; *N is N times `a`.
static struct span path(u32 index, u8 *to)
{
    struct span word = words[index];
    if (word.size > 0 && word.data[0] == '*') {
        words[index] = span_slice(word, 1, word.size);
        size_t size = number(index);
        for (size_t i = 0; i < size; i++) {
            to[i] = i % 100 == 99 ? '/' : 'a';
        }
        return span_of(to, size);
    }
    for (size_t i = 0; i < word.size; i++) {
        u8 byte = word.data[i];
        to[i] = byte == '+' ? ' ' : byte == '~' ? 0 : byte == '^' ? 0xff : byte;
    }
    return span_of(to, word.size);
}

// ---- what came of it

static void print_error(i64 error, enum files_error code)
{
    (void)rt_print(error < 0 ? rt_error_name(error) : errors[code]);
}

static void print_number(const char *before, u64 value)
{
    char digits[64];
    struct text text = text_over(digits, sizeof digits);
    text_string(&text, before);
    text_u64(&text, value);
    (void)rt_print(digits);
}

static void print_none(i64 error, const struct files_result_none_error *result)
{
    if (error >= 0 && result->ok) {
        (void)rt_print("ok");
    } else {
        print_error(error, result->error);
    }
}

static void print_about(i64 error, const struct files_result_about_error *result)
{
    if (error < 0 || !result->ok) {
        print_error(error, result->error);
        return;
    }
    (void)rt_print(kinds[result->value.kind]);
    print_number(" ", result->value.size);
    print_number(" ", result->value.accessed);
    print_number(" ", result->value.modified);
}

static void keep(u64 number)
{
    if (handle_count < HANDLES) {
        handles[handle_count++] = number;
    }
}

// ---- calls

static void do_folders(void)
{
    struct files_result_list_granted_error result;
    struct files_granted granted;
    i64 error = files_folders(bond, buffer, sizeof buffer, &result);
    if (error < 0 || !result.ok) {
        print_error(error, result.error);
        return;
    }
    print_number("", result.value.count);
    while (files_list_granted_next(&result.value, &granted)) {
        keep(granted.folder);
        (void)rt_print(" ");
        (void)rt_print_span(granted.name);
        (void)rt_print(granted.read_only ? ":ro" : "");
    }
}

// r, w, c(reate), x (exclusive), t(runcate), d (a folder), f(ollow)
static bool open_one(void)
{
    static const char letters[] = "rwcxtdf";
    struct files_open_call call = {handle(1), path(2, bytes), {0}};
    for (u32 i = 0; letters[i] != 0; i++) {
        call.how.bits |= has(3, letters[i]) ? (u8)(1 << i) : 0;
    }
    struct files_result_opened_error result;
    i64 error = files_open(bond, buffer, sizeof buffer, &call, &result);
    if (error < 0 || !result.ok) {
        print_error(error, result.error);
        return false;
    }
    keep(result.value.handle);
    (void)rt_print(kinds[result.value.kind]);
    return true;
}

// Opens until that fails: how many were opened.
static void do_many(void)
{
    struct span saved[WORDS];
    mem_copy(saved, words, sizeof saved);
    u32 count = 0;
    while (count < HANDLES && open_one()) {
        mem_copy(words, saved, sizeof saved);
        (void)rt_print(" ");
        count++;
    }
    print_number(" ", count);
}

static void do_read(void)
{
    struct files_read_call call = {handle(1), number(2), (u32)number(3)};
    struct files_result_bytes_error result;
    i64 error = files_read(bond, buffer, sizeof buffer, &call, &result);
    if (error < 0 || !result.ok) {
        print_error(error, result.error);
    } else if (result.value.size > 100) {
        print_number("bytes ", result.value.size);
    } else {
        (void)rt_print("=");
        (void)rt_print_span(result.value);
    }
}

// The word, or *N: N times a letter.
static void do_write(void)
{
    struct files_write_call call = {handle(1), number(2), {0}, path(4, bytes)};
    call.writing.bits = (u8)((has(3, 'a') ? 1 : 0) | (has(3, 'd') ? 2 : 0) | (has(3, 's') ? 4 : 0));
    struct files_result_written_error result;
    i64 error = files_write(bond, buffer, sizeof buffer, &call, &result);
    if (error < 0 || !result.ok) {
        print_error(error, result.error);
        return;
    }
    print_number("", result.value.count);
    print_number(" to ", result.value.position);
}

// Each name with the letter of its kind, all pages of `max` bytes; then how many pages.
static void do_list(void)
{
    struct files_list_call call = {handle(1), number(2), (u32)number(3)};
    u32 pages = 0;
    for (;;) {
        struct files_result_list_entry_error result;
        struct files_entry entry;
        i64 error = files_list(bond, buffer, sizeof buffer, &call, &result);
        if (error < 0 || !result.ok) {
            print_error(error, result.error);
            return;
        }
        if (result.value.count == 0) {
            break;
        }
        pages++;
        while (files_list_entry_next(&result.value, &entry)) {
            call.next = entry.next;
            (void)rt_print_span(entry.name);
            (void)rt_print(":");
            (void)rt_print(kinds[entry.kind]);
            (void)rt_print(" ");
        }
    }
    print_number("pages ", pages);
}

static struct files_change change(u32 index)
{
    struct files_change change = {.kind = FILES_CHANGE_KEEP};
    if (is_word(index, "now")) {
        change.kind = FILES_CHANGE_NOW;
    } else if (!is_word(index, "keep")) {
        change.kind = FILES_CHANGE_TO;
        change.as.to = number(index);
    }
    return change;
}

// Sends many calls, takes no answer, and ends in the middle of it.
static void do_leave(void)
{
    struct files_open_call call = {handle(1), path(2, bytes), {FILES_HOW_READ}};
    for (u32 i = 0; i < 60; i++) {
        size_t size = files_open_encode_call(buffer, sizeof buffer, &call);
        (void)rt_send(bond, FILES_OPEN_ID, buffer, (u32)size);
        (void)rt_send(bond, FILES_FOLDERS_ID, buffer, 0);
    }
    rt_exit(0);
}

// Keeps what it has until it is killed.
static void do_stay(void)
{
    for (;;) {
        struct rt_event event;
        rt_next(&event);
    }
}

// Sends as many calls at once: how many were done, and how many were too many.
static void do_flood(void)
{
    struct files_sync_call call = {handle(1), false};
    u64 count = number(2);
    u64 done = 0;
    u64 refused = 0;
    for (u64 i = 0; i < count; i++) {
        size_t size = files_sync_encode_call(buffer, sizeof buffer, &call);
        (void)rt_send(bond, FILES_SYNC_ID, buffer, (u32)size);
    }
    for (u64 i = 0; i < count; i++) {
        struct rt_event event;
        struct files_result_none_error result;
        rt_next(&event);
        bool is_good = event.error == 0 && files_sync_decode_result(event.body, &result) == ERR_OK;
        done += is_good && result.ok ? 1 : 0;
        refused += is_good && !result.ok && result.error == FILES_ERROR_LIMIT ? 1 : 0;
    }
    print_number("", done);
    print_number(" ", refused);
}

static bool do_handle_call(void)
{
    struct files_result_none_error result;
    i64 error;
    if (is_word(0, "close")) {
        struct files_close_call call = {handle(1)};
        error = files_close(bond, &call, &result);
    } else if (is_word(0, "resize")) {
        struct files_resize_call call = {handle(1), number(2)};
        error = files_resize(bond, &call, &result);
    } else if (is_word(0, "allocate")) {
        struct files_allocate_call call = {handle(1), number(2), number(3)};
        error = files_allocate(bond, &call, &result);
    } else if (is_word(0, "advise")) {
        struct files_advise_call call = {handle(1), number(2), number(3), FILES_ADVICE_RANDOM};
        error = files_advise(bond, &call, &result);
    } else if (is_word(0, "sync")) {
        struct files_sync_call call = {handle(1), has(2, 'd')};
        error = files_sync(bond, &call, &result);
    } else if (is_word(0, "times")) {
        struct files_set_times_call call = {handle(1), change(2), change(3)};
        error = files_set_times(bond, &call, &result);
    } else {
        return false;
    }
    print_none(error, &result);
    return true;
}

static bool do_path_call(void)
{
    static u8 second[8192];
    struct files_result_none_error result;
    i64 error;
    if (is_word(0, "path-times")) {
        struct files_path_set_times_call call = {handle(1), path(2, bytes), has(3, 'f'), change(4),
                                                 change(5)};
        error = files_path_set_times(bond, buffer, sizeof buffer, &call, &result);
    } else if (is_word(0, "mkdir")) {
        struct files_create_folder_call call = {handle(1), path(2, bytes)};
        error = files_create_folder(bond, buffer, sizeof buffer, &call, &result);
    } else if (is_word(0, "rmdir")) {
        struct files_remove_folder_call call = {handle(1), path(2, bytes)};
        error = files_remove_folder(bond, buffer, sizeof buffer, &call, &result);
    } else if (is_word(0, "remove")) {
        struct files_remove_file_call call = {handle(1), path(2, bytes)};
        error = files_remove_file(bond, buffer, sizeof buffer, &call, &result);
    } else if (is_word(0, "rename")) {
        struct files_rename_call call = {handle(1), path(2, bytes), handle(3), path(4, second)};
        error = files_rename(bond, buffer, sizeof buffer, &call, &result);
    } else if (is_word(0, "link")) {
        struct files_link_call call = {handle(1), path(2, bytes), handle(3), path(4, second)};
        error = files_link(bond, buffer, sizeof buffer, &call, &result);
    } else if (is_word(0, "symlink")) {
        struct files_create_link_call call = {handle(1), path(2, bytes), path(3, second)};
        error = files_create_link(bond, buffer, sizeof buffer, &call, &result);
    } else {
        return false;
    }
    print_none(error, &result);
    return true;
}

static void do_read_link(void)
{
    struct files_read_link_call call = {handle(1), path(2, bytes)};
    struct files_result_bytes_error result;
    i64 error = files_read_link(bond, buffer, sizeof buffer, &call, &result);
    if (error < 0 || !result.ok) {
        print_error(error, result.error);
    } else {
        (void)rt_print_span(result.value);
    }
}

static void do_call(void)
{
    struct files_result_about_error about;
    if (is_word(0, "folders")) {
        do_folders();
    } else if (is_word(0, "open")) {
        (void)open_one();
    } else if (is_word(0, "many")) {
        do_many();
    } else if (is_word(0, "read")) {
        do_read();
    } else if (is_word(0, "write")) {
        do_write();
    } else if (is_word(0, "list")) {
        do_list();
    } else if (is_word(0, "read-link")) {
        do_read_link();
    } else if (is_word(0, "leave")) {
        do_leave();
    } else if (is_word(0, "stay")) {
        do_stay();
    } else if (is_word(0, "flood")) {
        do_flood();
    } else if (is_word(0, "status")) {
        struct files_status_call call = {handle(1)};
        i64 error = files_status(bond, &call, &about);
        print_about(error, &about);
    } else if (is_word(0, "path-status")) {
        struct files_path_status_call call = {handle(1), path(2, bytes), has(3, 'f')};
        i64 error = files_path_status(bond, buffer, sizeof buffer, &call, &about);
        print_about(error, &about);
    } else if (!do_handle_call() && !do_path_call()) {
        (void)rt_print("?");
    }
}

u32 program_main(void)
{
    i64 made = rt_bind(&files_interface, false);
    if (made < 0) {
        (void)rt_print_error(rt_error_name(made));
        return 1;
    }
    bond = (u32)made;
    for (u32 i = 1; rt_argument(i).size > 0; i++) {
        words_take(rt_argument(i));
        do_call();
        (void)rt_print("\n");
    }
    return 0;
}
