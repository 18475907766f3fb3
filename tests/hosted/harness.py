# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the command share: running it in a home of its own, and counting."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TESTS = []
PATIENCE = 60  # seconds for one command; sanitizers and a busy machine are slow
SANITIZERS = {"ASAN_OPTIONS": "abort_on_error=0:exitcode=99", "TSAN_OPTIONS": "exitcode=98:halt_on_error=0"}
REPORT_BYTES = 12_000  # of what the sanitizers say in one test; a report of a race has 3,000


def test(function):
    TESTS.append(function)
    return function


def alone(function):
    """A test that measures seconds: no other runs beside it. Written below @test."""
    function.alone = True
    return function


class Skip(Exception):
    pass


class Ended:
    """A command that has come to its end."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"code {self.code}\n  out {self.out[-600:]!r}\n  err {self.err[-600:]!r}"


class World:
    """A command, the guests, and an empty home. What guests may do is asked in test_grants alone."""
    answers = ("--yes",)

    def __init__(self, redshirt, programs, home):
        self.redshirt, self.programs, self.home = redshirt, programs, home

    def env(self):
        return dict(os.environ, REDSHIRT_HOME=os.path.join(self.home, "store"))

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def guest(self, name):
        return os.path.join(self.programs, name + ".wasm")

    def start(self, *arguments, **options):
        options.setdefault("stdin", subprocess.PIPE)
        if arguments[:1] == ("run",) and arguments[1:2] != ("--help",):
            arguments = ("run", *self.answers, *arguments[1:])
        return subprocess.Popen(
            [self.redshirt, *arguments], stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE, env=options.pop("env", self.env()), **options)

    def run(self, *arguments, input=b"", **options):
        process = self.start(*arguments, **options)
        try:
            out, err = process.communicate(input, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{arguments} did not end: {out[-300:]!r} {err[-300:]!r}")
        return Ended(process.returncode, out or b"", err)

    @contextlib.contextmanager
    def running(self, *arguments, **options):
        """A command that is killed at the end if it still runs."""
        process = self.start(*arguments, **options)
        try:
            yield process
        except AssertionError as error:
            raise AssertionError(f"{error}\n  {arguments[0]} said {last_words(process)!r}") from error
        finally:
            if process.poll() is None:
                process.kill()
            process.stdin and process.stdin.close()
            process.stdout and process.stdout.close()
            process.stderr.close()
            process.wait()

    def probe(self, *words):
        return ("run", self.guest("probe"), *words)


def last_words(process):
    """The end of what is there to be read of a command's stderr, which may run on."""
    if process.stderr.closed:
        return b""
    os.set_blocking(process.stderr.fileno(), False)
    return (process.stderr.read() or b"")[-600:]


def finish(process):
    """Waits for the end of a running command; its input is closed."""
    if process.stdin and not process.stdin.closed:
        process.stdin.close()
    process.stdin = None
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


def expect(actual, wanted, what=""):
    if actual != wanted:
        raise AssertionError(f"{what}: got {actual!r}, wanted {wanted!r}")


def expect_good(ended, out=None):
    if ended.code != 0 or (out is not None and ended.out != out):
        raise AssertionError(f"wanted code 0 and {None if out is None else out[:600]!r}: {ended}")


def expect_refused(ended, code, *words):
    """A refusal: that exit code, nothing on stdout, and these words on stderr."""
    text = ended.err.decode(errors="replace")
    missing = [word for word in words if not re.search(word, text)]
    if ended.code != code or ended.out != b"" or missing or not text.startswith("redshirt"):
        raise AssertionError(f"wanted code {code} and words {words}: {ended}")


def line(process):
    """The next line of a running command's output."""
    data = process.stdout.readline()
    if not data.endswith(b"\n"):
        raise AssertionError(f"no line: {data!r} {process.stderr.read()[-600:]!r}")
    return data[:-1].decode()


def port_of(process):
    word, number = line(process).split()
    expect(word, "port")
    return int(number)


def listen(family):
    host = "::1" if family == "6" else "127.0.0.1"
    kind = socket.AF_INET6 if family == "6" else socket.AF_INET
    listener = socket.socket(kind, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, 0))
    listener.listen(1024)
    listener.settimeout(PATIENCE)
    return listener, listener.getsockname()[1]


def connect(family, port):
    host = "::1" if family == "6" else "127.0.0.1"
    connection = socket.create_connection((host, port), timeout=PATIENCE)
    connection.settimeout(PATIENCE)
    return connection


def read_all(connection):
    data = b""
    while True:
        piece = connection.recv(1 << 20)
        if not piece:
            return data
        data += piece


