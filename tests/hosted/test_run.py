# SPDX-License-Identifier: GPL-3.0-or-later
"""run and demo: streams, exit codes, arguments, refusals, signals, workers, and the small system."""
import base64
import json
import os
import resource
import signal
import subprocess
import time
import urllib.request

from harness import (Skip, alone, connect, expect, expect_good, expect_refused, finish, line, listen,
                     port_of, soon, test)
from test_store import add, block_path, content, rewrite

MIB = 1 << 20
# An empty module: a program without _start.
EMPTY_MODULE = b"\0asm\1\0\0\0"


@test
def run_arguments_are_the_programs_own(world):
    ended = world.run("run", "--env", "A=1", "-e", "B=x=y", "--env=C=", world.guest("probe"),
                      "start", "--help", "-x", "", "a b", "\xe4")
    expect(ended.code, 0, ended)
    expect(ended.out.decode().splitlines()[1:],
           ["[start]", "[--help]", "[-x]", "[]", "[a b]", "[\xe4]", "A=1", "B=x=y", "C="])
    ended = world.run("run", "--", world.guest("probe"), "start", "--env", "Z=1")
    expect(ended.out.decode().splitlines()[1:], ["[start]", "[--env]", "[Z=1]"])
    ended = world.run("run", world.guest("probe"), "--", "start", "--", "-1")
    expect(ended.out.decode().splitlines()[1:], ["[start]", "[--]", "[-1]"])


@test
def run_refuses_arguments_beyond_the_limit(world):
    ended = world.run("run", world.guest("probe"), "start", *["x" * 100000] * 15)
    expect_refused(ended, 73, "arguments and variables beyond 128 KiB")


@test
def run_by_name(world):
    with open(world.guest("probe"), "rb") as file:
        cid = add(world, file.read())
    ended = world.run("run", cid, "start")
    expect(ended.out.decode().splitlines(), [f"[{cid}]", "[start]"], ended)


@test
def run_streams_byte_for_byte(world):
    data = content(3 * MIB + 1)
    expect_good(world.run(*world.probe("cat"), input=data), data)
    expect_good(world.run(*world.probe("cat"), input=b""), b"")
    # From a file to a file.
    with open(world.write("in", data), "rb") as source, open(world.path("out"), "wb") as target:
        ended = world.run(*world.probe("cat"), stdin=source, stdout=target, input=None)
    expect(ended.code, 0, ended)
    with open(world.path("out"), "rb") as file:
        expect(file.read() == data, True, "the file")


@test
def run_output_that_nobody_reads(world):
    with world.running(*world.probe("cat")) as process:
        process.stdout.close()
        process.stdin.write(content(1 << 16))
        process.stdin.flush()
        process.stdout = None
        ended = finish(process)
        expect(ended.code, 3, ended)  # the program was told that the stream is closed


@test
def run_with_standard_files_closed(world):
    """The shell's `<&-` and `>&-`: whoever uses the file is told that it is closed."""
    def closing(*files):
        return lambda: [os.close(file) for file in files]

    for files in [(0,), (1,), (2,), (0, 1), (0, 1, 2)]:
        ended = world.run(*world.probe("start"), preexec_fn=closing(*files))
        expect(ended.code, 0, (files, ended))
    expect(world.run(*world.probe("cat"), preexec_fn=closing(1), input=b"abc").code, 3)
    name = world.run("add", world.guest("probe")).out.decode().strip()
    expect(world.run("get", name, preexec_fn=closing(0, 1)).code, 74)
    expect(world.run("get", name, "-o", world.path("out"), preexec_fn=closing(0, 1, 2)).code, 0)


@test
def run_loses_nothing_that_was_told(world):
    ended = world.run(*world.probe("tell", "3000"))
    expect(ended.code, 7, ended)
    expect(ended.out == (b"a" * 999 + b"\n") * 3000, True, f"{len(ended.out)} bytes")


@test
def run_exit_codes(world):
    expect(world.run("run", world.guest("trap"), "no trap").code, 3)


@test
def run_traps_say_what_and_where(world):
    for how, words in [("unreachable", "unreachable"), ("recurse", "call stack exhausted|out of bounds memory"),
                       ("divide", "integer divide by zero"),
                       ("memory", "out of bounds memory access"),
                       ("table", "element|out of bounds table|type mismatch")]:
        expect_refused(world.run("run", world.guest("trap"), how), 134, words, "trap", "offset")


@test
def run_refuses_what_is_no_program(world):
    good = open(world.guest("probe"), "rb").read()
    for data, words in [(b"hello", "."), (b"", "."), (good[:5000], "."), (EMPTY_MODULE, "."),
                        (b"\0asm\2\0\0\0", "version")]:
        path = world.write("file", data)
        expect_refused(world.run("run", path), 65, "cannot run", "file", words)
    expect_refused(world.run("run", world.path("none")), 66, "cannot run", "No such file")
    expect_refused(world.run("run", "nothing-like-it"), 66, "neither a file nor a CID")
    expect_refused(world.run("run", world.home), 74, ".")


