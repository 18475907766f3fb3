# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about programs that carry debugging information (tests/dwarf/points.c)."""
import os
import random

from harness import Skip, expect, test

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
