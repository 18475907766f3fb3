# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program may do: refused by default, asked on the terminal, said on the command line, kept in a file."""
import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

from harness import (PATIENCE, Skip, connect, expect, expect_good, expect_refused, line, listen, port_of, test)

REFUSED = 77
HELLO = os.path.join("build", "programs", "hello.wasm")


class Asked:
    """A world where nobody has said anything."""

    def __init__(self, world):
        world.answers = ()
        self.world = world
        self.crypto = world.guest("crypto")
        self.file = os.path.join(world.env()["REDSHIRT_HOME"], "grants")

    def run(self, *words):
        return self.world.run("run", *words)

    def text(self):
        with open(self.file, encoding="ascii") as file:
            return file.read()

    def put(self, data):
        os.makedirs(os.path.dirname(self.file), exist_ok=True)
        with open(self.file, "wb") as file:
            file.write(data)


def allowed(ended):
    expect(ended.code, 0, ended)


def refused(ended, *words):
    expect(ended.code, REFUSED, ended)
    text = ended.err.decode()
    for word in ("may not use", "redshirt grant", *words):
        if not re.search(word, text):
            raise AssertionError(f"no {word!r}: {ended}")


# ---- the command line

@test
def grants_nothing_said_is_refused(world):
    asked = Asked(world)
    refused(asked.run(asked.crypto), "crypto.wasm may not use redshirt:io/crypto", "--allow crypto")
    # What all programs may use needs no word.
    allowed(asked.run(HELLO))
    expect(os.path.exists(asked.file), False, "a file of grants")


@test
def grants_the_command_it_names_grants(world):
    asked = Asked(world)
    ended = asked.run(asked.crypto)
    command = re.search(r"`redshirt (grant [^`]*)`", ended.err.decode())[1]
    expect_good(world.run(*command.split()), b"")
    allowed(asked.run(asked.crypto))


@test
def grants_on_the_command_line(world):
    asked = Asked(world)
    for words in (("--allow", "crypto"), ("--allow=redshirt:io/crypto",), ("--yes",), ("-y",)):
        allowed(asked.run(*words, asked.crypto))
    refused(asked.run(asked.crypto))  # for that run only
    refused(asked.run("--yes", "--deny", "crypto", asked.crypto))
    expect_good(world.run("grant", asked.crypto, "crypto"))
    refused(asked.run("--deny", "crypto", asked.crypto))
    allowed(asked.run(asked.crypto))
    for words in (("--allow", "nothing"), ("--allow", "crypto="), ("--allow", "crypto=a b"), ("--deny", "crypto=x"),
                  ("--yes=x",), ("--handle", "log=x")):
        expect(asked.run(*words, asked.crypto).code, 64, words)


@test
def grants_as_many_as_a_command_line_takes(world):
    asked = Asked(world)
    words = ["--allow=tcp"] * 63 + ["--allow=crypto"]
    allowed(asked.run(*words, asked.crypto))
    expect(asked.run("--allow=tcp", *words, asked.crypto).code, 64)


@test
def grants_of_who_handles(world):
    asked = Asked(world)
    ping = os.path.join("build", "programs", "ping.wasm")
    ended = asked.run(ping)
    expect(ended.code, REFUSED, ended)
    expect(b"may not handle redshirt:demo/ping" in ended.err and b"--handle ping" in ended.err, True, ended)
    for words in (("--handle", "ping"), ("--yes",)):
        with world.running("run", *words, ping) as process:
            time.sleep(0.5)
            expect(process.poll(), None, "it serves")


# ---- the file

