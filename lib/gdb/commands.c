// SPDX-License-Identifier: GPL-3.0-or-later
// What the packets say. A packet that is not known is answered with an empty one, which tells the
// debugger to do without it.
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "lib/gdb/internal.h"

#define TRIPLE "wasm32-unknown-unknown-wasm"

static void answer_error(struct gdb_server *server)
{
    gdb_answer_string(server, "E01");
}

static void answer_done(struct gdb_server *server, bool done)
{
    gdb_answer_string(server, done ? "OK" : "E01");
}

static struct gdb_stop stop_of(const struct gdb_server *server)
{
    return server->target->stop(server->target->context);
}

// ---- stops

static void stopped_tell(struct gdb_server *server, const struct gdb_stop *stop,
                         struct gdb_answer *answer)
{
    struct text *text = &answer->text;
    u64 pc = gdb_pc(server);
    text_char(text, 'T');
    text_hex(text, stop->signal, 2);
    text_string(text, "thread:");
    text_hex(text, server->target->process, 1);
    text_char(text, ';');
    if (server->lists_threads) {
        text_string(text, "threads:");
        text_hex(text, server->target->process, 1);
        text_string(text, ";thread-pcs:");
        text_hex(text, pc, 1);
        text_char(text, ';');
    }
    text_string(text, "00:");
    gdb_answer_little(answer, pc);
    text_char(text, ';');
    if (stop->reason != NULL) {
        text_string(text, "reason:");
        text_string(text, stop->reason);
        text_char(text, ';');
    }
    if (stop->words.size != 0) {
        enum { MOST = 400 };
        size_t size = stop->words.size < MOST ? stop->words.size : MOST;
        text_string(text, "description:");
        text_hex_bytes(text, span_slice(stop->words, 0, size));
        text_char(text, ';');
    }
}

void gdb_stop_tell(struct gdb_server *server, const struct gdb_stop *stop)
{
    struct gdb_answer answer;
    gdb_answer_begin(&answer);
    server->waits = false;
    if (stop->state == GDB_STOPPED) {
        stopped_tell(server, stop, &answer);
    } else {
        text_char(&answer.text, stop->state == GDB_EXITED ? 'W' : 'X');
        text_hex(&answer.text, stop->state == GDB_EXITED ? stop->code & 0xff : stop->signal, 2);
        server->is_over = true;
    }
    gdb_answer_send(server, &answer);
}

// The process goes on; its next stop is the answer.
static void go(struct gdb_server *server, bool step)
{
    if (!server->target->go(server->target->context, step)) {
        answer_error(server);
        return;
    }
    server->waits = true;
}

static void command_why(struct gdb_server *server)
{
    struct gdb_stop stop = stop_of(server);
    server->waits = true;
    if (stop.state == GDB_RUNS) {
        server->target->interrupt(server->target->context);
    } else {
        gdb_stop_tell(server, &stop);
    }
}

// vCont: actions for threads, of which there is one: the first counts.
static void command_continue(struct gdb_server *server, struct span packet)
{
    bool is_step = gdb_packet_word(&packet, ";s") || gdb_packet_word(&packet, ";S");
    if (!is_step && !gdb_packet_word(&packet, ";c") && !gdb_packet_word(&packet, ";C")) {
        answer_error(server);
        return;
    }
    go(server, is_step);
}

// ---- memory, registers and values

// `address,length` of what may be read or written at once.
static bool range(struct span *packet, u64 *address, u64 *size)
{
    return gdb_packet_number(packet, address) && gdb_packet_word(packet, ",") &&
           gdb_packet_number(packet, size);
}

static void command_read(struct gdb_server *server, struct span packet)
{
    u64 address;
    u64 size;
    u8 bytes[GDB_MEMORY_BYTES];
    struct gdb_answer answer;
    if (!range(&packet, &address, &size) || packet.size != 0) {
        answer_error(server);
        return;
    }
    size = size < sizeof bytes ? size : sizeof bytes; // less is allowed
    u32 done = gdb_memory_read(server, address, bytes, (u32)size);
    if (done == 0 && size != 0) {
        answer_error(server);
        return;
    }
    gdb_answer_begin(&answer);
    text_hex_bytes(&answer.text, span_of(bytes, done));
    gdb_answer_send(server, &answer);
}

static void command_write(struct gdb_server *server, struct span packet)
{
    u64 address;
    u64 size;
    u8 bytes[GDB_MEMORY_BYTES];
    if (!range(&packet, &address, &size) || !gdb_packet_word(&packet, ":")) {
        answer_error(server);
        return;
    }
    i64 count = gdb_packet_bytes(packet, bytes, sizeof bytes);
    bool fits = count >= 0 && (u64)count == size;
    answer_done(server, fits && server->target->write(server->target->context, address,
                                                      span_of(bytes, (size_t)count)));
}

// Z and z: type, address, kind; conditions behind it are not for us.
static void command_break(struct gdb_server *server, struct span packet, bool set)
{
    u64 address;
    bool is_code = gdb_packet_word(&packet, "0,") || gdb_packet_word(&packet, "1,");
    if (!is_code) {
        gdb_answer_string(server, ""); // watching memory
        return;
    }
    answer_done(server, gdb_packet_number(&packet, &address) &&
                            server->target->breakpoint(server->target->context, address, set));
}

