// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_beneath.c: paths that stay beneath a folder: by the host and by hand, which must
// find the same; and the limits that name folders.
#define _GNU_SOURCE 1
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/wire.h"
#include "machines/hosted/beneath.h"
#include "machines/hosted/folders.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[] = "/tmp/redshirt-beneath-XXXXXX";
static int folder;

static void make_file(const char *name)
{
    int fd = openat(folder, name, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static int begin(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(home));
    char path[64];
    snprintf(path, sizeof path, "%s/given", home);
    assert_int_equal(mkdir(path, 0700), 0);
    folder = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(folder >= 0);
    make_file("../secret");
    make_file("file");
    assert_int_equal(mkdirat(folder, "a", 0700), 0);
    assert_int_equal(mkdirat(folder, "a/b", 0700), 0);
    make_file("a/b/deep");
    const char *links[][2] = {
        {"file", "here"},
        {"a", "way"},
        {"../file", "a/up"},
        {"../../secret", "a/out"},
        {"..", "parent"},
        {"/etc", "absolute"},
        {"loop", "loop"},
        {"gone", "dangling"},
        {"../way/b", "a/round"},
        {"a/b/../../a/./b/", "long"},
        {"/proc/self/root", "root"},
        {"../../gone", "a/lost"},
    };
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        assert_int_equal(symlinkat(links[i][0], folder, links[i][1]), 0);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", home);
    close(folder);
    return system(command);
}

// The object, or the error, that opening gave.
struct found {
    int error;
    dev_t device;
    ino_t inode;
};

static struct found found(int fd)
{
    struct stat status;
    if (fd < 0) {
        return (struct found){.error = fd};
    }
    assert_int_equal(fstat(fd, &status), 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(fd);
    return (struct found){0, status.st_dev, status.st_ino};
}

static void both(const char *path, int flags)
{
    struct found host = found(beneath_open(folder, path, flags, 0600));
    struct found hand = found(beneath_walk(folder, path, flags, 0600));
    if (host.error != hand.error || host.device != hand.device || host.inode != hand.inode) {
        fail_msg("%s, flags %x: %d and %d", path, flags, host.error, hand.error);
    }
}

static const char *const paths[] = {
    "file",
    "./file",
    "a/../file",
    "a/b/deep",
    "a//b///deep",
    "a/b/",
    "a/b/.",
    "a/b/..",
    ".",
    "./",
    "..",
    "../",
    "../secret",
    "a/../..",
    "a/../../given/file",
    "/",
    "/etc/passwd",
    "here",
    "here/",
    "way",
    "way/",
    "way/b/deep",
    "way/../file",
    "a/up",
    "a/up/",
    "a/out",
    "parent",
    "parent/secret",
    "absolute",
    "absolute/passwd",
    "loop",
    "loop/x",
    "dangling",
    "dangling/",
    "dangling/x",
    "a/round",
    "a/round/deep",
    "a/round/../../file",
    "long",
    "long/deep",
    "file/",
    "file/x",
    "file/..",
    "none",
    "none/x",
    "none/..",
    "a/b/deep/../..",
    "root",
    "root/etc",
    "a/lost",
    "a/lost/x",
    "",
};
static const int flags[] = {
    O_RDONLY, O_RDONLY | O_NOFOLLOW, O_RDONLY | O_DIRECTORY,
    O_PATH,   O_PATH | O_NOFOLLOW,   O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
    O_WRONLY, O_PATH | O_DIRECTORY,
};

static void paths_are_found_the_same_by_hand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        for (size_t j = 0; j < COUNT_OF(flags); j++) {
            both(paths[i], flags[j]);
        }
    }
    static const char *const made[] = {"file", "a",        "a/out", "../x", "absolute/x",
                                       "loop", "parent/x", ".",     "/x"};
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        both(made[i], O_CREAT | O_EXCL | O_WRONLY);
        both(made[i], O_CREAT | O_WRONLY);
    }
}

static void a_file_is_made_by_hand(void **state)
{
    (void)state;
    static const char *const made[] = {"new", "a/new", "way/new2", "dangling"};
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        int fd = beneath_walk(folder, made[i], O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
        both(made[i], O_RDONLY);
    }
    assert_int_equal(faccessat(folder, "gone", F_OK, 0), 0); // where the link leads
    assert_int_equal(beneath_walk(folder, "a/lost", O_CREAT | O_WRONLY, 0600), BENEATH_OUT);
    assert_int_not_equal(faccessat(folder, "../gone", F_OK, 0), 0);
}