@test
def grants_are_listed_kept_and_revoked(world):
    asked = Asked(world)
    listed = world.run("grants").out.decode()
    for name in ("log", "time", "random", "stdio"):
        expect(f"allow     * redshirt:io/{name}  # (by default)" in listed, True, listed)
    expect("# store-loader (by default)" in listed, True, listed)
    expect_good(world.run("grant", asked.crypto, "crypto=some"), b"")
    expect_good(world.run("grant", "http", "udp"), b"")
    listed = world.run("grants").out.decode()
    expect("redshirt:io/crypto=some\n" in listed and "redshirt:io/udp  # http\n" in listed, True, listed)
    words = asked.text().splitlines()[-2].split()
    expect([words[0], len(words[2]), words[3:]], ["allow", 64, ["redshirt:io/crypto", "some"]])
    allowed(asked.run(asked.crypto))
    expect_good(world.run("revoke", asked.crypto, "crypto"), b"")
    refused(asked.run(asked.crypto))
    expect(world.run("revoke", asked.crypto, "crypto").code, 66)
    expect_good(world.run("grant", "*", "crypto"), b"")
    allowed(asked.run(asked.crypto))
    expect_good(world.run("revoke", asked.crypto, "crypto"), b"")  # for this one, though all others may
    refused(asked.run(asked.crypto))
    expect("deny" in asked.text(), True, asked.text())


@test
def grants_by_default_are_revoked_like_any_other(world):
    asked = Asked(world)
    expect_good(world.run("revoke", "*", "random"), b"")
    listed = world.run("grants").out.decode()
    expect("deny      * redshirt:io/random\n" in listed, True, listed)
    expect("random  # (by default)" in listed, False, listed)
    expect_good(world.run("revoke", "store-loader", "blocks"), b"")
    ended = asked.run(HELLO)
    expect(ended.code != 0 and b"store-loader may not use redshirt:io/blocks" in ended.err, True, ended)
    expect_good(world.run("grant", "store-loader", "blocks"), b"")
    allowed(asked.run(HELLO))
    expect_good(world.run("revoke", "*", "stdio"), b"")
    ended = asked.run(HELLO)  # logs what it cannot print
    expect(b"hello.wasm may not use redshirt:io/stdio" in ended.err, True, ended)


@test
def grants_of_a_hostile_file_are_refused_whole(world):
    asked = Asked(world)
    expect_good(world.run("grant", asked.crypto, "crypto"))
    good = asked.text().encode()
    row = good.splitlines()[-1]
    cid, digest = row.split()[1:3]
    cases = [(b"permit " + cid, "1:1"), (b"allow x " + digest, "1:7"), (b"allow " + cid + b" 12", "1:67"),
             (row + b" ", "1:"), (row + b" a b", "1:"), (row + b"\0", "1:"), (b"\n#\nallow", "3:6"),
             (b"deny" + row[5:] + b" limit", "1:"), (row + b" " + b"x" * 1025, "1:"), (b"a" * 9999, "1:"),
             (row.replace(b"redshirt:io", b"red\x1b[31m"), "1:"), (b"allow * " + b"0" * 64 + b" a", "1:9"),
             (b"\xff\xfe" * 100, "1:1")]
    for text, where in cases:
        asked.put(text + b"\n" + row + b"\n")
        for command in (("run", asked.crypto), ("grants",), ("grant", asked.crypto, "tcp"), ("revoke", asked.crypto, "crypto")):
            ended = world.run(*command)
            expect(ended.code in (65, 73), True, (text, ended))
            expect(f"grants:{where}" in ended.err.decode(), True, (text, ended))
            expect(b"\x1b" in ended.err, False, ended)
    asked.put(b"#\n" * (5 << 20))
    expect(asked.run(asked.crypto).code, 73)
    os.remove(asked.file)
    os.mkfifo(asked.file)
    expect(asked.run(asked.crypto).code, 74)
    os.remove(asked.file)
    os.symlink("/etc/passwd", asked.file)
    expect(asked.run(asked.crypto).code, 74)


@test
def grants_of_many_commands_at_once_are_all_kept(world):
    asked = Asked(world)
    world.run("grants")
    processes = [world.start("grant", world.write(f"{i}.bin", b"%d" % i), "tcp") for i in range(12)]
    for process in processes:
        process.communicate(timeout=PATIENCE)
        expect(process.returncode, 0)
    expect(asked.text().count("redshirt:io/tcp"), 12, asked.text())


