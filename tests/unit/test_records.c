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
    assert_int_equal(made + 3, HOSTED_RECORDS); // seed, the longest name, big
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
        cmocka_unit_test(test_they_are_bounded),
        cmocka_unit_test(test_nobody_else_reads_them),
        cmocka_unit_test(test_one_at_a_time_changes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