static void the_walk_has_bounds(void **state)
{
    (void)state;
    char path[2 * (HOSTED_WALK_DEPTH + 1) + 8] = "";
    int at = dup(folder);
    for (u32 i = 0; i < HOSTED_WALK_DEPTH; i++) {
        assert_int_equal(mkdirat(at, "d", 0700), 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
        strcat(path, "d/");
    }
    assert_int_equal(mkdirat(at, "e", 0700), 0);
    close(at);
    both(path, O_RDONLY);
    strcat(path, "e");
    both(path, O_RDONLY); // as the last part it takes no room
    strcat(path, "/");
    assert_int_equal(beneath_walk(folder, path, O_RDONLY, 0), -ENAMETOOLONG);
    char name[300];
    memset(name, 'n', sizeof name);
    name[NAME_MAX] = 0;
    both(name, O_RDONLY);
    name[NAME_MAX] = 'n';
    name[NAME_MAX + 1] = 0;
    both(name, O_RDONLY);
}

static void the_folder_around(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int error;
        const char *name;
    } cases[] = {
        {"x", 0, "x"},
        {"x//", 0, "x//"},
        {"a/x", 0, "x"},
        {"a/b//x/", 0, "x/"},
        {"way/b/x", 0, "x"},
        {"../x", BENEATH_OUT, NULL},
        {"/x", BENEATH_OUT, NULL},
        {"/", BENEATH_OUT, NULL},
        {"none/x", -ENOENT, NULL},
        {"file/x", -ENOTDIR, NULL},
        {"a/..", 0, ".."},
        {"parent/x", BENEATH_OUT, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char path[64];
        struct beneath_place place;
        snprintf(path, sizeof path, "%s", cases[i].path);
        assert_int_equal(beneath_parent(folder, path, &place), cases[i].error);
        if (cases[i].error == 0) {
            assert_string_equal(place.name, cases[i].name);
        }
        beneath_place_close(&place);
    }
}

// ---- limits

static void limits_are_read(void **state)
{
    (void)state;
    static struct folders folders;
    struct report report = {0};
    const char *good = "/a,/b:ro,/c:g,/d:/:ro,/e%2c%20%3A%25:%72o";
    assert_int_equal(folders_parse(span_string(good), &folders, &report), ERR_OK);
    const struct folder wanted[] = {
        {"/a", "/a", false}, {"/b", "/b", true},      {"/c", "g", false},
        {"/d", "/", true},   {"/e, :%", "ro", false},
    };
    assert_int_equal(folders.count, COUNT_OF(wanted));
    char text[256];
    struct text out = text_over(text, sizeof text);
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        assert_string_equal(folders.parts[i].host, wanted[i].host);
        assert_string_equal(folders.parts[i].guest, wanted[i].guest);
        assert_int_equal(folders.parts[i].is_read_only, wanted[i].is_read_only);
        text_string(&out, i == 0 ? "" : ",");
        folders_write_part(&out, &wanted[i]);
    }
    // what is written is read as the same
    assert_int_equal(folders_parse(span_of((const u8 *)out.data, out.size), &folders, NULL),
                     ERR_OK);
    assert_int_equal(folders.count, COUNT_OF(wanted));
    assert_string_equal(folders.parts[4].guest, "ro");
    assert_string_equal(folders.parts[4].host, "/e, :%");
    static const char *const bad[] = {
        "",     "a",     "/a,",  ",",          "/a:",   "/a::ro", "/a:b:c", "/a%",
        "/a%1", "/a%00", "/a b", "/a:ro:ro:x", "/a%g0", "nones",  ":ro"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(folders_parse(span_string(bad[i]), &folders, &report), ERR_MALFORMED);
    }
    char long_one[KERNEL_GRANT_LIMIT_BYTES + 2];
    memset(long_one, 'a', sizeof long_one);
    long_one[0] = '/';
    struct span most = span_of((const u8 *)long_one, KERNEL_GRANT_LIMIT_BYTES);
    assert_int_equal(folders_parse(most, &folders, NULL), ERR_OK);
    assert_int_equal(strlen(folders.parts[0].host), KERNEL_GRANT_LIMIT_BYTES);
    most.size++;
    assert_int_equal(folders_parse(most, &folders, NULL), ERR_LIMIT);
}

static void limits_hold_together(void **state)
{
    (void)state;
    struct opened_folder opened[HOSTED_FOLDERS];
    u8 list[8192];
    char own[128];
    char above[128];
    snprintf(own, sizeof own, "%s/given/a:mine,%s/given,%s/none", home, home, home);
    snprintf(above, sizeof above, "%s/given/a:x", home);
    for (u32 count = 0; count <= 2; count++) {
        struct wire_writer out = wire_writer_over(list, sizeof list);
        wire_write_u32(&out, count);
        wire_write_bytes(&out, span_string(own));
        wire_write_bytes(&out, span_string(above));
        static const u32 wanted[] = {0, 2, 1}; // none; those that are there; that which both hold
        u32 got = folders_open(span_of(list, out.size), opened);
        assert_int_equal(got, wanted[count]);
        for (u32 i = 0; i < got; i++) {
            assert_true(i > 0 || strcmp(opened[i].guest, "mine") == 0);
            free(opened[i].guest);
            close(opened[i].fd);
        }
    }
    // Neither by a link, which may lead elsewhere tomorrow, nor where a limit cannot be read.
    snprintf(above, sizeof above, "%s/given/way/b/..:x", home);
    const char *const others[] = {above, "nonsense"};
    for (u32 i = 0; i < COUNT_OF(others); i++) {
        struct wire_writer out = wire_writer_over(list, sizeof list);
        wire_write_u32(&out, 2);
        wire_write_bytes(&out, span_string(own));
        wire_write_bytes(&out, span_string(others[i]));
        assert_int_equal(folders_open(span_of(list, out.size), opened), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_found_the_same_by_hand),
        cmocka_unit_test(a_file_is_made_by_hand),
        cmocka_unit_test(the_walk_has_bounds),
        cmocka_unit_test(the_folder_around),
        cmocka_unit_test(limits_are_read),
        cmocka_unit_test(limits_hold_together),
    };
    return cmocka_run_group_tests_name("beneath", tests, begin, end);
}
