// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/pattern.c: an expression becomes steps whose targets are counted from where
// they stand, so that a piece of them can be moved and repeated as it is.
#include "programs/tools/common/pattern.h"

#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"

enum op {
    OP_BYTE,
    OP_SET,
    OP_SPLIT,      // goes on at a and at b
    OP_JUMP,       // at a
    OP_LINE_START, // assertions: on where they hold
    OP_LINE_END,
    OP_WORD_EDGE,
    OP_NO_WORD_EDGE,
    OP_WORD_START,
    OP_WORD_END,
    OP_NO_WORD_BEFORE,
    OP_NO_WORD_BEHIND,
    OP_FOUND,
};

static const char too_large[] = "the expression is too large";

STATIC_ASSERT(PATTERN_CODE <= INT16_MAX); // a target

// ---- sets

static bool set_has(const struct pattern_set *set, u8 byte)
{
    return (set->bits[byte / 64] >> (byte % 64) & 1) != 0;
}

static void set_add(struct pattern_set *set, u8 byte)
{
    set->bits[byte / 64] |= 1ull << (byte % 64);
}

static bool is_lower(u8 byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_upper(u8 byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_digit(u8 byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_word(u8 byte)
{
    return is_lower(byte) || is_upper(byte) || is_digit(byte) || byte == '_';
}

static bool is_space(u8 byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_graph(u8 byte)
{
    return byte > ' ' && byte < 0x7f;
}

static u8 other_case(u8 byte)
{
    return is_lower(byte) || is_upper(byte) ? byte ^ 0x20 : byte;
}

// The classes of [[:NAME:]].
static bool class_has(u32 class, u8 byte)
{
    switch (class) {
    case 0:
        return is_lower(byte) || is_upper(byte);
    case 1:
        return is_digit(byte);
    case 2:
        return is_lower(byte) || is_upper(byte) || is_digit(byte);
    case 3:
        return is_upper(byte);
    case 4:
        return is_lower(byte);
    case 5:
        return is_space(byte);
    case 6:
        return byte == ' ' || byte == '\t';
    case 7:
        return is_graph(byte) && (!is_word(byte) || byte == '_');
    case 8:
        return is_graph(byte) || byte == ' ';
    case 9:
        return is_graph(byte);
    case 10:
        return byte < ' ' || byte == 0x7f;
    default:
        return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
    }
}

static const char *const class_names[] = {"alpha", "digit", "alnum", "upper", "lower", "space",
                                          "blank", "punct", "print", "graph", "cntrl", "xdigit"};

// ---- steps

struct group {
    u32 start;       // where what it holds begins
    u32 alternative; // where its last alternative begins
    u32 jumps;       // 1 + the last jump that goes to its end; each holds the one before in b
};

// An expression that is being taken in.
struct reading {
    struct pattern *pattern;
    struct span text;
    size_t at;
    const char *error;
    u32 atom; // where the last piece that may be repeated begins
    bool has_atom;
    u32 depth;
    struct group groups[PATTERN_DEPTH + 1];
};

static void fail(struct reading *reading, const char *error)
{
    reading->error = reading->error == NULL ? error : reading->error;
    reading->at = reading->text.size;
}

static void step_add(struct reading *reading, struct pattern_step step)
{
    struct pattern *pattern = reading->pattern;
    if (pattern->size == PATTERN_CODE) {
        fail(reading, too_large);
        return;
    }
    pattern->code[pattern->size++] = step;
}

// Makes room for one step in front of the piece that begins at `at` and ends with the code.
static void step_insert(struct reading *reading, u32 at, struct pattern_step step)
{
    struct pattern *pattern = reading->pattern;
    step_add(reading, step);
    if (reading->error == NULL) {
        mem_move(&pattern->code[at + 1], &pattern->code[at],
                 (pattern->size - 1 - at) * sizeof *pattern->code);
        pattern->code[at] = step;
    }
}

static void atom_begin(struct reading *reading)
{
    reading->atom = reading->pattern->size;
    reading->has_atom = true;
}

static void set_step(struct reading *reading, const struct pattern_set *set)
{
    struct pattern *pattern = reading->pattern;
    u32 index = 0;
    while (index < pattern->set_count && !mem_equal(&pattern->sets[index], set, sizeof *set)) {
        index++;
    }
    if (index == PATTERN_SETS) {
        fail(reading, too_large);
        return;
    }
    pattern->sets[index] = *set;
    pattern->set_count += index == pattern->set_count;
    atom_begin(reading);
    step_add(reading, (struct pattern_step){.op = OP_SET, .byte = (u8)index});
}

static void byte_add(struct reading *reading, u8 byte)
{
    if (reading->pattern->how.ignores_case && other_case(byte) != byte) {
        struct pattern_set set = {0};
        set_add(&set, byte);
        set_add(&set, other_case(byte));
        set_step(reading, &set);
        return;
    }
    atom_begin(reading);
    step_add(reading, (struct pattern_step){.op = OP_BYTE, .byte = byte});
}

static void assertion_add(struct reading *reading, enum op op)
{
    atom_begin(reading);
    step_add(reading, (struct pattern_step){.op = (u8)op});
}

// What holds, or not, of a byte, as a set.
static void kind_add(struct reading *reading, bool (*is)(u8 byte), bool wanted)
{
    struct pattern_set set = {0};
    for (u32 byte = 0; byte < 256; byte++) {
        if (is((u8)byte) == wanted) {
            set_add(&set, (u8)byte);
        }
    }
    set_step(reading, &set);
}

static bool is_any(u8 byte)
{
    (void)byte;
    return true;
}

// ---- repeating

static void atom_star(struct reading *reading)
{
    i16 size = (i16)(reading->pattern->size - reading->atom);
    step_insert(reading, reading->atom,
                (struct pattern_step){.op = OP_SPLIT, .a = 1, .b = (i16)(size + 2)});
    step_add(reading, (struct pattern_step){.op = OP_JUMP, .a = (i16)(-size - 1)});
}

static void atom_plus(struct reading *reading)
{
    i16 size = (i16)(reading->pattern->size - reading->atom);
    step_add(reading, (struct pattern_step){.op = OP_SPLIT, .a = (i16)-size, .b = 1});
}

static void atom_maybe(struct reading *reading)
{
    i16 size = (i16)(reading->pattern->size - reading->atom);
    step_insert(reading, reading->atom,
                (struct pattern_step){.op = OP_SPLIT, .a = 1, .b = (i16)(size + 1)});
}

// Puts a copy of the code [start, start + size) behind it.
static void piece_copy(struct reading *reading, u32 start, u32 size)
{
    for (u32 i = 0; i < size && reading->error == NULL; i++) {
        step_add(reading, reading->pattern->code[start + i]);
    }
}

enum { UNBOUNDED = PATTERN_REPEAT + 1 };

//   most  UNBOUNDED: as often as may be
static void atom_repeat(struct reading *reading, u32 least, u32 most)
{
    u32 start = reading->atom;
    u32 size = reading->pattern->size - start;
    if (most == 0) {
        reading->pattern->size = start;
        step_add(reading, (struct pattern_step){.op = OP_JUMP, .a = 1});
        return;
    }
    if (least == 0) {
        if (most == UNBOUNDED) {
            atom_star(reading);
            return;
        }
        atom_maybe(reading);
        size++;
    }
    for (u32 i = 1; i < least && reading->error == NULL; i++) {
        piece_copy(reading, start, size);
    }
    if (most == UNBOUNDED) {
        reading->atom = reading->pattern->size - size;
        atom_plus(reading);
        reading->atom = start;
        return;
    }
    for (u32 i = least == 0 ? 1 : least; i < most && reading->error == NULL; i++) {
        if (least == 0) {
            piece_copy(reading, start, size);
        } else {
            reading->atom = reading->pattern->size;
            piece_copy(reading, start, size);
            atom_maybe(reading);
        }
    }
    reading->atom = start;
}

// ---- reading

static bool text_is(const struct reading *reading, const char *word)
{
    size_t size = span_string(word).size;
    return reading->text.size - reading->at >= size &&
           mem_equal(reading->text.data + reading->at, word, size);
}

static bool text_take(struct reading *reading, const char *word)
{
    bool is = text_is(reading, word);
    reading->at += is ? span_string(word).size : 0;
    return is;
}

static bool number_take(struct reading *reading, u32 *number)
{
    size_t start = reading->at;
    *number = 0;
    while (reading->at < reading->text.size && is_digit(reading->text.data[reading->at])) {
        *number = *number * 10 + (u32)(reading->text.data[reading->at++] - '0');
        *number = *number > UNBOUNDED ? UNBOUNDED : *number;
    }
    return reading->at != start;
}

// Behind the brace that opens it. False: it is none, and nothing was taken.
static bool interval_take(struct reading *reading, u32 *least, u32 *most)
{
    bool is_basic = reading->pattern->how.syntax == PATTERN_BASIC;
    size_t start = reading->at;
    bool has_least = number_take(reading, least);
    bool has_most = has_least;
    *most = *least;
    if (text_take(reading, ",")) {
        has_most = number_take(reading, most);
        *most = has_most ? *most : UNBOUNDED;
        has_most = has_most || has_least;
    }
    if (!has_most || !text_take(reading, is_basic ? "\\}" : "}")) {
        reading->at = start;
        return false;
    }
    bool is_bounded = *least <= PATTERN_REPEAT;
    if (!is_bounded || *least > *most) {
        fail(reading, is_bounded ? "an interval ends before it begins"
                                 : "an interval repeats more than 255 times");
    }
    return true;
}

// [:NAME:] behind its first bracket. Adds its bytes.
static bool class_take(struct reading *reading, struct pattern_set *set)
{
    for (u32 class = 0; class < COUNT_OF(class_names); class ++) {
        size_t start = reading->at;
        if (text_take(reading, ":") && text_take(reading, class_names[class]) &&
            text_take(reading, ":]")) {
            for (u32 byte = 0; byte < 256; byte++) {
                if (class_has(class, (u8)byte)) {
                    set_add(set, (u8)byte);
                }
            }
            return true;
        }
        reading->at = start;
    }
    return false;
}

static void range_add(struct reading *reading, struct pattern_set *set, u8 first)
{
    u8 last = first;
    struct span text = reading->text;
    if (reading->at + 1 < text.size && text.data[reading->at] == '-' &&
        text.data[reading->at + 1] != ']') {
        last = text.data[reading->at + 1];
        reading->at += 2;
    }
    if (last < first) {
        fail(reading, "a range ends before it begins");
    }
    for (u32 byte = first; byte <= last; byte++) {
        set_add(set, (u8)byte);
    }
}

// Behind the bracket that opens it.
static void bracket_take(struct reading *reading)
{
    struct pattern_set set = {0};
    bool is_negated = text_take(reading, "^");
    bool is_first = true;
    while (is_first || !text_is(reading, "]")) {
        if (reading->at >= reading->text.size) {
            fail(reading, "a bracket is not closed");
            return;
        }
        is_first = false;
        u8 byte = reading->text.data[reading->at++];
        bool is_named = byte == '[' &&
                        (text_is(reading, ":") || text_is(reading, ".") || text_is(reading, "="));
        if (!is_named) {
            range_add(reading, &set, byte);
        } else if (!class_take(reading, &set)) {
            fail(reading, "there is no such class of letters");
            return;
        }
    }
    reading->at += reading->error == NULL;
    for (u32 byte = 0; reading->pattern->how.ignores_case && byte < 256; byte++) {
        if (set_has(&set, (u8)byte)) {
            set_add(&set, other_case((u8)byte));
        }
    }
    for (u32 i = 0; is_negated && i < COUNT_OF(set.bits); i++) {
        set.bits[i] = ~set.bits[i];
    }
    set_step(reading, &set);
}

// ---- groups

static void group_open(struct reading *reading)
{
    u32 at = reading->pattern->size;
    if (reading->depth == PATTERN_DEPTH) {
        fail(reading, "groups are too deep within each other");
        return;
    }
    reading->groups[++reading->depth] = (struct group){at, at, 0};
    reading->has_atom = false;
}

// The piece since the last alternative becomes one; what follows is the next.
static void group_alternate(struct reading *reading)
{
    struct pattern *pattern = reading->pattern;
    struct group *group = &reading->groups[reading->depth];
    i16 size = (i16)(pattern->size - group->alternative);
    step_insert(reading, group->alternative,
                (struct pattern_step){.op = OP_SPLIT, .a = 1, .b = (i16)(size + 2)});
    step_add(reading, (struct pattern_step){.op = OP_JUMP, .b = (i16)group->jumps});
    group->jumps = pattern->size;
    group->alternative = pattern->size;
    reading->has_atom = false;
}

static void group_close(struct reading *reading)
{
    struct pattern *pattern = reading->pattern;
    struct group *group = &reading->groups[reading->depth];
    while (group->jumps != 0 && reading->error == NULL) {
        struct pattern_step *jump = &pattern->code[group->jumps - 1];
        jump->a = (i16)(pattern->size - (group->jumps - 1));
        group->jumps = (u32)jump->b;
        jump->b = 0;
    }
    if (pattern->size == group->start) { // an empty piece is one, too
        step_add(reading, (struct pattern_step){.op = OP_JUMP, .a = 1});
    }
    reading->atom = group->start;
    reading->has_atom = true;
}

// ---- an expression

enum sign {
    SIGN_NONE,
    SIGN_OPEN,
    SIGN_CLOSE,
    SIGN_OR,
    SIGN_INTERVAL,
    SIGN_STAR,
    SIGN_PLUS,
    SIGN_MAYBE,
};

// A sign that means something else than itself: with a backslash in one syntax, without in the
// other.
static enum sign sign_take(struct reading *reading)
{
    static const char signs[] = "()|{+?";
    static const u8 meanings[] = {SIGN_OPEN,     SIGN_CLOSE, SIGN_OR,
                                  SIGN_INTERVAL, SIGN_PLUS,  SIGN_MAYBE};
    bool is_basic = reading->pattern->how.syntax == PATTERN_BASIC;
    size_t start = reading->at;
    if (text_take(reading, "*")) {
        return SIGN_STAR;
    }
    if (is_basic == text_take(reading, "\\") && reading->at < reading->text.size) {
        for (u32 i = 0; i < COUNT_OF(meanings); i++) {
            if (reading->text.data[reading->at] == (u8)signs[i]) {
                reading->at++;
                return (enum sign)meanings[i];
            }
        }
    }
    reading->at = start;
    return SIGN_NONE;
}

// Whether the expression, or the group or alternative that is open, ends here.
static bool is_end(const struct reading *reading)
{
    return reading->at == reading->text.size || text_is(reading, "\\)") || text_is(reading, "\\|");
}

static void escape_take(struct reading *reading)
{
    if (reading->at == reading->text.size) {
        fail(reading, "a backslash ends it");
        return;
    }
    u8 byte = reading->text.data[reading->at++];
    static const char edges[] = "bB<>";
    static const u8 ops[] = {OP_WORD_EDGE, OP_NO_WORD_EDGE, OP_WORD_START, OP_WORD_END};
    for (u32 i = 0; i < COUNT_OF(ops); i++) {
        if (byte == (u8)edges[i]) {
            assertion_add(reading, (enum op)ops[i]);
            return;
        }
    }
    if (byte == 'w' || byte == 'W') {
        kind_add(reading, is_word, byte == 'w');
    } else if (byte == 's' || byte == 'S') {
        kind_add(reading, is_space, byte == 's');
    } else if (byte >= '1' && byte <= '9') {
        fail(reading, "back-references are not done: they take more than linear time");
    } else {
        byte_add(reading, byte);
    }
}

// One letter, bracket or assertion.
static void single_take(struct reading *reading)
{
    bool is_basic = reading->pattern->how.syntax == PATTERN_BASIC;
    u32 start = reading->groups[reading->depth].alternative;
    bool is_start = reading->pattern->size == start;
    u8 byte = reading->text.data[reading->at++];
    if (byte == '\\') {
        escape_take(reading);
    } else if (byte == '.') {
        kind_add(reading, is_any, true);
    } else if (byte == '[') {
        bracket_take(reading);
    } else if (byte == '^' && (!is_basic || is_start)) {
        assertion_add(reading, OP_LINE_START);
        reading->has_atom = !is_basic; // a star behind it is a letter
    } else if (byte == '$' && (!is_basic || is_end(reading))) {
        assertion_add(reading, OP_LINE_END);
    } else {
        byte_add(reading, byte);
    }
}

static void repeat_take(struct reading *reading, enum sign sign, size_t start)
{
    u32 least;
    u32 most;
    bool is_basic = reading->pattern->how.syntax == PATTERN_BASIC;
    bool is_interval = sign == SIGN_INTERVAL && interval_take(reading, &least, &most);
    if (sign == SIGN_INTERVAL && !is_interval) {
        if (is_basic) {
            fail(reading, "an interval is not closed, or holds no number");
        } else {
            byte_add(reading, '{');
        }
    } else if (!reading->has_atom && is_basic && sign == SIGN_STAR) {
        byte_add(reading, '*');
    } else if (!reading->has_atom) {
        fail(reading, "there is nothing to repeat in front of a repetition");
    } else if (sign == SIGN_STAR) {
        atom_star(reading);
    } else if (sign == SIGN_PLUS) {
        atom_plus(reading);
    } else if (sign == SIGN_MAYBE) {
        atom_maybe(reading);
    } else if (is_interval && reading->error == NULL) {
        atom_repeat(reading, least, most);
    }
    ASSERT(reading->at > start);
}

static void expression_take(struct reading *reading)
{
    while (reading->at < reading->text.size) {
        size_t start = reading->at;
        enum sign sign = sign_take(reading);
        if (sign == SIGN_NONE) {
            single_take(reading);
        } else if (sign == SIGN_OPEN) {
            group_open(reading);
        } else if (sign == SIGN_OR) {
            group_alternate(reading);
        } else if (sign != SIGN_CLOSE) {
            repeat_take(reading, sign, start);
        } else if (reading->depth == 1) { // the expression's own group stays
            fail(reading, "a group is closed that was not opened");
        } else {
            group_close(reading);
            reading->depth--;
        }
    }
}

void pattern_begin(struct pattern *pattern, struct pattern_how how)
{
    pattern->how = how;
    pattern->size = 0;
    pattern->set_count = 0;
}

const char *pattern_add(struct pattern *pattern, struct span expression)
{
    struct reading reading = {.pattern = pattern, .text = expression};
    u32 start = pattern->size;
    step_add(&reading, (struct pattern_step){.op = OP_SPLIT, .a = 1}); // b: the next expression
    if (pattern->how.is_whole_line) {
        assertion_add(&reading, OP_LINE_START);
    }
    if (pattern->how.is_whole_word) {
        assertion_add(&reading, OP_NO_WORD_BEFORE);
    }
    group_open(&reading);
    if (pattern->how.syntax == PATTERN_FIXED) {
        for (size_t i = 0; i < expression.size && reading.error == NULL; i++) {
            byte_add(&reading, expression.data[i]);
        }
    } else {
        expression_take(&reading);
    }
    if (reading.error == NULL && reading.depth != 1) {
        fail(&reading, "a group is not closed");
    }
    if (reading.error == NULL) {
        group_close(&reading);
    }
    if (pattern->how.is_whole_word) {
        assertion_add(&reading, OP_NO_WORD_BEHIND);
    }
    if (pattern->how.is_whole_line) {
        assertion_add(&reading, OP_LINE_END);
    }
    step_add(&reading, (struct pattern_step){.op = OP_FOUND});
    if (reading.error == NULL) {
        pattern->code[start].b = (i16)(pattern->size - start);
    }
    return reading.error;
}

// ---- looking through a line

// What an assertion has to know of the place.
struct place {
    bool is_start;
    bool is_end;
    bool has_word_before;
    bool has_word_behind;
};

static bool holds(enum op op, struct place place)
{
    switch (op) {
    case OP_LINE_START:
        return place.is_start;
    case OP_LINE_END:
        return place.is_end;
    case OP_WORD_EDGE:
        return place.has_word_before != place.has_word_behind;
    case OP_NO_WORD_EDGE:
        return place.has_word_before == place.has_word_behind;
    case OP_WORD_START:
        return !place.has_word_before && place.has_word_behind;
    case OP_WORD_END:
        return place.has_word_before && !place.has_word_behind;
    case OP_NO_WORD_BEFORE:
        return !place.has_word_before;
    case OP_NO_WORD_BEHIND:
        return !place.has_word_behind;
    default:
        return false;
    }
}

static bool states_add(struct pattern_states *states, u32 state)
{
    u16 place = states->place[state];
    if (place < states->count && states->at[place] == state) {
        return false;
    }
    states->place[state] = states->count;
    states->at[states->count++] = (u16)state;
    return true;
}

// Adds a state and all that are reached from it without a byte. True: one of them has found.
//   place  NULL: all assertions hold
static bool reach(struct pattern *pattern, struct pattern_states *states, u32 from,
                  const struct place *place)
{
    u32 count = 0;
    bool is_found = false;
    if (states_add(states, from)) {
        pattern->waiting[count++] = (u16)from;
    }
    while (count != 0) {
        u32 state = pattern->waiting[--count];
        const struct pattern_step *step = &pattern->code[state];
        u32 targets[2];
        u32 target_count = 0;
        if (step->op == OP_SPLIT || step->op == OP_JUMP) {
            targets[target_count++] = state + (u32)step->a;
            if (step->op == OP_SPLIT) {
                targets[target_count++] = state + (u32)step->b;
            }
        } else if (step->op == OP_FOUND) {
            is_found = true;
        } else if (step->op > OP_JUMP && (place == NULL || holds((enum op)step->op, *place))) {
            targets[target_count++] = state + 1;
        }
        for (u32 i = 0; i < target_count; i++) {
            ASSERT(targets[i] < pattern->size);
            if (states_add(states, targets[i])) {
                pattern->waiting[count++] = (u16)targets[i];
            }
        }
    }
    return is_found;
}

const char *pattern_end(struct pattern *pattern)
{
    struct reading reading = {.pattern = pattern};
    // where the last expression's other way goes: nowhere
    step_add(&reading, (struct pattern_step){.op = OP_SET, .byte = 0});
    if (reading.error != NULL || pattern->set_count == PATTERN_SETS) {
        return too_large;
    }
    pattern->code[pattern->size - 1].byte = (u8)pattern->set_count;
    pattern->sets[pattern->set_count++] = (struct pattern_set){0};
    pattern->first = (struct pattern_set){0};
    struct pattern_states *states = &pattern->states[0];
    states->count = 0;
    pattern->has_first = !reach(pattern, states, 0, NULL);
    for (u32 i = 0; i < states->count; i++) {
        const struct pattern_step *step = &pattern->code[states->at[i]];
        if (step->op == OP_BYTE) {
            set_add(&pattern->first, step->byte);
        }
        for (u32 j = 0; step->op == OP_SET && j < COUNT_OF(pattern->first.bits); j++) {
            pattern->first.bits[j] |= pattern->sets[step->byte].bits[j];
        }
    }
    return NULL;
}

// From the states at one byte to those behind it. True: something was found there.
static bool byte_go(struct pattern *pattern, const struct pattern_states *now,
                    struct pattern_states *next, u8 byte, const struct place *behind)
{
    bool is_found = false;
    next->count = 0;
    for (u32 i = 0; i < now->count; i++) {
        u32 state = now->at[i];
        const struct pattern_step *step = &pattern->code[state];
        bool goes_on = step->op == OP_BYTE  ? step->byte == byte
                       : step->op == OP_SET ? set_has(&pattern->sets[step->byte], byte)
                                            : false;
        if (goes_on) {
            is_found |= reach(pattern, next, state + 1, behind);
        }
    }
    return is_found;
}

static struct place place_at(struct span line, size_t at)
{
    return (struct place){.is_start = at == 0,
                          .is_end = at == line.size,
                          .has_word_before = at != 0 && is_word(line.data[at - 1]),
                          .has_word_behind = at != line.size && is_word(line.data[at])};
}

bool pattern_finds(struct pattern *pattern, struct span line)
{
    ASSERT(pattern->size != 0);
    struct pattern_states *now = &pattern->states[0];
    struct pattern_states *next = &pattern->states[1];
    struct place place = place_at(line, 0);
    now->count = 0;
    for (size_t at = 0;;) {
        if (reach(pattern, now, 0, &place)) {
            return true;
        }
        if (at == line.size) {
            return false;
        }
        place = place_at(line, at + 1);
        if (byte_go(pattern, now, next, line.data[at++], &place)) {
            return true;
        }
        struct pattern_states *done = now;
        now = next;
        next = done;
        if (now->count == 0 && pattern->has_first) {
            while (at < line.size && !set_has(&pattern->first, line.data[at])) {
                at++;
            }
            place = place_at(line, at);
        }
    }
}