@test
def run_refuses_damage_and_says_which(world):
    data = open(world.guest("probe"), "rb").read()
    cid = add(world, data)
    path = block_path(world, cid)
    rewrite(path, lambda b: b[:3000] + bytes([b[3000] ^ 4]) + b[3001:])
    expect_refused(world.run("run", cid), 68, "cannot run", cid, "changed")
    add(world, data)
    rewrite(path, lambda b: b[:-10])
    expect_refused(world.run("run", cid), 68, "cannot run", cid, "cut short")
    os.unlink(path)
    expect_refused(world.run("run", cid), 66, "cannot run", cid, "redshirt add")
    add(world, data)
    expect_good(world.run("run", cid, "start"))


@test
def run_refuses_damage_in_a_large_program(world):
    module = open(world.guest("probe"), "rb").read()
    padding = content(3 * MIB)  # a custom section, so that it still is a program
    size = len(padding) + 2
    leb = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21])
    data = module + b"\0" + leb + b"\1x" + padding
    cid = add(world, data)
    expect_good(world.run("run", cid, "start"))
    leaves = [word for word in world.run("ls", "--blocks").out.decode().split()
              if word.startswith("bafkrei")]
    rewrite(block_path(world, leaves[1]), lambda b: b[:-1] + b"!" if b[-1:] != b"!" else b[:-1])
    expect_refused(world.run("run", cid), 68, "cannot run", leaves[1])
    os.unlink(block_path(world, leaves[2]))
    add(world, data)
    os.unlink(block_path(world, leaves[2]))
    expect_refused(world.run("run", cid), 66, "cannot run", leaves[2])


@test
def run_refuses_what_is_too_large(world):
    path = world.path("large")
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    expect_refused(world.run("run", path), 73, "2048 MiB", "at most 64 MiB")
    with open(path, "wb") as file:
        file.truncate(65 * MIB)
    added = world.run("add", path)
    expect_good(added)
    expect_refused(world.run("run", added.out.decode().strip()), 73, "cannot run", "at most 64 MiB")


