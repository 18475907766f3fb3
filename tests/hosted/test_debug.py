# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about programs that carry debugging information (tests/dwarf/points.c)."""
import os
import random
import shutil
import subprocess

from harness import Skip, expect, finish, test

SOURCE = "tests/dwarf/points.c"
FRAMES = 32  # KERNEL_FRAMES
LEVELS = ("4-O0", "4-O2", "5-O0", "5-O2")


def module(world, level):
    path = os.path.join(world.programs, "..", "dwarf", f"points-{level}.wasm")
    if not os.path.exists(path):
        raise Skip("no program with debugging information")
    return path


def line_of(mark):
    with open(SOURCE, encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if f"// {mark}" in line)


def calls(ended):
    """The calls of a trace: (frame, name, file:line)."""
    found = []
    for line in ended.err.decode().splitlines():
        if line.startswith("  #"):
            frame, rest = line[3:].split(" ", 1)
            place = rest.rsplit(" at ", 1)[1].rsplit(":", 1)[0] if " at " in rest else ""
            found.append((int(frame), rest.split(" ", 1)[0], place))
    return found


@test
def debug_traps_name_their_source(world):
    """In both engines, optimised and not: each call with its line, inlined or not."""
    for level in LEVELS:
        for engine in ("interpreter", "compiled"):
            ended = world.run("run", "--engine", engine, module(world, level), "trap")
            expect(ended.code, 134, ended)
            found = calls(ended)
            wanted = [(name, line_of(mark)) for name, mark in
                      (("quotient", "TRAP"), ("compute", "CALL"), ("main", "MAIN"))]
            for (frame, name, place), (name_wanted, line) in zip(found, wanted, strict=False):
                expect((name, place.endswith(f"points.c:{line}")), (name_wanted, True), ended)
            expect([frame for frame, _, _ in found[:3]], [0, 0, 1], ended)
            expect(found[-1][1].startswith("_start"), True, ended)
            first = ended.err.decode().splitlines()[0]
            expect("stopped by a trap: integer divide by zero in \"compute\" (function " in first, True, ended)


@test
def debug_traces_end(world):
    """Of a deep stack the innermost frames are told."""
    for engine in ("interpreter", "compiled"):
        ended = world.run("run", "--engine", engine, module(world, "4-O2"), "deep")
        expect(ended.code, 134, ended)
        found = calls(ended)
        expect((len(found), {name for _, name, _ in found}), (FRAMES, {"deep"}), ended)


@test
def debug_programs_without_source_say_one_line(world):
    ended = world.run("run", world.guest("trap"), "divide")
    expect((ended.code, ended.err.count(b"\n")), (134, 1), ended)


@test
def debug_damaged_information_costs_the_lines_alone(world):
    """Bytes behind the code are changed: the trap is told, with its frames, whatever they say now."""
    with open(module(world, "5-O2"), "rb") as file:
        sound = bytearray(file.read())
    start = sound.index(b".debug_abbrev") + 20
    end = sound.index(b"\x04name", start) - 8
    dice = random.Random(7)
    for _ in range(6):
        damaged = bytearray(sound)
        for _ in range(200):
            at = dice.randrange(start, end)
            if b".debug" not in damaged[at - 24:at + 24]:  # the sections themselves stay
                damaged[at] = dice.randrange(256)
        ended = world.run("run", world.write("damaged.wasm", damaged), "trap")
        expect(ended.code, 134, ended)
        expect("compute" in [name for _, name, _ in calls(ended)], True, ended)


def perf_map(pid):
    """(start, size, name) of each line."""
    with open(f"/tmp/perf-{pid}.map", encoding="ascii") as file:
        lines = [line.rstrip("\n").split(" ", 2) for line in file]
    return [(int(start, 16), int(size, 16), name) for start, size, name in lines]


def compiles_here(world):
    return world.run("run", "--engine", "compiled", *world.probe("start")[1:]).code == 0


def exported_run(world, *words):
    process = world.start("run", "--engine", "compiled", "--perf-map", *words)
    try:
        ended = finish(process)
        return ended, perf_map(process.pid)
    finally:
        if os.path.exists(f"/tmp/perf-{process.pid}.map"):
            os.remove(f"/tmp/perf-{process.pid}.map")


@test
def debug_perf_map_names_what_is_placed(world):
    """Every function once, no two in one place, and the same when the code comes from an earlier run."""
    if not compiles_here(world):
        raise Skip("no compiled code on this machine")
    path = module(world, "4-O0")
    for _ in range(2):
        ended, lines = exported_run(world, path)
        expect(ended.code, 0, ended)
        cid = world.run("add", path).out.split()[0].decode()
        ours = [line for line in lines if line[2].endswith(f" [{cid[-8:]}]")]
        names = [name.rsplit(" [", 1)[0] for _, _, name in ours if not name.startswith("(")]
        expect([names.count(name) for name in ("main", "compute", "deep")], [1, 1, 1], names)
        expect(len(names), function_count(path))
        end = 0
        for start, size, name in sorted(lines):
            expect(size > 0 and start >= end, True, (hex(start), name))
            end = start + size


def function_count(path):
    """Of the code section."""
    def number(at):
        value = shift = 0
        while True:
            value |= (data[at] & 0x7f) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 0x80:
                return value, at
    with open(path, "rb") as file:
        data = file.read()
    at = 8
    while data[at] != 10:
        size, start = number(at + 1)
        at = start + size
    return number(number(at + 1)[1])[0]


@test
def debug_perf_finds_names(world):
    if shutil.which("perf") is None:
        raise Skip("no perf")
    if not compiles_here(world):
        raise Skip("no compiled code on this machine")
    data = world.path("perf.data")
    process = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-o", data, world.redshirt, "run", "--engine", "compiled",
         "--perf-map", module(world, "4-O0"), "spin"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=world.env())
    ended = finish(process)
    if not os.path.exists(data) or os.path.getsize(data) == 0 or ended.code == 255:
        raise Skip("perf does not work here")
    expect(ended.code, 0, ended)
    report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--sort", "symbol"], text=True,
                            capture_output=True, check=False)
    for line in report.stdout.splitlines():
        if " compute [" in line:
            return
    raise AssertionError(report.stdout[:2000] + report.stderr[:500])


@test
def debug_perf_map_is_off_by_default(world):
    with world.running("run", module(world, "4-O0")) as process:
        ended = finish(process)
        expect((ended.code, os.path.exists(f"/tmp/perf-{process.pid}.map")), (0, False), ended)
