# SPDX-License-Identifier: GPL-3.0-or-later
"""add, get, ls, interface: names, and every kind of damage told apart."""
import fcntl
import os
import re
import signal
import stat
import time

from harness import (Skip, expect, expect_good, expect_refused, finish, is_sanitized, resident_kib,
                     test)

ONCE = "no program of a guest runs"
MIB = 1 << 20


def content(size):
    """Bytes that no two pages have in common."""
    return b"".join(n.to_bytes(8, "little") for n in range((size + 7) // 8))[:size]


def add(world, data, name="file"):
    ended = world.run("add", world.write(name, data))
    expect_good(ended)
    return ended.out.decode().strip()


def block_path(world, cid):
    return os.path.join(world.home, "store", "blocks", cid[-3:-1], cid)


def rewrite(path, change):
    with open(path, "rb") as file:
        data = file.read()
    with open(path, "wb") as file:
        file.write(change(data))


@test
def store_names_are_those_of_ipfs(world):
    # Names that other implementations give: a raw block of nothing, and of "hello world\n".
    expect(add(world, b""), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
    expect(add(world, b"hello world\n"),
           "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4")


@test
def store_gives_back_what_it_got(world):
    for size in [0, 1, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB + 17]:
        data = content(size)
        cid = add(world, data)
        expect(cid[:7], "bafkrei" if size <= MIB else "bafybei")
        expect_good(world.run("get", cid), data)
        out = world.path("out")
        expect_good(world.run("get", cid, "-o", out), b"")
        with open(out, "rb") as file:
            expect(file.read() == data, True, f"{size} bytes to a file")


@test
def store_errors_say_what_to_do(world):
    cid = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    expect_refused(world.run("get", cid), 66, "no block", "--peer ADDRESS")
    for words in ("get", "greet"), ("pin", "greet"), ("why", "greet"), ("publish", "name", "greet"):
        expect_refused(world.run(*words), 67, "greet: not a CID", "redshirt add FILE")
    expect_refused(world.run("get", "--peer", "10.0.0.1:4001", cid), 64, "like /ip4/127.0.0.1/tcp/4001")
    expect_refused(world.run("add", "--", "--no-pin"), 66, "options stand before")


@test
def store_writes_into_pipes_and_devices(world):
    """None of them is replaced by a file."""
    cid = add(world, b"into a pipe")
    pipe = world.path("pipe")
    os.mkfifo(pipe)
    with world.running("get", cid, "-o", pipe) as getting:
        with open(pipe, "rb") as file:
            expect(file.read(), b"into a pipe")
        expect(getting.wait(timeout=20), 0)
    expect(stat.S_ISFIFO(os.stat(pipe).st_mode), True)
    expect_refused(world.run("get", cid, "-o", world.home), 74, "directory")
    expect(sorted(os.listdir(world.home)), sorted(["file", "pipe", "store"]))


@test
def store_writes_what_a_link_leads_to(world):
    """As cp does: the link stays one, and a file that is there keeps its rights."""
    cid = add(world, b"behind a link")
    os.mkdir(world.path("there"))
    target, link = world.path("there/target"), world.path("link")
    os.symlink("there/target", link)
    expect_refused(world.run("get", cid, "-o", link), 74, "leads nowhere")
    with open(target, "wb") as file:
        file.write(b"what was there before")
    os.chmod(target, 0o640)
    expect_good(world.run("get", cid, "-o", link), b"")
    expect((os.readlink(link), os.listdir(world.path("there"))), ("there/target", ["target"]))
    expect(stat.S_IMODE(os.stat(target).st_mode), 0o640)
    with open(target, "rb") as file:
        expect(file.read(), b"behind a link")
    new = world.path("new")
    expect_good(world.run("get", cid, "-o", new), b"")
    mask = os.umask(0)
    os.umask(mask)
    expect(stat.S_IMODE(os.stat(new).st_mode), 0o666 & ~mask)


@test
def store_waits_for_records_and_says_for_whom(world):
    cid = add(world, b"pinned")
    folder = os.open(os.path.join(world.home, "store", "records"), os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with world.running("pin", cid) as waiting:
        time.sleep(5)
        expect(waiting.poll(), None)
        os.close(folder)
        ended = finish(waiting)
    expect(ended.code, 0, ended)
    expect(b"process %d changes the records" % os.getpid() in ended.err and b"kill -CONT" in ended.err, True, ended)


@test
def store_reads_standard_input(world):
    one = add(world, b"abc")
    expect_good(world.run("add", "-", input=b"abc"), one.encode() + b"\n")


@test
def store_names_without_keeping(world):
    ended = world.run("add", "-n", world.write("file", b"xyz"))
    expect_good(ended)
    expect_refused(world.run("get", ended.out.decode().strip()), 66, "no block of this name")


@test
def store_lists_files_and_blocks(world):
    small, large = add(world, b"small"), add(world, content(2 * MIB + 5))
    listed = dict(line.split() for line in world.run("ls").out.decode().splitlines())
    expect(listed, {small: "5", large: str(2 * MIB + 5)})
    blocks = world.run("ls", "--blocks").out.decode().splitlines()
    expect(len(blocks), 5)
    expect_good(world.run("ls", "--check"))
    expect_good(world.run("ls", "--blocks", "--check"))


@test
def store_tells_damage_apart(world):
    data = content(100000)
    cid = add(world, data)
    path = block_path(world, cid)
    changes = [
        ("have changed", lambda b: b[:5000] + bytes([b[5000] ^ 1]) + b[5001:]),
        ("have changed", lambda b: b[:-1] + bytes([b[-1] ^ 0x80])),
        ("cut short", lambda b: b[:-1]),
        ("cut short", lambda b: b[:9]),
        ("cut short", lambda b: b[:7]),
        ("cut short", lambda b: b""),
        ("longer than the block", lambda b: b + b"x"),
        ("does not begin", lambda b: b"X" + b[1:]),
    ]
    for words, change in changes:
        expect(add(world, data), cid)  # this also mends what the turn before has damaged
        expect_good(world.run("get", cid), data)
        rewrite(path, change)
        expect_refused(world.run("get", cid), 68, words, cid)
        expect(world.run("ls", "--check").code, 68, "ls --check")
    os.unlink(path)
    expect_refused(world.run("get", cid), 66, "no block of this name", cid)


@test
def store_get_leaves_a_file_alone_when_it_fails(world):
    cid = add(world, content(3 * MIB))
    leaf = world.run("ls", "--blocks").out.decode().split()[0]
    os.unlink(block_path(world, [w for w in world.run("ls", "--blocks").out.decode().split()
                                 if w.startswith("bafkrei")][-1]))
    out = world.write("out", b"before")
    expect_refused(world.run("get", cid, "-o", out), 66, "no block")
    with open(out, "rb") as file:
        expect(file.read(), b"before")
    expect(sorted(os.listdir(world.home)), ["file", "out", "store"], leaf)


@test
def store_refuses_names_that_are_none(world):
    for cid, words in [
        ("bafkqaaa", "."),  # its bytes in its name
        ("bafkrei", "."),
        ("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk1", "."),
        ("../../etc/passwd", "."),
        ("", "."),
    ]:
        expect_refused(world.run("get", "--", cid), 67, words)


@test
def store_says_what_cannot_be_read(world):
    expect_refused(world.run("add", world.path("nothing")), 66, "nothing", "cannot be opened")
    expect_refused(world.run("add", world.home), 74, "folder")
    expect_refused(world.run("add"), 64, "which file")
    expect_refused(world.run("get"), 64, "which CID")
    expect_refused(world.run("ls", "--what"), 64, "no option")
    expect_refused(world.run("what"), 64, "no command")


@test
def store_needs_a_place(world):
    env = world.env()
    env["REDSHIRT_HOME"] = world.write("file", b"") + "/inside"
    expect_refused(world.run("ls", env=env), 74, "REDSHIRT_HOME")
    for name in ["REDSHIRT_HOME", "XDG_DATA_HOME", "HOME"]:
        env.pop(name, None)
    expect_refused(world.run("ls", env=env), 64, "REDSHIRT_HOME")
    env["XDG_DATA_HOME"] = world.path("data")
    expect_good(world.run("ls", env=env))
    expect(os.listdir(world.path("data")), ["redshirt"])


@test
def store_two_adds_at_once(world):
    data = content(4 * MIB)
    path = world.write("file", data)
    adds = [world.start("add", path) for _ in range(8)]
    names = {process.communicate(timeout=60)[0] for process in adds}
    expect(len(names), 1)
    expect([process.returncode for process in adds], [0] * 8)
    expect_good(world.run("get", names.pop().decode().strip()), data)
    expect_good(world.run("ls", "--check"))
    expect(os.listdir(os.path.join(world.home, "store", "tmp")), [], "left over")


@test
def store_an_interrupted_add_leaves_nothing_half(world):
    path = world.write("file", content(16 * MIB))
    for delay in [0.01, 0.03, 0.1]:
        process = world.start("add", path)
        try:
            process.wait(delay)
        except Exception:
            process.kill()
        process.communicate()
        expect(world.run("ls", "--blocks", "--check").code, 0, "ls --check")


@test
def store_an_interrupted_get_leaves_nothing(world):
    """Whichever signal ends it while the file beside the one that is wanted grows."""
    with open(world.path("large"), "wb") as file:
        file.truncate(128 * MIB)
    added = world.run("add", world.path("large"))
    expect_good(added)
    folder = world.path("out")
    os.mkdir(folder)
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT:
        with world.running("get", added.out.decode().strip(), "-o", os.path.join(folder, "file")) as process:
            while process.poll() is None and not os.listdir(folder):
                pass
            process.send_signal(number)
            process.wait()
            expect((process.returncode, os.listdir(folder)), (-number, []))


@test
def store_large_files_in_bounded_memory(world):
    path = world.path("large")
    with open(path, "wb") as file:
        file.truncate(512 * MIB)  # zeros, so its leaves are one block
    most = 0
    with world.running("add", path) as process:
        while process.poll() is None:
            try:
                most = max(most, resident_kib(process)[1])
            except (OSError, TypeError):
                pass  # it has just ended
            time.sleep(0.05)
        ended = finish(process)
    expect(ended.code, 0, ended)
    if most > 400 * 1024 or (most > 32 * 1024 and not is_sanitized(world)):
        raise AssertionError(f"{most} KiB")
    out = ended.out
    expect(world.run("ls").out.decode().split(), [out.decode().strip(), str(512 * MIB)])


@test
def help_for_each_command(world):
    ended = world.run("--help")
    expect_good(ended)
    names = re.findall(r"^  ([a-z]+) ", ended.out.decode(), re.M)
    expect(set(names) >= {"run", "demo", "add", "get", "ls", "interface"}, True, names)
    for name in names:
        ended = world.run(name, "--help")
        expect_good(ended)
        expect(ended.out.startswith(b"Usage: redshirt " + name.encode()), True, name)
    expect_good(world.run("--version"))
    expect(world.run().code, 64)


@test
def interface_prints_hash_and_ids(world):
    if not os.path.exists("interfaces/log.wit"):
        raise Skip("interfaces/ is not here")
    ended = world.run("interface", "interfaces/log.wit")
    expect_good(ended)
    first, second = ended.out.decode().splitlines()
    expect(bool(re.fullmatch(r"[0-9a-f]{64} redshirt:io/log", first)), True, first)
    expect(bool(re.fullmatch(r"[0-9a-f]{16} [0-9a-f]{64} write", second)), True, second)
    expect_good(world.run("interface", "interfaces/tcp.wit"))  # uses net.wit beside it
    wrong = world.write("wrong.wit", b"package a:b;\ninterface c { f: func( }\n")
    expect_refused(world.run("interface", wrong), 65, r"wrong\.wit:2:\d+")
    expect_refused(world.run("interface", world.path("none.wit")), 66, "none.wit")
