# SPDX-License-Identifier: GPL-3.0-or-later
"""What LLDB makes of a program under `redshirt run --gdb`: tests/dwarf/values.c, .cpp and .rs, with each LLDB found."""
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from harness import PATIENCE, Skip, expect, finish, test
from test_gdb import free_port

ONCE = "a program under a debugger runs in the interpreter, whatever the mode"
OLDEST, NEWEST = 19, 30  # versions looked for
PLUGIN_SINCE = 22  # LLDB has one for WebAssembly
SOURCES = "tests/dwarf"


def debuggers():
    """(command, plug-in) of each LLDB, and of each way in which it can connect. The environment may name others."""
    names = os.environ.get("REDSHIRT_LLDB", "").split() or [f"lldb-{n}" for n in range(OLDEST, NEWEST)] + ["lldb"]
    found = {}
    for name in names:
        command = shutil.which(name)
        if command is None:
            continue
        version = re.search(r"version (\d+)", subprocess.run([command, "--version"], capture_output=True, text=True,
                                                            timeout=PATIENCE, check=False).stdout)
        if version is not None and int(version[1]) >= OLDEST:
            found.setdefault(os.path.realpath(command), (command, int(version[1])))
    if not found:
        raise Skip("no lldb")
    return [(command, plugin) for command, version in found.values()
            for plugin in ("gdb-remote", "wasm") if plugin == "gdb-remote" or version >= PLUGIN_SINCE]


def module(world, name):
    path = os.path.join(world.programs, "..", "dwarf", name + ".wasm")
    if not os.path.exists(path):
        raise Skip(f"no {name}.wasm")
    return path


def line_of(source, mark):
    with open(os.path.join(SOURCES, source), encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if line.rstrip().endswith("// " + mark))


class Session:
    """What LLDB said to each command, after it had connected to a program."""

    def __init__(self, world, debugger, path, commands, words=()):
        port = free_port()
        lldb, plugin = debugger
        with world.running("run", "--gdb", str(port), path, *words) as process:
            expect(b"waits for a debugger" in process.stderr.readline(), True)
            commands = [f"process connect --plugin {plugin} connect://127.0.0.1:{port}", *commands]
            pairs = [word for command in commands for word in ("-o", command)]
            ran = subprocess.run([lldb, "-b", "--no-lldbinit", *pairs], capture_output=True, text=True,
                                 timeout=2 * PATIENCE, check=False)
            self.text = f"{lldb} {plugin}\n{ran.stdout}\n{ran.stderr}"
            self.ended = finish(process)
        self.answers = ran.stdout.split("(lldb) ")[1:]

    def expect(self, command, *patterns):
        """Its first answer has them all, in this order; it is used up."""
        number = next((n for n, answer in enumerate(self.answers) if answer.split("\n")[0].strip() == command), None)
        if number is None:
            raise AssertionError(f"no answer to {command!r}: {self.text}")
        answer = self.answers[number]
        self.answers = self.answers[number + 1:]
        at = 0
        for pattern in patterns:
            found = re.compile(pattern).search(answer, at)
            if found is None:
                raise AssertionError(f"{command!r}: no {pattern!r} in {answer!r}: {self.text}")
            at = found.end()


def place(source, mark):
    return rf"{re.escape(source)}:{line_of(source, mark)}\b"


@test
def lldb_shows_values(world):
    """Of every kind, in the innermost frame and in its caller's; memory, and a pointer that is followed."""
    loop = line_of("values.c", "LOOP")
    for level in ("4-O0", "5-O0"):
        for debugger in debuggers():
            session = Session(world, debugger, module(world, "values-" + level), [
                f"b values.c:{loop}", "c", "c", "bt", "frame variable", "frame variable *record->next",
                "frame variable record->numbers[2]", "memory read -s 1 -f c -c 3 record->name",
                "frame variable total", "up", "frame variable one", "kill"])
            session.expect("c", "stop reason = breakpoint 1.1", place("values.c", "LOOP"))
            session.expect("c", "stop reason = breakpoint 1.1")
            session.expect("bt", r"frame #0: .*`work\(record=0x[0-9a-f]+, count=5, large=1099511627776, f=3.5, d=6.25, "
                           "color=BLUE\\) at " + place("values.c", "LOOP"),
                           r"frame #1: .*main.*\(argc=1, argv=0x[0-9a-f]+\) at " + place("values.c", "MAIN"),
                           r"frame #\d: .*`_start at ")
            session.expect("frame variable", r"\(int\) count = 5", r"\(long long\) large = 1099511627776",
                           r"\(float\) f = 3.5", r"\(double\) d = 6.25", r"color\) color = BLUE",
                           r'\(char\[16\]\) text = "aello"', r"\(int\) sum = 0", r"\(int\) i = 1")
            session.expect("frame variable *record->next", "id = 2", 'name = 0x[0-9a-f]+ "two"', r"real = 2.5, half = 1.5")
            session.expect("frame variable record->numbers[2]", r"\] = 3")
            session.expect("memory read -s 1 -f c -c 3 record->name", ": one")
            session.expect("frame variable total", "total = 77")
            session.expect("up", "frame #1: .*main")
            session.expect("frame variable one", "id = 1", '"one"', "real = 1.25, half = 0.5", r"\[3\] = 4")
            expect(session.ended.code, 137, session.text)


