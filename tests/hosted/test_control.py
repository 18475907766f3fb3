# SPDX-License-Identifier: GPL-3.0-or-later
"""`redshirt ps`, `top`, `log`, `kill` and `replace`, and the socket that they come by: docs/control.md."""
import collections
import contextlib
import errno
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import struct
import threading
import time

from harness import PATIENCE, expect, expect_good, expect_refused, finish, test

PING = "redshirt:demo/ping"


def until(what, condition):
    """What condition() returns once that is something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"it never came that {what}")


def beside(world, name):
    """A program of the tree that is no guest."""
    return os.path.join(os.path.dirname(os.path.dirname(world.programs)), "programs", name + ".wasm")


def version(world, name, number):
    """The same program with another name: a section that means nothing is behind it."""
    with open(beside(world, name), "rb") as file:
        words = f"v{number}".encode()
        section = bytes([len(words)]) + words
        return world.write(f"{name}-{number}.wasm", file.read() + b"\0" + bytes([len(section)]) + section)


def systems(world):
    """What `ps` tells programs."""
    ended = world.run("ps", "--json")
    return json.loads(ended.out) if ended.code == 0 else []


def processes(world, name):
    return [p for s in systems(world) for p in s["processes"] if p["name"] == name]


def process(world, name):
    """The one of that name, once it is there, and waits."""
    return until(f"{name} is there",
                 lambda: [p for p in processes(world, name) if p["state"] != "loading"])[0]


@contextlib.contextmanager
def system(world, text, name="test.system"):
    """A system that runs, and ends well."""
    path = world.write(name, text.format(guests=world.programs, ping=beside(world, "ping"),
                                         pong=beside(world, "pingpong")).encode())
    with world.running("up", path) as running:
        until("it can be reached", lambda: [s for s in systems(world) if s["system"] == running.pid])
        yield running
        if running.poll() is None:
            running.send_signal(signal.SIGINT)
            expect(finish(running).code, 0)


PONGS = """
program ping {ping}
    handles redshirt:demo/ping
    restart on-failure
