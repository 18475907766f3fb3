// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a script: each list is read or refused, its words become fields, those that are
// patterns are tried, and the whole script is read in the end.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/shell/expand.h"
#include "lib/shell/parse.h"
#include "lib/shell/pattern.h"
#include "lib/shell/variables.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static struct parsed parsed;
static struct expansion expansion;
static struct variables variables;

static void words_expand(struct span text, u32 status)
{
    for (u32 i = 0; i < parsed.word_count; i++) {
        struct span word = parsed.words[i];
        ASSERT(word.data >= text.data && word.data + word.size <= text.data + text.size);
        expansion_init(&expansion);
        enum err err = expand_word(&expansion, word, EXPAND_FIELDS, &variables, status);
        ASSERT(err == ERR_OK || (err == ERR_LIMIT && expansion.count == 0));
        for (u32 f = 0; f < expansion.count; f++) {
            struct span field = expansion_field(&expansion, f);
            ASSERT(pattern_is(field) || !expansion.fields[f].is_pattern);
            (void)pattern_fits(field, SPAN_LITERAL("a.b-c\xc3\xa4z"));
        }
        if (expansion.count > 0) {
            (void)variables_assign(&variables, expansion_field(&expansion, 0), (status & 1) != 0);
        }
        expansion_init(&expansion);
        err = expand_word(&expansion, word, EXPAND_ONE, &variables, status);
        ASSERT(err == ERR_LIMIT || (err == ERR_OK && expansion.count == 1));
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct span text = span_of(data, size);
    variables_init(&variables);
    (void)variables_assign(&variables, SPAN_LITERAL("A=x *y [a-c] z\\"), false);
    u32 status = 0;
    for (u32 lists = 0; text.size > 0 && lists < 64; lists++) {
        size_t taken = 0;
        struct report report = {0};
        enum err err = parse(text, &parsed, &taken, &report);
        ASSERT(taken > 0 && taken <= text.size);
        ASSERT(err == ERR_OK || (report.text[0] != 0 && report.offset <= text.size));
        ASSERT(!parsed.is_unfinished || err == ERR_MALFORMED);
        if (err == ERR_OK) {
            u32 commands = 0;
            for (u32 i = 0; i < parsed.pipeline_count; i++) {
                ASSERT(parsed.pipelines[i].command_first == commands);
                commands += parsed.pipelines[i].command_count;
            }
            ASSERT(commands == parsed.command_count);
            words_expand(text, status++);
        }
        text = span_slice(text, taken, text.size);
    }
    return 0;
}
