// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/kernel/kernel.h"
#include "core/kernel/limits.h"
#include "lib/dwarf/dwarf.h"

enum {
    LINE_BYTES = 1024, // of what is said about one call; names and paths are cut
    PLACES = 16,       // of one frame: those of the innermost calls that were inlined
};

// Frames of a recursion stand at the same places: each is looked up once.
struct trace {
    struct dwarf_scratch scratch;
    i64 work; // that is left for all of them
    u32 place_counts[KERNEL_FRAMES];
    struct dwarf_place places[KERNEL_FRAMES][PLACES];
};

static bool has_source(const struct kernel_ending *ending)
{
    for (u32 i = 0; i < ending->frame_count; i++) {
        struct dwarf dwarf;
        if (dwarf_open(ending->frames[i].program, &dwarf) == ERR_OK) {
            return true;
        }
    }
    return false;
}

// Folders that the compiler knew; a file with its whole path stands alone.
static void file_tell(const struct dwarf_place *place, struct text *out)
{
    if (place->file.size == 0) {
        return;
    }
    text_string(out, " at ");
    if (place->file.data[0] != '/' && place->directory.size != 0) {
        text_printable(out, place->directory);
        text_string(out, "/");
    }
    text_printable(out, place->file);
    if (place->line != 0) {
        text_string(out, ":");
        text_u64(out, place->line);
    }
    if (place->line != 0 && place->column != 0) {
        text_string(out, ":");
        text_u64(out, place->column);
    }
}

static void call_say(u32 number, const struct kernel_frame *frame, const struct dwarf_place *place,
                     bool is_inlined)
{
    char buffer[LINE_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "  #");
    text_u64(&text, number);
    text_string(&text, " ");
    struct span name = is_inlined || frame->name.size == 0 ? place->function : frame->name;
    text_printable(&text, name.size == 0 ? SPAN_LITERAL("?") : name);
    if (is_inlined) {
        text_string(&text, " (inlined)");
    } else {
        text_string(&text, " (function ");
        text_u64(&text, frame->function);
        text_string(&text, ", offset 0x");
        text_hex(&text, frame->offset, 1);
        text_string(&text, ")");
    }
    file_tell(place, &text);
    fprintf(stderr, "%s\n", text.data);
}

// Finds a frame's places. Returns whose they are: its own, or those of one that stands there, too.
static u32 frame_find(const struct kernel_frame *frames, u32 number, struct trace *trace)
{
    const struct kernel_frame *frame = &frames[number];
    for (u32 i = 0; i < number; i++) {
        if (frames[i].program.data == frame->program.data && frames[i].offset == frame->offset) {
            return i;
        }
    }
    struct dwarf dwarf;
    struct dwarf_place *places = trace->places[number];
    u32 count = 0;
    if (dwarf_open(frame->program, &dwarf) == ERR_OK) {
        count = dwarf_find(&dwarf, frame->offset, &trace->scratch, &trace->work, places, PLACES);
    }
    if (count == 0) {
        places[count++] = (struct dwarf_place){0};
    }
    trace->place_counts[number] = count;
    return number;
}

static void frame_say(const struct kernel_frame *frames, u32 number, struct trace *trace)
{
    u32 found = frame_find(frames, number, trace);
    u32 count = trace->place_counts[found];
    for (u32 i = 0; i < count; i++) {
        call_say(number, &frames[number], &trace->places[found][i], i + 1 < count);
    }
}

void trace_say(const struct kernel_ending *ending)
{
    struct trace *trace = has_source(ending) ? malloc(sizeof *trace) : NULL;
    if (trace == NULL) {
        return;
    }
    ASSERT(ending->frame_count <= KERNEL_FRAMES);
    trace->work = DWARF_WORK;
    for (u32 i = 0; i < ending->frame_count; i++) {
        frame_say(ending->frames, i, trace);
    }
    free(trace);
}