@test
def grants_revoked_while_it_runs(world):
    asked = Asked(world)
    echo = world.guest("echo_tcp")
    expect_good(world.run("grant", echo, "tcp"))
    with world.running("run", echo) as process:
        connection = connect("4", port_of(process))
        connection.sendall(b"before")
        expect(connection.recv(100), b"before")
        expect_good(world.run("revoke", echo, "tcp"))
        expect(connection.recv(100), b"", "the connection goes with the bond")
        process.send_signal(signal.SIGINT)  # it waits for a message that never comes
        process.wait(timeout=PATIENCE)


# ---- limits

HOME = "7f000001"
MAPPED = "00000000000000000000ffff7f000001"


def reached(world, limits, *tries):
    words = [word for interface, limit in limits for word in ("--allow", f"{interface}={limit}" if limit else interface)]
    ended = world.run("run", *words, world.guest("reach"), *[str(word) for words in tries for word in words])
    expect(ended.code, 0, ended)
    return ended.out.decode().split()


@test
def grants_limits_of_tcp(world):
    Asked(world)
    listener, port = listen("4")
    other, closed = listen("4")
    limit = [("tcp", f"connect:127.0.0.1:{port},listen:127.0.0.1:*")]
    tries = [("connect", HOME, port), ("connect", HOME, closed), ("connect", MAPPED, port), ("connect", MAPPED, closed),
             ("connect", "00000000", port), ("connect", "7f000002", port), ("connect", "0" * 31 + "1", port),
             ("listen", HOME, 0), ("listen", "00000000", 0), ("listen", MAPPED, 0)]
    expect(reached(world, limit, *tries),
           ["ok", "denied", "ok", "denied", "ok", "denied", "denied", "ok", "denied", "failed"])  # the host has none such
    expect(reached(world, [("tcp", "listen:1-9")], ("connect", HOME, port), ("listen", HOME, 0)), ["denied", "denied"])
    expect(reached(world, [("tcp", "")], ("connect", HOME, closed), ("listen", "00000000", 0)), ["ok", "ok"])
    listener.close()
    other.close()


@test
def grants_limits_of_udp(world):
    Asked(world)
    limit = [("udp", "connect:127.0.0.1:9000-9001")]
    tries = [("send", HOME, 9000), ("send", HOME, 9002), ("send", MAPPED, 9002), ("open", HOME, 0), ("open", "00000000", 0),
             ("open", "00000000", 9000)]
    expect(reached(world, limit, *tries), ["ok", "denied", "denied", "denied", "ok", "denied"])
    expect(reached(world, [("udp", "listen:127.0.0.1:*")], ("open", HOME, 0), ("send", HOME, 9000)), ["ok", "denied"])


@test
def grants_limits_of_names(world):
    Asked(world)
    listener, port = listen("4")
    limits = [("tcp", f"connect:localhost:{port}"), ("dns", "")]
    expect(reached(world, limits, ("connect", HOME, port), ("resolve", "localhost", 0), ("connect", HOME, port),
                   ("connect", HOME, port + 1)), ["denied", "ok", "ok", "denied"])
    # A name that says that it is this machine.
    limits = [("tcp", f"connect:evil.example:{port},connect:127.0.0.1.example:*"), ("dns", "")]
    expect(reached(world, limits, ("resolve", "localhost", 0), ("connect", HOME, port)), ["ok", "denied"])
    listener.close()


