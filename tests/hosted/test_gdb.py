# SPDX-License-Identifier: GPL-3.0-or-later
"""A program under a debugger: `redshirt run --gdb`, from end to end (tests/dwarf/points.c)."""
import contextlib
import random
import re
import shutil
import signal
import socket
import subprocess
import time

from gdb_client import CODE, Gdb
from harness import PATIENCE, Skip, expect, finish, test
from test_debug import SOURCE, line_of, module

ONCE = "a program under a debugger runs in the interpreter, whatever the mode"
BREAKPOINTS = 256  # KERNEL_BREAKPOINTS
FRAMES = 32  # KERNEL_DEBUG_FRAMES
UNITS = 1 << 24  # WASM_WALK_UNITS


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def debugging(world, *words, level="4-O0", path=None, family=socket.AF_INET, **options):
    """A command that is debugged, and a client that has connected."""
    port = free_port()
    with world.running("run", "--gdb", str(port), path or module(world, level), *words, **options) as process:
        client = connect(process, port, family)
        with contextlib.closing(client):
            yield process, client


def connect(process, port, family=socket.AF_INET):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return Gdb(port, family)
        except ConnectionRefusedError:
            if time.monotonic() > end or process.poll() is not None:
                raise
            time.sleep(0.02)


def rows(world, level="4-O0"):
    """Of the module's lines in points.c: (offset in the file, line)."""
    path = module(world, level)
    out = subprocess.run(["llvm-dwarfdump-19", "--debug-line", path], capture_output=True, text=True, check=True).stdout
    with open(path, "rb") as file:
        data = file.read()
    start = code_start(data)
    table = next(part for part in out.split("debug_line[") if "points.c" in part)
    found = re.findall(r"^0x([0-9a-f]{16})\s+(\d+)\s", table, re.MULTILINE)
    return [(int(at, 16) + start, int(line)) for at, line in found]


def code_start(data):
    at = 8
    while True:
        kind, at, shift, size = data[at], at + 1, 0, 0
        while True:
            size |= (data[at] & 0x7f) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 0x80:
                break
        if kind == 10:
            return at
        at += size


def statement(world, mark, level="4-O0"):
    line = line_of(mark)
    return next(at for at, number in rows(world, level) if number == line)


def stopped(answer, reason):
    expect(answer[:1] + re.search("reason:(\\w+)", answer).group(1), "T" + reason, answer)


@test
def gdb_waits_at_the_first_instruction(world):
    with debugging(world) as (process, gdb):
        stopped(gdb.ask("?"), "signal")
        expect(len(gdb.stack()), 1)
        expect(gdb.stack()[0], gdb.offset())
        with open(module(world, "4-O0"), "rb") as file:
            data = file.read()
        expect(gdb.read(CODE, 300), data[:300])
        expect(gdb.read(CODE + len(data) - 3, 100), data[-3:])
        expect(gdb.read(CODE + len(data), 1), None)
        for number in range(5):
            before = gdb.offset()
            stopped(gdb.ask("s" if number % 2 else "vCont;s:1"), "trace")
            expect(gdb.offset() != before, True)
        expect(gdb.ask("c"), "W00")
        ended = finish(process)
        expect((ended.code, ended.out), (0, b"40\n"), ended)


@test
def gdb_breaks_reads_and_writes(world):
    """At a line of compute: its locals, its caller's, memory through its frame, globals, operands."""
    with debugging(world) as (process, gdb):
        gdb.ask("?")
        inner = statement(world, "LOOP")
        expect(gdb.break_at(inner), "OK")
        for turn in range(3):
            stopped(gdb.ask("c"), "breakpoint")
            expect(gdb.offset(), inner)
            stack = gdb.stack()
            expect(stack[0], inner)
            expect(len(stack) >= 3, True, stack)
            base = frame_base(gdb, world)
            values = {name: int.from_bytes(gdb.read(base + offset, 4), "little")
                      for name, offset in variables(world, "compute").items()}
            expect((values["i"], values["count"]), (turn, 5), values)
            point = values["point"]
            expect(gdb.read(point, 8), bytes([2, 0, 0, 0, 40, 0, 0, 0]))
        expect(gdb.number("Local", 0, 0), point)  # the first parameter
        expect(gdb.number("Local", 0, 1), 5)
        expect(gdb.value("Local", 0, 4000), None)
        expect(gdb.value("Local", len(stack), 0), None)
        expect(gdb.number("Local", 1, 0), 1)  # main's argc
        expect(gdb.number("Global", 0, 0) > 0, True)
        expect(gdb.value("Global", 0, 4000), None)
        # Change what the loop multiplies by, and see it in the result: 0 * 2 + 1 * 2 + (2 + 3 + 4) * 100.
        expect(gdb.write(point, (100).to_bytes(4, "little")), "OK")
        expect(gdb.read(point, 4), (100).to_bytes(4, "little"))
        expect(gdb.break_at(inner, False), "OK")
        expect(gdb.ask("c"), "W00")
        expect(finish(process).out, b"922\n")


