# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that is recorded, and replayed: the same bytes and the same end, whatever engine, with nothing of the
host within reach (docs/recording.md). The format is read and written here a second time."""
import os
import random
import re
import signal
import socket
import struct
import time
import urllib.request

from gdb_client import CODE
from harness import PATIENCE, World, connect, expect, expect_good, expect_refused, finish, line, listen, test
from test_debug import line_of, module
from test_gdb import connect as debugger_connect
from test_gdb import free_port, rows, stopped

ENGINES = [("--engine", engine, "--memory", memory)
           for engine, memory in (("interpreter", "small"), ("compiled", "fast"), ("compiled", "small"))]
ASTRAY = 76  # EXIT_ASTRAY
MOST = 1 << 30  # KERNEL_RECORD_BYTES
START, MODULE, MEMORY, GROWN, BOND, CALL, END = range(1, 8)
SEND, ANSWER, WAIT, PARK = range(4)
FIXED = {START: 0, MODULE: 112, MEMORY: 8, GROWN: 8, BOND: 40, CALL: 72, END: 16}
MASK = (1 << 64) - 1


# ---- the format

def word_add(total, word):
    total = (total ^ word) * 0x9fb21c651e98df25 & MASK
    return total ^ total >> 29


def digest(total, data):
    if len(data) >= 256:
        long = len(data) - len(data) % 32
        for lane in range(4):
            own = 0
            for (word,) in struct.iter_unpack("<Q24x", data[8 * lane:long] + bytes(8 * lane)):
                own = word_add(own, word)
            total = word_add(total, own)
        data = data[long:]
    for (word,) in struct.iter_unpack("<Q", data + bytes(-len(data) % 8)):
        total = word_add(total, word)
    return total


def records_read(data):
    """The records of a recording, [kind, detail, bytes], each with its sum looked at."""
    expect(data[:24], b"redshirt record\n" + struct.pack("<II", 1, 0))
    total, at, records = digest(0x6a09e667f3bcc909, data[:24]), 24, []
    while at < len(data):
        size, kind, detail, none = struct.unpack_from("<IBBH", data, at)
        padded = 8 + size + -size % 8
        middle = at + 8 + FIXED[kind]
        total = digest(digest(total, data[at:middle]), data[middle:at + 8 + size])
        expect(data[at + 8 + size:at + padded], bytes(-size % 8))
        expect((none, struct.unpack_from("<Q", data, at + padded)), (0, (total,)), f"record at {at}")
        records.append([kind, detail, data[at + 8:at + 8 + size]])
        at += padded + 8
    return records


def records_write(records):
    data = bytearray(b"redshirt record\n" + struct.pack("<II", 1, 0))
    total = digest(0x6a09e667f3bcc909, bytes(data))
    for kind, detail, said in records:
        fixed = FIXED[kind]
        head = struct.pack("<IBBH", len(said), kind, detail, 0) + said[:fixed]
        total = digest(digest(total, head), said[fixed:])
        data += head + said[fixed:] + bytes(-len(said) % 8) + struct.pack("<Q", total)
    return bytes(data)


def call_of(record):
    """(kind, has a result, arguments, digest, result, bytes) of a CALL."""
    words = struct.unpack_from("<8Qq", record[2])
    return record[1] & 0x7f, record[1] >> 7, words[:7], words[7], words[8], record[2][72:]


# ---- recording

class Tape:
    """A recording of a world, and what the program did when it was made."""

    def __init__(self, world, name="tape"):
        self.world, self.path, self.again = world, world.path(name), world.path(name + ".again")

    def record(self, *words, **options):
        self.ended = self.world.run("run", "--record", self.path, *words, **options)
        return self.ended

    def bytes(self):
        with open(self.path, "rb") as file:
            return file.read()

    def replay(self, *options):
        """On a host that has nothing: another home, an empty folder."""
        empty = os.path.join(self.world.home, "empty")
        os.makedirs(empty, exist_ok=True)
        other = World(os.path.abspath(self.world.redshirt), self.world.programs, os.path.join(empty, "home"))
        ended = other.run("replay", *options, self.path, cwd=empty)
        expect([name for name in os.listdir(empty) if name != "home"], [], "files that a replay made")
        return ended

    def expect_same(self, code=None):
        """With each engine the same bytes on both streams, the same end, the same recording."""
        for engine in ENGINES:
            ended = self.replay("--record", self.again, *engine)
            expect((ended.code, ended.out), (self.ended.code if code is None else code, self.ended.out), (engine, ended))
            wanted = self.ended.err.replace(self.words(), b"")
            expect(ended.err.replace(self.path.encode(), b""), wanted, engine)
            with open(self.again, "rb") as file:
                expect(file.read() == self.bytes(), True, engine)

    def words(self):
        """How the program is called where it was recorded: the replay says the recording's name."""
        return self.name.encode()


