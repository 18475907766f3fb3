// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/gdb keep its header's promises: framing and acknowledgements, answers, stops, and each
// limit at its bound? Whether debuggers understand it is the question of tests/hosted/test_gdb.py.
#include "core/base/compiler.h"
#include "lib/gdb/server.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MEMORY_BYTES = 2 * GDB_MEMORY_BYTES, ANSWER_BYTES = 3 * GDB_PACKET_BYTES };

static struct gdb_server server;
static struct gdb_stop stop;
static u8 memory[MEMORY_BYTES];
static struct span code; // at GDB_CODE
static u32 frame_count;
static u64 code_start; // GDB_CODE
static struct gdb_image image;
static u64 broken; // address of the breakpoint
static u32 goes;
static u32 interrupts;
static bool is_killed;

static struct gdb_stop target_stop(void *context)
{
    (void)context;
    return stop;
}

static u32 target_frames(void *context, struct gdb_frame *out, u32 count)
{
    (void)context;
    u32 written = count < frame_count ? count : frame_count;
    for (u32 i = 0; i < written; i++) {
        out[i] = (struct gdb_frame){code_start + 0x10 + i, 0x30 - 0x10 * i};
    }
    return written;
}

static struct gdb_image target_image(void *context)
{
    (void)context;
    return image;
}

static u32 target_read(void *context, u64 address, u8 *to, u32 size)
{
    (void)context;
    if (address >= GDB_CODE && address - GDB_CODE < code.size) {
        size_t left = code.size - (size_t)(address - GDB_CODE);
        u32 some = size < left ? size : (u32)left;
        memcpy(to, code.data + (address - GDB_CODE), some);
        return some;
    }
    u32 done = address >= MEMORY_BYTES         ? 0
               : MEMORY_BYTES - address < size ? (u32)(MEMORY_BYTES - address)
                                               : size;
    memcpy(to, memory + (done == 0 ? 0 : address), done);
    return done;
}

static bool target_write(void *context, u64 address, struct span bytes)
{
    (void)context;
    if (address > MEMORY_BYTES || bytes.size > MEMORY_BYTES - address) {
        return false;
    }
    memcpy(memory + address, bytes.data, bytes.size);
    return true;
}

static bool target_breakpoint(void *context, u64 address, bool set)
{
    (void)context;
    broken = set ? address : 0;
    return address >= GDB_CODE;
}

static u32 target_value(void *context, enum gdb_value what, u32 frame, u32 index, u8 out[16])
{
    (void)context;
    memset(out, (int)(16 * frame + index), 16);
    return index > 9 ? 0 : what == GDB_LOCAL ? 4 : what == GDB_GLOBAL ? 16 : 8;
}

static bool target_go(void *context, bool step)
{
    (void)context;
    stop.state = step ? GDB_STOPPED : GDB_RUNS;
    goes++;
    return true;
}

static void target_interrupt(void *context)
{
    (void)context;
    interrupts++;
}

static void target_kill(void *context)
{
    (void)context;
    is_killed = true;
}

static bool target_detach(void *context)
{
    (void)context;
    return true;
}

// A target of its own, as tools/redshirt/debugger.c has one: the two answer the same questions, and
// have nothing but those in common.
static const struct gdb_target target = {
    .name = {(const u8 *)"/a b/<c>.wasm", 13},
    .process = 0x1f,
    .stop = target_stop,
    .frames = target_frames,
    .image = target_image,
    .read = target_read,
    .write = target_write,
    .breakpoint = target_breakpoint,
    .value = target_value,
    .go = target_go,
    .interrupt = target_interrupt,
    .kill = target_kill,
    .detach = target_detach,
};

static int begin(void **state)
{
    (void)state;
    stop = (struct gdb_stop){.state = GDB_STOPPED, .signal = 5, .reason = "breakpoint"};
    frame_count = 2;
    broken = 0;
    goes = 0;
    interrupts = 0;
    is_killed = false;
    code = (struct span){0};
    image = (struct gdb_image){0};
    code_start = GDB_CODE;
    memset(memory, 0xab, sizeof memory);
    gdb_server_begin(&server, &target);
    return 0;
}