@test
def lldb_shows_values_of_optimised_code(world):
    """Those that are in locals and on the stack of operands, and a call that was inlined."""
    for level in ("4-O1", "5-O2"):
        for debugger in debuggers():
            session = Session(world, debugger, module(world, "values-" + level), [
                f"b values.c:{line_of('values.c', 'LOOP')}", "c", "frame variable", "frame variable *record",
                f"b values.c:{line_of('values.c', 'SQUARE')}", "breakpoint disable 1", "c", "bt", "up",
                "frame variable count", "breakpoint disable", "c"])
            session.expect("c", "stop reason = breakpoint 1.1", r"work\(record=0x")
            session.expect("frame variable", r"\(record \*\) record = 0x", "count = 5", "large = 1099511627776", "f = 3.5",
                           "d = 6.25", "color = BLUE")
            session.expect("frame variable *record", "id = 1", '"one"', "real = 1.25, half = 0.5", r"\[3\] = 4")
            session.expect("c", "stop reason = breakpoint 2")
            session.expect("bt", "frame #0: .*square.*" + place("values.c", "SQUARE"),
                           r"frame #1: .*work\(.*" + place("values.c", "CALL"),
                           r"frame #2: .*main.*" + place("values.c", "MAIN"))
            session.expect("c", "exited with status = 0")
            expect(session.ended.code, 0, session.text)


@test
def lldb_steps(world):
    """Over calls, into them and out of them; functions by name, also where no code prepares their frame."""
    for level in ("4-O0", "5-O0"):
        for debugger in debuggers():
            if debugger[1] == "wasm":  # LLDB 22's plug-in takes every frame to be at address 0
                continue
            session = Session(world, debugger, module(world, "values-" + level), [
                f"b values.c:{line_of('values.c', 'MAIN')}", "b second", "c", "thread step-over", "thread step-over", "c",
                "finish", "thread step-in", "finish", "kill"])
            session.expect("c", place("values.c", "MAIN"))
            session.expect("thread step-over", place("values.c", "CALLS"))
            session.expect("thread step-over", "stop reason = step over", f"values.c:{line_of('values.c', 'CALLS') + 1}\\b")
            session.expect("c", "stop reason = breakpoint 2.1", "`second")
            session.expect("finish", "stop reason = step out", "main")
            session.expect("thread step-in", r"`climb\(")
            session.expect("finish", "stop reason = step out", place("values.c", "MAIN CLIMB"))


@test
def lldb_finishes(world):
    """With the plug-in, too."""
    for debugger in debuggers():
        session = Session(world, debugger, module(world, "values-4-O0"), [
            "b work", "c", "finish", "bt", "thread step-over", "c"])
        session.expect("c", "stop reason = breakpoint 1.1", r"`work\(")
        session.expect("finish", "stop reason = step out", "main.*" + place("values.c", "MAIN"))
        session.expect("bt", "frame #0: .*main", "frame #1: ", "frame #2: ")
        session.expect("thread step-over", place("values.c", "CALLS"))
        session.expect("c", "exited with status = 0")
        expect(session.ended.code, 0, session.text)


@test
def lldb_steps_in_recursion(world):
    """A step over a call of the same function stays in its frame, and every frame has values of its own."""
    bottom = line_of("values.c", "BOTTOM")
    for debugger in debuggers():
        if debugger[1] == "wasm":  # as in lldb_steps; and it shows the innermost one's values for all of them
            continue
        session = Session(world, debugger, module(world, "values-4-O0"), [
            f"b values.c:{bottom}", "c", "bt", "frame select 3", "frame variable level", "frame select 0", "finish",
            "thread step-over", "frame variable level below", "kill"])
        session.expect("c", "stop reason = breakpoint 1.1", r"climb\(level=0\)")
        session.expect("bt", *[rf"frame #{n}: .*climb\(level={n}\)" for n in range(5)], "frame #5: .*main")
        session.expect("frame select 3", r"climb\(level=3\)")
        session.expect("frame variable level", "level = 3")
        session.expect("finish", r"climb\(level=1\)", place("values.c", "CLIMB"))
        session.expect("thread step-over", place("values.c", "ABOVE"))
        session.expect("frame variable level below", "level = 1", "below = 0")


def hear(debugger, words):
    line = debugger.stdout.readline()
    while words not in line:
        expect(line != "", True, words)
        line = debugger.stdout.readline()