@test
def grants_limits_of_what_is_resolved(world):
    asked = Asked(world)
    for limit, answer in (("localhost", "ok"), ("LocalHost", "ok"), ("*", "ok"), ("a.example,localhost", "ok"),
                          ("example.org", "denied"), ("*.localhost", "denied")):
        expect(reached(world, [("dns", limit)], ("resolve", "localhost", 0)), [answer], limit)
    got = reached(world, [("dns", "localhost")], ("resolve", "localhost.", 0), ("resolve", "127.0.0.1", 0))
    expect([word == "denied" for word in got], [False, True], got)  # not every host knows the first
    for limit in ("a b", "a..b", "example.org,", "example.org:80", "*example.org"):
        expect(world.run("grant", asked.crypto, f"dns={limit}").code, 64, limit)
    # By hand: what cannot be read has no names.
    expect_good(world.run("grant", world.guest("reach"), "dns=localhost"))
    asked.put(asked.text().replace("dns localhost", "dns local..host").encode())
    expect(world.run("run", world.guest("reach"), "resolve", "localhost", "0").out, b"denied\n")


@test
def grants_limits_are_read_before_they_are_written(world):
    asked = Asked(world)
    for limit in ("80", "connect:80", "connect:a:0", "listen:name:80", "connect:[::1:80", "connect:a:1,"):
        ended = world.run("grant", asked.crypto, f"tcp={limit}")
        expect(ended.code, 64, ended)
        expect(b"at its byte" in ended.err, True, ended)
        expect(asked.run("--allow", f"udp={limit}", asked.crypto).code, 64)
    expect(os.path.exists(asked.file), False, "a file of grants")
    # By hand: nothing is allowed by what cannot be read.
    expect_good(world.run("grant", world.guest("reach"), "tcp=listen:1"))
    asked.put(asked.text().replace("listen:1", "everything").encode())
    expect(world.run("run", world.guest("reach"), "connect", HOME, "9").out, b"denied\n")


# ---- budgets

def pages(ended):
    expect(ended.code, 0, ended)
    return int(ended.out.split()[1])


@test
def grants_of_memory(world):
    asked = Asked(world)
    hoard = world.guest("hoard")
    most = 4 << 4  # pages of 4 MiB
    taken = pages(asked.run("--allow", "budget=memory:4MiB", hoard))
    expect(most - 4 <= taken < most, True, taken)  # what else it is made of has a page or two
    expect(pages(asked.run("--allow", "budget=memory:8MiB", hoard)), taken + most)
    expect_good(world.run("grant", hoard, "budget=memory:4MiB"))
    expect(pages(asked.run(hoard)), taken)
    expect(pages(asked.run("--yes", hoard)), taken)  # which is about interfaces
    expect("redshirt:kernel/budget=memory:4MiB\n" in world.run("grants").out.decode(), True)
    # What it starts has no more than that together.
    bounds = world.guest("bounds")
    family = asked.run("--allow", "budget=memory:4MiB", bounds, "memory", "0")
    expect(0 < pages(family) < most, True, family)
    # Not even enough to begin with.
    for program in (hoard, HELLO):
        ended = asked.run("--allow", "budget=memory:1KiB", program)
        expect_refused(ended, 73, "its budget of memory is 1 KiB, and it begins with")
        once = re.search(r"`redshirt (run --allow [^`]*)` once", ended.err.decode())[1]
        expect(world.run(*once.split()).code, 0, once)


@test
def grants_of_addressing(world):
    asked = Asked(world)
    hoard = world.guest("hoard")
    if os.environ.get("REDSHIRT_ENGINE") == "interpreter" or os.environ.get("REDSHIRT_MEMORY"):
        raise Skip("here all processes are small")
    small = 1 << 14  # pages that a small one has addresses for
    roomy = pages(asked.run(hoard)) > small  # or else the machine has no more memory
    for limit, is_fast in (("", True), ("=addressing:auto", True), ("=addressing:fast", True), ("=addressing:small", False)):
        taken = pages(asked.run("--allow", f"budget{limit}", hoard))
        expect(taken > small if is_fast and roomy else taken <= small, True, (limit, taken))
    expect_good(world.run("grant", hoard, "budget=addressing:small"))
    expect(pages(asked.run(hoard)) <= small, True)
    expect(pages(asked.run("--memory", "fast", hoard)) <= small, True)
    if not roomy:
        raise Skip("this machine has too little memory for a fast one to show")


