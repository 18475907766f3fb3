# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiled code that is kept from one run to the next: found again, and never believed."""
import glob
import os
import random
import re
import shutil
import threading
import time

from harness import PATIENCE, Skip, expect, expect_good, finish, is_sanitized, test
from test_run import leb, section
from test_store import add

MIB = 1 << 20
COMPILED = rb"^redshirt: (baf\w+): (\d+) functions compiled$"
KEPT = rb"^redshirt: (baf\w+): (\d+) functions of kept code$"
DAMAGED = rb"^redshirt: (baf\w+): kept code is damaged"


def words(world):
    return ("run", "-v", "--engine", "compiled", world.guest("probe"), "start")


def found(pattern, ended):
    return sorted(re.findall(pattern, ended.err, re.M))


def folder(world):
    return os.path.join(world.home, "store", "code")


def entries(world):
    """Name -> bytes of all that is kept. A writer at work may rename a file while we look."""
    out = {}
    for path in glob.glob(os.path.join(folder(world), "*")):
        try:
            with open(path, "rb") as file:
                out[os.path.basename(path)] = file.read()
        except FileNotFoundError:
            continue
    return out


def put(world, name, data):
    with open(os.path.join(folder(world), name), "wb") as file:
        file.write(data)


def first_run(world):
    """The programs that were compiled, as pairs of name and number of functions."""
    ended = world.run(*words(world))
    expect_good(ended)
    made = found(COMPILED, ended)
    expect(len(made), 2, ended)  # the loader and the program
    expect(found(KEPT, ended), [], ended)
    return made, ended.out


def expect_kept(world, made, out):
    ended = world.run(*words(world))
    expect_good(ended, out)
    expect(found(KEPT, ended), made, ended)
    expect(found(COMPILED, ended) + found(DAMAGED, ended), [], ended)


@test
def kept_code_is_found_again(world):
    made, out = first_run(world)
    expect_kept(world, made, out)
    expect(sorted(len(name) for name in entries(world)), [64, 64])
    expect(os.stat(folder(world)).st_mode & 0o777, 0o700)
    for name in entries(world):
        expect(os.stat(os.path.join(folder(world), name)).st_mode & 0o777, 0o600)


def await_words(world, words, is_written=any):
    """A program that never ends, compiled beside itself: until the command has said these words of it, and what it
    keeps is written: a signal gives up what is not written yet."""
    with open(world.guest("spinner"), "rb") as file:
        spinner = add(world, file.read()).encode()
    with world.running("run", "-v", "--engine", "auto", world.guest("spinner")) as process:
        late = threading.Timer(PATIENCE, process.kill)
        late.start()
        said = []
        for line in process.stderr:
            said.append(line)
            if spinner in line and words in line:
                break
        else:
            late.cancel()
            raise AssertionError(f"it never said {words}, but {said}")
        late.cancel()
        end = time.monotonic() + PATIENCE
        while not is_written(data for name, data in entries(world).items() if len(name) == 64):
            expect(time.monotonic() < end, True, "it is written")
            time.sleep(0.01)
        process.terminate()
        expect(process.wait(timeout=60), 143)


@test
def kept_code_reaches_a_program_that_runs(world):
    """Beside the interpreter, which begins with it: the default, and it is not believed there either."""
    await_words(world, b" functions compiled")
    await_words(world, b" functions of kept code")
    damaged = {name: data[:-1] + bytes([data[-1] ^ 1]) for name, data in entries(world).items()}
    for name, data in damaged.items():
        put(world, name, data)
    await_words(world, b" kept code is damaged", lambda kept: any(data not in damaged.values() for data in kept))
    await_words(world, b" functions of kept code")


@test
def kept_code_is_not_asked_for_by_the_interpreter(world):
    expect_good(world.run("run", "-v", "--engine", "interpreter", world.guest("probe"), "start"))
    expect(os.path.exists(folder(world)), False)


@test
def kept_code_that_changed_is_never_executed(world):
    made, out = first_run(world)
    sound = entries(world)
    dice = random.Random(1)
    # Each run meets as many changed files as there are.
    for turn in range(100 if not is_sanitized(world) else 40):
        for name, data in sound.items():
            at = dice.randrange(len(data))
            if turn % 5 == 4:
                put(world, name, data[:at])
            else:
                put(world, name, data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1:])
        ended = world.run(*words(world))
        expect_good(ended, out)
        expect(found(KEPT, ended), [], ended)
        expect(found(COMPILED, ended), made, ended)
        # A file of no bytes is as good as none.
        wanted = {name for name, data in made}
        told = set(found(DAMAGED, ended))
        expect(told <= wanted and len(told) >= len(wanted) - (turn % 5 == 4), True, ended)
        expect(entries(world) == sound, True, "what was damaged is replaced")
    expect_kept(world, made, out)