@test
def lldb_interrupts(world):
    """A loop, by the signal that Control-C sends."""
    for lldb, plugin in debuggers():
        port = free_port()
        with world.running("run", "--gdb", str(port), module(world, "values-4-O0"), "spin") as process:
            expect(b"waits for a debugger" in process.stderr.readline(), True)
            first = [f"process connect --plugin {plugin} connect://127.0.0.1:{port}", "settings set auto-confirm true",
                     f"breakpoint set -o true -f values.c -l {line_of('values.c', 'SPIN')}", "continue"]
            with subprocess.Popen([lldb, "--no-lldbinit", *[word for command in first for word in ("-o", command)]],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True) as debugger:
                watch = threading.Timer(PATIENCE, debugger.kill)
                watch.start()
                try:
                    hear(debugger, "stop reason = one-shot breakpoint")
                    debugger.stdin.write("continue\n")
                    debugger.stdin.flush()
                    hear(debugger, "resuming")
                    time.sleep(0.3)
                    debugger.send_signal(signal.SIGINT)
                    out, _ = debugger.communicate("bt\nframe variable turns\nkill\nquit\n")
                finally:
                    watch.cancel()
                    debugger.kill()
            text = (lldb, plugin, out)
            expect(re.search(r"frame #0: .*`spin at .*values.c", out) is not None, True, text)
            expect(re.search("frame #1: .*main.*" + place("values.c", "MAIN SPIN"), out) is not None, True, text)
            expect(re.search(r"turns = \d", out) is not None, True, text)
            expect(finish(process).code, 137, text)


@test
def lldb_detaches(world):
    for debugger in debuggers():
        session = Session(world, debugger, module(world, "values-4-O0"), ["b work", "c", "detach"])
        session.expect("detach", "Process 2 detached")
        expect((session.ended.code, session.ended.out.endswith(b" 10 3 87\n")), (0, True), session.text)


@test
def lldb_shows_cpp(world):
    for level in ("4-O0", "5-O1"):
        for debugger in debuggers():
            session = Session(world, debugger, module(world, "values-cpp-" + level), [
                f"b values.cpp:{line_of('values.cpp', 'SUM')}", f"b values.cpp:{line_of('values.cpp', 'PRINT')}", "c", "bt",
                "breakpoint disable 1", "c", "frame variable name values shape total", "c"])
            session.expect("c", "stop reason = breakpoint 1.1")
            session.expect("bt", r"frame #0: .*geometry::sum<int>\(.* at values.cpp",
                           r"frame #1: .*main.* at values.cpp")
            session.expect("c", "stop reason = breakpoint 2.1")
            session.expect("frame variable name values shape total", 'name = "circle"', r"\[0\] = 1\b", r"\[2\] = 3\b",
                           "geometry::shape", "total = 18")
            session.expect("c", "exited with status = 0")


@test
def lldb_shows_rust(world):
    path = os.path.join(world.home, "values-rs.wasm")
    for rustc in ("/usr/bin/rustc", "rustc"):
        built = shutil.which(rustc) is not None and subprocess.run(
            [rustc, "--target", "wasm32-wasi", "-g", os.path.join(SOURCES, "values.rs"), "-o", path],
            capture_output=True, timeout=300, check=False).returncode == 0
        if built:
            break
    else:
        raise Skip("no Rust for wasm32-wasi")
    for debugger in debuggers():
        session = Session(world, debugger, path, [
            f"b values.rs:{line_of('values.rs', 'AREA')}", "c", "bt", "frame variable", "frame variable *point", "up",
            "frame variable point", "kill"])
        session.expect("c", "stop reason = breakpoint 1.1")
        session.expect("bt", r"frame #0: .*values::area::.*factor=7.* at values.rs:",
                       r"frame #1: .*values::main::.* at " + place("values.rs", "MAIN"))
        session.expect("frame variable", r"factor = 7\b", "length = 4", r"total = 6\b", "area = 11.5")
        session.expect("frame variable *point", r"\(x = 3, y = 1.5\)")
        session.expect("up", "frame #1")
        session.expect("frame variable point", r"\(x = 3, y = 1.5\)")


@test
def lldb_names_functions_without_source(world):
    """Of a program that carries names alone: calls by name, and functions to stop at."""
    strip = shutil.which("llvm-strip-19")
    if strip is None:
        raise Skip("no llvm-strip-19")
    path = os.path.join(world.home, "names.wasm")
    subprocess.run([strip, "--strip-debug", "-o", path, module(world, "values-4-O0")], check=True, timeout=PATIENCE)
    for debugger in debuggers():
        session = Session(world, debugger, path, ["b second", "c", "bt", "finish", "c"])
        session.expect("c", "stop reason = breakpoint 1.1", "`second")
        session.expect("bt", "frame #0: .*`second", "frame #1: .*main", r"frame #\d: .*`_start")
        session.expect("finish", "stop reason = step out", "main")
        session.expect("c", "exited with status = 0")