@test
def grants_without_a_budget_nothing_runs(world):
    asked = Asked(world)
    refused(asked.run("--deny", "budget", HELLO), "hello.wasm may not use redshirt:kernel/budget", "--allow budget")
    expect_good(world.run("revoke", "*", "budget"))
    refused(asked.run(HELLO), "has taken back its budget")
    listed = world.run("grants").out.decode()
    expect("deny      * redshirt:kernel/budget\n" in listed and "# store-loader (by default)" in listed, True, listed)
    expect_good(world.run("grant", HELLO, "budget=memory:16MiB"))
    allowed(asked.run(HELLO))
    for limit in ("memory", "memory:1,", "memory:9999999GiB", "addressing:tiny", "memory:1,memory:1"):
        for words in (("grant", HELLO, f"budget={limit}"), ("run", "--allow", f"budget={limit}", HELLO)):
            ended = world.run(*words)
            expect(ended.code, 64, ended)
            expect(b"at its byte" in ended.err and b"docs/budgets.md" in ended.err, True, ended)
    # By hand: nothing is left to whom nobody can read what.
    asked.put(asked.text().replace("memory:16MiB", "everything").encode())
    refused(asked.run(HELLO))


@test
def grants_of_memory_count_while_it_runs(world):
    asked = Asked(world)
    with world.running("run", world.guest("spinner")) as process:
        time.sleep(0.5)
        expect(process.poll(), None)
        expect_good(world.run("revoke", world.guest("spinner"), "budget"))
        process.wait(timeout=PATIENCE)
        expect(process.returncode, 137, process.stderr.read())


# ---- the terminal

class Terminal:
    """A command whose standard input is a terminal of its own."""

    def __init__(self, world, *words):
        self.master, slave = pty.openpty()
        self.seen = b""

        def lead():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([world.redshirt, *words], stdin=slave, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=world.env(), start_new_session=True,
                                        preexec_fn=lead)
        os.close(slave)

    def until(self, pattern):
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.seen):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern!r} in {self.seen!r}")
            self.seen += os.read(self.master, 65536)

    def type(self, data):
        self.seen = b""
        os.write(self.master, data)

    def end(self):
        _, err = self.process.communicate(timeout=PATIENCE)
        os.close(self.master)
        return self.process.returncode, err


@test
def grants_asked_on_the_terminal(world):
    asked = Asked(world)
    for answer, code, again in (
            (b"n\n", None, True), (b"o\n", 0, True), (b"what\nawk x\nonce more\n\no\n", 0, True),
            (b"awk " + b"x" * 100 + b"\nno\n", None, True), (b"once\n", 0, True), (b"always\n", 0, False)):
        terminal = Terminal(world, "run", asked.crypto)
        terminal.until(rb"(?s)crypto.wasm wants to use redshirt:io/crypto\.\r\n  [A-Z].*o \(once\), a \(always\), n \(no\): ")
        terminal.type(answer)
        got, err = terminal.end()
        expect(got == code if code is not None else got not in (0, REFUSED), True, (answer, got, err))
        expect(asked.run(asked.crypto).code, REFUSED if again else 0, answer)


@test
def grants_of_handling_are_asked_on_the_terminal(world):
    asked = Asked(world)
    ping = os.path.join("build", "programs", "ping.wasm")
    question = (rb"(?s)ping.wasm wants to handle redshirt:demo/ping\.\r\n.*It would answer redshirt:demo/ping in place of "
                rb"others.*o \(once\), a \(always\), n \(no\): ")
    for answer, serves, kept in ((b"n\n", False, False), (b"o\n", True, False), (b"a\n", True, True)):
        terminal = Terminal(world, "run", ping)
        terminal.until(question)
        terminal.type(answer)
        if serves:
            time.sleep(0.5)
            expect(terminal.process.poll(), None, "it serves")
            terminal.process.send_signal(signal.SIGINT)
        code, err = terminal.end()
        expect(code == 130 if serves else code not in (0, 130), True, (answer, code, err))
        expect(b"may not handle" in err, False, err)  # the user has just said so
        expect(os.path.exists(asked.file), kept, answer)
    expect(re.search(r"^handle \S+ [0-9a-f]{64} redshirt:demo/ping$", asked.text(), re.M) is not None, True, asked.text())
    with world.running("run", ping) as process:  # and is not asked again
        time.sleep(0.5)
        expect(process.poll(), None, "it serves")


