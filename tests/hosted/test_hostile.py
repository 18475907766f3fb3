# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers that mean harm, beside an honest one and alone: tests/interop/hostile.c has their manners."""
import contextlib
import os
import re
import select
import socket
import subprocess
import threading
import time

from harness import alone, expect, expect_good, expect_refused, finish, is_sanitized, resident_kib, Skip, test
from test_p2p import MIB, add, content, home, serving

ONCE = "this asks for p2p-loader's logic; whether its code runs right in each mode, test_p2p.py asks"
# What each is called by `why`, and the exit code where nobody else is there. None: it needs not be named, or the end
# is that of any peer that sends nothing.
LIARS = ["wrong", "sha1", "sha512", "short", "identity", "unasked"]
BREAKERS = {"block": "longer block or message", "message": "longer block or message", "garbage": "no message"}
IDLERS = ["have", "trickle"]
FLOODERS = ["streams", "wants", "pings"]
MANNERS = [*LIARS, *BREAKERS, *IDLERS, *FLOODERS]
MEMORY_KIB = 48 * 1024  # more than with an honest peer alone: what one connection may fill, and room


@contextlib.contextmanager
def hostile(world, manner):
    path = os.path.join(world.programs, "../../asan/test/interop_hostile")
    if not os.path.exists(path):
        raise Skip("interop_hostile is not built")
    process = subprocess.Popen([path, manner], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    try:
        process.address = process.stdout.readline().decode().split()[1]
        yield process
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()


def get_measured(world, cid, *peers):
    """The end of a fetch, the most memory that it took, and how long."""
    words = [word for peer in peers for word in ("--peer", peer)]
    most = [0]
    begun = time.monotonic()
    with world.running("get", cid, *words, "-o", world.path("out")) as getting:

        def watch():
            while getting.poll() is None:
                try:
                    most[0] = max(most[0], resident_kib(getting)[1])
                except (OSError, TypeError):
                    return
                time.sleep(0.02)

        thread = threading.Thread(target=watch)
        thread.start()
        ended = finish(getting)
        thread.join()
    return ended, most[0], time.monotonic() - begun


@test
@alone
def hostile_peers_beside_an_honest_one(world):
    giver, plain = home(world, "giver"), home(world, "plain")
    data = content(3 * MIB + 5, 8)
    cid = add(giver, data)
    with serving(giver) as node:
        ended, usual, _ = get_measured(plain, cid, node.address)
        expect_good(ended)
        for manner in MANNERS:
            taker = home(world, manner)
            with hostile(world, manner) as bad:
                ended, most, seconds = get_measured(taker, cid, bad.address, node.address)
            expect(ended.code, 0, f"{manner}: {ended}")
            with open(taker.path("out"), "rb") as file:
                expect(file.read() == data, True, manner)
            if not is_sanitized(world):  # which keeps what was freed for a while
                expect(most < usual + MEMORY_KIB, True, f"{manner}: {most} KiB, {usual} without it")
            expect(seconds < 20, True, f"{manner}: {seconds} s")
            expect_good(taker.run("ls", "--check"))


@test
@alone
def hostile_peers_alone_are_named(world):
    cid = add(home(world, "giver"), content(3 * MIB + 5, 8))
    for manner in [*LIARS, *BREAKERS]:
        taker = home(world, manner)
        with hostile(world, manner) as bad:
            peer = bad.address.split("/")[-1]
            ended, _, seconds = get_measured(taker, cid, bad.address)
        liar = manner in LIARS
        expect_refused(ended, 68 if liar else 66, "something else" if liar else "hung up|broke|asked")
        expect(seconds < (8 if is_sanitized(world) else 4), True, f"{manner}: {seconds} s")
        told = taker.run("why", cid).out.decode()
        words = "sent what nobody asked for" if liar else BREAKERS[manner]
        expect(re.search(f"{peer} .*{words}", told) is not None, True, f"{manner}: {told}")


@contextlib.contextmanager
def knocking(port, count):
    """So many connections on which nothing is said, some after a beginning, each opened again as soon as it is closed.
    Yields how often that was."""
    stop, closed = threading.Event(), [0]

    def knock():
        strangers = []
        while not stop.is_set():
            ready, _, _ = select.select(strangers, [], [], 0.02)
            for stranger in ready:
                with contextlib.suppress(OSError):
                    if stranger.recv(100):
                        continue
                closed[0] += 1
                strangers.remove(stranger)
                stranger.close()
            while len(strangers) < count:
                strangers.append(socket.create_connection(("127.0.0.1", port)))
                if len(strangers) % 4 == 0:
                    with contextlib.suppress(OSError):
                        strangers[-1].sendall(b"\x13/multistream/1.0.0\n\x07/noise\n")
        for stranger in strangers:
            stranger.close()

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        yield lambda: closed[0]
    finally:
        stop.set()
        thread.join()


@test
@alone
def hostile_peers_hold_up_no_server(world):
    """Those who ask without end, and those who begin, say nothing and come again, leave room for who fetches."""
    data = content(3 * MIB + 5, 9)
    cid = add(world, data)
    with serving(world) as node:
        _, usual = resident_kib(node)
        port = int(node.address.split("/")[4])
        with knocking(port, 80) as closed:  # more than may knock
            for n in range(3):
                expect_good(home(world, f"taker{n}").run("get", cid, "--peer", node.address), data)
            expect(closed() > 0, True, "room was made")
        if not is_sanitized(world):
            expect(resident_kib(node)[1] < usual + MEMORY_KIB, True, "memory")