def frame_base(gdb, world):
    """What DW_AT_frame_base says: a local of the frame."""
    dump = dwarf_of(world, "compute")
    return gdb.number("Local", 0, int(re.search(r"DW_OP_WASM_location 0x0 0x([0-9a-f]+)", dump).group(1), 16))


def variables(world, function):
    found = re.findall(r'DW_OP_fbreg \+(\d+)\)\s+DW_AT_name\s+\("(\w+)"\)', dwarf_of(world, function))
    return {name: int(offset) for offset, name in found}


def dwarf_of(world, function):
    return subprocess.run(["llvm-dwarfdump-19", f"--name={function}", "--show-children", module(world, "4-O0")],
                          capture_output=True, text=True, check=True).stdout


@test
def gdb_operands_are_where_they_should_be(world):
    """Before the division its two operands; in the caller's frame none is left but what waits there."""
    with debugging(world, "trap") as (process, gdb):
        gdb.ask("?")
        stopped(gdb.ask("c"), "exception")
        expect(gdb.ask("?").startswith("T06"), True)
        expect([gdb.number("StackValue", 0, n) for n in range(2)], [40, 0])
        expect(gdb.value("StackValue", 0, 2), None)
        expect(gdb.value("StackValue", 1, 50), None)
        words = bytes.fromhex(re.search("description:([0-9a-f]+)", gdb.ask("?")).group(1))
        expect(words.startswith(b'integer divide by zero in "compute"'), True, words)
        expect(gdb.ask("c"), "X06")
        ended = finish(process)
        expect((ended.code, b"divide by zero" in ended.err), (134, True), ended)


@test
def gdb_call_stacks_have_a_bound(world):
    with debugging(world, "deep") as (process, gdb):
        gdb.ask("?")
        stopped(gdb.ask("c"), "exception")
        expect(len(gdb.stack()), FRAMES)
        expect(gdb.value("Local", FRAMES - 1, 0) is not None, True)
        expect(gdb.value("Local", FRAMES, 0), None)
        expect(gdb.ask("c"), "X06")
        finish(process)


def leb(value):
    out = b""
    while True:
        byte, value = value & 0x7f, value >> 7
        out += bytes([byte | (0x80 if value else 0)])
        if not value:
            return out


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


@test
def gdb_walks_no_longer_than_it_may(world):
    """A stack of functions so long that looking where they stand takes more than WASM_WALK_UNITS."""
    calls, pairs = 24, 500000  # a pair is four instructions of the interpreter, two of them probes
    body = b"\x01\x01\x7f"  # a local, an i32
    body += b"\x23\x00\x41" + leb(calls) + b"\x4e\x04\x40\x00\x0b"  # global 0 >= calls: unreachable
    body += b"\x23\x00\x41\x01\x6a\x24\x00"  # global 0 += 1
    body += b"\x20\x00\x21\x00" * pairs + b"\x10\x00\x0b"  # and again
    data = (b"\0asm\1\0\0\0" + section(1, b"\x01\x60\0\0") + section(3, b"\x01\0") + section(5, b"\x01\0\x01")
            + section(6, b"\x01\x7f\x01\x41\0\x0b")
            + section(7, b"\x02\x06memory\x02\0\x06_start\0\0")
            + section(10, b"\x01" + leb(len(body)) + body))
    with debugging(world, path=world.write("long.wasm", data)) as (process, gdb):
        gdb.ask("?")
        stopped(gdb.ask("c"), "exception")
        expected = UNITS // (4 * pairs) + 2  # the first frame stands at its beginning
        expect(abs(len(gdb.stack()) - expected) <= 1, True, (len(gdb.stack()), expected))
        expect(gdb.ask("c"), "X06")
        finish(process)