def leb(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def section(number, contents):
    return bytes([number]) + leb(len(contents)) + contents


@test
def run_refuses_a_program_whose_code_is_too_large(world):
    """Sixty million elements of 8 bytes and 3.4 million calls of 32: within the limit of a file, beyond
    KERNEL_PROGRAM_BYTES."""
    count = 10_000_000
    segment = b"\x01\x00" + leb(count) + bytes(count)
    body = b"\x00" + b"\x10\x00" * 3_400_000 + b"\x0b"
    module = b"\0asm\x01\0\0\0" + section(1, b"\x01\x60\0\0") + section(3, b"\x02\0\0")
    module += section(7, b"\x01\x06_start\0\0") + section(9, leb(6) + segment * 6)
    module += section(10, b"\x02\x02\x00\x0b" + leb(len(body)) + body)
    path = world.path("code")
    with open(path, "wb") as file:
        file.write(module)
    expect_refused(world.run("run", path), 73, "memory for the module's code", "512 MiB with its code")


@test
def run_refuses_a_file_without_an_end(world):
    expect_refused(world.run("run", "/dev/zero"), 73, "/dev/zero", "too large")


@test
def run_takes_names_in_every_way_they_are_written(world):
    with open(world.guest("inspector"), "rb") as file:
        cid = add(world, file.read())
    expect_good(world.run("run", cid))
    for word in "/ipfs/" + cid, "ipfs://" + cid, "ipfs://" + cid + "/":
        expect_good(world.run("run", word))
    absent = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPBdG"
    name = "bafybeie5nqv6kd3qnfjupgvz34woh3oksc3iau6abmyajn7qvtf6dz5tp4"
    for word in absent, "/ipfs/" + absent, "ipfs://" + absent:
        expect_refused(world.run("run", word), 66, name)


@test
def run_refuses_names_that_are_none(world):
    for prefix in "/ipfs/", "ipfs://":
        expect_refused(world.run("run", prefix + "tool"), 67, "cannot run")
    # sha2-512 in place of sha2-256, in a CID that is right otherwise; a letter lost; another base.
    other = bytes([1, 0x55, 0x13, 64]) + bytes(64)
    other = "b" + base64.b32encode(other).decode().lower().rstrip("=")
    expect_refused(world.run("run", other), 67, "sha2-512")
    good = add(world, b"anything")
    expect_refused(world.run("run", good[:-1]), 67, "cannot run")
    expect_refused(world.run("run", good.upper()), 67, "cannot run")
    expect_refused(world.run("run", "tool"), 66, "neither a file nor a CID", "redshirt ls")
    expect_refused(world.run("run"), 64, "which program")
    expect_refused(world.run("run", "--env", "x"), 64, "NAME=VALUE")
    expect_refused(world.run("run", "--workers", "0", "x"), 64, "from 1")
    expect_refused(world.run("run", "--what", "x"), 64, "--")


def stopped_within_a_second(world, number, code, *arguments):
    def stop():
        with world.running(*arguments) as process:
            time.sleep(1.0)
            expect(process.poll(), None, "still runs")
            begin = time.monotonic()
            process.send_signal(number)
            process.wait(timeout=60)  # before its input ends, which might end it as well
            took = time.monotonic() - begin
            expect(finish(process).code, code)
            return took
    soon(1.0, stop)


@test
@alone
def signals_stop_a_spinner(world):
    stopped_within_a_second(world, signal.SIGINT, 130, "run", world.guest("spinner"))
    stopped_within_a_second(world, signal.SIGTERM, 143, "run", world.guest("spinner"))
    stopped_within_a_second(world, signal.SIGINT, 130, "run", "--workers", "3", world.guest("spinner"))


@test
@alone
def signals_stop_a_reader(world):
    stopped_within_a_second(world, signal.SIGINT, 130, "run", world.guest("probe"), "cat")


@test
@alone
def signals_stop_a_server(world):
    stopped_within_a_second(world, signal.SIGINT, 130, "run", world.guest("echo_tcp"))


@test
@alone
def signals_stop_a_writer_that_nobody_reads(world):
    stopped_within_a_second(world, signal.SIGINT, 130, *world.probe("tell", "100000"))


def large_program():
    """A valid module of 28 MiB, all of it code: a check of half a second or so."""
    def leb(value):
        return bytes((value >> shift & 0x7f) | (0x80 if shift < 28 else 0) for shift in range(0, 35, 7))

    def section(number, content):
        return bytes([number]) + leb(len(content)) + content
    body = b"\0" + b"\x41\0\x1a" * ((7 << 20) // 3) + b"\x0b"
    bodies = (leb(len(body)) + body) * 4
    return (b"\0asm\1\0\0\0" + section(1, b"\1\x60\0\0") + section(3, b"\x04" + bytes(4)) +
            section(5, b"\1\0\1") + section(7, b"\2\6memory\2\0\6_start\0\0") + section(10, b"\x04" + bodies))


@test
@alone
def signals_stop_a_large_program_that_loads(world):
    """While it is read, hashed, decoded, validated or translated, by one worker alone."""
    cid = add(world, large_program())
    def stop(delay):
        with world.running("run", "--workers", "1", cid) as process:
            time.sleep(delay)
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)  # or it has run
            ended = finish(process)
            expect(ended.code in (0, 130, -signal.SIGINT), True, ended)
            return time.monotonic() - begin
    for delay in (0.2, 0.4, 0.6, 0.8, 1.2):
        soon(1.5, lambda: stop(delay))


@test
def a_compiled_program_too_large_to_keep_ends_well(world):
    """As large as files are: what it is made of is given back in portions as soon as nobody runs it."""
    ended = world.run("run", "--engine", "compiled", world.guest("probe"), "time")
    if b"no compiled code" in ended.err:
        raise Skip("this machine runs no compiled code")
    begin = (b"\0asm\1\0\0\0" + b"\1\4\1\x60\0\0" + b"\3\2\1\0" + b"\5\3\1\0\1" +
             b"\7\x13\2\6memory\2\0\6_start\0\0" + b"\x0a\4\1\2\0\x0b")
    size = (64 << 20) - len(begin) - 6
    custom = b"\0" + bytes([size & 0x7f | 0x80, size >> 7 & 0x7f | 0x80, size >> 14 & 0x7f | 0x80,
                            size >> 21 & 0x7f | 0x80, size >> 28]) + b"\1x"
    ended = world.run("run", "--engine", "compiled",
                      world.write("large.wasm", begin + custom + bytes(size - 2)))
    expect((ended.code, ended.out, ended.err), (0, b"", b""), ended)


@test
def signals_at_any_moment(world):
    """Also while it comes up and while it ends: it is stopped or has ended by itself, and nothing else."""
    for turn in range(60):
        with world.running(*world.probe("time")) as process:
            time.sleep(turn * 0.002)
            process.send_signal(signal.SIGINT)
            ended = finish(process)
            expect(ended.code in (0, 130, -signal.SIGINT), True, ended)
            expect(b"Sanitizer" in ended.err, False, ended)


@test
def workers_any_number_of(world):
    for workers in ["1", "2", "7", "64"]:
        ended = world.run("run", "--workers", workers, world.guest("probe"), "time")
        expect(ended.code, 0, ended)


def shared_with(world, name):
    """It delays its neighbour by a slice (10 ms) at most; the host's own noise comes on top."""
    with open(world.guest(name), "rb") as file:
        cid = add(world, file.read())
    def middle(workers, count):
        ended = world.run("run", "--workers", workers, world.guest("probe"), "beside", cid, count)
        expect(ended.code, 0, ended)
        late = {word: int(number) for word, number, _ in map(str.split, ended.out.decode().splitlines())}
        return late["middle"] / 1e6
    for workers, count in [("1", "1"), ("1", "3"), ("2", "2"), ("2", "5")]:
        # Each sleeper's turn is two messages, each of which waits for the slices before it. The middle
        # tells of the scheduler, the longest only of a busy host. sim has the exact law.
        soon(3 * -(-int(count) // int(workers)) * 0.015, lambda: middle(workers, count))


@test
@alone
def workers_are_shared_with_spinners(world):
    shared_with(world, "spinner")


@test
@alone
def workers_are_shared_with_loops_of_host_calls(world):
    shared_with(world, "poller")


@test
@alone
def devices_time(world):
    def late():
        before = time.time()
        ended = world.run(*world.probe("time"))
        expect(ended.code, 0, ended)
        lines = ended.out.decode().splitlines()
        expect(int(before) <= int(lines[0].split()[1]) <= time.time(), True, lines[0])
        expect(lines[3:], ["timer 3 cancelled", "timer 1", "timer 2", "timer 0"])
        return int(lines[2].split()[2]) / 1e6
    soon(0.2, late)


@test
def devices_random(world):
    ended = world.run(*world.probe("random"))
    expect_good(ended, b"bytes 0\nbytes 32\nbytes 65536\nbytes 65536\n")


@test
def devices_log(world):
    ended = world.run(*world.probe("log"))
    expect_good(ended, b"log: ok\nlog: ok\nlog: ok\nlog: E_MALFORMED\n")
    lines = ended.err.splitlines()
    expect(lines[0], b"info: plain")
    expect(lines[1], "error: bad?[31m?news \xe4 ?".encode())
    expect(lines[2], b"debug: " + b"x" * 4096)


@test
def devices_refuse_hostile_bodies(world):
    ended = world.run(*world.probe("hostile"))
    expect(ended.code, 0, ended)
    for text in ended.out.decode().splitlines():
        expect(text.endswith(" refused, 0 other"), True, text)


@test
def devices_bound_what_a_process_reads_at_once(world):
    with world.running("run", world.guest("bounds"), "reads") as process:
        expect(line(process), "reads 64")


@test
def devices_bound_sockets_by_what_the_host_has(world):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    ended = world.run("run", world.guest("bounds"), "sockets", preexec_fn=few)
    expect_good(ended, b"limit 1\nagain 1\nbeyond 0\nsockets 8\nstore 1\n")


@test
def devices_answer_each_of_many_blocks(world):
    for workers in "1", "2":
        ended = world.run("run", "--workers", workers, world.guest("bounds"), "blocks")
        expect_good(ended, b"answers 600\nnot fewer than the bound 1\n")


@test
def run_leaves_the_host_memory_of_its_own(world):
    ended = world.run("run", world.guest("bounds"), "memory", "0")
    word, pages = ended.out.decode().split()
    host = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    expect((ended.code, word), (0, "pages"), ended)
    expect(int(pages) * 65536 <= host // 2, True, ended)


def fetch(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return answer.read()


def demo_port():
    listener, port = listen("4")
    listener.close()
    return port


@test
def demo_serves_its_page_and_stops(world):
    port = demo_port()
    with world.running("demo", "--port", str(port)) as process:
        while b"http://127.0.0.1:%d/" % port not in process.stderr.readline():
            pass
        for _ in range(100):
            try:
                page = fetch(port, "/")
                break
            except OSError:
                time.sleep(0.1)
        expect(b"<html" in page, True, page[:200])
        system = json.loads(fetch(port, "/api/system"))
        names = {entry["name"] for entry in system["list"]}
        expect({"store-loader", "log", "http"} <= names, True, names)
        # Each of log, http and hello came through the loader: it has answered for all three.
        loader = next(entry for entry in system["list"] if entry["name"] == "store-loader")
        expect(loader["answers"] >= 3, True, loader)
        taken = world.run("demo", "--port", str(port))
        expect_refused(taken, 71, f"port {port}", "taken", "--port")
        process.send_signal(signal.SIGINT)
        ended = finish(process)
        expect(ended.code, 0, ended)
        expect(b"Hello from redshirt" in ended.out, True, ended)