// All registers at once: pc. The others are asked for one by one.
static void command_registers(struct gdb_server *server)
{
    struct gdb_answer answer;
    gdb_answer_begin(&answer);
    gdb_answer_little(&answer, gdb_pc(server));
    gdb_answer_send(server, &answer);
}

static void command_register(struct gdb_server *server, struct span packet)
{
    u64 number;
    server->asks_registers = true;
    if (!gdb_packet_number(&packet, &number)) {
        answer_error(server);
        return;
    }
    gdb_register_read(server, number);
}

static void command_register_info(struct gdb_server *server, struct span packet)
{
    u64 number;
    if (!gdb_packet_number(&packet, &number)) {
        answer_error(server);
        return;
    }
    gdb_register_info(server, number);
}

static void command_value(struct gdb_server *server, struct span packet, enum gdb_value what)
{
    u32 frame;
    u32 index;
    u8 bytes[16];
    struct gdb_answer answer;
    bool is_good = gdb_packet_decimal(&packet, &frame) && gdb_packet_word(&packet, ";") &&
                   gdb_packet_decimal(&packet, &index) && packet.size == 0;
    u32 size =
        is_good ? server->target->value(server->target->context, what, frame, index, bytes) : 0;
    if (size == 0) {
        answer_error(server);
        return;
    }
    ASSERT(size <= sizeof bytes);
    gdb_answer_begin(&answer);
    text_hex_bytes(&answer.text, span_of(bytes, size));
    gdb_answer_send(server, &answer);
}

static void command_stack(struct gdb_server *server)
{
    struct gdb_frames frames;
    struct gdb_answer answer;
    gdb_frames_read(server, &frames);
    gdb_answer_begin(&answer);
    for (u32 i = 0; i < frames.count; i++) {
        gdb_answer_little(&answer, frames.at[i].address);
    }
    gdb_answer_send(server, &answer);
}

// ---- who is there

// A piece of a document: `offset,length`, answered with `m` or, at its end, `l` before it.
static void document(struct gdb_server *server, struct span packet, struct span whole)
{
    u64 offset;
    u64 size;
    struct gdb_answer answer;
    if (!range(&packet, &offset, &size)) {
        answer_error(server);
        return;
    }
    size_t start = offset < whole.size ? (size_t)offset : whole.size;
    size_t most = GDB_PACKET_BYTES - 1;
    most = size < most ? (size_t)size : most;
    size_t end = whole.size - start < most ? whole.size : start + most;
    gdb_answer_begin(&answer);
    text_char(&answer.text, end == whole.size ? 'l' : 'm');
    text_bytes(&answer.text, span_slice(whole, start, end));
    gdb_answer_send(server, &answer);
}

// A name in an attribute of XML.
static void text_attribute(struct text *text, struct span name)
{
    enum { MOST = 1024 };
    for (size_t i = 0; i < name.size && i < MOST; i++) {
        u8 byte = name.data[i];
        bool is_plain = byte > ' ' && byte < 0x7f && byte != '<' && byte != '>' && byte != '&' &&
                        byte != '"' && byte != '\'';
        text_char(text, is_plain ? (char)byte : '_');
    }
}

// Of a path.
static struct span last_part(struct span path)
{
    size_t start = path.size;
    while (start > 0 && path.data[start - 1] != '/') {
        start--;
    }
    return span_slice(path, start, path.size);
}

// The module; a debugger that reads the image finds no file and reads memory instead.
static void command_libraries(struct gdb_server *server, struct span packet)
{
    char buffer[3072];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "<library-list><library name=\"");
    text_attribute(&text, server->target->name);
    if (gdb_registers_used(server)) {
        text_char(&text, '/');
        text_attribute(&text, last_part(server->target->name));
    }
    text_string(&text, "\"><section address=\"0x");
    text_hex(&text, GDB_CODE, 1);
    text_string(&text, "\"/></library></library-list>");
    document(server, packet, span_of(text.data, text.size));
}

// With the triple as hexadecimal, so that no letter of it is taken for the protocol's own.
static void command_triple(struct gdb_server *server, bool has_process)
{
    struct gdb_answer answer;
    gdb_answer_begin(&answer);
    if (has_process) {
        text_string(&answer.text, "pid:");
        text_hex(&answer.text, server->target->process, 1);
        text_string(&answer.text, ";parent-pid:0;");
    }
    text_string(&answer.text, "triple:");
    text_hex_bytes(&answer.text, SPAN_LITERAL(TRIPLE));
    text_string(&answer.text, ";vendor:unknown;ostype:unknown;endian:little;ptrsize:4;");
    gdb_answer_send(server, &answer);
}

static void command_thread(struct gdb_server *server, const char *before)
{
    struct gdb_answer answer;
    gdb_answer_begin(&answer);
    text_string(&answer.text, before);
    text_hex(&answer.text, server->target->process, 1);
    gdb_answer_send(server, &answer);
}

