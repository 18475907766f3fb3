# SPDX-License-Identifier: GPL-3.0-or-later
"""redshirt:io/terminal on a terminal of the host: modes and that they are put back, interrupts, sizes."""
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

from harness import PATIENCE, expect, expect_good, test


CRASHES = (signal.SIGABRT, signal.SIGFPE, signal.SIGSEGV)


class Screen:
    """The guest `screen` on a terminal of its own, doing what the words say."""

    def __init__(self, world, *words, size=(80, 24), answers=("--yes",), env=None, before=()):
        self.master, self.slave = pty.openpty()
        self.resize(size)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""

        def lead():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [*before, world.redshirt, "run", *answers, world.guest("screen"), *words], stdin=self.slave, stdout=self.slave,
            stderr=subprocess.PIPE, env=env or world.env(), start_new_session=True, preexec_fn=lead)

    def resize(self, size):
        columns, rows = size
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, pattern):
        """Waits for that to be shown, forgets what came up to there, and returns the match."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern!r} in {self.seen!r}")
            self.seen += os.read(self.master, 65536)
        self.seen = self.seen[found.end():]
        return found

    def type(self, data):
        os.write(self.master, data)

    def lets(self):
        return termios.tcgetattr(self.slave)

    def end(self, *codes):
        _, err = self.process.communicate(timeout=PATIENCE)
        now = self.lets()
        os.close(self.master)
        os.close(self.slave)
        expect(self.process.returncode in codes, True, (self.process.returncode, err))
        expect(now, self.before, "the terminal is not as it was")


def is_raw(settings):
    return not settings[3] & (termios.ICANON | termios.ECHO | termios.ISIG) and bool(settings[1] & termios.OPOST)


@test
def terminal_modes(world):
    screen = Screen(world, "size", "line", "raw", "read", "read", "line", "read", size=(132, 43))
    screen.until(rb"size 132 43\r\nline ok\r\nraw ok\r\n")
    expect(is_raw(screen.lets()), True)
    screen.type(b"\x03")
    screen.until(rb"^read 03\r\n")  # and no echo
    screen.type(b"\r")
    screen.until(rb"^read 0d\r\nline ok\r\n")
    expect(screen.lets(), screen.before)
    screen.type(b"a\r")
    screen.until(rb"^a\r\nread 610a\r\n")
    screen.end(0)


@test
def terminal_mode_is_of_one_client(world):
    screen = Screen(world, "raw", "other", "raw", "line", "leave", "raw")
    screen.until(rb"raw ok\r\nraw taken\r\nline taken\r\nraw taken\r\n")
    screen.end(0)
    screen = Screen(world, "raw", "leave", "size", "read")
    screen.until(rb"raw ok\r\nsize 80 24\r\n")
    expect(screen.lets(), screen.before)
    screen.type(b"a\n")
    screen.until(rb"read 610a\r\n")
    screen.end(0)


@test
def terminal_is_borrowed_to_ask_the_user(world):
    screen = Screen(world, "raw", "want", "read", answers=())
    screen.until(rb"wants to use redshirt:io/terminal(?s:.)*n \(no\): ")
    screen.type(b"o\n")
    screen.until(rb"wants to use redshirt:io/dns(?s:.)*n \(no\): ")
    expect(screen.lets(), screen.before)
    screen.type(b"n\n")
    screen.until(rb"denied\r\n")
    screen.type(b"\x03")
    screen.until(rb"read 03\r\n")
    screen.end(0)


@test
def terminal_is_not_painted_on_while_the_user_is_asked(world):
    screen = Screen(world, "paint", answers=("--allow", "terminal"))
    screen.until(rb"\x1b\[!p(?s:.)*wants to use redshirt:io/dns")  # hidden by nothing
    screen.until(rb"n \(no\): ")
    ready, _, _ = select.select([screen.master], [], [], 0.5)
    expect((ready, screen.seen), ([], b""), "written while the question is open")
    screen.type(b"o\n")
    screen.until(rb"^o\r\n(ink\r\n)+dry\r\n")
    screen.end(0)


@test
def terminal_question_is_seen_over_a_full_screen(world):
    screen = Screen(world, "fill", answers=("--allow", "terminal"))
    screen.until(rb"\x1b\[\?25;1049hfull\r\n(?s:.)*\x1b\[\?1049l(?s:.)*wants to use redshirt:io/dns")
    screen.until(rb"n \(no\): ")
    screen.type(b"o\n")
    screen.until(rb"^o\r\n\x1b\[\?1049hgranted\r\ndrawing\r\n\x1b\[\?1049l")
    screen.end(0)
    screen = Screen(world, "want", answers=("--allow", "terminal"))
    expect(b"1049" in screen.until(rb"(?s:.)*n \(no\): ")[0], False, "there is no other screen to leave")
    screen.type(b"o\n")
    screen.end(0)


@test
def terminal_answer_to_what_was_taken_back_is_none_to_the_next(world):
    # Who is quick: a busy machine may let the question's rest pass before this types.
    for _ in range(5):
        screen = Screen(world, "swap", answers=("--allow", "terminal"))
        screen.until(rb"wants to use redshirt:io/dns(?s:.)*n \(no\): ")
        screen.resize((100, 30))
        screen.until(rb"who asked has gone")
        screen.type(b"o\n")
        screen.until(rb"wants to use redshirt:io/udp(?s:.)*n \(no\): ")
        screen.type(b"n\n")
        is_denied = screen.until(rb"(denied|granted)\r\n")[1] == b"denied"
        screen.end(0)
        if is_denied:
            return
    raise AssertionError("an answer to a question that was taken back counted for the next")


@test
def terminal_question_does_not_hold_up_the_end(world):
    for number, code in (signal.SIGINT, 130), (signal.SIGTERM, 143):
        screen = Screen(world, "paint", answers=("--allow", "terminal"))
        screen.until(rb"n \(no\): ")
        screen.process.send_signal(number)
        screen.end(code)


@test
def terminal_of_another_program_is_left_alone(world):
    screen = Screen(world, "raw", "line", before=("sh", "-mc", '"$@" & wait $!', "sh"))
    screen.until(rb"raw failed\r\nline ok\r\n")
    screen.end(0)


def without_reports(world):
    """Crashes that are meant are none of a sanitizer's business."""
    env = world.env()
    for name in "ASAN_OPTIONS", "TSAN_OPTIONS":
        env[name] += ":handle_segv=0:handle_sigfpe=0:handle_abort=0"
    return env


