// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/tools/common/options.h"

#include <string.h>

#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

void options_begin(struct options *options, int count, char **words, const char *known)
{
    *options = (struct options){.words = words, .count = count, .known = known, .cluster = ""};
    if (*known == '+') {
        options->is_first_last = true;
        options->known++;
    }
}

// All that is left are operands.
static void rest_take(struct options *options)
{
    while (options->next < options->count) {
        options->words[options->operand_count++] = options->words[options->next++];
    }
}

// Goes to the next word that holds options. False: there is none.
static bool word_find(struct options *options)
{
    while (options->next < options->count) {
        char *word = options->words[options->next];
        if (word[0] == '-' && word[1] != 0) {
            options->next++;
            options->cluster = word + 1;
            return true;
        }
        if (options->is_first_last) {
            rest_take(options);
            return false;
        }
        options->words[options->operand_count++] = word;
        options->next++;
    }
    return false;
}

// A word that begins with two dashes. False: it ended the options.
static bool long_word(struct options *options)
{
    const char *word = options->cluster + 1;
    options->cluster = "";
    if (*word == 0) {
        rest_take(options);
        return false;
    }
    if (strcmp(word, "help") == 0) {
        out_string(tool.help);
        tool_end(0);
    }
    tool_fail_usage(word - 2, "there is no such option");
}

static void value_take(struct options *options)
{
    if (*options->cluster != 0) {
        options->value = options->cluster;
    } else if (options->next < options->count) {
        options->value = options->words[options->next++];
    } else {
        tool_fail_usage(options->words[options->next - 1], "a value is missing behind it");
    }
    options->cluster = "";
}

char options_next(struct options *options)
{
    options->value = NULL;
    if (*options->cluster == 0) {
        if (!word_find(options) || (*options->cluster == '-' && !long_word(options))) {
            return 0;
        }
        bool is_number = *options->cluster >= '0' && *options->cluster <= '9';
        if (is_number && strchr(options->known, '#') != NULL) {
            value_take(options);
            return '#';
        }
    }
    char letter = *options->cluster++;
    const char *found = letter == ':' || letter == '#' ? NULL : strchr(options->known, letter);
    if (found == NULL) {
        char word[] = {'-', letter, 0};
        tool_fail_usage(word, "there is no such option");
    }
    if (found[1] == ':') {
        value_take(options);
    }
    return letter;
}

void options_standard(struct options *options)
{
    static char standard[] = "-";
    static char *words[] = {standard};
    if (options->operand_count == 0) {
        options->words = words;
        options->operand_count = 1;
    }
}

u64 options_number(const struct options *options)
{
    u64 number;
    if (!tool_number(options->value, &number)) {
        tool_fail_usage(options->value, "this is no number");
    }
    return number;
}
