# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that serve, and commands that fetch from them, over loopback."""
import contextlib
import fcntl
import json
import os
import pty
import re
import resource
import shutil
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.request

from harness import (Ended, Skip, World, alone, expect, expect_good, expect_refused, finish, is_sanitized, line,
                     test)

MIB = 1 << 20
ABSENT = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
SIZES = [0, 1, 262143, 262144, 262145, MIB - 1, MIB, MIB + 1, 3 * MIB + 17]


def content(size, seed=0):
    """Bytes that no two pages have in common."""
    return b"".join((n ^ seed << 40).to_bytes(8, "little") for n in range((size + 7) // 8))[:size]


def home(world, name):
    """Another home of the same command."""
    path = world.path(name)
    os.makedirs(path, exist_ok=True)
    return World(world.redshirt, world.programs, path)


def add(world, data, *options):
    ended = world.run("add", *options, world.write("file", data))
    expect_good(ended)
    return ended.out.decode().strip()


@contextlib.contextmanager
def serving(world, *options):
    """A node; its address is `address`."""
    options = options or ("--listen", "/ip4/127.0.0.1/tcp/0")
    with world.running("serve", *options) as node:
        line = node.stdout.readline().decode()
        match = re.fullmatch(r"listening (/\S+/tcp/\d+/p2p/12D3Koo\w+)\n", line)
        expect(match is not None, True, f"{line!r}")
        node.address = match.group(1)
        yield node


def eventually(ask):
    """The first answer that is not empty, within some seconds."""
    for _ in range(50):
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    return answer


def store_size(world):
    return sum(len(files) for _, _, files in os.walk(os.path.join(world.home, "store", "blocks")))


@test
def p2p_files_of_every_size_come_whole(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    names = {size: add(giver, content(size)) for size in SIZES}
    with serving(giver) as node:
        for size, cid in names.items():
            expect_good(taker.run("get", cid, "--peer", node.address), content(size))
    # And once more with nobody there.
    for size, cid in names.items():
        expect_good(taker.run("get", cid, "--peer", node.address), content(size))
        expect_good(taker.run("get", cid), content(size))
    expect_good(taker.run("ls", "--check"))


@test
def p2p_brings_the_programs_of_a_system(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    with open(world.guest("mortal"), "rb") as file:
        cid = add(giver, file.read())
    system = taker.write("far.system", f"program a {cid} code 5\n".encode())
    expect(taker.run("up", system).code in (0, 5), False)
    with serving(giver) as node:
        ended = taker.run("up", "--peer", node.address, system)
        expect(ended.code, 5, ended)
    expect(taker.run("up", system).code, 5)  # it is here now
    expect(taker.run("up", "--peer", "nonsense", system).code, 64)


@test
def p2p_a_program_runs_by_its_name(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    with open(world.guest("probe"), "rb") as file:
        cid = add(giver, file.read())
    with serving(giver) as node:
        ended = taker.run("run", "--peer", node.address, cid, "echo", "here")
        expect(ended.code, taker.run("run", world.guest("probe"), "echo", "here").code, ended)
    again = taker.run("run", cid, "echo", "here")
    expect((again.code, again.out), (ended.code, ended.out))
    # The network is gone, and whoever would be asked is not needed.
    again = taker.run("run", "--peer", node.address, cid, "echo", "here")
    expect((again.code, again.out), (ended.code, ended.out))


@test
@alone
def p2p_what_nobody_has_is_told_soon(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    with serving(giver) as node:
        begun = time.monotonic()
        ended = taker.run("run", "--peer", node.address, ABSENT)
        seconds = time.monotonic() - begun
        expect_refused(ended, 66, ABSENT, "does not have it", node.address[-6:])
        expect_refused(taker.run("get", ABSENT, "--peer", node.address), 66, "does not have it")
        expect(seconds < (20 if is_sanitized(world) else 10), True, seconds)
    expect_refused(taker.run("get", ABSENT, "--peer", node.address), 66, "nobody listens there")
    expect_refused(taker.run("run", ABSENT), 66)
    expect_refused(taker.run("get", "--peer", node.address, "bafkqaaa"), 67)
    expect_refused(taker.run("get", "--peer", "/ip4/1.2.3.4/udp/1", ABSENT), 64)


@test
def p2p_a_peer_is_who_its_address_says(world):
    giver, other, taker = home(world, "giver"), home(world, "other"), home(world, "taker")
    cid = add(giver, b"something")
    with serving(giver) as node, serving(other) as stranger:
        wrong = node.address.rsplit("/", 1)[0] + "/" + stranger.address.rsplit("/", 1)[1]
        expect_refused(taker.run("get", cid, "--peer", wrong), 66, "somebody else")
        anybody = node.address.rsplit("/p2p/", 1)[0]
        expect_good(taker.run("get", cid, "--peer", anybody), b"something")


@test
def p2p_only_what_is_pinned_is_given(world):
    giver, middle, taker = home(world, "giver"), home(world, "middle"), home(world, "taker")
    data = content(2 * MIB + 3)
    cid = add(giver, data)
    with serving(giver) as node:
        expect_good(middle.run("get", cid, "--peer", node.address), data)
    with serving(middle) as node:
        expect_refused(taker.run("get", cid, "--peer", node.address), 66, "does not have it")
        expect_good(middle.run("pin"), b"")
        expect_good(middle.run("pin", cid))
        expect_good(middle.run("pin"), cid.encode() + b"\n")
        time.sleep(3)  # the node looks at the list every two seconds
        expect_good(taker.run("get", cid, "--peer", node.address), data)
        other = home(world, "other")
        expect_good(middle.run("unpin", cid))
        expect_refused(middle.run("unpin", cid), 66, "is not pinned")
        time.sleep(3)
        expect_refused(other.run("get", cid, "--peer", node.address), 66, "does not have it")
    expect_refused(middle.run("pin", ABSENT), 66, "not in the store")
    expect_good(giver.run("pin"), cid.encode() + b"\n")
    add(giver, b"private", "--no-pin")
    expect_good(giver.run("pin"), cid.encode() + b"\n")


@test
def p2p_an_identity_is_kept_and_private(world):
    with serving(world) as node:
        identity = node.address.split("/")[-1]
    with serving(world) as node:
        expect(node.address.split("/")[-1], identity)
    records = os.path.join(world.home, "store", "records")
    expect(stat.S_IMODE(os.stat(records).st_mode), 0o700)
    expect(stat.S_IMODE(os.stat(os.path.join(records, "seed")).st_mode), 0o600)
    os.chmod(os.path.join(records, "seed"), 0o644)
    ended = world.run("serve", "--listen", "/ip4/127.0.0.1/tcp/0")
    expect_refused(ended, 74, "identity")


@test
def p2p_over_ipv6_and_names(world):
    taker = home(world, "taker")
    cid = add(world, b"six")
    with serving(world, "--listen", "/ip6/::1/tcp/0") as node:
        expect_good(taker.run("get", cid, "--peer", node.address), b"six")
    with serving(world) as node:
        port = node.address.split("/")[4]
        other = home(world, "other")
        expect_good(other.run("get", cid, "--peer", f"/dns4/localhost/tcp/{port}"), b"six")


@test
def p2p_a_dead_provider_is_replaced(world):
    giver, second, taker = home(world, "giver"), home(world, "second"), home(world, "taker")
    data = content((4 if is_sanitized(world) else 24) * MIB + 5)
    cid = add(giver, data)
    add(second, data)
    with serving(giver) as first, serving(second) as other:
        with taker.running("get", cid, "--peer", first.address, "--peer", other.address,
                           "-o", taker.path("out")) as getting:
            while store_size(taker) < 2 and getting.poll() is None:
                time.sleep(0.001)
            first.kill()
            expect_good(finish(getting))
    with open(taker.path("out"), "rb") as file:
        expect(file.read() == data, True, "the bytes")


@test
def p2p_what_was_cut_off_goes_on(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    data = content((4 if is_sanitized(world) else 24) * MIB + 5, 1)
    cid = add(giver, data)
    with serving(giver) as node:
        with taker.running("get", cid, "--peer", node.address, "-o", taker.path("out")) as getting:
            while store_size(taker) < 2 and getting.poll() is None:
                time.sleep(0.001)
            node.kill()
            ended = finish(getting)
    if ended.code != 0:  # else it was faster than the knife
        expect_refused(ended, 66, "hung up|broke|nobody listens")
        expect(os.path.exists(taker.path("out")), False)
    with serving(giver) as node:
        expect_good(taker.run("get", cid, "--peer", node.address), data)


def little_room():
    """Files of the command have at most 600 KB, as if the disk were full then."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))


@test
def p2p_a_full_disk_is_called_so(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    small, large = add(giver, b"small"), add(giver, content(900_000))
    with serving(giver) as node:
        expect_good(taker.run("get", small, "--peer", node.address), b"small")
        ended = taker.run("get", large, "--peer", node.address, preexec_fn=little_room)
        expect_refused(ended, 74, "cannot be kept: cannot write the block", "File too large")


@test
def p2p_who_serves_hears_of_damage(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    cid = add(giver, b"a block")
    path = os.path.join(giver.home, "store", "blocks", cid[-3:-1], cid)
    os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(b"a clock")
    with serving(giver) as node:
        for _ in range(3):
            expect(taker.run("get", cid, "--peer", node.address).code, 66)
        node.terminate()
        told = node.stderr.read().decode()
    expect(told.count("damaged and given to nobody"), 1, told)
    expect(cid in told, True, told)


@test
def p2p_mistakes_are_called_by_their_name(world):
    expect_refused(world.run("get", ABSENT, "--listen", "/ip4/127.0.0.1/tcp/0"), 64, "no option")
    expect_refused(world.run("pin", ABSENT, "--foo"), 64, "no option")
    expect_refused(world.run("why", "foo"), 67, "foo: not a CID")
    expect_refused(world.run("network", "remove", "router", "http://127.0.0.1"), 66, "`redshirt network` lists")


@test
def p2p_why_and_peers_tell(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    data = content(2 * MIB + 9)
    cid = add(giver, data)
    expect_refused(giver.run("peers"), 66, "no node is running")
    with serving(giver) as node:
        identity = node.address.split("/")[-1]
        expect_good(taker.run("get", cid, "--peer", node.address), data)
        lines = taker.run("why", cid).out.decode().splitlines()
        expect(len(lines), 4, lines)  # the node and three leaves
        expect(all(identity in line for line in lines), True, lines)
        with serving(taker, "--listen", "/ip4/127.0.0.1/tcp/0", "--peer", node.address):
            told = eventually(lambda: taker.run("peers").out.decode())
            for word in ("self 12D3Koo", "listens /ip4/127.0.0.1/tcp/"):
                expect(word in told, True, told)
    told = giver.run("why", cid).out.decode()
    expect("no peer gave" in told, True, told)
    expect_refused(taker.run("why", "nonsense"), 67)


@test
def p2p_nodes_of_one_home_tell_beside_each_other(world):
    """Two nodes and four fetches at the same time: nobody's peers and nobody's lines are lost."""
    giver, taker = home(world, "giver"), home(world, "taker")
    names = [add(giver, content(1000, n)) for n in range(4)]
    with serving(giver) as first, serving(giver) as second:
        ports = [node.address.split("/")[4] for node in (first, second)]
        told = eventually(lambda: (lambda out: out if all(f"/tcp/{p}\n" in out for p in ports) else "")(
            giver.run("peers").out.decode()))
        expect(told.count("self 12D3Koo"), 2, told)
        gets = [taker.start("get", cid, "--peer", first.address) for cid in names]
        for n, get in enumerate(gets):
            expect_good(finish(get), content(1000, n))
        for cid in names:
            expect(first.address.split("/")[-1] in taker.run("why", cid).out.decode(), True, cid)
        second.terminate()
        second.wait()
        told = giver.run("peers").out.decode()
        expect((told.count("self 12D3Koo"), f"/tcp/{ports[1]}\n" in told), (1, False), told)
    with serving(giver) as killed:
        eventually(lambda: giver.run("peers").out)
        killed.kill()
        killed.wait()
        expect_good(giver.run("peers"))  # for some seconds nobody knows
    left = [n for n in os.listdir(os.path.join(giver.home, "store", "records")) if "@" in n]
    for name in left:
        os.utime(os.path.join(giver.home, "store", "records", name), (1, 1))
    expect_refused(giver.run("peers"), 66, "no node is running")


def page_of(port):
    """What the page of what runs shows of peers; None: nothing yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/peers", timeout=20) as answer:
            expect(answer.headers["Content-Type"], "application/json")
            return json.load(answer)
    except OSError:
        return None  # it has not started


def page_when(port, is_so):
    """The first view of the page for which that holds, within a minute."""
    for _ in range(3000):
        seen = page_of(port)
        if seen is not None and is_so(seen):
            return seen
        time.sleep(0.02)
    raise AssertionError(f"the page never showed it: {seen}")


@test
def p2p_the_page_shows_peers_blocks_and_bytes(world):
    giver = home(world, "giver")
    data = content((4 if is_sanitized(world) else 16) * MIB + 5, 7)
    cid = add(giver, data)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with giver.running("demo", "--port", str(port), "--listen", "/ip4/127.0.0.1/tcp/0") as demo:
        address = next(words.split()[1].decode() for words in demo.stdout if words.startswith(b"listening "))
        seen = page_when(port, lambda seen: seen["offered"] != 0)
        blocks = seen["offered"]
        expect((seen["self"], seen["listens"]), (address.split("/")[-1], [address.rsplit("/p2p/", 1)[0]]))
        expect((seen["connected"], seen["peers"], seen["files"], seen["offences"]), (0, [], [], []))

        def is_busy(seen):  # a block counts when it is asked for, its bytes when they are sent
            return seen["peers"] and seen["peers"][0]["blocksOut"] >= 2 and seen["peers"][0]["bytesOut"] > MIB

        for tries in range(1, 11):  # a fetch may be over before the page is looked at
            taker = home(world, f"taker{tries}")
            with taker.running("get", cid, "--peer", address, "-o", taker.path("out")) as getting:
                seen = page_when(port, lambda seen: getting.poll() is not None or is_busy(seen))
                expect_good(finish(getting))
            if is_busy(seen):
                break
        peer = seen["peers"][0]
        expect((peer["agent"], peer["ours"]), ("redshirt/0.1", False), peer)
        expect(re.fullmatch(r"12D3Koo\w+", peer["id"]) is not None, True, peer)
        expect(re.fullmatch(r"/ip4/127.0.0.1/tcp/\d+", peer["address"]) is not None, True, peer)
        expect(peer["bytesOut"] > MIB and peer["bytesIn"] > 0 and peer["age"] > 0, True, peer)
        seen = page_when(port, lambda seen: seen["connected"] == 0)
        expect((seen["blocksOut"], seen["blocksIn"]), (tries * blocks, 0), seen)
        expect(seen["bytesOut"] > tries * len(data), True, seen)
        names = {row["name"]: row["handler"] for row in json.loads(urllib.request.urlopen(
            f"http://127.0.0.1:{port}/api/system", timeout=20).read())["interfaces"]}
        expect(names.get("redshirt:net/peers", 0) != 0, True, names)
        demo.terminate()
        expect(demo.wait(timeout=20), 0)


@test
def p2p_the_page_shows_as_many_peers_as_it_may(world):
    """Beyond 128 they are counted."""
    crowd = os.path.join(world.programs, "../../hosted/test/crowd")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with world.running("demo", "--port", str(port), "--listen", "/ip4/127.0.0.1/tcp/0") as demo:
        address = next(words.split()[1].decode() for words in demo.stdout if words.startswith(b"listening "))
        for count in 128, 129:
            with subprocess.Popen([crowd, address, str(count)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as strangers:
                expect(line(strangers), f"connected {count}", "crowd")
                seen = page_when(port, lambda seen: seen["connected"] == count)
                expect((len(seen["peers"]), {peer["agent"] for peer in seen["peers"]}), (128, {"crowd/1"}))
                strangers.stdin.close()
            page_when(port, lambda seen: seen["connected"] == 0)


@test
def p2p_without_a_node_the_page_shows_no_peers(world):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with world.running("demo", "--port", str(port)):
        def asked():
            with contextlib.suppress(OSError), urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/api/peers", timeout=20) as answer:
                return answer.read()

        for _ in range(3):
            expect(eventually(asked), b"null\n")


@test
def p2p_a_program_may_be_shown_the_peers(world):
    giver, taker, stranger = home(world, "giver"), home(world, "taker"), home(world, "stranger")
    data = content(2 * MIB + 1, 8)
    cid = add(giver, data)
    with serving(giver) as node:
        ended = taker.run("run", "--peer", node.address, taker.guest("shown"), cid)
        expect(ended.code, 0, ended)
        identity = node.address.split("/")[-1]
        for words in (f"under way {cid}, ", "\ngot\n", f"\npeer {identity} ours 4\n",
                      f"\nat {node.address.rsplit('/p2p/', 1)[0]} ", "\nagent redshirt/0.1 0\n"):
            expect(words in ended.out.decode(), True, f"{words!r} in {ended}")
    # Who was not granted it is not.
    stranger.answers = ("--allow", "fetch")
    ended = stranger.run("run", "--peer", node.address, stranger.guest("shown"), cid)
    expect((ended.code, ended.out), (77, b"nothing\n"), ended)
    expect(b"redshirt:net/peers" in ended.err, True, ended)


@contextlib.contextmanager
def slowly(address, bytes_a_second):
    """An address by which the node at `address` is reached, but slowly."""
    port = int(address.split("/")[4])
    with socket.create_server(("127.0.0.1", 0)) as server:
        open_ones = []

        def carry(source, sink, pause):
            with contextlib.suppress(OSError):
                while data := source.recv(16384):
                    sink.sendall(data)
                    time.sleep(len(data) * pause)
                sink.shutdown(socket.SHUT_WR)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    near, _ = server.accept()
                    slowly.carried.append(near)
                    far = socket.socket()
                    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # it stays with the node
                    far.connect(("127.0.0.1", port))
                    open_ones.extend([near, far])
                    for words in (near, far, 0), (far, near, 1 / bytes_a_second):
                        threading.Thread(target=carry, args=words, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield address.replace(f"/tcp/{port}/", f"/tcp/{server.getsockname()[1]}/")
        finally:
            server.shutdown(socket.SHUT_RDWR)  # wakes who accepts
            for one in open_ones:
                one.close()


slowly.carried = []  # connections that were


class Terminal:
    """A command whose standard error is a terminal."""

    def __init__(self, world, columns, *arguments):
        near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.near, self.seen, self.out = near, b"", tempfile.TemporaryFile()
        self.process = subprocess.Popen([world.redshirt, *arguments], stdin=subprocess.DEVNULL, stderr=far,
                                        stdout=self.out, env=dict(world.env(), TERM="xterm"))
        os.close(far)

    def read(self, until=None):
        """Reads to the end, or until these bytes were seen."""
        with contextlib.suppress(OSError):  # the other side is closed
            while until is None or until not in self.seen:
                ready = select.select([self.near], [], [], 60)[0]
                data = os.read(self.near, 65536) if ready else b""
                if not data:
                    break
                self.seen += data
        return self.seen

    def finish(self):
        self.read()
        os.close(self.near)
        code = self.process.wait(timeout=60)
        with self.out:
            self.out.seek(0)
            return Ended(code, self.out.read(), self.seen)

    def screen(self):
        """What stands there at the end, and the longest line that ever did."""
        lines, at, longest = [""], 0, 0
        text = self.seen.decode()
        while text:
            if text.startswith("\x1b[K"):
                lines[-1] = lines[-1][:at]
                text = text[3:]
                continue
            if text[0] == "\r":
                at = 0
            elif text[0] == "\n":
                lines.append("")
                at = 0
            else:
                lines[-1] = lines[-1][:at] + text[0] + lines[-1][at + 1:]
                at += 1
            longest = max(longest, len(lines[-1]))
            text = text[1:]
        return lines, longest


@test
def p2p_a_long_fetch_shows_how_far_it_is(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    data = content(6 * MIB + 1, 9)
    cid = add(giver, data)
    with serving(giver) as node, slowly(node.address, 4 * MIB) as address:
        terminal = Terminal(taker, 60, "get", cid, "--peer", address)
        ended = terminal.finish()
        expect((ended.code, ended.out == data), (0, True), ended)
        lines, longest = terminal.screen()
        expect(re.fullmatch(r"bafybei\w\.\.\w{4}: 6\.0 MiB fetched in \d+ ms", lines[0]) is not None, True, lines)
        expect((lines[1:], longest <= 59), ([""], True), ended.err)
        shown = re.findall(rb"(\d)\.\d of 6\.0 MiB, \d+ blocks?/s, 1 peer", ended.err)
        expect(len(shown) >= 3 and shown == sorted(shown) and shown[-1] >= b"3", True, ended.err)
        # A narrow one is not written beyond, and one that cannot clear a line gets none.
        terminal = Terminal(home(world, "narrow"), 30, "get", cid, "--peer", address)
        expect(terminal.finish().code, 0)
        expect(b"\x1b[K\r" in terminal.seen and re.search(rb"[^\x1b\r\n]{30,}\x1b", terminal.seen) is None, True,
               terminal.seen)
        # Nothing on a pipe.
        ended = home(world, "pipe").run("get", cid, "--peer", address)
        expect((ended.code, ended.err), (0, b""), ended)
    # Nor where nothing had to be fetched.
    terminal = Terminal(taker, 60, "get", cid, "--peer", address)
    ended = terminal.finish()
    expect((ended.code, ended.err), (0, b""), ended)


@test
def p2p_a_fetch_that_is_stopped_leaves_store_and_terminal_clean(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    data = content(6 * MIB + 1, 10)
    cid = add(giver, data)
    with serving(giver) as node, slowly(node.address, 2 * MIB) as address:
        for words in ("get", cid, "--peer", address, "-o", taker.path("out")), ("run", "--peer", address, cid):
            terminal = Terminal(taker, 60, *words)
            terminal.read(b" of 6.0 MiB")
            terminal.process.send_signal(signal.SIGINT)
            ended = terminal.finish()
            expect((ended.code, ended.out), (130, b""), ended)
            expect(terminal.screen()[0], ["", ""], ended.err)
            expect(os.listdir(os.path.dirname(taker.path("out"))).count("out"), 0)
            expect_good(taker.run("ls", "--blocks", "--check"))
        expect(store_size(taker) > 0, True, "something stays")
        expect_good(taker.run("get", cid, "--peer", node.address), data)


@test
def p2p_the_second_run_never_touches_the_network(world):
    """And with the network gone, all that ran before runs."""
    giver, taker = home(world, "giver"), home(world, "taker")
    names = []
    for guest, size in ("probe", 0), ("probe", 2 * MIB):  # of one block, and of several
        with open(world.guest(guest), "rb") as file:
            data = file.read()
        names.append(add(giver, data if size == 0 else with_section(data, size)))
    published = giver.run("publish", "tool", names[0]).out.decode().strip()

    def run(place, name, *options, words=None):
        ended = place.run("run", *options, name, "cat", input=b"here")
        expect((ended.code, ended.out), (0, b"here"), ended)
        expect(words in ended.err if words else ended.err == b"", True, ended)

    with serving(giver) as node, slowly(node.address, 1 << 30) as address:
        for name in names:
            before = len(slowly.carried)
            run(taker, name, "--peer", address)
            expect(len(slowly.carried) > before, True, "the first run asks")
            before = len(slowly.carried)
            run(taker, name, "--peer", address)
            run(taker, name)
            expect(len(slowly.carried), before, "connections of the second run")
        run(taker, published, "--peer", address)
    for name in names:
        run(taker, name, "--peer", address)
        run(taker, name)
    old = b"taken as it was last heard"
    run(taker, published, "--peer", address, words=old)
    run(taker, published)
    with networks(1) as alone_in:  # where there is no way to anybody, not even to itself
        subprocess.run(["ip", "-n", alone_in[0], "link", "set", "lo", "down"], check=True)
        for name in names:
            run(inside(taker, alone_in[0]), name, "--peer", address)
        run(inside(taker, alone_in[0]), published, "--peer", address, words=old)


def multicasts(network):
    """Whether somebody in that network listens to multicast DNS."""
    table = subprocess.run(["ip", "netns", "exec", network, "cat", "/proc/net/udp"], capture_output=True, check=True)
    return b":14E9 " in table.stdout


@test
def p2p_what_is_here_is_not_asked_for_around(world):
    """With the local network on for good, a program that is in the store is not told of there, nor listened for."""
    with networks(1) as names:
        place = inside(world, names[0])
        with open(world.guest("probe"), "rb") as file:
            cid = add(place, file.read())
        expect_good(place.run("network", "lan", "on"))
        for name, wanted in (cid, False), (ABSENT, True):
            with place.running("run", name, "cat") as one:
                heard = False
                until = time.monotonic() + (1 if name == cid else 20)
                while not heard and time.monotonic() < until and one.poll() is None:
                    heard = multicasts(names[0])
                expect(heard, wanted, name)


@test
def p2p_greedy_peers_leave_room_to_others(world):
    """Who wants much and takes little holds a node to nothing: others are served meanwhile, whole."""
    giver = home(world, "giver")
    large, small = add(giver, content(24 * MIB, 11)), add(giver, content(2 * MIB, 12))
    with serving(giver) as node, slowly(node.address, 64 << 10) as address:
        with contextlib.ExitStack() as stack:
            greedy = []
            for n in range(6):
                place = home(world, f"greedy{n}")
                greedy.append(stack.enter_context(
                    place.running("get", large, "--peer", address, "-o", place.path("out"))))
                while store_size(place) < 1 and greedy[n].poll() is None:
                    time.sleep(0.01)
            for n in range(3):
                modest = home(world, f"modest{n}")
                expect_good(modest.run("get", small, "--peer", node.address), content(2 * MIB, 12))
            expect([one.poll() for one in greedy], [None] * 6, "they still wait")


@test
@alone
def p2p_the_slowest_go_where_all_are_slow(world):
    """So many that each holds a block, and takes a few bytes now and then: in the end others are served."""
    giver, modest = home(world, "giver"), home(world, "modest")
    wanted = [add(giver, content(MIB, 13 + n)) for n in range(4)]
    cid = add(giver, content(MIB + 1, 20))
    most = 32 + 8  # blocks of one each, and some that the first have several of
    crowd = os.path.join(world.programs, "../../hosted/test/crowd")
    with serving(giver) as node:
        with subprocess.Popen([crowd, node.address, str(most), *wanted], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as slow:
            expect(line(slow), f"connected {most}", "crowd")
            expect_good(modest.run("get", cid, "--peer", node.address), content(MIB + 1, 20))
            slow.stdin.close()
            expect(slow.wait(60), 0)
        node.terminate()
        left = finish(node).err.count(b"others wait, and it takes too little")
        expect(0 < left < most, True, f"{left} had to go")


@test
def p2p_a_busy_crowd_keeps_nobody_out(world):
    """One address has all places, and each of its peers waits for blocks; who has to go comes again at once."""
    most = 1024
    wanted = [add(world, content(MIB, 30 + n)) for n in range(4)]
    cid = add(world, content(5000))
    crowd = os.path.join(world.programs, "../../hosted/test/crowd")
    with serving(world) as node:
        with subprocess.Popen([crowd, "--from", "127.0.0.2", node.address, str(most), *wanted], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as busy:
            expect(line(busy), f"connected {most}", "crowd")
            for n in range(4):
                expect_good(home(world, f"late{n}").run("get", cid, "--peer", node.address), content(5000))
            busy.stdin.close()
            expect(busy.wait(60), 0)


@test
def p2p_noise_from_strangers_is_borne(world):
    cid = add(world, b"still here")
    taker = home(world, "taker")
    with serving(world) as node:
        port = int(node.address.split("/")[4])
        open_ones = []
        for n in range(100):  # more than may knock at once
            stranger = socket.create_connection(("127.0.0.1", port))
            if n % 4 == 1:
                stranger.sendall(os.urandom(500))
            elif n % 4 == 2:
                stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            elif n % 4 == 3:
                stranger.sendall(b"\x13/multistream/1.0.0\n")
            if n % 4 == 0:
                stranger.close()
            else:
                open_ones.append(stranger)
        for stranger in open_ones:
            stranger.close()
        time.sleep(0.5)
        expect_good(taker.run("get", cid, "--peer", node.address), b"still here")


def with_section(program, size):
    """The program with so many more bytes that mean nothing."""
    name = b"\x07padding"
    body = name + content(size, 2)
    length, count = b"", len(body)
    while True:
        length += bytes([count & 127 | (128 if count > 127 else 0)])
        count >>= 7
        if count == 0:
            return program + b"\0" + length + body


@test
def p2p_memory_does_not_grow_with_the_file(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    with open(world.guest("inspector"), "rb") as file:
        cid = add(giver, with_section(file.read(), (8 if is_sanitized(world) else 60) * MIB))
    with serving(giver) as node:
        ended = taker.run("run", "--peer", node.address, cid)
    expect(ended.code, 0, ended)
    memory = dict(line.split() for line in ended.out.decode().splitlines()[:2])
    # Linear memory is never given back, so this is the most that it was.
    expect(int(memory["p2p-loader"]) <= 8 * MIB, True, memory)
    expect(os.path.getsize(os.path.join(world.programs, "../../programs/p2p-loader.wasm")) < MIB, True)


@test
def p2p_a_thousand_idle_peers_take_32_mib(world):
    """As many as there may be; for the next one an idle one goes, and the node still gives what it has."""
    most = 1024
    cid = add(world, content(5000))
    crowd = os.path.join(world.programs, "../../hosted/test/crowd")
    with serving(world) as node:
        def crowding(count):
            return subprocess.Popen([crowd, node.address, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        with crowding(most - 1) as idle:
            expect(line(idle), f"connected {most - 1}", "crowd")
            told = eventually(lambda: (lambda out: out if out.count("crowd/1") > 100 else "")(
                world.run("peers").out.decode()))
            memory = int(re.search(r"^memory (\d+)$", told, re.MULTILINE).group(1))
            expect(memory < 32 * MIB, True, memory)
            expect_good(home(world, "taker").run("get", cid, "--peer", node.address), content(5000))
            with crowding(2) as more:
                expect(line(more), "connected 2", "crowd")
                expect(idle.wait(60), 1)
                expect(b"let one go" in idle.stderr.read(), True)
                more.stdin.close()
                expect(more.wait(60), 0)
        with crowding(most) as all_places:
            expect(line(all_places), f"connected {most}", "crowd")
            expect_good(home(world, "late").run("get", cid, "--peer", node.address), content(5000))
            expect(all_places.wait(60), 1)


@contextlib.contextmanager
def networks(count):
    """So many networks in a row, each joined to the next by a wire; yields their names."""
    names = [f"redshirt{os.getpid()}n{n}" for n in range(count)]
    made = []

    def ip(*words):
        done = subprocess.run(["ip", *words], capture_output=True, check=False)
        if done.returncode != 0:
            raise Skip("networks of our own are not allowed here")

    try:
        for name in names:
            ip("netns", "add", name)
            made.append(name)
            ip("-n", name, "link", "set", "lo", "up")
        for n in range(count - 1):
            ip("-n", names[n], "link", "add", "right", "type", "veth", "peer", "name", "left",
               "netns", names[n + 1])
            for name, wire, host in (names[n], "right", 1), (names[n + 1], "left", 2):
                ip("-n", name, "addr", "add", f"10.99.{n}.{host}/24", "dev", wire)
                ip("-n", name, "link", "set", wire, "up")
        yield names
    except FileNotFoundError:
        raise Skip("there is no ip")
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def inside(world, network):
    """The same home, its commands run in a network."""
    path = world.path("redshirt-in-network")
    with open(path, "w") as file:
        file.write(f'#!/bin/sh\nexec ip netns exec {network} {world.redshirt} "$@"\n')
    os.chmod(path, 0o755)
    return World(path, world.programs, world.home)


@test
def p2p_three_in_a_row_hand_it_on(world):
    data = content(3 * MIB + 1, 3)
    with networks(3) as names:
        first, middle, last = (inside(home(world, name), name) for name in names)
        cid = add(first, data)
        with serving(first, "--listen", "/ip4/10.99.0.1/tcp/0") as node:
            expect_refused(last.run("get", cid, "--peer", node.address), 66, "no way to it|does not answer")
            expect_good(middle.run("get", cid, "--peer", node.address), data)
        expect_good(middle.run("pin", cid))
        with serving(middle, "--listen", "/ip4/10.99.1.1/tcp/0") as node:
            expect_good(last.run("get", cid, "--peer", node.address), data)
        expect_good(last.run("get", cid), data)


@test
@alone
def p2p_the_local_network_is_found(world):
    with networks(2) as names:
        giver, taker = (inside(home(world, name), name) for name in names)
        for name in names:
            subprocess.run(["ip", "-n", name, "route", "add", "224.0.0.0/4", "dev",
                            "right" if name == names[0] else "left"], check=True)
        cid = add(giver, b"found by asking around")
        with serving(giver, "--lan", "--listen", "/ip4/10.99.0.1/tcp/0"):
            expect_good(taker.run("get", cid, "--lan"), b"found by asking around")
            expect_refused(taker.run("get", ABSENT, "--lan"), 66, "does not have it")
        begun = time.monotonic()
        expect_refused(taker.run("get", ABSENT, "--lan"), 66, "no peer is known")
        expect(time.monotonic() - begun < (20 if is_sanitized(world) else 10), True, "soon")


@test
@alone
def p2p_lies_of_the_local_network_are_not_waited_for(world):
    """One neighbour names ever new peers that are not there; what nobody has is told soon, and what one has comes."""
    with networks(2) as names:
        giver, taker = inside(home(world, "giver"), names[0]), inside(home(world, "taker"), names[1])
        for name in names:
            subprocess.run(["ip", "-n", name, "route", "add", "224.0.0.0/4", "dev",
                            "right" if name == names[0] else "left"], check=True)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mdns_liar.py")
        with subprocess.Popen(["ip", "netns", "exec", names[0], sys.executable, script, "10.99.0"]) as liar:
            try:
                begun = time.monotonic()
                expect_refused(taker.run("get", ABSENT, "--lan"), 66, "nobody has it")
                seconds = time.monotonic() - begun
                expect(seconds < (20 if is_sanitized(world) else 12), True, f"{seconds} s")
                cid = add(giver, b"among lies")
                with serving(giver, "--lan", "--listen", "/ip4/10.99.0.1/tcp/0"):
                    expect_good(taker.run("get", cid, "--lan"), b"among lies")
            finally:
                liar.kill()


@test
@alone
def p2p_the_local_network_names_nobody_inside(world):
    """What others say of 127.0.0.1 is not dialled: there it would be somebody of this machine."""
    with networks(2) as names:
        liar, inner, taker = (inside(home(world, who), names[n]) for who, n in (("liar", 0), ("inner", 1), ("taker", 1)))
        for name in names:
            subprocess.run(["ip", "-n", name, "route", "add", "224.0.0.0/4", "dev",
                            "right" if name == names[0] else "left"], check=True)
        with serving(inner) as node:  # so that there is an identity, which both have
            where = node.address.rsplit("/p2p/", 1)[0]
        shutil.copytree(os.path.join(inner.home, "store"), os.path.join(liar.home, "store"),
                        ignore=shutil.ignore_patterns("systems"))
        cid = add(inner, b"of this machine")
        with serving(inner, "--listen", where) as node, serving(liar, "--lan", "--listen", where):
            expect_refused(taker.run("get", cid, "--lan"), 66, "no peer is known")
            expect_good(taker.run("get", cid, "--peer", node.address), b"of this machine")