// Lets the server take bytes, one block of exactly their size, and gives what it sends.
static const char *feed(const char *bytes, size_t size)
{
    static char out[ANSWER_BYTES];
    size_t written = 0;
    u8 *copy = malloc(size);
    memcpy(copy, bytes, size);
    for (size_t at = 0; at < size && !server.is_over;) {
        at += gdb_server_take(&server, span_of(copy + at, size - at));
        assert_true(written + server.out_size < sizeof out);
        memcpy(out + written, server.out, server.out_size);
        written += server.out_size;
        server.out_size = 0;
    }
    free(copy);
    out[written] = 0;
    return out;
}

// Asks without acknowledgements, and gives the content of the answer.
static const char *ask(const char *content)
{
    static char packet[4 * GDB_PACKET_BYTES];
    static char answer[ANSWER_BYTES];
    u8 sum = 0;
    for (const char *at = content; *at != 0; at++) {
        sum += (u8)*at;
    }
    int size = snprintf(packet, sizeof packet, "$%s#%02x", content, sum);
    server.acknowledges = false;
    const char *out = feed(packet, (size_t)size);
    size_t length = strlen(out);
    assert_true(length == 0 || (length >= 4 && out[0] == '$' && out[length - 3] == '#'));
    snprintf(answer, sizeof answer, "%.*s", length == 0 ? 0 : (int)length - 4, out + 1);
    return answer;
}

static void framing(void **state)
{
    (void)state;
    assert_string_equal(feed("$qC#b4", 6), "+$QC1f#2b");
    assert_string_equal(feed("+$qC#b5", 7), "-"); // a wrong sum
    assert_string_equal(feed("noise", 5), "");
    assert_string_equal(feed("$q", 2), "");
    assert_string_equal(feed("C#B4$qC#b4", 10), "+$QC1f#2b+$QC1f#2b");
    assert_string_equal(feed("$QStartNoAckMode#b0", 19), "+$OK#9a");
    assert_string_equal(feed("+$qC#00", 7), "$QC1f#2b"); // sums are looked at no more
    assert_string_equal(feed("$}Qc#b4", 7), "$#00");     // } and Q: q
    assert_string_equal(feed("$}QC#b4", 7), "$QC1f#2b");
    assert_string_equal(feed("$#00", 4), "$#00");
}

// A request of a browser kills nothing, whatever its body.
static void strangers(void **state)
{
    static const char post[] = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n$k#6b";
    assert_string_equal(feed(post, sizeof post - 1), "");
    assert_true(server.is_over && !server.has_spoken && !is_killed);
    begin(state);
    assert_string_equal(feed("+\x03+$qC#b5", 9), "-"); // a packet, but a wrong sum
    assert_true(!server.is_over && !server.has_spoken);
    assert_string_equal(feed("-$k#6b", 6), "");
    assert_true(server.is_over && !is_killed);
    begin(state);
    assert_string_equal(feed("+\x03$qC#b4", 8), "+$QC1f#2b");
    assert_true(server.has_spoken && interrupts == 0);
    assert_string_equal(feed("noise", 5), "");
    assert_true(!server.is_over);
}

static void packets_have_a_bound(void **state)
{
    (void)state;
    static char content[GDB_PACKET_BYTES + 2];
    for (u32 more = 0; more < 2; more++) {
        memset(content, 'x', GDB_PACKET_BYTES + more);
        content[GDB_PACKET_BYTES + more] = 0;
        assert_string_equal(ask(content), more == 0 ? "" : "E01");
    }
    assert_string_equal(ask("qC"), "QC1f");
}

