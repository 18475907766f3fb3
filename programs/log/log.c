// SPDX-License-Identifier: GPL-3.0-or-later
// programs/log: handles redshirt:io/log by writing each line to the standard error, with the time
// in front.
//
// A client never waits for the standard error: its line is taken at once into a ring. When the ring
// is full, because whoever reads is slower than all who write, the oldest lines go, and how many is
// told.
#include "interfaces/log.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/log_section.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_section.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/log/limits.h"
#include "programs/rt/redshirt.h"

// Whole lines, each ending in a newline, of which there is none inside a line.
static struct {
    u8 bytes[LOG_KEPT_BYTES];
    u32 start;
    u32 size;
} kept;

static u64 lost_lines; // since it was last told
static i64 stdio_bond; //
static i64 time_bond;  // below 0: no clock, so no times
static u64 write_id;   // of the write under way; 0: none
static u8 lines[LOG_WRITE_BYTES];

// ---- the ring

static u8 kept_at(u32 offset)
{
    return kept.bytes[(kept.start + offset) % LOG_KEPT_BYTES];
}

// Bytes of the oldest line, its newline included.
static u32 first_line_bytes(u32 from)
{
    u32 end = from;
    while (kept_at(end) != '\n') {
        end++;
    }
    return end + 1 - from;
}

static void kept_drop(u32 size)
{
    ASSERT(size <= kept.size);
    kept.start = (kept.start + size) % LOG_KEPT_BYTES;
    kept.size -= size;
}

static void kept_add(struct span line)
{
    ASSERT(line.size <= LOG_WRITE_BYTES && line.data[line.size - 1] == '\n');
    while (kept.size + line.size > LOG_KEPT_BYTES) {
        kept_drop(first_line_bytes(0));
        lost_lines++;
    }
    for (size_t i = 0; i < line.size; i++) {
        kept.bytes[(kept.start + kept.size + i) % LOG_KEPT_BYTES] = line.data[i];
    }
    kept.size += (u32)line.size;
}

// ---- lines

static void append_two_digits(struct text *out, u64 value)
{
    text_char(out, (char)('0' + value / 10 % 10));
    text_char(out, (char)('0' + value % 10));
}

// "12:34:56.789 " in UTC.
static void append_time(struct text *out)
{
    u64 now_ns;
    if (time_bond < 0 || time_wall((u32)time_bond, &now_ns) < 0 || now_ns == 0) {
        return;
    }
    u64 now_ms = now_ns / 1000000;
    append_two_digits(out, now_ms / 3600000 % 24);
    text_char(out, ':');
    append_two_digits(out, now_ms / 60000 % 60);
    text_char(out, ':');
    append_two_digits(out, now_ms / 1000 % 60);
    text_char(out, '.');
    text_char(out, (char)('0' + now_ms / 100 % 10));
    append_two_digits(out, now_ms);
    text_char(out, ' ');
}

// Code points that would act on the reader's terminal, or make text look like other text: controls,
// and the marks that turn the direction of writing.
static bool is_shown(u32 code)
{
    return code >= 0x20 && !(code >= 0x7f && code < 0xa0) && !(code >= 0x2028 && code <= 0x202e) &&
           !(code >= 0x2066 && code <= 0x2069);
}

// The code point at the front of well-formed UTF-8, and its size.
static u32 code_point(struct span bytes, u32 *size)
{
    u8 first = bytes.data[0];
    *size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    u32 code = *size == 1 ? first : first & (0x7fu >> *size);
    for (u32 i = 1; i < *size; i++) {
        code = code << 6 | (bytes.data[i] & 0x3fu);
    }
    return code;
}

static void append_line(struct text *out, struct span line)
{
    while (line.size != 0) {
        u32 size;
        u32 code = code_point(line, &size);
        ASSERT(size <= line.size); // the line decoded as a string
        if (size > out->capacity - 1 - out->size) {
            return;
        }
        text_bytes(out, is_shown(code) ? span_slice(line, 0, size) : SPAN_LITERAL("?"));
        line = span_slice(line, size, line.size);
    }
}

static void keep_line(enum log_level level, struct span line)
{
    static const char *const names[] = {
        [LOG_LEVEL_DEBUG] = "debug    ",
        [LOG_LEVEL_INFO] = "info     ",
        [LOG_LEVEL_WARNING] = "warning  ",
        [LOG_LEVEL_ERROR] = "error    ",
    };
    static char bytes[LOG_STAMP_BYTES + LOG_LINE_BYTES + 2];
    STATIC_ASSERT(sizeof bytes <= LOG_WRITE_BYTES);
    struct text stamp = text_over(bytes, LOG_STAMP_BYTES);
    append_time(&stamp);
    text_string(&stamp, names[level]);
    struct text body = text_over(bytes + stamp.size, LOG_LINE_BYTES + 1);
    append_line(&body, line);
    bytes[stamp.size + body.size] = '\n';
    kept_add(span_of(bytes, stamp.size + body.size + 1));
}

// ---- the standard error

// Hands the oldest lines over, unless a write is under way.
static void lines_write(void)
{
    if (write_id != 0) {
        return;
    }
    struct text words = text_over((char *)lines, LOG_STAMP_BYTES);
    if (lost_lines != 0) {
        text_string(&words, "(");
        text_u64(&words, lost_lines);
        text_string(&words, " lines were lost here)\n");
        lost_lines = 0;
    }
    u32 size = (u32)words.size;
    u32 taken = 0;
    while (taken != kept.size) {
        u32 line = first_line_bytes(taken);
        if (line > LOG_WRITE_BYTES - size) {
            break;
        }
        for (u32 i = 0; i < line; i++) {
            lines[size++] = kept_at(taken + i);
        }
        taken += line;
    }
    kept_drop(taken);
    if (size == 0) {
        return;
    }
    static u8 body[LOG_WRITE_BYTES + 16];
    struct stdio_write_call call = {STDIO_STREAM_ERROR, span_of(lines, size)};
    size_t body_bytes = stdio_write_encode_call(body, sizeof body, &call);
    i64 id = rt_send((u32)stdio_bond, STDIO_WRITE_ID, body, (u32)body_bytes);
    write_id = id > 0 ? (u64)id : 0; // refused: these lines are gone
}

static void on_write(void *context, const struct interface_message *message,
                     const struct log_write_call *call)
{
    (void)context;
    keep_line(call->level, call->line);
    (void)rt_answer(message->id, NULL, 0);
}

u32 program_main(void)
{
    static const struct log_handler handler = {.write = on_write};
    stdio_bond = rt_bind(&stdio_interface, false);
    time_bond = rt_bind(&time_interface, false);
    i64 registration = rt_register(&log_interface);
    if (stdio_bond < 0 || registration < 0) {
        (void)rt_print_error("log: redshirt:io/log is handled by somebody else\n");
        return 1;
    }
    for (;;) {
        struct rt_event event;
        rt_next(&event);
        if (event.kind == NOTIFICATION_MESSAGE) {
            struct interface_message message = rt_message(&event);
            enum err err = log_dispatch(&handler, NULL, &message);
            if (err != ERR_OK) {
                (void)rt_answer_error(event.id, rt_dispatch_error(err));
            }
        } else if (event.kind == NOTIFICATION_ANSWER && event.id == write_id) {
            write_id = 0;
        }
        lines_write();
    }
}
