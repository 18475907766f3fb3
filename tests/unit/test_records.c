// SPDX-License-Identifier: GPL-3.0-or-later
// Records of the hosted machine: named, bounded, private, whole.
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/report.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/records.h"

static char folder[] = "/tmp/redshirt-records-XXXXXX";
static int home;

static struct span text(const char *string)
{
    return span_of(string, strlen(string));
}

static void expect(const char *name, const char *bytes)
{
    struct span got;
    assert_int_equal(record_get(home, text(name), &got, NULL), ERR_OK);
    assert_true(span_equal(got, text(bytes)));
    free((void *)got.data);
}

static void test_a_record_is_kept_and_replaced(void **state)
{
    (void)state;
    struct span got;
    assert_int_equal(record_get(home, text("seed"), &got, NULL), ERR_NOT_FOUND); // nor a folder
    assert_int_equal(record_set(home, text("seed"), text("one"), NULL), ERR_OK);
    expect("seed", "one");
    assert_int_equal(record_set(home, text("seed"), text(""), NULL), ERR_OK);
    expect("seed", "");
    assert_int_equal(record_get(home, text("other"), &got, NULL), ERR_NOT_FOUND);
}

static void test_names_stay_in_the_folder(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",   ".",  "..",  "a/b", "../seed", "A",
        "1a", "-a", "a.b", "a b", "new.0",   "a23456789-123456789-123456789-123",
    };
    struct span got;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(record_get(home, text(bad[i]), &got, NULL), ERR_INVALID);
        assert_int_equal(record_set(home, text(bad[i]), text("x"), NULL), ERR_INVALID);
    }
    const char *longest = "a23456789-123456789-123456789-12";
    assert_int_equal(record_set(home, text(longest), text("x"), NULL), ERR_OK);
    expect(longest, "x");
}

static bool replace(const char *name, const char *was, const char *bytes)
{
    bool is_done = false;
    assert_int_equal(record_replace(home, text(name), text(was), text(bytes), &is_done, NULL),
                     ERR_OK);
    return is_done;
}

static void test_a_record_is_replaced_if_it_is_what_it_was(void **state)
{
    (void)state;
    bool is_done;
    assert_false(replace("list", "one", "two")); // there is none
    assert_true(replace("list", "", "one"));
    assert_false(replace("list", "", "two"));
    assert_false(replace("list", "on", "two"));
    expect("list", "one");
    assert_true(replace("list", "one", "two"));
    expect("list", "two");
    u8 *bytes = calloc(1, HOSTED_RECORD_BYTES + 1);
    assert_int_equal(record_replace(home, text("list"), text("two"),
                                    span_of(bytes, HOSTED_RECORD_BYTES + 1), &is_done, NULL),
                     ERR_LIMIT);
    expect("list", "two");
    assert_int_equal(record_replace(home, text("list"), text("two"),
                                    span_of(bytes, HOSTED_RECORD_BYTES), &is_done, NULL),
                     ERR_OK);
    assert_true(is_done && replace("short", "", ""));
    assert_int_equal(record_replace(home, text("../x"), text(""), text("x"), &is_done, NULL),
                     ERR_INVALID);
    free(bytes);
}

static void test_they_are_bounded(void **state)
{
    (void)state;
    u8 *bytes = calloc(1, HOSTED_RECORD_BYTES + 1);
    struct span got;
    assert_int_equal(record_set(home, text("big"), span_of(bytes, HOSTED_RECORD_BYTES), NULL),
                     ERR_OK);
    assert_int_equal(record_set(home, text("big"), span_of(bytes, HOSTED_RECORD_BYTES + 1), NULL),
                     ERR_LIMIT);
    assert_int_equal(record_get(home, text("big"), &got, NULL), ERR_OK);
    assert_int_equal(got.size, HOSTED_RECORD_BYTES);
    free((void *)got.data);
    free(bytes);
    u32 made = 0;
    char name[RECORD_NAME_BYTES];
    enum err err;
    do {
        snprintf(name, sizeof name, "r%u", made);
        err = record_set(home, text(name), text("x"), NULL);
        made += err == ERR_OK;
    } while (err == ERR_OK && made <= HOSTED_RECORDS);
    assert_int_equal(err, ERR_LIMIT);
    assert_int_equal(made + 7,
                     HOSTED_RECORDS); // seed, the longest name, log, all, list, short, big
    assert_int_equal(record_set(home, text("r0"), text("y"), NULL), ERR_OK); // in its place
    expect("r0", "y");
}