static void memory_has_a_bound(void **state)
{
    (void)state;
    static char content[GDB_PACKET_BYTES + 1];
    assert_string_equal(ask("m0,2"), "abab");
    assert_int_equal(strlen(ask("m0,7d0")), 2 * GDB_MEMORY_BYTES);
    assert_int_equal(strlen(ask("m0,ffffffff")), 2 * GDB_MEMORY_BYTES); // less than it asked for
    assert_string_equal(ask("mf9f,2"), "ab");
    assert_string_equal(ask("mfa0,2"), "E01");
    assert_string_equal(ask("m0"), "E01");
    assert_string_equal(ask("m,1"), "E01");
    assert_string_equal(ask("m0,1x"), "E01");
    assert_string_equal(ask("m0000000000000000,1"), "ab");
    assert_string_equal(ask("m00000000000000000,1"), "E01"); // 17 digits
    assert_string_equal(ask("M1,2:0102"), "OK");
    assert_string_equal(ask("m0,4"), "ab0102ab");
    assert_string_equal(ask("M1,2:01"), "E01");
    assert_string_equal(ask("M1,1:0"), "E01");
    assert_string_equal(ask("M1,1:0x"), "E01");
    assert_string_equal(ask("Mfa0,1:00"), "E01");
    for (u32 more = 0; more < 2; more++) {
        int start = snprintf(content, sizeof content, "M0,%x:", GDB_MEMORY_BYTES + more);
        memset(content + start, '7', 2 * (GDB_MEMORY_BYTES + more));
        content[start + 2 * (int)(GDB_MEMORY_BYTES + more)] = 0;
        assert_string_equal(ask(content), more == 0 ? "OK" : "E01");
    }
}

static void stacks_have_a_bound(void **state)
{
    (void)state;
    assert_string_equal(ask("qWasmCallStack:1f"), "10000000000000401100000000000040");
    frame_count = GDB_FRAMES;
    assert_int_equal(strlen(ask("qWasmCallStack:1f")), 16 * GDB_FRAMES);
    frame_count = GDB_FRAMES + 1;
    assert_int_equal(strlen(ask("qWasmCallStack:1f")), 16 * GDB_FRAMES);
}

// Of an outer frame the address behind its call, if it stands at one that is whole.
static void stacks_tell_where_they_go_on(void **state)
{
    (void)state;
    static const struct {
        u8 bytes[GDB_CALL_BYTES];
        u32 size;
        u8 further;
    } cases[] = {
        {{0x10, 0x01}, 2, 2},
        {{0x10, 0x81, 0x80, 0x80, 0x80, 0x00}, 6, 6},
        {{0x11, 0x82, 0x00, 0x03}, 4, 4},
        {{0x11, 0x80, 0x80, 0x80, 0x80, 0x00, 0x80, 0x80, 0x80, 0x80, 0x00}, GDB_CALL_BYTES, 11},
        {{0x14, 0x05, 0x05}, 3, 2},
        {{0x10, 0x81}, 2, 0},       // cut off
        {{0x11, 0x82, 0x00}, 3, 0}, //
        {{0x01, 0x01}, 2, 0},       // no call
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        u8 bytes[0x11 + GDB_CALL_BYTES] = {0};
        char wanted[48];
        memcpy(bytes + 0x11, cases[i].bytes, cases[i].size);
        code = span_of(bytes, 0x11 + cases[i].size);
        snprintf(wanted, sizeof wanted, "1000000000000040%02x00000000000040",
                 0x11 + cases[i].further);
        assert_string_equal(ask("qWasmCallStack:1f"), wanted);
    }
    stop.state = GDB_RUNS;
    assert_string_equal(ask("qWasmCallStack:1f"), "E01");
    assert_string_equal(ask("qWasmLocal:0;0"), "E01");
}

static void values(void **state)
{
    (void)state;
    assert_string_equal(ask("qWasmLocal:1;2"), "12121212");
    assert_string_equal(ask("qWasmStackValue:0;3"), "0303030303030303");
    assert_string_equal(ask("qWasmGlobal:0;1"), "01010101010101010101010101010101");
    assert_string_equal(ask("qWasmLocal:0;10"), "E01");
    assert_string_equal(ask("qWasmLocal:0"), "E01");
    assert_string_equal(ask("qWasmLocal:0;4294967296"), "E01");
    assert_string_equal(ask("p0"), "1000000000000040");
    assert_string_equal(ask("p0;thread:1f;"), "1000000000000040");
    assert_string_equal(ask("p1"), "E01");
    assert_string_equal(ask("g"), "1000000000000040");
}