def tape_of(world, program, *words, options=(), **others):
    tape = Tape(world)
    tape.name = program
    tape.record(*options, program, *words, **others)
    return tape


def wasi(world, name):
    return os.path.join(world.programs, "..", "wasi", name + ".wasm")


# ---- what happened happens again

@test
def record_replays_what_devices_gave(world):
    """Random numbers, the time, a name, the streams, lines of log: none is asked for again."""
    for words in (("random",), ("time",), ("start", "an", "argument"), ("log",), ("errors",), ("die",)):
        tape = tape_of(world, world.guest("probe"), *words, options=("--env", "A=B"))
        tape.expect_same()
        kinds = [record[0] for record in records_read(tape.bytes())]
        expect((kinds[:2], kinds[-1]), ([START, MODULE], END), kinds)
    said = bytes(range(256)) * 300
    tape = tape_of(world, world.guest("probe"), "cat", input=said)
    expect_good(tape.ended, said)
    tape.expect_same()


@test
def record_is_the_same_from_any_engine(world):
    """Recorded in each, replayed in each."""
    for engine in ENGINES:
        for program, words in ((world.guest("probe"), ("start", "a")), (wasi(world, "clocks"), ()),
                               (module(world, "4-O2"), ("trap",))):
            tape_of(world, program, *words, options=engine).expect_same()


@test
def record_replays_memory_that_was_refused(world):
    """A program grows until it gets no more, which is elsewhere on each machine. What one in addresses of its own got
    may be more than a small one has room for: then that is said. What it printed, its child did: no child is replayed."""
    for engine in ENGINES:
        tape = tape_of(world, world.guest("bounds"), "memory", "0", options=engine)
        expect(tape.ended.out.split()[0], b"pages", tape.ended)
        for other in ENGINES:
            ended = tape.replay(*other)
            if "fast" in engine and "small" in other and ended.code == ASTRAY:
                expect(b" came memory growing from " in ended.err, True, ended)
            else:
                expect((ended.code, ended.out), (tape.ended.code, b""), (engine, other, ended))


@test
def record_replays_wasi(world):
    """Files that are gone by then, clocks, errors; the adapter is in the recording, too."""
    folder = world.path("folder")
    os.mkdir(folder)
    tape = tape_of(world, wasi(world, "files"), options=("--dir", f"{folder}:."))
    expect(len(tape.ended.out) > 1000, True, tape.ended)
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            os.unlink(os.path.join(parent, name))
        for name in folders:
            os.rmdir(os.path.join(parent, name))
    tape.expect_same()
    expect(os.listdir(folder), [])
    modules = [record for record in records_read(tape.bytes()) if record[0] == MODULE]
    expect([record[1] for record in modules], [0, 1])
    expect(modules[1][2][72:72 + 22], b"wasi_snapshot_preview1")
    tape_of(world, wasi(world, "clocks")).expect_same()


@test
def record_replays_traps(world):
    """At the same place, with the same lines of source, compiled or not."""
    for words in (("trap",), ("deep",), ()):
        tape = tape_of(world, module(world, "4-O2"), *words)
        expect(tape.ended.code, 134 if words else 0, tape.ended)
        tape.expect_same()


@test
def record_replays_a_server(world):
    """Several messages under way, connections of its own, several of them at once."""
    tape = Tape(world)
    tape.name = wasi(world, "serve")
    listener, port = listen("4")
    listener.close()
    with world.running("run", "--record", tape.path, "--listen", f"127.0.0.1:{port}", tape.name) as process:
        expect(line(process), "ready")
        for size in (0, 1, 5000, 300000):
            with connect("4", port) as client:
                sent = random.Random(size).randbytes(size)
                client.sendall(b"echo\n")
                client.settimeout(PATIENCE)
                got = b""
                for start in range(0, size, 50000):
                    client.sendall(sent[start:start + 50000])
                client.shutdown(socket.SHUT_WR)
                while piece := client.recv(1 << 20):
                    got += piece
                expect(got == sent, True, size)
        with connect("4", port) as client:
            client.sendall(b"end\n")
            tape.ended = finish(process)
    expect(tape.ended.code, 0, tape.ended)
    tape.ended.out = b"ready\n"
    tape.expect_same()


