// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/text.h"
#include "core/kernel/kernel.h"
#include "lib/dwarf/dwarf.h"

enum {
    LINE_BYTES = 1024, // of what is said about one call; names and paths are cut
    PLACES = 16,       // of one frame: those of the innermost calls that were inlined
};

struct trace {
    struct dwarf_scratch scratch;
    struct dwarf_place places[PLACES];
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

static void frame_say(u32 number, const struct kernel_frame *frame, struct trace *trace)
{
    struct dwarf dwarf;
    u32 count = 0;
    if (dwarf_open(frame->program, &dwarf) == ERR_OK) {
        count = dwarf_find(&dwarf, frame->offset, &trace->scratch, trace->places, PLACES);
    }
    if (count == 0) {
        trace->places[count++] = (struct dwarf_place){0};
    }
    for (u32 i = 0; i < count; i++) {
        call_say(number, frame, &trace->places[i], i + 1 < count);
    }
}

void trace_say(const struct kernel_ending *ending)
{
    struct trace *trace = has_source(ending) ? malloc(sizeof *trace) : NULL;
    for (u32 i = 0; trace != NULL && i < ending->frame_count; i++) {
        frame_say(i, &ending->frames[i], trace);
    }
    free(trace);
}