@test
def kept_code_of_another_is_refused(world):
    """Whole and sound, under a name that is not its own: of another program, compiler or CPU."""
    made, out = first_run(world)
    sound = entries(world)
    one, other = sound
    put(world, one, sound[other])
    put(world, other, sound[one])
    ended = world.run(*words(world))
    expect_good(ended, out)
    expect(found(DAMAGED, ended), sorted(name for name, _ in made), ended)
    expect(b"of another program, compiler or CPU" in ended.err, True, ended)
    expect(entries(world) == sound, True, "what was refused is replaced")


@test
def kept_code_survives_writers_that_are_killed(world):
    made, out = first_run(world)
    sound = entries(world)
    begin = time.monotonic()
    expect_good(world.run(*words(world)))
    whole = time.monotonic() - begin
    for turn in range(30):
        shutil.rmtree(folder(world), ignore_errors=True)
        with world.running(*words(world)) as process:
            time.sleep(whole * turn / 25)
            process.kill()
        for name, data in entries(world).items() if os.path.exists(folder(world)) else []:
            expect(name.startswith("new-") or data == sound[name], True, f"{name} after a kill")
    expect_good(world.run(*words(world)), out)
    expect_kept(world, made, out)


@test
def kept_code_is_written_by_several_at_once(world):
    made, out = first_run(world)
    sound = entries(world)
    for _ in range(3):
        shutil.rmtree(folder(world))
        processes = [world.start(*words(world)) for _ in range(6)]
        for process in processes:
            ended = finish(process)
            expect_good(ended, out)
            expect(found(DAMAGED, ended), [], ended)
        expect(entries(world) == sound, True, "one of those that were written")
    expect_kept(world, made, out)


@test
def kept_code_lies_where_nobody_else_writes(world):
    made, out = first_run(world)

    def expect_unkept(what):
        ended = world.run(*words(world))
        expect_good(ended, out)
        expect(found(COMPILED, ended), made, (what, ended))
        return ended

    for mode in [0o720, 0o702, 0o777]:
        os.chmod(folder(world), mode)
        ended = expect_unkept(oct(mode))
        expect(ended.err.count(b"compiled code is not kept"), 1, ended)
    os.chmod(folder(world), 0o755)  # others may read
    expect_kept(world, made, out)
    for name in entries(world):
        os.chmod(os.path.join(folder(world), name), 0o620)
    expect_unkept("files that a group writes")
    expect_kept(world, made, out)  # they were replaced
    # A link leads to where others might write.
    os.rename(folder(world), folder(world) + "2")
    os.symlink(folder(world) + "2", folder(world))
    expect_unkept("a link")
    os.unlink(folder(world))
    with open(folder(world), "wb"):
        pass
    expect_unkept("a file in the folder's place")


@test
def kept_code_of_another_user_is_refused(world):
    if os.geteuid() != 0:
        raise Skip("only root can give files away")
    made, out = first_run(world)
    for name in entries(world):
        os.chown(os.path.join(folder(world), name), 1, 1)
    ended = world.run(*words(world))
    expect(found(COMPILED, ended), made, ended)
    expect_kept(world, made, out)
    os.chown(folder(world), 1, 1)
    ended = world.run(*words(world))
    expect_good(ended, out)
    expect(found(COMPILED, ended), made, ended)


@test
def kept_code_has_a_bound(world):
    made, out = first_run(world)
    shutil.rmtree(folder(world))
    os.mkdir(folder(world), 0o700)
    now = time.time()
    for number in range(6):  # of holes: they take no room
        path = os.path.join(folder(world), f"{number:064x}")
        with open(path, "wb") as file:
            file.truncate(100 * MIB)
        os.utime(path, (now - 1000 + number, now - 1000 + number))
    for name, age in [("new-old", 7200), ("new-young", 10)]:
        put(world, name, b"x")
        os.utime(os.path.join(folder(world), name), (now - age, now - age))
    expect_good(world.run(*words(world)), out)
    left = sorted(os.listdir(folder(world)))
    expect([name for name in left if name.startswith("0" * 60)], [f"{n:064x}" for n in range(1, 6)])
    expect("new-young" in left and "new-old" not in left, True, left)
    expect_kept(world, made, out)


@test
def what_stays_interpreted_is_named(world):
    """A body of a byte more than JIT_BODY_BYTES is refused, and said to be; one of as many is not."""
    for more in range(2):
        body = b"\x00" + b"\x01" * ((1 << 18) - 1 + more) + b"\x0b"
        module = b"\0asm\1\0\0\0" + section(1, b"\x01\x60\0\0") + section(3, b"\x01\0") + section(5, b"\x01\0\x01")
        module += section(7, b"\x02\x06_start\0\0\x06memory\x02\0") + section(10, b"\x01" + leb(len(body)) + body)
        ended = world.run("run", "-v", "--engine", "compiled", world.write("long", module))
        expect_good(ended)
        words = rb"function 0 stays interpreted: .* at its (\d+) bytes\. Its name: _start$"
        expect(re.findall(words, ended.err, re.M), [b"262145"] * more, ended)