@test
def record_replays_http(world):
    """Our own HTTP server with requests, until Ctrl-C: killed then, and killed again."""
    tape = Tape(world)
    tape.name = os.path.join(world.programs, "..", "..", "programs", "http.wasm")
    listener, port = listen("4")
    listener.close()
    with world.running("run", "--record", tape.path, tape.name, str(port)) as process:
        end = time.monotonic() + PATIENCE
        answers = 0
        while answers < 20:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
                    answers += len(answer.read()) > 0
            except OSError:
                expect(time.monotonic() < end and process.poll() is None, True, "nobody answers")
                time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        tape.ended = finish(process)
    expect(tape.ended.code, 130, tape.ended)
    records = records_read(tape.bytes())
    expect(records[-1][0], END)
    expect(struct.unpack_from("<I", records[-1][2])[0], 2)  # KERNEL_KILLED
    ended = tape.replay("--record", tape.again)
    expect((ended.code, ended.out), (137, tape.ended.out), ended)
    with open(tape.again, "rb") as file:
        expect(file.read() == tape.bytes(), True)


@test
def record_has_one_thread(world):
    """A second one is refused, and that is said."""
    tape = tape_of(world, world.guest("threads"))
    expect(b"has one thread" in tape.ended.err, True, tape.ended)
    for engine in ENGINES:
        ended = tape.replay(*engine)
        expect((ended.code, ended.out), (tape.ended.code, tape.ended.out), ended)


# ---- a recording that is not whole