static void test_nobody_else_reads_them(void **state)
{
    (void)state;
    struct stat status;
    struct span got;
    assert_int_equal(fstatat(home, "records/seed", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(fstatat(home, "records", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(fchmodat(home, "records/seed", 0640, 0), 0);
    assert_int_equal(record_get(home, text("seed"), &got, NULL), ERR_DENIED);
    assert_int_equal(fchmodat(home, "records/seed", 0600, 0), 0);
    assert_int_equal(fchmodat(home, "records", 0750, 0), 0);
    assert_int_equal(record_get(home, text("seed"), &got, NULL), ERR_DENIED);
    assert_int_equal(record_set(home, text("seed"), text("x"), NULL), ERR_DENIED);
    assert_int_equal(fchmodat(home, "records", 0700, 0), 0);
    assert_int_equal(unlinkat(home, "records/seed", 0), 0);
    assert_int_equal(symlinkat("r0", home, "records/seed"), 0);
    assert_int_equal(record_get(home, text("seed"), &got, NULL), ERR_IO); // no links are followed
}

static void test_one_at_a_time_changes(void **state)
{
    (void)state;
    int lock = record_lock(home);
    assert_true(lock >= 0);
    int other = openat(home, "records", O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
    record_unlock(lock);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    close(other);
}

static void test_lines_are_added_and_the_oldest_go(void **state)
{
    (void)state;
    assert_int_equal(record_add(home, text("log"), text("one\n"), 12, NULL), ERR_OK);
    assert_int_equal(record_add(home, text("log"), text("two\n"), 12, NULL), ERR_OK);
    expect("log", "one\ntwo\n");
    assert_int_equal(record_add(home, text("log"), text("six\n"), 12, NULL), ERR_OK);
    expect("log", "one\ntwo\nsix\n"); // at the bound
    assert_int_equal(record_add(home, text("log"), text("x\n"), 12, NULL), ERR_OK);
    expect("log", "two\nsix\nx\n"); // no half lines
    assert_int_equal(record_add(home, text("log"), text("hello there\n"), 12, NULL), ERR_OK);
    expect("log", "hello there\n");
    assert_int_equal(record_add(home, text("log"), text("hello there!\n"), 12, NULL), ERR_LIMIT);
    assert_int_equal(record_add(home, text("log"), text("x"), HOSTED_RECORD_BYTES + 1, NULL),
                     ERR_LIMIT);
    assert_int_equal(record_add(home, text("../log"), text("x"), 12, NULL), ERR_INVALID);
    expect("log", "hello there\n");
}

static void test_nothing_that_is_added_at_once_is_lost(void **state)
{
    enum { WRITERS = 4, LINES = 25, LINE_BYTES = 4 };
    (void)state;
    pid_t writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        if (writers[i] == 0) {
            bool is_good = true;
            for (int k = 0; k < LINES; k++) {
                char line[LINE_BYTES + 1];
                snprintf(line, sizeof line, "%c%02d\n", 'a' + i, k);
                is_good = is_good && record_add(home, text("all"), text(line), HOSTED_RECORD_BYTES,
                                                NULL) == ERR_OK;
            }
            _exit(is_good ? 0 : 1);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
        assert_int_equal(status, 0);
    }
    struct span got;
    assert_int_equal(record_get(home, text("all"), &got, NULL), ERR_OK);
    assert_int_equal(got.size, WRITERS * LINES * LINE_BYTES);
    free((void *)got.data);
}

struct told {
    u32 count;
    u32 bytes; // their sum
};

static void told_note(void *context, struct span bytes)
{
    struct told *told = context;
    told->count++;
    for (size_t i = 0; i < bytes.size; i++) {
        told->bytes += bytes.data[i];
    }
}

static void expect_told(const char *name, u32 count, u32 bytes)
{
    struct told told = {0};
    assert_int_equal(record_told(home, text(name), told_note, &told, NULL), ERR_OK);
    assert_int_equal(told.count, count);
    assert_int_equal(told.bytes, bytes);
}

static void test_processes_tell_beside_each_other(void **state)
{
    (void)state;
    expect_told("peers", 0, 0);
    assert_int_equal(record_tell(home, text("peers"), 1, text("a"), NULL), ERR_OK);
    assert_int_equal(record_tell(home, text("peers"), 2, text("b"), NULL), ERR_OK);
    assert_int_equal(record_tell(home, text("peer"), 2, text("c"), NULL), ERR_OK);
    expect_told("peers", 2, 'a' + 'b');
    assert_int_equal(record_tell(home, text("peers"), 1, text("d"), NULL), ERR_OK);
    expect_told("peers", 2, 'd' + 'b');
    record_tell_end(home, 2);
    expect_told("peers", 1, 'd');
    expect_told("peer", 0, 0);
    // Who was killed is forgotten after some time.
    struct timespec long_ago[2] = {{.tv_sec = time(NULL) - HOSTED_TOLD_S - 2},
                                   {.tv_sec = time(NULL) - HOSTED_TOLD_S - 2}};
    assert_int_equal(utimensat(home, "records/peers@0000000000000001", long_ago, 0), 0);
    expect_told("peers", 0, 0);
    assert_int_equal(record_tell(home, text("peers"), 3, text("e"), NULL), ERR_OK);
    assert_int_equal(faccessat(home, "records/peers@0000000000000001", F_OK, 0), -1);
    record_tell_end(home, 3);
}

static void test_what_processes_tell_is_bounded(void **state)
{
    (void)state;
    u8 *bytes = calloc(1, HOSTED_TOLD_BYTES + 1);
    assert_int_equal(record_tell(home, text("peers"), 0, span_of(bytes, HOSTED_TOLD_BYTES), NULL),
                     ERR_OK);
    assert_int_equal(
        record_tell(home, text("peers"), 0, span_of(bytes, HOSTED_TOLD_BYTES + 1), NULL),
        ERR_LIMIT);
    free(bytes);
    assert_int_equal(record_tell(home, text("a@b"), 0, text("x"), NULL), ERR_INVALID);
    for (u32 i = 1; i < HOSTED_TOLD; i++) {
        assert_int_equal(record_tell(home, text("peers"), i, text("x"), NULL), ERR_OK);
    }
    assert_int_equal(record_tell(home, text("peers"), HOSTED_TOLD, text("x"), NULL), ERR_LIMIT);
    assert_int_equal(record_tell(home, text("peers"), 1, text("y"), NULL), ERR_OK); // in its place
    expect_told("peers", HOSTED_TOLD, (HOSTED_TOLD - 2) * 'x' + 'y');
    for (u32 i = 0; i < HOSTED_TOLD; i++) {
        record_tell_end(home, i);
    }
    expect_told("peers", 0, 0);
}

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    home = open(folder, O_RDONLY | O_DIRECTORY);
    return home < 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[100];
    close(home);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_kept_and_replaced),
        cmocka_unit_test(test_names_stay_in_the_folder),
        cmocka_unit_test(test_lines_are_added_and_the_oldest_go),
        cmocka_unit_test(test_nothing_that_is_added_at_once_is_lost),
        cmocka_unit_test(test_a_record_is_replaced_if_it_is_what_it_was),
        cmocka_unit_test(test_they_are_bounded),
        cmocka_unit_test(test_nobody_else_reads_them),
        cmocka_unit_test(test_one_at_a_time_changes),
        cmocka_unit_test(test_processes_tell_beside_each_other),
        cmocka_unit_test(test_what_processes_tell_is_bounded),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
