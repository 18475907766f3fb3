// SPDX-License-Identifier: GPL-3.0-or-later
// Use     check layers TABLE FILE...      includes run the right way
//         check functions LIST FILE...    functions stay within their bound
//         check lines FILE...             licence and width
//         check portable FILE...          no #if, nothing of a libc
// Exit status 0: nothing found; 1: findings, one line each; 2: could not be checked.
#include "core/base/assert.h"
#include "tools/check/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: claim does not hold: %s\n", file, line, claim);
    abort();
}

struct rule {
    const char *name;
    void (*read)(const char *path); // NULL, or takes one argument before the files
    void (*check)(const struct check_source *source);
    void (*end)(void);
};

static const struct rule rules[] = {
    {"layers", check_layers_read, check_layers, NULL},
    {"functions", check_long_functions_read, check_functions, check_long_functions_unused},
    {"lines", NULL, check_lines, NULL},
    {"portable", NULL, check_portable, NULL},
};

static int run(const struct rule *rule, int count, char **arguments)
{
    if (rule->read != NULL) {
        if (count == 0) {
            fprintf(stderr, "check %s: its data file is missing\n", rule->name);
            return 2;
        }
        rule->read(arguments[0]);
        arguments++;
        count--;
    }
    for (int i = 0; i < count; i++) {
        struct check_source source;
        if (!check_source_read(arguments[i], &source)) {
            return 2;
        }
        rule->check(&source);
        check_source_drop(&source);
    }
    if (rule->end != NULL) {
        rule->end();
    }
    return check_report_count() == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc >= 2 && i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(rules[i].name, argv[1]) == 0) {
            return run(&rules[i], argc - 2, argv + 2);
        }
    }
    fprintf(stderr, "usage: check layers TABLE | functions LIST | lines | portable, FILE...\n");
    return 2;
}