@test
def gdb_steps_by_line_into_and_over(world):
    """As a debugger does: single steps until the line changes; a call is stepped over by a breakpoint behind."""
    with debugging(world) as (process, gdb):
        gdb.ask("?")
        lines = rows(world)

        def line_at(offset):
            known = [line for at, line in lines if at <= offset]
            return known[-1] if known and offset < lines[-1][0] else 0

        gdb.break_at(statement(world, "PRINT"))
        stopped(gdb.ask("c"), "breakpoint")
        depth = len(gdb.stack())
        seen = []
        for _ in range(400):
            stopped(gdb.ask("s"), "trace")
            if len(gdb.stack()) > depth and line_at(gdb.offset()) == line_of("LOOP"):
                break
            seen.append(line_at(gdb.offset()))
        expect(line_at(gdb.offset()), line_of("LOOP"))
        # Out again: a breakpoint at the caller's next instruction.
        caller = gdb.stack()[1]
        following = min(at for at, _ in lines if at > caller)
        gdb.break_at(following)
        stopped(gdb.ask("c"), "breakpoint")
        expect((gdb.offset(), len(gdb.stack())), (following, depth))
        expect(gdb.ask("c"), "W00")
        finish(process)


@test
def gdb_interrupts_a_loop_and_a_wait(world):
    with debugging(world, "spin") as (process, gdb):
        gdb.ask("?")
        for _ in range(3):
            gdb.send("c")
            time.sleep(0.05)
            gdb.interrupt()
            stopped(gdb.receive(), "signal")
            expect(gdb.offset() > 0, True)
        gdb.send("k")
        expect(finish(process).code, 137)
    with debugging(world, "cat", path=world.guest("probe")) as (process, gdb):
        gdb.ask("?")
        for _ in range(2):
            gdb.send("c")
            time.sleep(0.3)  # it waits for its input
            gdb.interrupt()
            stopped(gdb.receive(), "signal")
            before = gdb.offset(), gdb.stack()
            process.stdin.write(b"abc")
            process.stdin.flush()
            time.sleep(0.2)  # what it waits for is there, but it does not run
            expect((gdb.offset(), gdb.stack()), before)
        gdb.send("c")
        process.stdin.close()
        expect(gdb.receive(), "W00")
        expect(finish(process).out, b"abcabc")


@test
def gdb_detaches_and_is_lost(world):
    """Either way the program goes on, without its breakpoints."""
    for leave in ("D", "close", "half a packet", "while it runs"):
        with debugging(world) as (process, gdb):
            gdb.ask("?")
            gdb.break_at(statement(world, "LOOP"))
            if leave == "D":
                expect(gdb.ask("D"), "OK")
            elif leave == "half a packet":
                gdb.send_raw(b"$m400000")
            elif leave == "while it runs":
                gdb.ask("c")
                gdb.send("s")
            gdb.close()
            ended = finish(process)
            expect((ended.code, ended.out), (0, b"40\n"), (leave, ended))


@test
def gdb_listens_on_this_host_alone(world):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as none:
        raise Skip("no IPv6 here") from none
    with debugging(world, family=socket.AF_INET6) as (process, gdb):
        stopped(gdb.ask("?"), "signal")
        expect(gdb.ask("vKill;1"), "OK")
        expect(finish(process).code, 137)


@test
def gdb_sessions_end_by_signal(world):
    """Also while the program is stopped, with a debugger or without one."""
    for connected in (False, True):
        port = free_port()
        with world.running("run", "--gdb", str(port), module(world, "4-O0")) as process:
            expect(b"waits for a debugger" in process.stderr.readline(), True)
            if connected:
                gdb = connect(process, port)
                stopped(gdb.ask("?"), "signal")
            process.send_signal(signal.SIGINT)
            expect(finish(process).code, 130)
            if connected:
                expect(gdb.receive(), None)
                gdb.close()


@test
def gdb_refuses_bad_ports(world):
    for port in ("0", "65536", "x", "-1"):
        expect(world.run("run", "--gdb", port, module(world, "4-O0")).code, 64)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = world.run("run", "--gdb", str(taken.getsockname()[1]), module(world, "4-O0"))
        expect((ended.code, b"in use" in ended.err), (71, True), ended)