@test
def record_survives_a_crash(world):
    """The command is killed: what was recorded is there, and goes as far as it goes."""
    tape = Tape(world)
    with world.running("run", "--record", tape.path, world.guest("probe"), "cat") as process:
        process.stdin.write(b"before\n")
        process.stdin.flush()
        expect(process.stdout.read(7), b"before\n")
        time.sleep(0.5)  # RECORDER_NS, and a busy machine
        process.kill()
        process.wait()
    ended = tape.replay("--record", tape.again)
    expect((ended.code, ended.out), (ASTRAY, b"before\n"), ended)
    expect(b"the recording ends here" in ended.err, True, ended)
    data = tape.bytes()
    with open(tape.again, "rb") as file:
        expect(data.startswith(file.read()), True)
    records = records_read(data)
    for cut in [*range(0, 24), *range(24, len(data), 1 + len(data) // 40)]:
        world.write("tape", data[:cut])
        ended = tape.replay()
        code = 65 if cut == 0 else ASTRAY
        expect(ended.code, code, (cut, ended))
        expect(b"before\n".startswith(ended.out), True, ended)
    expect(records[-1][0], CALL)


@test
def record_that_was_cut_in_its_modules(world):
    """A program of WASI is none without its adapter: what is missing is said, not what the program imports."""
    tape = Tape(world)
    expect_good(tape.record("echo", "x"))
    data = tape.bytes()
    modules = [record for record in records_read(data) if record[0] == MODULE]
    starts = [data.index(record[2]) - 8 for record in modules]
    expect(len(starts), 2)
    end = starts[1] + len(records_write(modules[1:])) - 24
    for cut in [*range(starts[1], starts[1] + 10), (starts[1] + end) // 2, end - 1, end]:
        world.write("tape", data[:cut])
        expect_refused(tape.replay(), ASTRAY, "recording was cut short" if cut < end else "the recording ends here")


@test
def record_is_its_owners_alone(world):
    for mode in (None, 0o644, 0o666):
        if mode is not None:
            os.chmod(world.write("tape", b"what was there"), mode)
        expect_good(world.run("run", "--record", world.path("tape"), world.guest("probe"), "start"))
        expect(oct(os.stat(world.path("tape")).st_mode & 0o777), "0o600", mode)


@test
def record_says_when_the_disk_is_full(world):
    """The program goes on, and what was kept is told from a whole."""
    ended = world.run("run", "--record", "/dev/full", world.guest("probe"), "random")
    expect(ended.code, 74, ended)
    expect(b"breaks off here: No space left" in ended.err, True, ended)
    expect_good(world.run("run", world.guest("probe"), "start"))
    expect(len(ended.out) > 0, True, ended)
    expect_refused(world.run("run", "--record", world.path("no/such/tape"), world.guest("probe"), "start"), 74,
                   "cannot be written")


@test
def record_of_nothing_leaves_nothing(world):
    path = world.write("program.wasm", b"\0asm\1\0\0\0")
    ended = world.run("run", "--record", world.path("tape"), path)
    expect(ended.code, 65, ended)
    expect(os.path.exists(world.path("tape")), False)


# ---- hostile and wrong

@test
def record_refuses_damage(world):
    tape = tape_of(world, world.guest("probe"), "random")
    data = tape.bytes()
    dice = random.Random(5)
    for _ in range(25):
        at = dice.randrange(len(data))
        world.write("tape", data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1:])
        ended = tape.replay()
        # a size that grew reads as a cut
        expect(ended.code in (65, ASTRAY) and tape.ended.out.startswith(ended.out), True, (at, ended))
    for bad, code, word in ((b"", 65, "no recording"), (b"\0asm\1\0\0\0", 65, "no recording"),
                            (data + b"x", 65, "behind the end"),
                            (data[:16] + struct.pack("<I", 2) + data[20:], 65, "another version")):
        world.write("tape", bad)
        ended = tape.replay()
        expect((ended.code, word.encode() in ended.err), (code, True), (word, ended))
    records = records_read(data)
    other = [list(record) for record in records]
    other[1][2] = other[1][2][:8] + b"bafkreigh2" + other[1][2][18:]  # the program's name
    world.write("tape", records_write(other))
    expect_refused(tape.replay(), 68, "not the one that it names")
    other[1][2] = records[1][2][:112] + b"\0asm\1\0\0\0"
    world.write("tape", records_write(other))
    ended = tape.replay()
    expect((ended.code in (65, 68), ended.out), (True, b""), ended)


@test
def record_files_are_looked_at_first(world):
    tape = Tape(world)
    expect_refused(tape.replay(), 66, "No such file")
    os.mkdir(tape.path)
    expect_refused(tape.replay(), 65, "a recording is a file")
    os.rmdir(tape.path)
    with open(tape.path, "wb") as file:
        file.truncate(MOST + 1)
    expect_refused(tape.replay(), 73, "1024 MiB")
    os.truncate(tape.path, MOST)
    if not any(f"/{name}/" in world.redshirt for name in ("asan", "tsan")):  # its memory is what it has
        expect_refused(tape.replay(), 65, "no recording")


@test
def record_says_where_it_went_another_way(world):
    """Another argument than was printed: the write of it is not what it was."""
    tape = tape_of(world, world.guest("probe"), "start", "argument")
    records = records_read(tape.bytes())
    expect(records_write(records), tape.bytes())
    for record in records:
        if record[0] == CALL and b"argument" in call_of(record)[5]:
            record[2] = record[2].replace(b"argument", b"argumend")
    world.write("tape", records_write(records))
    ended = tape.replay()
    expect(ended.code, ASTRAY, ended)
    words = ended.err.decode()
    found = re.search(r"went another way than when it was recorded by redshirt [0-9.]+: behind its call \d+ came send of "
                      r"\d+ bytes to write of redshirt:io/stdio, and now comes send of \d+ bytes to write of "
                      r"redshirt:io/stdio, with other bytes in it", words)
    expect(bool(found), True, words)


@test
def record_options_are_checked(world):
    expect_refused(world.run("replay"), 64, "which recording")
    expect_refused(world.run("replay", "a", "b"), 64, "one recording")
    expect_refused(world.run("replay", "--record"), 64, "wants a file")
    expect_refused(world.run("replay", "--gdb", "0", "a"), 64, "port")
    expect_refused(world.run("replay", "--engine", "steam", "a"), 64, "wants interpreter")
    expect_refused(world.run("replay", "--allow", "tcp", "a"), 64, "no option")
    expect_refused(world.run("run", "--record"), 64, "wants a file")
    expect_refused(world.run("run", "--record", "a", "--gdb", "4444", "b"), 64, "do not go together")
    ended = world.run("replay", "--help")
    expect((ended.code, ended.out.startswith(b"Usage: redshirt replay")), (0, True), ended)


# ---- a debugger

@test
def record_is_debugged(world):
    """What was recorded, line by line, as often as one likes."""
    tape = tape_of(world, module(world, "4-O0"))
    expect_good(tape.ended)
    inner = next(offset for offset, number in rows(world) if number == line_of("LOOP"))
    for _ in range(2):
        port = free_port()
        with world.running("replay", "--gdb", str(port), tape.path) as process:
            gdb = debugger_connect(process, port)
            gdb.ask("?")
            with open(module(world, "4-O0"), "rb") as file:
                expect(gdb.read(CODE, 100), file.read(100))
            expect(gdb.break_at(inner), "OK")
            for _ in range(5):
                stopped(gdb.ask("c"), "breakpoint")
                expect(gdb.offset(), inner)
            expect(gdb.ask("c"), "W00")
            gdb.close()
            expect_good(finish(process), tape.ended.out)
