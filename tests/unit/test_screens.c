// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_screens.c: machines/hosted/screens.h.
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "machines/hosted/screens.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>

static const struct {
    const char *written;
    enum screens_shown shown;
} rows[] = {
    {"", SCREENS_AS_BEFORE},
    {"words 1049h", SCREENS_AS_BEFORE},
    {"\033[?1049h", SCREENS_OTHER},
    {"\033[?1047h", SCREENS_OTHER},
    {"\033[?47h", SCREENS_OTHER},
    {"\033[?25;1049;7h", SCREENS_OTHER},
    {"\033[?1049hdrawn\033[2J\033[?25l", SCREENS_OTHER},
    {"\033[?1049h\033[?1049l", SCREENS_FIRST},
    {"\033[?1049h\033c", SCREENS_FIRST},
    {"\033[?1\n049h", SCREENS_OTHER}, // the newline is done at once
    {"\033]0;name\033[?1049h", SCREENS_OTHER},
    {"\033[1049h", SCREENS_AS_BEFORE},
    {"\033[?10490h", SCREENS_AS_BEFORE},
    {"\033[?429496831049h", SCREENS_AS_BEFORE},
    {"\033[?1049r", SCREENS_AS_BEFORE},
    {"\033[?1049\030h", SCREENS_AS_BEFORE},
    {"\033[?1049\032h", SCREENS_AS_BEFORE},
    {"\033[?1049\033[h", SCREENS_AS_BEFORE},
    {"\033[?1049$h", SCREENS_AS_BEFORE},
    {"\033[?1049;", SCREENS_AS_BEFORE},
};

static void screens_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct screens screens = {0};
        assert_int_equal(screens_take(&screens, span_string(rows[i].written)), rows[i].shown);
    }
}

static void pieces_are_the_same_as_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct screens screens = {0};
        enum screens_shown shown = SCREENS_AS_BEFORE;
        for (const char *at = rows[i].written; *at != 0; at++) {
            enum screens_shown now = screens_take(&screens, span_of((const u8 *)at, 1));
            shown = now == SCREENS_AS_BEFORE ? shown : now;
        }
        assert_int_equal(shown, rows[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(screens_are_told_apart),
        cmocka_unit_test(pieces_are_the_same_as_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