@test
def terminal_put_back_at_every_end(world):
    for words, number, code in ((("raw",), None, 0), (("raw", "trap"), None, 134), (("raw", "spin"), signal.SIGINT, 130),
                                (("raw", "spin"), signal.SIGTERM, 143), (("raw", "spin"), signal.SIGHUP, 129),
                                (("raw", "read"), signal.SIGQUIT, -signal.SIGQUIT),
                                (("raw", "read"), signal.SIGABRT, -signal.SIGABRT),
                                (("raw", "read"), signal.SIGFPE, -signal.SIGFPE),
                                (("raw", "read"), signal.SIGSEGV, -signal.SIGSEGV)):
        screen = Screen(world, *words, env=without_reports(world))
        screen.until(rb"raw ok\r\n")
        if number:
            expect(is_raw(screen.lets()), True, words)
            screen.process.send_signal(number)
        if number in CRASHES:  # that the kernel takes first
            while screen.process.poll() is None:
                screen.process.send_signal(number)
                time.sleep(0.05)
        screen.end(code)


@test
def terminal_interrupts(world):
    # One is an answer; the next is kept for who asks again; with nobody to ask, the third ends the session.
    screen = Screen(world, "watch", "look", "read", "watch", "look", "read")
    screen.until(rb"watching\r\n")
    screen.type(b"\x03")
    screen.until(rb"interrupted\r\n")
    screen.process.send_signal(signal.SIGINT)
    screen.type(b"a\n")
    screen.until(rb"watching\r\ninterrupted\r\n")
    while screen.process.poll() is None:
        screen.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    screen.end(130, -signal.SIGINT)  # the last one may come when it is as good as over


@test
def terminal_interrupt_without_listener(world):
    screen = Screen(world, "size", "read")
    screen.until(rb"size 80 24\r\n")
    screen.type(b"\x03")
    screen.end(130)


@test
def terminal_sizes(world):
    screen = Screen(world, "shape", "size")
    screen.until(rb"shaping\r\n")
    screen.resize((100, 30))
    screen.until(rb"resized\r\nsize 100 30\r\n")
    screen.end(0)


@test
def terminal_none(world):
    ended = world.run("run", world.guest("screen"), "size", "raw", "line")
    expect_good(ended, b"size none\nraw no-terminal\nline no-terminal\n")


@test
def terminal_calls_are_bounded(world):
    expect_good(world.run("run", world.guest("screen"), "calls"), b"calls 64 error 13\n")