// What a debugger without a plug-in for WebAssembly sees: the image, registers, and a record for
// each frame. The frames' places are 0x30 and 0x20.
static void registers_and_records(void **state)
{
    (void)state;
    static const char first[] = "name:pc;generic:pc;gcc:1048576;dwarf:1048576;offset:0;bitsize:64;"
                                "encoding:uint;format:hex;set:General Purpose Registers;";
    assert_string_equal(ask("qRegisterInfo0"), first);
    assert_string_equal(ask("qRegisterInfo1"), "E45"); // there is no image
    assert_string_equal(ask("qRegisterInfo"), "E01");
    image = (struct gdb_image){SPAN_LITERAL("image"), 98};
    assert_string_equal(ask("qRegisterInfo0"), first);
    assert_non_null(strstr(ask("qRegisterInfo1"), "name:caller;generic:sp;gcc:1048577;"));
    assert_non_null(strstr(ask("qRegisterInfo2"), "name:global0;gcc:1048578;dwarf:1048578;"));
    assert_non_null(strstr(ask("qRegisterInfo5"), "name:global3;gcc:1048581;"));
    assert_non_null(strstr(ask("qRegisterInfo6"), "name:local0;gcc:0;dwarf:0;offset:48;"));
    assert_non_null(strstr(ask("qRegisterInfo65"), "name:local95;gcc:95;"));
    assert_non_null(strstr(ask("qRegisterInfo66"), "name:operand0;gcc:96;"));
    assert_non_null(strstr(ask("qRegisterInfo67"), "name:operand1;gcc:97;"));
    assert_string_equal(ask("qRegisterInfo68"), "E45");
    // A debugger with the plug-in asks for libraries first: it gets the file.
    assert_null(strstr(ask("qXfer:libraries:read::0,fff"), "wasm/"));
    assert_string_equal(ask("m4000000000000000,5"), "E01");
    assert_string_equal(ask("p0"), "1000000000000040");
    assert_non_null(strstr(ask("qXfer:libraries:read::0,fff"), "\"/a_b/_c_.wasm/_c_.wasm\""));
    assert_string_equal(ask("m4000000000000000,9"), "696d616765");
    assert_string_equal(ask("m4000000000000004,9"), "65");
    assert_string_equal(ask("m4000000000000005,9"), "E01");
    assert_string_equal(ask("p1"), "0000e0fdffffff3f"); // GDB_CODE - (0x20 + 2) << 20
    assert_string_equal(ask("p2"), "0000000000000000"); // globals are of 16 bytes here, of zeros
    assert_string_equal(ask("p3"), "0101010101010101");
    assert_string_equal(ask("p7"), "0101010100000000");  // local 1, of 4 bytes
    assert_string_equal(ask("p67"), "0101010101010101"); // operand 1, of 8
    assert_string_equal(ask("p10"), "0000000000000000"); // local 10, which there is not
    assert_string_equal(ask("p68"), "E01");
    // The caller's record: its pc, its own caller's record, its locals.
    assert_string_equal(ask("m3ffffffffde00000,40"), "1100000000000040"
                                                     "0000f0ffffffff3f"
                                                     "10101010000000000000000000000000"
                                                     "11111111000000000000000000000000"
                                                     "12121212000000000000000000000000");
    assert_string_equal(ask("m3ffffffffddffffc,8"), "0000000011000000");
    assert_string_equal(ask("m3ffffffffde00620,10"), "11111111111111110000000000000000");
    assert_string_equal(ask("m3ffffffffde00630,10"), "00000000000000000000000000000000");
    assert_string_equal(ask("m3ffffffffff00000,10"), "00000000000000000000000000000000");
    assert_string_equal(ask("m3ffffffffffffff8,10"), "0000000000000000"); // up to the code
    assert_string_equal(ask("m1fffffffffffffff,1"), "E01");
    assert_string_equal(ask("M3ffffffffde00000,1:00"), "E01");
    stop.state = GDB_RUNS;
    assert_string_equal(ask("qRegisterInfo1"), "E45");
}

// Frames that are not in the file are not told, as debuggers would end the stack there.
static void frames_elsewhere(void **state)
{
    (void)state;
    image = (struct gdb_image){SPAN_LITERAL("image"), 1};
    code_start = GDB_CODE_ELSEWHERE - 0x11;
    assert_string_equal(ask("p0"), "ffffffff00000040");
    code_start = GDB_CODE_ELSEWHERE - 0x10;
    assert_string_equal(ask("p0"), "0000000001000040");
    ask("qXfer:libraries:read::0,fff");
    assert_string_equal(ask("p0"), "0000000000000000"); // both are elsewhere
    code_start = GDB_CODE_ELSEWHERE - 0x11;
    assert_string_equal(ask("p0"), "ffffffff00000040");
}

