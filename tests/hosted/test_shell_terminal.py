# SPDX-License-Identifier: GPL-3.0-or-later
"""`redshirt shell` at a terminal: typing, history, completion, Ctrl-C."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from harness import PATIENCE, expect, expect_good, line, test
from test_shell import Folder

LEFT, UP, DOWN, TAB = b"\x1b[D", b"\x1b[A", b"\x1b[B", b"\t"


class Terminal:
    """A shell with a terminal of its own."""

    def __init__(self, world, words, columns=80):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.seen = b""

        def lead():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([world.redshirt, *words], stdin=slave, stdout=slave, stderr=slave,
                                        env=world.env(), start_new_session=True, preexec_fn=lead)
        self.slave = slave

    def until(self, pattern):
        """Waits for what is shown next, and takes it with what stands before."""
        end = time.monotonic() + PATIENCE
        while True:
            self.seen = re.sub(rb"\x1b\[\?2004[hl]", b"", self.seen)  # that pastes come in brackets
            found = re.search(pattern, self.seen)
            if found:
                taken, self.seen = self.seen[:found.end()], self.seen[found.end():]
                return taken
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                raise AssertionError(f"ended without {pattern!r} in {self.seen!r}")

    def type(self, keys):
        os.write(self.master, keys)

    def prompt(self, folder=b"/d"):
        self.until(re.escape(folder) + rb" \$ \r\x1b\[\d+C")

    def line(self, keys, *wanted):
        """Types a line at the prompt, and waits for what comes of it and for the next prompt."""
        self.type(keys + b"\r")
        for pattern in wanted:
            self.until(pattern)
        self.prompt()

    def leave(self, code=0):
        self.type(b"\x04")
        self.end(code)

    def end(self, code):
        expect(self.process.wait(timeout=PATIENCE), code)
        after = termios.tcgetattr(self.slave)
        expect(after[:4], self.before[:4], "the terminal is as it was")
        os.close(self.slave)
        os.close(self.master)


def at_terminal(world, folder, *words, **options):
    terminal = Terminal(world, folder.words(*words), **options)
    terminal.until(rb"the shell may use this terminal, [^\n]*\n")
    terminal.prompt()
    return terminal


@test
def shell_edits_lines(world):
    folder = Folder(world)
    terminal = at_terminal(world, folder)
    terminal.line(b"echo hello", rb"\r\nhello\r\n")
    terminal.line(b"cho ab" + LEFT + b"X\x01e\x05Y", rb"\r\naXbY\r\n")
    terminal.line(b"junk\x15echo one two\x17three\x1bb\x1bbX\x7f\x0b\x19", rb"\r\none three\r\n")
    terminal.line("echo \u65e5\u672cx".encode() + LEFT + b"\x7f", rb"\r\n\xe6\x97\xa5x\r\n")
    terminal.type(b"echo 'a\r")
    terminal.until(rb"> \r\x1b\[2C")
    terminal.line(b"b' | wc -l", rb"\r\n2\r\n")
    terminal.line(b"\x1b[200~echo p\necho q\x1b[201~", rb"\r\np\r\nq\r\n")
    terminal.line(b"echo " + b"w" * 200, rb"\r\nw{80}")  # wider than the terminal
    terminal.line(b"oops", rb"shell: oops: there is no program of this name")
    terminal.line(b"echo (", rb"shell: this shell has no \( \)")
    terminal.line(b"echo -n part", rb"\r\npart")  # the prompt leaves it there
    terminal.type(b"echo lost\x03")
    terminal.prompt()
    terminal.line(b"echo $?", rb"\r\n130\r\n")
    terminal.line(b"echo x\x0c", rb"\x1b\[H\x1b\[2J", rb"\r\nx\r\n")
    terminal.type(b"false\r")
    terminal.prompt()
    terminal.leave(1)


@test
def shell_keeps_a_history(world):
    folder = Folder(world)
    terminal = at_terminal(world, folder, "--env", "HISTFILE=/d/.history")
    terminal.line(b"echo first", rb"\r\nfirst\r\n")
    terminal.line(b"echo second", rb"\r\nsecond\r\n")
    terminal.line(b" echo secret", rb"\r\nsecret\r\n")
    terminal.line(UP + UP, rb"\r\nfirst\r\n")
    terminal.line(UP + UP + DOWN + b" more", rb"\r\nfirst more\r\n")
    terminal.type(b"\x12sec")
    terminal.until(rb"\(search: sec\) echo second")
    terminal.line(b"", rb"\r\nsecond\r\n")
    terminal.line(b"history", rb"1  echo first\r\n2  echo second\r\n3  echo first\r\n")
    terminal.type(b"exit 4\r")
    terminal.end(4)
    expect(folder.read(".history"),
           b"echo first\necho second\necho first\necho first more\necho second\nhistory\nexit 4\n")
    terminal = at_terminal(world, folder, "--env", "HISTFILE=/d/.history")
    terminal.line(UP + UP + UP, rb"\r\nsecond\r\n")
    terminal.leave()


@test
def shell_shows_no_name_that_steers(world):
    folder = Folder(world)
    folder.write("a\x1b]0;b\u009bc\u00e4/x", b"")
    terminal = at_terminal(world, folder)
    shown, raw = b"/d/a?]0;b?c\xc3\xa4", b"/d/a\x1b]0;b\xc2\x9bc\xc3\xa4"
    terminal.type(b"cd a*; cd /d; cd -; cd /d; export; pwd; cd -; pwd; pwd > /d/kept; echo :; cd /d\r")
    terminal.until(rb"/d \$ cd a[^\n]*\n")  # as it was typed
    said = terminal.until(rb"\r\n:\r\n")
    expect(said.count(shown), 4, said)
    expect(raw in said, False, said)
    terminal.prompt()
    expect(folder.read("kept"), raw + b"\n")
    terminal.leave()


@test
def shell_completes(world):
    folder = Folder(world)
    for name in ("alpha one", "alpha two", "beta/inner", "gamma"):
        folder.write(name, b"text of " + name.encode() + b"\n")
    terminal = at_terminal(world, folder)
    terminal.line(b"cat g" + TAB, rb"\r\ntext of gamma\r\n")
    terminal.line(b"cat b" + TAB + b"i" + TAB, rb"\r\ntext of beta/inner\r\n")
    terminal.type(b"cat a" + TAB)
    terminal.until(rb"cat alpha\\ ")
    terminal.type(TAB)
    terminal.until(rb"\a")
    terminal.type(TAB)
    terminal.until(rb"alpha one  alpha two\r+\n")
    terminal.line(b"t" + TAB, rb"\r\ntext of alpha two\r\n")
    terminal.line(b"histo" + TAB, rb"1  cat gamma")
    terminal.line(b"hel" + TAB + b"\x15ech" + TAB + b"$PW" + TAB, rb"\r\n/d\r\n")
    terminal.line(b"cat \"al" + TAB + b"o" + TAB, rb"\r\ntext of alpha one\r\n")
    terminal.leave()


@test
def shell_is_interrupted(world):
    folder = Folder(world)
    with open(world.guest("spinner"), "rb") as file:
        folder.write("spin.wasm", file.read())
    terminal = at_terminal(world, folder)
    for command in (b"echo up; sleep 1000; echo never", b"echo up; ./spin.wasm | cat > f; echo never",
                    b"sleep 1000 | cat & echo up; wait"):
        terminal.type(command + b"\r")
        terminal.until(rb"\r\nup\r\n")
        terminal.type(b"\x03")
        expect(b"never" in terminal.seen, False)
        terminal.prompt()
    terminal.line(b"echo $?", rb"\r\n130\r\n")
    terminal.line(b"jobs", rb"\[1\] runs  sleep 1000 \| cat\r\n")
    terminal.type(b"kill %1\r")
    terminal.until(rb"\[1\] ended with 137  sleep 1000 \| cat\r\n")  # told while a line is edited, or before
    terminal.type(b"\r")
    terminal.prompt()
    terminal.type(b"sleep 0.2 &\r")
    terminal.until(rb"\[1\]\r\n")
    terminal.until(rb"\[1\] ended  sleep 0.2\r\n")
    terminal.prompt()
    terminal.line(b"sleep 1000 &", rb"\[1\]\r\n")
    terminal.line(b"exit", rb"what runs behind ends with the shell")
    terminal.type(b"exit\r")
    terminal.end(1)


@test
def shell_lends_the_terminal_to_questions(world):
    folder = Folder(world)
    with open(world.guest("crypto"), "rb") as file:
        folder.write("c.wasm", file.read())
    terminal = at_terminal(world, folder)
    terminal.type(b"./c.wasm > out &\r")
    terminal.until(rb"n \(no\): ")
    terminal.type(b"o\n")
    terminal.until(rb"\[1\] ended  \./c\.wasm > out\r\n")
    terminal.type(b"\r")
    terminal.line(b"echo mine", rb"\r\nmine\r\n")
    terminal.leave()


@test
def shell_has_its_line_again_behind_a_question(world):
    folder = Folder(world)
    with open(world.guest("screen"), "rb") as file:
        folder.write("s.wasm", file.read())
    expect_good(world.run("grant", world.guest("screen"), "terminal"))
    for answer, asked in (b"o", 2), (b"n", 1):  # the shell's own yes is wanted, too
        terminal = at_terminal(world, folder)
        terminal.type(b"./s.wasm shape want &\r")
        terminal.until(rb"(?s)(?=.*shaping\r\n)(?=.*/d \$ \r\x1b\[5C)")  # in whichever order
        terminal.type(b"echo half")
        terminal.until(rb"half")
        fcntl.ioctl(terminal.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
        for name in (rb"\./s\.wasm", rb"shell")[:asked]:
            terminal.until(name + rb" wants to use redshirt:io/dns(?s:.)*n \(no\): ")
            expect(termios.tcgetattr(terminal.slave), terminal.before, "an answer is a line")
            terminal.type(answer + b"\r")
        # the program may end before the line is drawn, or behind that
        again = terminal.until(rb"%s\r\n(?:granted\r\n|denied\r\n)?\r\x1b\[J(?:\[1\] ended[^\n]*\n\r\x1b\[J)?"
                               rb"/d \$ echo half" % answer)
        expect(termios.tcgetattr(terminal.slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG), 0, "raw again")
        if b"ended" not in again:
            terminal.until(rb"\[1\] ended[^\n]*\n")
        terminal.line(b" done", rb"\r\nhalf done\r\n")
        terminal.type(b"exit 0\r")
        terminal.end(0)


@test
def shell_says_who_has_the_terminal(world):
    folder = Folder(world)
    with open(world.guest("screen"), "rb") as file:
        folder.write("s.wasm", file.read())
    terminal = Terminal(world, folder.words("--yes"))
    terminal.prompt()
    terminal.type(b"./s.wasm raw spin & cat\r")
    terminal.until(rb"raw (?:\[1\]\r\n)?ok\r\n")  # from then on, what is typed reaches cat at once
    terminal.process.send_signal(signal.SIGINT)
    terminal.until(rb"shell: a program behind has taken the terminal: this is the end\r\n")
    terminal.end(1)


@test
def shell_follows_the_terminal(world):
    folder = Folder(world)
    terminal = at_terminal(world, folder, columns=40)
    terminal.type(b"echo " + b"z" * 60)
    terminal.until(rb"z{60}")
    fcntl.ioctl(terminal.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    terminal.until(rb"/d \$ echo z{60}\r\x1b\[70C")  # drawn in one row
    terminal.type(b"\r")
    terminal.prompt()
    terminal.type(b"echo half")
    terminal.until(rb"half")
    terminal.process.send_signal(signal.SIGTERM)
    terminal.end(143)


@test
def shell_is_interrupted_in_a_script(world):
    folder = Folder(world)
    with world.running(*folder.words("-c", "echo up; cat | sleep 1000; echo never")) as process:
        expect(line(process), "up")
        process.send_signal(signal.SIGINT)
        expect((process.wait(timeout=PATIENCE), process.stdout.read()), (130, b""))


@test
def shell_starts_nothing_that_was_given_up(world):
    folder = Folder(world)
    for i in range(6000):
        folder.write(f"{i:04}", b"")
    terminal = at_terminal(world, folder)
    # Words take long to find, and the Ctrl-C among them is read when a program is to start: it would
    # wait for keys, and take those of the next line.
    terminal.type(b"cat - " + b" ".join(b"*x%d" % i for i in range(150)) + b"\r")
    time.sleep(0.3)
    terminal.process.send_signal(signal.SIGINT)
    terminal.prompt()
    terminal.line(b"echo $?; ps | grep -c cat", rb"\r\n130\r\n0\r\n")
    terminal.type(b"exit 0\r")
    terminal.end(0)
