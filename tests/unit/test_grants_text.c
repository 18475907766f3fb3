// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_grants_text.c: the file of the user's words, at each of its bounds.
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "tools/redshirt/grants_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define CID "bafkreiewrbygkqrcsaf6qjksiafoaqb4qzfvtahy7vcrqmvifyvpng22sy"
#define HASH "03c11ecfc408f5ffb2b823a1997037a487546a95494bbe3523860b357cb2001f"

static enum err read_one(const char *text, struct grants_line *line, struct grants_reader *in,
                         struct report *report)
{
    bool found;
    *in = grants_reader_over(span_string(text));
    report_clear(report);
    enum err err = grants_read(in, line, &found, report);
    assert_int_equal(found, err == ERR_OK);
    return err;
}

static void expect_refused(const char *text, u32 column, const char *words)
{
    struct grants_line line;
    struct grants_reader in;
    struct report report;
    assert_int_equal(read_one(text, &line, &in, &report), ERR_MALFORMED);
    assert_int_equal(in.line, 1);
    assert_int_equal(in.column, column);
    assert_non_null(strstr(report.text, words));
}

static void a_line_says_what_it_says(void **state)
{
    (void)state;
    struct grants_line line;
    struct grants_reader in;
    struct report report;
    assert_int_equal(read_one("allow " CID " " HASH " a:b/c x=1,y", &line, &in, &report), ERR_OK);
    assert_int_equal(line.right, KERNEL_USE);
    assert_int_equal(line.word, KERNEL_ALLOW);
    assert_int_equal(line.interface[0], 3);
    assert_int_equal(line.interface[31], 0x1f);
    assert_true(span_equal(line.name, SPAN_LITERAL("a:b/c")));
    assert_true(span_equal(line.limit, SPAN_LITERAL("x=1,y")));
    assert_false(grants_is_all(&line));
    assert_int_equal(read_one("\n#x\nno-handle * " HASH " a\n", &line, &in, &report), ERR_OK);
    assert_int_equal(in.line, 3);
    assert_int_equal(line.right, KERNEL_HANDLE);
    assert_int_equal(line.word, KERNEL_DENY);
    assert_true(grants_is_all(&line));
    bool found;
    in = grants_reader_over(SPAN_LITERAL("# nothing\n\n"));
    assert_int_equal(grants_read(&in, &line, &found, NULL), ERR_OK);
    assert_false(found);
}

static void what_is_wrong_is_told_with_its_column(void **state)
{
    (void)state;
    expect_refused("Allow * " HASH " a", 1, "expected allow");
    expect_refused(" allow * " HASH " a", 1, "expected allow");
    expect_refused("allow", 6, "CID");
    expect_refused("allow  * " HASH " a", 7, "CID");
    expect_refused("allow " CID "x " HASH " a", 7, "CID");
    expect_refused("allow * 03C1 a", 9, "hash");
    expect_refused("allow * " HASH "0 a", 9, "hash");
    expect_refused("allow * " HASH, 73, "name");
    expect_refused("allow * " HASH " a b c", 76, "end of the line");
    expect_refused("allow * " HASH " a ", 76, "end of the line");
    expect_refused("deny * " HASH " a b", 75, "end of the line");
    expect_refused("allow * " HASH " a\033b", 74, "name");
    expect_refused("allow * " HASH " a b\177", 76, "limit");
}

static void limits_of_a_line(void **state)
{
    (void)state;
    char text[GRANTS_LINE_BYTES + 16];
    char name[GRANTS_NAME_BYTES + 2];
    char limit[KERNEL_GRANT_LIMIT_BYTES + 2];
    struct grants_line line;
    struct grants_reader in;
    struct report report;
    memset(name, 'n', sizeof name);
    memset(limit, 'l', sizeof limit);
    for (u32 over = 0; over < 2; over++) {
        name[GRANTS_NAME_BYTES + over] = 0;
        limit[KERNEL_GRANT_LIMIT_BYTES + 1] = 0;
        snprintf(text, sizeof text, "allow * " HASH " %s", name);
        assert_int_equal(read_one(text, &line, &in, &report), over == 0 ? ERR_OK : ERR_MALFORMED);
        limit[KERNEL_GRANT_LIMIT_BYTES + over] = 0;
        snprintf(text, sizeof text, "allow * " HASH " a %s", limit);
        assert_int_equal(read_one(text, &line, &in, &report), over == 0 ? ERR_OK : ERR_MALFORMED);
        limit[KERNEL_GRANT_LIMIT_BYTES] = 'l';
        name[GRANTS_NAME_BYTES] = 'n';
    }
    memset(text, '#', sizeof text);
    for (u32 over = 0; over < 2; over++) {
        bool found;
        in = grants_reader_over(span_of(text, GRANTS_LINE_BYTES + over));
        assert_int_equal(grants_read(&in, &line, &found, &report), over == 0 ? ERR_OK : ERR_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_what_it_says),
        cmocka_unit_test(what_is_wrong_is_told_with_its_column),
        cmocka_unit_test(limits_of_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