static void documents(void **state)
{
    (void)state;
    const char *whole = ask("qXfer:libraries:read::0,fff");
    assert_string_equal(whole, "l<library-list><library name=\"/a_b/_c_.wasm\"><section "
                               "address=\"0x4000000000000000\"/></library></library-list>");
    assert_string_equal(ask("qXfer:libraries:read::0,4"), "m<lib");
    assert_string_equal(ask("qXfer:libraries:read::ffffffffffff,4"), "l");
    assert_string_equal(ask("qXfer:libraries:read::x"), "E01");
    assert_string_equal(ask("qUnknown"), "");
}

static void running_and_stopping(void **state)
{
    (void)state;
    assert_string_equal(ask("?"), "T05thread:1f;00:1000000000000040;reason:breakpoint;");
    assert_string_equal(ask("QListThreadsInStopReply"), "OK");
    assert_string_equal(ask("c"), "");
    assert_int_equal(goes, 1);
    assert_string_equal(ask("m0,1"), "E01"); // it runs
    assert_string_equal(ask("Z0,4000000000000000,1"), "E01");
    gdb_server_stopped(&server); // it runs still
    assert_int_equal(server.out_size, 0);
    assert_string_equal(feed("\3", 1), "");
    assert_int_equal(interrupts, 1);
    stop = (struct gdb_stop){.state = GDB_STOPPED, .signal = 6, .words = SPAN_LITERAL("no")};
    gdb_server_stopped(&server);
    server.out[server.out_size] = 0;
    assert_non_null(strstr((char *)server.out,
                           "T06thread:1f;threads:1f;thread-pcs:4000000000000010;"
                           "00:1000000000000040;description:6e6f;"));
    server.out_size = 0;
    assert_string_equal(feed("\3", 1), ""); // nobody waits for a stop
    assert_int_equal(interrupts, 1);
    gdb_server_stopped(&server);
    assert_int_equal(server.out_size, 0);
    assert_string_equal(ask("vCont;x"), "E01");
    assert_string_equal(ask("vCont;s:1f"), "");
    assert_string_equal(ask("Z0,4000000000000020,1"), "OK");
    assert_int_equal(broken, GDB_CODE + 0x20);
    assert_string_equal(ask("z1,4000000000000020,1"), "OK");
    assert_int_equal(broken, 0);
    assert_string_equal(ask("Z0,20,1"), "E01");
    assert_string_equal(ask("Z2,20,1"), "");
}

static void ends(void **state)
{
    assert_string_equal(ask("c"), "");
    stop = (struct gdb_stop){.state = GDB_EXITED, .code = 0x103};
    gdb_server_stopped(&server);
    assert_memory_equal(server.out, "$W03#ba", 7);
    assert_true(server.is_over);
    begin(state);
    assert_string_equal(ask("D"), "OK");
    assert_true(server.is_over && !is_killed);
    begin(state);
    assert_string_equal(ask("k"), "X09");
    assert_true(server.is_over && is_killed);
    begin(state);
    assert_string_equal(ask("vKill;1f"), "OK");
    assert_true(server.is_over && is_killed);
    begin(state);
    stop = (struct gdb_stop){.state = GDB_KILLED, .signal = 9};
    assert_string_equal(ask("?"), "X09");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(framing, begin),
        cmocka_unit_test_setup(strangers, begin),
        cmocka_unit_test_setup(packets_have_a_bound, begin),
        cmocka_unit_test_setup(memory_has_a_bound, begin),
        cmocka_unit_test_setup(stacks_have_a_bound, begin),
        cmocka_unit_test_setup(stacks_tell_where_they_go_on, begin),
        cmocka_unit_test_setup(values, begin),
        cmocka_unit_test_setup(registers_and_records, begin),
        cmocka_unit_test_setup(frames_elsewhere, begin),
        cmocka_unit_test_setup(documents, begin),
        cmocka_unit_test_setup(running_and_stopping, begin),
        cmocka_unit_test_setup(ends, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