@test
def grants_no_answer_is_no_handler(world):
    Asked(world)
    ping = os.path.join("build", "programs", "ping.wasm")
    for end in ("interrupt", "hang up"):
        terminal = Terminal(world, "run", ping)
        terminal.until(rb"wants to handle redshirt:demo/ping(?s:.*)n \(no\): ")
        if end == "interrupt":
            terminal.process.send_signal(signal.SIGINT)
            expect(terminal.end()[0], 130)
        else:
            os.close(terminal.master)  # nobody is there any more
            terminal.process.communicate(timeout=PATIENCE)
            expect(terminal.process.returncode != 0, True, terminal.process.returncode)


@test
def grants_of_handling_answered_by_a_program(world):
    asked = Asked(world)
    ping = os.path.abspath(os.path.join("build", "programs", "ping.wasm"))
    system = world.write("judged.system", f"""
program judge {world.guest("assent")} always
    handles consent
program server {ping}
route consent judge
""".encode())
    with world.running("up", system) as process:
        expect(line(process), "asked to handle redshirt:demo/ping")
        end = time.monotonic() + PATIENCE
        while not os.path.exists(asked.file):
            expect(time.monotonic() < end, True, "the answer is kept")
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        expect(b"may not" in err, False, err)
    expect(asked.text().count("handle "), 1, asked.text())


@test
def grants_answered_by_a_program(world):
    asked = Asked(world)
    for answer, kept in (("no", False), ("once", False), ("always", True)):
        system = world.write("judged.system", f"""
program judge {world.guest("assent")} {answer}
    handles consent
program tool {asked.crypto}
route consent judge
""".encode())
        with world.running("up", system) as process:
            expect(line(process), "asked redshirt:io/crypto")
            end = time.monotonic() + PATIENCE
            while kept and not os.path.exists(asked.file):
                expect(time.monotonic() < end, True, "the answer is kept")
                time.sleep(0.05)
            if answer == "no":  # it is asked before it is refused
                said = [process.stderr.readline(), process.stderr.readline()]  # that, and how it ended
                expect(any(b"tool may not use redshirt:io/crypto" in text for text in said), True, said)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE)
            expect(b"may not use redshirt:io/crypto" in err, False, err)
        expect(asked.run(asked.crypto).code, 0 if kept else REFUSED, answer)
    expect("allow " in asked.text() and " redshirt:io/crypto\n" in asked.text(), True, asked.text())


@test
def grants_what_was_typed_before_is_no_answer(world):
    asked = Asked(world)
    terminal = Terminal(world, "run", asked.crypto)
    os.write(terminal.master, b"a\n" * 20)
    terminal.until(rb"n \(no\): ")
    time.sleep(0.3)
    expect(terminal.process.poll(), None, "it waits")
    expect(os.path.exists(asked.file), False, "kept")
    terminal.process.send_signal(signal.SIGINT)
    expect(terminal.end()[0], 130)


@test
def grants_names_cannot_speak_to_the_terminal(world):
    asked = Asked(world)
    path = world.write("\x1b[2Jevil", open(asked.crypto, "rb").read())
    terminal = Terminal(world, "run", path)
    terminal.until(rb"n \(no\): ")
    said = terminal.seen[terminal.seen.index(b"redshirt: "):]  # behind what undoes colours and the like
    expect((b"\x1b" in said, said.count(b"?[2Jevil")), (False, 1), terminal.seen)
    terminal.type(b"n\n")
    terminal.end()