@test
def gdb_breakpoints_have_a_bound(world):
    with debugging(world) as (process, gdb):
        gdb.ask("?")
        for at in range(BREAKPOINTS):
            expect(gdb.break_at(2 * at), "OK")
        expect(gdb.break_at(2 * 5), "OK")  # there already
        expect(gdb.break_at(1001), "E01")
        expect(gdb.break_at(0, False), "OK")
        expect(gdb.break_at(0, False), "OK")
        expect(gdb.break_at(1001), "OK")
        expect(gdb.ask(f"Z0,{CODE - 1:x},1"), "E01")
        expect(gdb.ask(f"Z0,{CODE + (1 << 32):x},1"), "E01")
        expect(gdb.ask("Z2,0,4"), "")
        gdb.send("k")
        finish(process)


@test
def gdb_breaks_where_functions_begin(world):
    """Debuggers take a function to begin where its locals are declared: that stands for its first instruction."""
    heads = (b"\x01\x01\x7f", b"\0", b"\x02\x83\0\x7e\x02\x7f")  # an i32; none; 3 i64, 2 i32
    bodies = [heads[0] + b"\x10\x01\x10\x02\x0b", heads[1] + b"\x01\x0b", heads[2] + b"\x01\x0b"]
    code = b"\x03" + b"".join(leb(len(body)) + body for body in bodies)
    before = (b"\0asm\1\0\0\0" + section(1, b"\x01\x60\0\0") + section(3, b"\x03\0\0\0") + section(5, b"\x01\0\x01")
              + section(7, b"\x02\x06memory\x02\0\x06_start\0\0"))
    data = before + section(10, code)
    starts = [data.index(body) for body in bodies]
    firsts = [start + len(head) for start, head in zip(starts, heads, strict=True)]
    with debugging(world, path=world.write("heads.wasm", data)) as (process, gdb):
        gdb.ask("?")
        for start in starts[1:]:
            expect(gdb.break_at(start), "OK")
            expect(gdb.break_at(start - 1), "OK")  # the size before it stands for nothing
        for start in starts[1:]:
            stopped(gdb.ask("c"), "breakpoint")
            expect((gdb.offset(), gdb.stack()[0]), (start, start))
        expect(gdb.break_at(starts[2], False), "OK")  # to step on, it takes it away
        expect(gdb.offset(), starts[2])
        stopped(gdb.ask("s"), "trace")
        expect(gdb.offset(), firsts[2] + 1)
        expect(gdb.ask("c"), "W00")
        finish(process)
    with debugging(world, path=world.write("heads.wasm", data)) as (process, gdb):
        gdb.ask("?")
        expect([gdb.break_at(at) for at in (firsts[2], starts[2])], ["OK", "OK"])
        stopped(gdb.ask("c"), "breakpoint")
        expect(gdb.offset(), firsts[2])  # the instruction itself comes first
        expect(gdb.ask("c"), "W00")
        finish(process)


@test
def gdb_survives_what_is_no_debugger(world):
    """Packets that are damaged, and noise: the program is there afterwards, or was killed by a `k`."""
    dice = random.Random(3)
    words = [b"m", b"M0,4:", b"Z0,", b"z0,", b"qWasmLocal:", b"qWasmStackValue:9999999999;", b"qXfer:libraries:read::",
             b"vCont", b"p", b"H", b"?", b"qWasmCallStack:", b"g", b"G00", b"P0=1", b"X0,0:", b"T1", b"!", b"qRcmd,",
             b"jThreadsInfo", b"mffffffffffffffff,ffff", b"m0,ffffffffffffffffff"]
    with debugging(world) as (process, gdb):
        gdb.ask("?")
        for _ in range(400):
            content = dice.choice(words) + bytes(dice.choice(b"0123456789abcdef,;:}*x") for _ in range(dice.randrange(30)))
            content = content.replace(b"#", b"").replace(b"}", b"")
            gdb.send(content)
            gdb.receive()
        gdb.send(b"m" + b"0" * 4095)
        expect(gdb.receive(), "E01")
        gdb.send(b"m" + b"0" * 4096)
        expect(gdb.receive(), "E01")
        expect(gdb.read(0, 4) is not None, True)
        expect(gdb.read(1 << 40, 4), None)
        expect(gdb.write(1 << 40, b"abcd"), "E01")
        gdb.send_raw(b"GET / HTTP/1.1\r\n\r\n")
        stopped(gdb.ask("?"), "signal")
        expect(gdb.ask("c"), "W00")
        expect(finish(process).code, 0)


