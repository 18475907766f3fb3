# SPDX-License-Identifier: GPL-3.0-or-later
"""redshirt:kernel/processes on the hosted machine: programs whose streams lead into pipes."""
from harness import expect, expect_good, test

LINES = b"ABCDEFGHI\n" * 20000


def add(world, name):
    ended = world.run("add", world.guest(name))
    expect_good(ended)
    return ended.out.decode().split()[0]


@test
def pipes_between_programs(world):
    piper = add(world, "piper")
    for count in 1, 2, 5:
        ended = world.run("run", world.guest("piper"), "chain", *[piper] * count)
        expect_good(ended, LINES + b"ended 3\n" * count)


@test
def pipes_of_a_program_that_may_not(world):
    piper = add(world, "piper")
    world.answers = ("--deny", "redshirt:kernel/processes")
    ended = world.run("run", world.guest("piper"), "chain", piper)
    expect((ended.code, ended.out), (77, b""), ended)
    expect(b"no bond\n" in ended.err, True, ended)  # perhaps with the refusal in its line


@test
def pipes_of_a_program_with_threads(world):
    """What lies in memory that threads share is copied before it is looked at."""
    direct = world.run("run", world.guest("threads"))
    expect_good(direct)
    ended = world.run("run", world.guest("piper"), "chain", add(world, "threads"), add(world, "piper"))
    expect_good(ended, direct.out.upper() + b"ended 0\nended 3\n")