def resident_kib(process):
    """Memory that the process uses, and the most it ever did, KiB."""
    with open(f"/proc/{process.pid}/status") as status:
        text = status.read()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]), int(re.search(r"VmHWM:\s+(\d+)", text)[1])


def soon(seconds, measure, tries=5):
    """What measure() returns, seconds, is within the bound. Another process may have had the CPU: the quickest of
    some tries counts, and one that is quick enough is the last."""
    took = []
    for _ in range(tries):
        took.append(measure())
        if took[-1] <= seconds:
            return
    raise AssertionError(f"took {', '.join(f'{t:.2f}' for t in took)} s, at most {seconds} s is right")


def is_sanitized(world):
    """Whether the command carries the shadow memory of a sanitizer."""
    return any(f"/{name}/" in world.redshirt for name in ("asan", "tsan"))


def needs_ipv6():
    try:
        probe = socket.socket(socket.AF_INET6)
        probe.bind(("::1", 0))
        probe.close()
    except OSError:
        raise Skip("this machine has no IPv6 loopback")


FAMILIES = ["4", "6"]


PASSED, FAILED, SKIPPED = range(3)


@contextlib.contextmanager
def sanitizers_heard():
    """Fails when a sanitizer of any process started meanwhile has something to report, be that process killed
    or its exit code nobody's business; and tells the report."""
    with tempfile.TemporaryDirectory(prefix="redshirt-reports-") as folder:
        for name, options in SANITIZERS.items():
            os.environ[name] = f"{os.environ.get(name, options)}:log_path={folder}/report"
        failure = None
        try:
            yield
        except Exception as error:
            failure = error
        said = ""
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                said += file.read(REPORT_BYTES)
        if said:
            failure = AssertionError(f"{failure or ''}\n{said[:REPORT_BYTES]}")
        if failure:
            raise failure


def tried(function, redshirt, programs):
    """Runs one test in a home of its own and says how it went: PASSED, FAILED or SKIPPED. It has a process of
    its own, too, whose environment it may change."""
    name = function.__name__
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="redshirt-") as home:
        try:
            with sanitizers_heard():
                function(World(os.path.abspath(redshirt), os.path.abspath(programs), home))
            print(f"ok    {name} ({time.monotonic() - begin:.1f} s)", flush=True)
            return PASSED
        except Skip as reason:
            print(f"skip  {name}: {reason}", flush=True)
            return SKIPPED
        except Exception as error:
            print(f"FAIL  {name}: {error}", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
            return FAILED


class Child:
    """A test that runs in a process of its own, which keeps what it says until it has ended."""

    def __init__(self, function, redshirt, programs):
        self.name, self.said = function.__name__, tempfile.TemporaryFile("w+")
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(self.said.fileno(), 1)
            how = FAILED
            try:
                how = tried(function, redshirt, programs)
            finally:
                sys.stdout.flush()
                os._exit(how)

    def ended(self, status):
        """Tells what it said. Returns how it went."""
        how = os.waitstatus_to_exitcode(status)
        self.said.seek(0)
        print(self.said.read(), end="")
        if how not in (PASSED, FAILED, SKIPPED):
            print(f"FAIL  {self.name}: the test itself ended with {how}")
            how = FAILED
        sys.stdout.flush()
        return how


def run_beside(functions, jobs, redshirt, programs):
    """Runs tests, at most that many at once. Returns how each went."""
    waiting, running, results = list(functions), {}, []
    while waiting or running:
        while waiting and len(running) < jobs:
            child = Child(waiting.pop(0), redshirt, programs)
            running[child.pid] = child
        pid, status = os.wait()
        results.append(running.pop(pid).ended(status))
    return results


def worth_again(functions):
    """Those that a suite runs which has programs run in another way. A file whose tests cannot depend on that says so:
    ONCE = "why"."""
    reasons = {f: getattr(sys.modules[f.__module__], "ONCE", None) for f in functions}
    for module in sorted({f.__module__ for f, why in reasons.items() if why}):
        print(f"left out: {module}: {sys.modules[module].ONCE}")
    return [f for f, why in reasons.items() if not why]


def signals_as_ever():
    """Commands begin with what a terminal gives them, whoever ignores what here (nohup, a shell's `&`)."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def main(redshirt, programs, only, jobs, again):
    signals_as_ever()
    chosen = [f for f in TESTS if not only or any(re.search(word, f.__name__) for word in only)]
    if again:
        chosen = worth_again(chosen)
    lonely = [f for f in chosen if hasattr(f, "alone")]
    results = run_beside([f for f in chosen if f not in lonely], jobs, redshirt, programs)
    results += run_beside(lonely, 1, redshirt, programs)
    passed, failed, skipped = (results.count(how) for how in (PASSED, FAILED, SKIPPED))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0