@test
def gdb_hears_no_browser(world):
    """A request whose body is a packet does nothing, nor does silence; a debugger that comes later finds all as it was."""
    port = free_port()
    with world.running("run", "--gdb", str(port), module(world, "4-O0")) as process:
        expect(b"waits for a debugger" in process.stderr.readline(), True)
        for words in (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n$k#6b", b"+$k#00", b""):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as stranger:
                stranger.sendall(words)
                stranger.shutdown(socket.SHUT_WR)
                try:
                    expect(stranger.recv(100).strip(b"-"), b"")
                except ConnectionResetError:
                    pass  # closed before all of it was read
        with contextlib.closing(connect(process, port)) as gdb:
            stopped(gdb.ask("?"), "signal")
            expect(len(gdb.stack()), 1)
            expect(gdb.ask("c"), "W00")
        ended = finish(process)
        expect((ended.code, ended.out), (0, b"40\n"), ended)


@test
def gdb_allows_one_thread(world):
    """A thread that is asked for is refused, until the debugger has left: _start exits with whether it was."""
    start = b"\0\x41\x05\x10\0\x41\0\x48\x10\x01\x0b"  # proc_exit(thread-spawn(5) < 0)
    data = (b"\0asm\1\0\0\0" + section(1, b"\x04\x60\0\0\x60\x01\x7f\x01\x7f\x60\x01\x7f\0\x60\x02\x7f\x7f\0")
            + section(2, b"\x03\x04wasi\x0cthread-spawn\0\x01\x16wasi_snapshot_preview1\x09proc_exit\0\x02"
                         b"\x03env\x06memory\x02\x03\x01\x02")
            + section(3, b"\x02\0\x03")
            + section(7, b"\x03\x06memory\x02\0\x06_start\0\x02\x11wasi_thread_start\0\x03")
            + section(10, b"\x02" + leb(len(start)) + start + b"\x02\0\x0b"))
    path = world.write("two.wasm", data)
    expect(world.run("run", path).code, 0)
    with debugging(world, path=path) as (process, gdb):
        stopped(gdb.ask("?"), "signal")
        expect(gdb.ask("c"), "W01")
        expect(finish(process).code, 1)
    with debugging(world, path=path) as (process, gdb):
        stopped(gdb.ask("?"), "signal")
        expect(gdb.ask("D"), "OK")
        expect(finish(process).code, 0)


@test
def gdb_lldb_breaks_steps_and_shows_lines(world):
    lldb = shutil.which("lldb-19")
    if lldb is None:
        raise Skip("no lldb-19")
    port = free_port()
    with world.running("run", "--gdb", str(port), module(world, "4-O0")) as process:
        expect(b"waits for a debugger" in process.stderr.readline(), True)
        words = [f"process connect --plugin gdb-remote connect://127.0.0.1:{port}",
                 f"breakpoint set -f points.c -l {line_of('LOOP')}", "breakpoint set -n compute", "continue", "bt",
                 "thread step-over", "thread step-over", "thread step-over", "breakpoint disable", "continue"]
        ran = subprocess.run([lldb, "-b", "--no-lldbinit"] + [word for pair in words for word in ("-o", pair)],
                             capture_output=True, text=True, timeout=PATIENCE, check=False)
        out = ran.stdout
        text = (out, ran.stderr)
        expect(re.search(rf"where = .*`compute.* at points.c:{line_of('LOOP')}:", out) is not None, True, text)
        expect("stop reason = breakpoint 2.1" in out, True, text)
        expect(re.search(r"frame #0: .*`compute\(.*at points.c:", out) is not None, True, text)
        expect("stop reason = step over" in out or "stop reason = breakpoint 1.1" in out, True, text)
        expect("// LOOP" in out, True, text)
        expect("exited with status = 0" in out, True, text)
        expect(finish(process).code, 0)