static void command_supported(struct gdb_server *server)
{
    struct gdb_answer answer;
    gdb_answer_begin(&answer);
    text_string(&answer.text, "PacketSize=");
    text_hex(&answer.text, GDB_PACKET_BYTES, 1);
    text_string(&answer.text, ";QStartNoAckMode+;qXfer:libraries:read+;vContSupported+;"
                              "swbreak+;qXfer:features:read-");
    gdb_answer_send(server, &answer);
}

static void command_threads_in_stops(struct gdb_server *server)
{
    server->lists_threads = true;
    answer_done(server, true);
}

static void command_no_acknowledgements(struct gdb_server *server)
{
    answer_done(server, true);
    server->acknowledges = false;
}

// ---- the end

// `answer`: of `k` GDB expects none, and LLDB how the process ended.
static void command_kill(struct gdb_server *server, const char *answer)
{
    server->target->kill(server->target->context);
    gdb_answer_string(server, answer);
    server->is_over = true;
}

static void command_detach(struct gdb_server *server)
{
    bool done = server->target->detach(server->target->context);
    answer_done(server, done);
    server->is_over = done;
}

// ---- which

// Those that begin with q, Q, v or j. False: none of them is known.
static bool command_long(struct gdb_server *server, struct span packet)
{
    if (gdb_packet_word(&packet, "qSupported")) {
        command_supported(server);
    } else if (gdb_packet_word(&packet, "QStartNoAckMode")) {
        command_no_acknowledgements(server);
    } else if (gdb_packet_word(&packet, "QListThreadsInStopReply")) {
        command_threads_in_stops(server);
    } else if (gdb_packet_word(&packet, "QThreadSuffixSupported") ||
               gdb_packet_word(&packet, "QEnableErrorStrings")) {
        answer_done(server, true);
    } else if (gdb_packet_word(&packet, "qHostInfo")) {
        command_triple(server, false);
    } else if (gdb_packet_word(&packet, "qProcessInfo")) {
        command_triple(server, true);
    } else if (gdb_packet_word(&packet, "qRegisterInfo")) {
        command_register_info(server, packet);
    } else if (gdb_packet_word(&packet, "qfThreadInfo")) {
        command_thread(server, "m");
    } else if (gdb_packet_word(&packet, "qsThreadInfo")) {
        gdb_answer_string(server, "l");
    } else if (gdb_packet_word(&packet, "qAttached")) {
        gdb_answer_string(server, "1");
    } else if (gdb_packet_word(&packet, "qXfer:libraries:read::")) {
        command_libraries(server, packet);
    } else if (gdb_packet_word(&packet, "qWasmCallStack:")) {
        command_stack(server);
    } else if (gdb_packet_word(&packet, "qWasmLocal:")) {
        command_value(server, packet, GDB_LOCAL);
    } else if (gdb_packet_word(&packet, "qWasmGlobal:")) {
        command_value(server, packet, GDB_GLOBAL);
    } else if (gdb_packet_word(&packet, "qWasmStackValue:")) {
        command_value(server, packet, GDB_OPERAND);
    } else if (gdb_packet_word(&packet, "vCont?")) {
        gdb_answer_string(server, "vCont;c;C;s;S");
    } else if (gdb_packet_word(&packet, "vCont")) {
        command_continue(server, packet);
    } else if (gdb_packet_word(&packet, "vKill")) {
        command_kill(server, "OK");
    } else {
        return false;
    }
    return true;
}

// While the process runs, what asks about it is refused.
static bool is_busy(const struct gdb_server *server, struct span packet)
{
    static const char always[] = "?kqQvHT!";
    if (gdb_packet_word(&packet, "qWasm")) {
        return stop_of(server).state != GDB_STOPPED;
    }
    for (size_t i = 0; packet.size != 0 && always[i] != 0; i++) {
        if (packet.data[0] == (u8)always[i]) {
            return false;
        }
    }
    return stop_of(server).state != GDB_STOPPED;
}

void gdb_command(struct gdb_server *server, struct span packet)
{
    if (packet.size == 0 || is_busy(server, packet)) {
        gdb_answer_string(server, packet.size == 0 ? "" : "E01");
        return;
    }
    struct span behind = span_slice(packet, 1, packet.size);
    switch (packet.data[0]) {
    case '?':
        command_why(server);
        return;
    case 'c':
    case 'C':
        go(server, false);
        return;
    case 's':
    case 'S':
        go(server, true);
        return;
    case 'm':
        command_read(server, behind);
        return;
    case 'M':
        command_write(server, behind);
        return;
    case 'g':
        command_registers(server);
        return;
    case 'p':
        command_register(server, behind);
        return;
    case 'Z':
    case 'z':
        command_break(server, behind, packet.data[0] == 'Z');
        return;
    case 'H':
    case 'T':
        answer_done(server, true); // there is one thread
        return;
    case 'k':
        command_kill(server, "X09");
        return;
    case 'D':
        command_detach(server);
        return;
    default:
        break;
    }
    if (gdb_packet_word(&packet, "qC") && packet.size == 0) {
        command_thread(server, "QC");
    } else if (!command_long(server, packet)) {
        gdb_answer_string(server, "");
    }
}