program pong {guests}/spinner.wasm
"""


@test
def control_none_runs(world):
    for words in (["ps"], ["top"], ["log"], ["kill", "1"], ["replace", "ping", "hello"], ["ps", "--system", "1"]):
        expect_refused(world.run(*words), 66, "no system runs")
    expect(os.path.exists(world.path("store")), False, "nothing is made by looking")
    expect(world.run("ps", "--json").out, b"[]\n")


@test
def control_wrong_words(world):
    for words, said in [(["ps", "x"], "what is"), (["ps", "--sistem", "1"], "no option"), (["ps", "--system"], "--system wants"),
                        (["ps", "--system", "0"], "--system wants"), (["ps", "--system", "x"], "--system wants"),
                        (["top", "-n", "0"], "-n wants"), (["top", "-n"], "-n wants"), (["top", "x"], "what is"),
                        (["log", "-n", "x"], "-n wants"), (["log", "x"], "what is"), (["log", "-x"], "no option"),
                        (["kill"], "which process"), (["kill", "x"], "no number"), (["kill", "-9", "1"], "no option"),
                        (["replace"], "which interface"), (["replace", "a"], "which program"),
                        (["replace", "a", "b", "c"], "one interface"), (["replace", "--from"], "--from wants"),
                        (["replace", "--x", "a", "b"], "no option")]:
        expect_refused(world.run(*words), 64, said)
    for command in ("ps", "top", "log", "kill", "replace"):
        ended = world.run(command, "--help")
        expect((ended.code, ended.out.startswith(f"Usage: redshirt {command}".encode())), (0, True), ended)


def cpu_time(pid):
    """What a process has used, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return sum(int(n) for n in file.read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")


@test
def control_rests_while_the_host_has_no_files(world):
    with system(world, "program ping {ping}\n handles redshirt:demo/ping\n") as running, \
            socket.socket(socket.AF_UNIX) as client:
        process(world, "ping")
        before = resource.prlimit(running.pid, resource.RLIMIT_NOFILE)
        taken = {int(name) for name in os.listdir(f"/proc/{running.pid}/fd")}
        free = min(set(range(len(taken) + 1)) - taken)
        resource.prlimit(running.pid, resource.RLIMIT_NOFILE, (free, before[1]))
        used = cpu_time(running.pid)
        client.connect(world.path(f"store/systems/{running.pid}"))
        time.sleep(1)
        expect(cpu_time(running.pid) - used < 0.5, True, "it waits")
        resource.prlimit(running.pid, resource.RLIMIT_NOFILE, before)
        expect_good(world.run("ps"))


@test
def control_ps_lists(world):
    with system(world, PONGS) as running:
        ping = process(world, "ping")
        process(world, "pong")
        [told] = systems(world)
        expect((told["system"], told["words"]), (running.pid, f"up {world.path('test.system')}"))
        expect((ping["state"], ping["parent"], ping["memory_bytes"] >= 65536), ("waiting", 0, True), ping)
        until("pong is seen at work", lambda: processes(world, "pong")[0]["time_ns"] > 0)
        ended = world.run("ps", "--system", str(running.pid))
        expect_good(ended)
        lines = ended.out.decode().splitlines()
        expect(re.match(rf"system {running.pid}, up .*test.system: \d+ processes on \d+ workers, up 0:", lines[0]) is None,
               False, ended)
        expect((lines[1].split()[0], lines[1].split()[-1]), ("NUMBER", "NAME"))
        expect(any(l.split()[0] == str(ping["number"]) and l.split()[-1] == "ping" for l in lines[2:]), True, ended)
        expect(ping["program"].encode() in ended.out, False)
        expect(ping["program"].encode() in world.run("ps", "--long").out, True)
        expect_refused(world.run("ps", "--system", "1"), 66, "no system 1 runs")


@test
def control_ps_shows_budgets(world):
    text = PONGS.replace("    restart on-failure\n", "    may budget=memory:1MiB,children:2,cpu:10\n")
    with system(world, text):
        process(world, "ping")
        ended = world.run("ps")
        [told] = [l for l in ended.out.decode().splitlines() if "budget:" in l]
        expect(re.fullmatch(r" +budget: memory \d+K of 1\.0M, children 0 of 2, 10% of its turns", told) is None, False, ended)
        budget = process(world, "ping")["budget"]
        expect((budget["memory_bytes"]["most"], budget["children"], budget["cpu_percent"]),
               (1 << 20, {"used": 0, "most": 2}, 10), budget)
        expect("most" in process(world, "pong")["budget"]["memory_bytes"], False)


@test
def control_two_systems(world):
    with system(world, PONGS) as first, system(world, PONGS, "other.system") as second:
        process(world, "ping")
        told = systems(world)
        expect({s["system"] for s in told}, {first.pid, second.pid})
        expect(world.run("ps").out.count(b"NUMBER"), 2)
        for words in (["top"], ["log"], ["kill", "1"], ["replace", "ping", "hello"]):
            expect_refused(world.run(*words), 64, "2 systems run", str(first.pid), "other.system")
        expect(world.run("top", "-s", str(second.pid)).out.count(b"other.system"), 1)


def states(pid):
    """Of its threads, as the host has them."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat") as file:
            yield file.read().rsplit(")", 1)[1].split()[0]


@test
def control_ps_beside_one_that_stands_still(world):
    """Which is said once, after one LINK_PATIENCE_MS, and the others are shown."""
    with system(world, PONGS) as first, system(world, PONGS, "other.system") as second:
        until("both have begun", lambda: len([p for p in processes(world, "pong") if p["state"] != "loading"]) == 2)
        still, other = sorted((first, second), key=lambda system: system.pid)
        still.send_signal(signal.SIGSTOP)
        until("all its threads stand still", lambda: set(states(still.pid)) == {"T"})
        ended = world.run("ps", "--json")
        still.send_signal(signal.SIGCONT)
        expect((ended.code, [s["system"] for s in json.loads(ended.out)]), (74, [other.pid]), ended)
        expect(ended.err, b"redshirt: system %d does not answer; does it stand still?\n" % still.pid)


@test
def control_one_that_takes_no_connection(world):
    """As it stands still, and as many as may wait for it do already."""
    with system(world, PONGS) as running, contextlib.ExitStack() as stack:
        until("all have begun", lambda: all(p["state"] != "loading" for p in processes(world, "pong")))
        running.send_signal(signal.SIGSTOP)
        until("all its threads stand still", lambda: set(states(running.pid)) == {"T"})
        here = os.open(folder(world), os.O_RDONLY)
        found = 0
        while found == 0:
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.setblocking(False)
            found = connection.connect_ex(f"/proc/self/fd/{here}/{running.pid}")
        os.close(here)
        expect(found, errno.EAGAIN)
        commands = [world.start(*words) for words in (("ps",), ("log",))]
        ends = [finish(command) for command in commands]
        running.send_signal(signal.SIGCONT)
        for ended in ends:
            expect((ended.code, ended.err),
                   (74, b"redshirt: system %d does not answer; does it stand still?\n" % running.pid))


@test
def control_top_shows_rates(world):
    with system(world, PONGS) as running:
        process(world, "pong")
        ended = world.run("top")
        expect_good(ended)
        expect((ended.out.count(b"CPU%"), b"\x1b" in ended.out), (1, False), ended)
        def busiest():
            row = world.run("top").out.decode().splitlines()[2].split()
            return row[-1] == "pong" and float(row[2]) > 1
        until("who has nothing but work is the busiest", busiest)  # another may have the host's CPU
        expect(world.run("top", "-n", "2").out.count(b"CPU%"), 2)
        expect(running.poll(), None)


def on_terminal(world, *words):
    """A command on a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(world.env(), TERM="xterm")
        os.execv(world.redshirt, [world.redshirt, *words])
    return pid, terminal


def read_until(terminal, wanted, data=b""):
    end = time.monotonic() + PATIENCE
    while wanted not in data and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            data += os.read(terminal, 65536)
    expect(wanted in data, True, data[-300:])
    return data


@test
def control_top_on_a_terminal(world):
    with system(world, PONGS):
        process(world, "pong")
        for end in (b"q", b"\x03"):
            pid, terminal = on_terminal(world, "top")
            data = read_until(terminal, b"NUMBER")
            expect(data.startswith(b"\x1b[?1049h"), True, data[:40])
            read_until(terminal, b"\x1b[H")  # another frame
            os.write(terminal, end)
            read_until(terminal, b"\x1b[?1049l")
            expect(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, end)
            os.close(terminal)


@test
def control_log_and_follow(world):
    with system(world, PONGS.replace("{guests}/spinner.wasm", "{guests}/mortal.wasm code 7\n    restart on-failure")):
        words = b"redshirt: pong has ended with code 7\n"
        until("it is logged", lambda: words in world.run("log").out)
        expect(world.run("log", "-n", "1").out, words)
        expect(world.run("log", "-n", "0").out, b"")
        with world.running("log", "-f", "-n", "0") as follower:
            expect(follower.stdout.readline(), words)
            follower.send_signal(signal.SIGINT)
            expect(finish(follower).code, 0)
        follower = world.start("log", "--follow")
        expect(follower.stdout.readline(), words)
    expect(finish(follower).code, 0, "the system has ended")


@test
def control_log_of_programs(world):
    """What a program writes to the standard error."""
    log = """
program loud {ping} x
    handles redshirt:demo/ping
program late {ping}
    handles redshirt:demo/ping
"""
    with system(world, log):
        until("the second one says why", lambda: b"ping: redshirt:demo/ping is handled by somebody else\n" in world.run("log").out)


@test
def control_log_on_a_terminal(world):
    """No part of it, nor two together, moves the cursor; letters in two parts are whole."""
    with system(world, "program parts {guests}/parts.wasm c2 9b324a c3 a4 9b334a c2 0a656e640a\n"):
        pid, terminal = on_terminal(world, "log", "-f")
        data = read_until(terminal, b"end")
        expect((b"?2J\xc3\xa4?3J?\r\nend" in data, b"\x9b" in data), (True, False), data)
        os.write(terminal, b"\x03")
        expect(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        os.close(terminal)


@test
def control_kill_ends_and_up_starts_again(world):
    with system(world, PONGS):
        ping = process(world, "ping")
        expect_good(world.run("kill", str(ping["number"])), b"")
        again = until("it is there again",
                      lambda: [p for p in processes(world, "ping") if p["number"] != ping["number"]])[0]
        expect(again["program"], ping["program"])
        pong = process(world, "pong")
        expect_refused(world.run("kill", str(ping["number"]), str(pong["number"])), 66, "no process")
        until("the other one is gone", lambda: not processes(world, "pong"))
        expect_refused(world.run("kill", "0"), 66, "no process 0")
        expect_refused(world.run("kill", str(2**63 - 1)), 66, "no process")


@test
def control_kill_the_main_program(world):
    with world.running("run", world.guest("spinner")) as running:
        spinner = process(world, world.guest("spinner"))
        expect([s["words"] for s in systems(world)], [f"run {world.guest('spinner')}"])
        expect_good(world.run("kill", str(spinner["number"])))
        expect(finish(running).code, 137)


# ---- replacing

@test
def control_replace_under_load(world):
    """Several clients, each of which looks at every answer, while what handles is replaced again and again."""
    clients = "".join(f"program pong{i} {{pong}} 200000 {i * 100 + 8}\n    may redshirt:demo/ping\n" for i in range(3))
    path = world.write("load.system", ("program ping {ping}\n    handles redshirt:demo/ping\n    restart always\n" + clients)
                       .format(ping=beside(world, "ping"), pong=beside(world, "pingpong")).encode())
    with world.running("up", path) as running:
        process(world, "ping")
        count = 0
        while count < 3 or processes(world, "pong0") or processes(world, "pong2"):
            ended = world.run("replace", "ping", version(world, "ping", count % 7))
            expect_good(ended)
            numbers = re.fullmatch(rf"process (\d+) handles {PING} now\nprocess (\d+) has ended\n", ended.out.decode())
            expect(numbers is None, False, ended)
            count += 1
            if count == 40:
                break
        until("the clients have ended", lambda: not any(processes(world, f"pong{i}") for i in range(3)))
        expect(len(processes(world, "ping")), 1)
        running.send_signal(signal.SIGINT)
        ended = finish(running)
    expect((ended.code, ended.out.count(b"200000 round trips"), ended.err), (0, 3, b""), ended)
    print(f"      replaced {count} times")


@test
def control_replaced_program_is_what_up_starts_again(world):
    with system(world, PONGS):
        old = process(world, "ping")
        expect_good(world.run("replace", "--from", str(old["number"]), PING, version(world, "ping", 1)))
        new = process(world, "ping")
        expect((new["program"] != old["program"], new["number"] != old["number"]), (True, True))
        expect_good(world.run("kill", str(new["number"])))
        again = until("it is there again", lambda: [p for p in processes(world, "ping") if p["number"] != new["number"]])[0]
        expect(again["program"], new["program"])


@test
def control_replace_refuses(world):
    with system(world, PONGS):
        old = process(world, "ping")
        for words, code, said in [
                (["ping", beside(world, "ping")], 71, "this very program"),
                (["ping", world.write("empty", b"")], 65, "keeps .*could not be loaded"),
                (["ping", world.guest("trap")], 65, "keeps .*did not take over"),
                (["ping", world.path("nowhere")], 66, "cannot run"),
                (["tcp", "firewall"], 66, "the machine itself"),
                (["--from", "pong", "ping", "hello"], 66, "pong does not handle"),
                (["nothing", "hello"], 66, "nobody handles")]:
            expect_refused(world.run("replace", *words), code, said)
            [now] = processes(world, "ping")
            expect(now["number"], old["number"], words)
        expect_good(world.run("replace", "ping", version(world, "ping", 2)))  # and it can still be


@test
def control_replace_shows_names_on_one_line(world):
    """Of several who handle it, one calls itself as it likes."""
    cid = world.run("add", beside(world, "ping")).out.decode().split()[0]
    expect_good(world.run("grant", "--handle", cid, "redshirt:demo/ping"))
    with system(world, """
program tap tap redshirt:demo/ping
program throng {guests}/throng.wasm """ + cid + """ 1 "x~redshirt: forged\x9b2J"
    handles redshirt:demo/ping
    may redshirt:demo/ping
route redshirt:demo/ping tap
"""):
        until("it is there", lambda: [p for s in systems(world) for p in s["processes"] if "forged" in p["name"]])
        until("both handle it", lambda: world.run("replace", "ping", "hello").code == 64)
        said = world.run("replace", "ping", "hello").err
        expect((said.count(b"\n"), b"x?redshirt: forged??2J\n" in said), (3, True), said)
        name = b"x\\u000aredshirt: forged\\u009b2J"
        expect(name in world.run("ps", "--json").out, True)


@contextlib.contextmanager
def replacing(world):
    """The old one, and the command that waits for one that runs and never takes over."""
    with system(world, PONGS):
        old = process(world, "ping")
        replace = world.start("replace", "ping", world.guest("spinner"))
        until("the new one runs", lambda: len(processes(world, "ping")) == 2)
        yield old, replace


def expect_kept(world, old):
    until("the new one is gone", lambda: len(processes(world, "ping")) == 1)
    expect(processes(world, "ping")[0]["number"], old["number"])


@test
def control_replace_is_given_up(world):
    with replacing(world) as (old, replace):
        expect_refused(world.run("replace", "ping", version(world, "ping", 1)), 71, "has not taken over yet")
        replace.send_signal(signal.SIGINT)
        expect_refused(finish(replace), 130, f"process {old['number']} keeps {PING}")
        expect_kept(world, old)


@test
def control_replace_whose_old_one_fails(world):
    """Nobody knows whether the new one will ever take over: the old one is started again as ever."""
    with replacing(world) as (old, replace):
        expect_good(world.run("kill", str(old["number"])))
        expect_refused(finish(replace), 65, f"process {old['number']} has ended and does not handle {PING}", "did not take over")
        again = until("the old one is there again", lambda: [p for p in processes(world, "ping") if p["program"] == old["program"]])
        expect((len(processes(world, "ping")), again[0]["number"] != old["number"]), (1, True), again)
        expect_good(world.run("replace", "ping", version(world, "ping", 1)))


@test
def control_replace_waits_so_long(world):
    """Ten seconds for what does not take over; whoever asked for it may be gone."""
    with replacing(world) as (old, replace):
        replace.kill()
        finish(replace)
        expect_kept(world, old)


@test
def control_replace_the_main_program(world):
    with world.running("run", beside(world, "ping")) as running:
        old = process(world, beside(world, "ping"))
        expect_good(world.run("replace", "ping", version(world, "ping", 1)))
        expect(running.poll(), None)
        [new] = processes(world, beside(world, "ping"))
        expect(new["program"] != old["program"], True)
        expect_good(world.run("kill", str(new["number"])))
        expect(finish(running).code, 137)


@test
def control_replace_lends_rights(world):
    """The new one may what the old one may, as long as it does not fail."""
    text = """
program tap tap redshirt:demo/ping
program ping {ping}
    handles redshirt:demo/ping
program pong {pong} 20000
    may redshirt:demo/ping
route redshirt:demo/ping tap
"""
    with system(world, text) as running:
        told = threading.Thread(target=lambda: collections.deque(running.stderr, maxlen=0))
        told.start()  # whoever handles has messages out as long as nobody reads what tap tells
        process(world, "tap")
        process(world, "pong")
        expect_refused(world.run("replace", "ping", version(world, "tap", 1)), 64, "2 processes handle", "tap", "ping")
        expect_good(world.run("replace", "--from", "tap", "ping", version(world, "tap", 1)))
        expect_good(world.run("replace", "--from", "ping", "ping", version(world, "ping", 1)))
        expect(running.stdout.readline().startswith(b"20000 round trips"), True)
        running.send_signal(signal.SIGINT)
        told.join()
        expect(running.wait(timeout=PATIENCE), 0)


# ---- the socket

def folder(world):
    return os.path.join(world.home, "store", "systems")


def connect(world, number):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    here = os.open(folder(world), os.O_RDONLY)
    until("it takes a connection", lambda: connection.connect_ex(f"/proc/self/fd/{here}/{number}") == 0)
    os.close(here)
    return connection


def read_answer(connection):
    head = b""
    while len(head) < 8:
        piece = connection.recv(8 - len(head))
        if not piece:
            return None
        head += piece
    size, code = struct.unpack("<II", head)
    body = b""
    while len(body) < size - 4:
        body += connection.recv(size - 4 - len(body))
    return code, body


def is_sent_away(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@test
def control_socket_is_the_users(world):
    with system(world, PONGS) as running:
        expect(oct(os.stat(folder(world)).st_mode & 0o777), "0o700")
        expect(oct(os.stat(os.path.join(folder(world), str(running.pid))).st_mode & 0o777), "0o600")
    expect(os.listdir(folder(world)), [], "it goes with the system")


@test
def control_dead_sockets_are_swept(world):
    with system(world, PONGS) as running:
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(os.path.join(folder(world), "999999999"))
        dead.close()
        world.write("store/systems/word", b"")
        expect([s["system"] for s in systems(world)], [running.pid])
        expect(sorted(os.listdir(folder(world))), sorted([str(running.pid), "word"]))
        running.kill()
        running.wait()
        expect_refused(world.run("ps"), 66, "no system runs")
        expect(os.listdir(folder(world)), ["word"])


@test
def control_a_socket_is_there_when_it_listens(world):
    """Who found one before that took it for that of a dead system, and swept it away."""
    os.makedirs(folder(world), 0o700)
    here = os.open(folder(world), os.O_RDONLY)
    for _ in range(20):
        with world.running("run", world.guest("spinner")) as running:
            end, found = time.monotonic() + PATIENCE, errno.ENOENT
            while found == errno.ENOENT and time.monotonic() < end:
                with socket.socket(socket.AF_UNIX) as connection:
                    found = connection.connect_ex(f"/proc/self/fd/{here}/{running.pid}")
            expect(found, 0)
            running.kill()
    os.close(here)


@test
def control_long_home(world):
    """Longer than the address of a socket may be."""
    home = world.path("/".join(["long" * 30] * 3))
    os.makedirs(home)
    env = dict(world.env(), REDSHIRT_HOME=home)
    with world.running("run", world.guest("spinner"), env=env) as running:
        until("it can be reached", lambda: world.run("ps", env=env).code == 0)
        running.send_signal(signal.SIGINT)
        expect(finish(running).code, 130)


@test
def control_hostile_words(world):
    with system(world, PONGS) as running:
        ping = process(world, "ping")
        for words in (struct.pack("<I", 7) + b"x" * 7, struct.pack("<I", 4093) + b"x" * 8, b"\xff" * 4, b"\0" * 4,
                      b"GET / HTTP/1.1\r\n\r\n"):
            connection = connect(world, running.pid)
            connection.sendall(words)
            expect(is_sent_away(connection), True, words)
        # A size at the bound, and a function that there is not; then the same connection is as good as ever.
        connection = connect(world, running.pid)
        connection.sendall(struct.pack("<I", 4092) + b"x" * 4092)
        expect(read_answer(connection), (3, b""))
        for i in range(20):  # byte by byte
            connection.sendall((struct.pack("<I", 8) + b"y" * 8)[i % 12:i % 12 + 1])
        expect(read_answer(connection), (3, b""))
        expect(process(world, "ping")["number"], ping["number"])


@test
def control_many_connections(world):
    with system(world, PONGS) as running:
        idle = [connect(world, running.pid) for _ in range(100)]
        for connection in idle[50:]:
            with contextlib.suppress(OSError):
                connection.sendall(b"\x08\0\0")  # half a call
        expect_good(world.run("ps"))
        expect_good(world.run("log"))
        expect(is_sent_away(idle[0]), True)


@test
def control_who_does_not_read(world):
    """A thousand questions and no answer taken: others are served, and it is sent away in the end."""
    with system(world, PONGS) as running:
        process(world, "ping")
        connection = connect(world, running.pid)
        connection.setblocking(False)
        function = re.search(r"INTERFACES_ID 0x([0-9a-f]+)", open("build/gen/interfaces/inspect.h").read())[1]
        call = struct.pack("<IQ", 8, int(function, 16))
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 1 << 22:
                sent += connection.send(call * 64)
        expect(sent < 1 << 22, True, "it takes no more questions than it answers")
        expect_good(world.run("ps"))
        connection.setblocking(True)
        poll = select.poll()
        poll.register(connection, 0)  # that it is closed is always told
        until("it is sent away", lambda: poll.poll(0))


@test
def control_each_command_that_starts_one(world):
    """Whatever starts a system can be looked into, and says what it is."""
    for words, name in ((["shell"], b"shell"), (["serve", "--listen", "/ip4/127.0.0.1/tcp/0"], b"serve"),
                        (["run", world.guest("spinner")], b"run ")):
        with world.running(*words) as running:
            shown = until(f"{name} is there", lambda: b"store-loader" in (ended := world.run("ps")).out and ended.out)
            expect(shown.startswith(b"system %d, %s" % (running.pid, name)), True, shown)
            running.send_signal(signal.SIGTERM)
            finish(running)
