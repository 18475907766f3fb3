# SPDX-License-Identifier: GPL-3.0-or-later
"""`redshirt shell`: commands from a text, a file and a stream. At a terminal: test_shell_terminal."""
import os
import re

from harness import expect, expect_good, test


class Folder:
    """A shell with one folder of the host, which it calls /d."""

    def __init__(self, world):
        self.world, self.host = world, world.path("d")
        os.mkdir(self.host)

    def write(self, name, data):
        path = os.path.join(self.host, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def read(self, name):
        with open(os.path.join(self.host, name), "rb") as file:
            return file.read()

    def words(self, *words):
        return ("shell", "--dir", self.host + ":/d", *words)

    def run(self, text, **options):
        return self.world.run(*self.words("-c", text), **options)

    def says(self, text, out, code=0):
        ended = self.run(text)
        if (ended.out, ended.code) != (out.encode(), code):
            raise AssertionError(f"{text!r}: wanted {out!r} and {code}: {ended}")
        return ended.err


# ---- commands from a text

@test
def shell_runs_lists(world):
    folder = Folder(world)
    folder.says("pwd; echo a  'b  c' \"d\"e\\ f # no", "/d\na b  c de f\n")
    folder.says("false || echo b && echo c; false && echo d; echo $?", "b\nc\n1\n")
    folder.says("echo one |\n cat | wc -l\ntrue;", "1\n")
    folder.says("X=1 Y='a  b'; echo $X\"$Y\"$Y ${X}2; Z=3 env", "1a  ba b 12\nPWD=/d\nZ=3\n")
    folder.says("export A=5 B; B=6; env; unset A; export", "PWD=/d\nA=5\nB=6\nPWD=/d\nB=6\n")
    folder.says("exit 7; echo never", "", 7)


@test
def shell_connects_programs(world):
    folder = Folder(world)
    lines = b"".join(b"%06d\n" % (n * 7919 % 50000) for n in range(50000))  # more than pipes hold
    folder.write("in", lines)
    folder.says("cat in | sort | head -n 1; cat < in | cat | wc -l", "000000\n50000\n")
    folder.says("sort < in > out; cat in | cat > copy; echo x >> copy; cat nothing > e1 2>&1; cat nothing 2> e2", "", 1)
    expect(folder.read("out"), b"".join(sorted(lines.splitlines(True))))
    expect(folder.read("copy"), lines + b"x\n")
    expect(folder.read("e1"), folder.read("e2"))
    expect(b"nothing" in folder.read("e1"), True, folder.read("e1"))
    folder.says("> empty; cat < empty; history > h; help | head -n 1 > h2; cat h2", "bg: it cannot\n")
    expect(folder.read("empty") + folder.read("h"), b"")
    folder.says("cat in nothing > /dev/null 2> /dev/null; echo $?; cat < /dev/null; pwd > /dev/null", "1\n")
    # who stops reading ends who writes, and side by side all of it arrives
    folder.says("cat in in in in | head -n 1", "%06d\n" % 0)
    folder.says("cat in > a & cat < in > b & cat in | cat > c & wait; cat a b c | wc -l", "150000\n")


@test
def shell_sends_streams_to_its_own_others(world):
    folder = Folder(world)
    lines = b"%06d\n" * 30000 % tuple(range(30000))  # more than pipes hold
    folder.write("in", lines)
    error = folder.run("cat nothing")
    expect((error.out, error.code, b"nothing" in error.err), (b"", 1, True), error)
    for text, out, err, code in (("cat nothing 2>&1", error.err, b"", 1), ("cat nothing 2>&1 > o", error.err, b"", 1),
                                 ("cat in >&2; cat in 1>&2", b"", lines * 2, 0), ("pwd >&2", b"", b"/d\n", 0),
                                 ("pwd > o 2>&1", b"", b"", 0), ("pwd 2>&1 >&2", b"/d\n", b"", 0),
                                 ("cat in 2>&1 | wc -l >&2", b"", b"30000\n", 0),
                                 ("cat in >&2 | wc -l", b"0\n", lines, 0),
                                 ("cat in 1>&2 2>&1 & wait", b"", lines, 0)):
        ended = folder.run(text)
        expect((ended.out, ended.err, ended.code), (out, err, code), text)
    expect(folder.read("o"), b"/d\n")
    ended = folder.run("nope 2>&1; spinner >&2; echo $?")  # what the shell itself says stays
    expect((ended.out, ended.err.count(b"no program of this name")), (b"127\n", 2), ended)


@test
def shell_frees_jobs_that_nobody_is_told_of(world):
    folder = Folder(world)
    script = "true &\n" * 100 + "false &\nfg; echo $?\n" + "sleep 1000 &\n" + "true &\n" * 50 + "jobs > j"
    expect(folder.says(script, "1\n"), b"")
    expect(b"runs  sleep 1000" in folder.read("j"), True, folder.read("j"))


@test
def shell_finds_files(world):
    folder = Folder(world)
    for name in ("b.c", "a.c", "c d", ".hidden", "sub/x.c", "sub/y.h", "sub2/z.c", "[x]", "\u00e4.c"):
        folder.write(name, b"1\n")
    folder.says("echo *", "[x] a.c b.c c d sub sub2 \u00e4.c\n")
    folder.says("echo *.c ?.c [ab].c [!a].c \"*\".c \\*; X='*.h'; echo sub/$X \"$X\"",
                "a.c b.c \u00e4.c a.c b.c \u00e4.c a.c b.c b.c \u00e4.c *.c *\nsub/y.h *.h\n")
    folder.says("echo */*.c sub*/ /d/s*/[x-z].? nothing* .h*; cat 'c d' [[]x]",
                "sub/x.c sub2/z.c sub/ sub2/ /d/sub/x.c /d/sub/y.h /d/sub2/z.c nothing* .hidden\n1\n1\n")
    folder.says("cd sub; pwd; echo *; cat x.c; cd ..; pwd; cd -; cd /d/sub2; echo *; cd; pwd",
                "/d/sub\nx.c y.h\n1\n/d\n/d/sub\nz.c\n/\n")
    err = folder.says("cd nowhere; cd a.c; cd /; echo *; cat a.c > x", "d\n", 1)
    for word in (b"nowhere: no such file", b"a.c: not a folder", b"x: it is in no folder"):
        expect(word in err, True, (word, err))


@test
def shell_says_what_went_wrong(world):
    folder = Folder(world)
    err = folder.says("nope; echo $?", "127\n")
    expect(err, b"-c: line 1: nope: there is no program of this name; `help` says what there is\n")
    folder.write("text.wasm", b"no program")
    err = folder.says("./text.wasm; echo $?; ./none.wasm; echo $?", "126\n127\n")
    expect(b"./text.wasm: it is no program" in err and b"./none.wasm: no such file" in err, True, err)
    for text, word in (("echo (", "this shell has no ( )"), ("echo 'a", "this ' has no other"), ("|", "missing"),
                       ("a $(b)", "$( )"), ("echo a\n\necho ${X-}", "line 3"), ("> ''", "no name of a file")):
        ended = folder.run(text)
        if word.encode() not in ended.err or ended.code == 0:
            raise AssertionError(f"{text!r}: wanted {word!r}: {ended}")
    folder.says("cat < nothing; echo $?; cd a | cat; echo $?; kill; kill 99999999; echo $?; fg; bg; exit a; echo $?",
                "1\n0\n1\n2\n")
    script = world.write("script.sh", b"echo one\nnope\necho two\necho )\necho three\n")
    ended = world.run(*folder.words(script))
    expect((ended.code, ended.out), (2, b"one\ntwo\n"))
    expect(b"script.sh: line 2: nope" in ended.err and b"script.sh: line 4: this shell" in ended.err, True, ended.err)
    world.write("zero.sh", b"echo\0")
    world.write("large.sh", b"#" * (96 * 1024 + 1))
    for name, code in (("zero.sh", 65), ("large.sh", 73), ("none.sh", 66)):
        expect(world.run("shell", world.path(name)).code, code, name)
    for words in (("-c",), ("--dir",), ("--nope",), ("-c", "a", "b"), ("--env", "x"), ("--workers", "0")):
        expect(world.run("shell", *words).code, 64, words)


@test
def shell_runs_files_and_ends_with_their_codes(world):
    folder = Folder(world)
    for name in ("trap", "probe", "spinner"):
        with open(world.guest(name), "rb") as file:
            folder.write(name + ".wasm", file.read())
    ended = folder.run("./trap.wasm unreachable; echo $?")
    expect(ended.out, b"134\n", ended)
    expect(b"trap.wasm: stopped by a trap" in ended.err and b"unreachable" in ended.err, True, ended.err)
    folder.says("./spinner.wasm & kill %1; fg; echo $?; ./spinner.wasm | ./spinner.wasm & kill %; wait %1; echo $?",
                "137\n137\n")
    ended = folder.run("./probe.wasm cat")  # no program of the command: it is asked about, and nobody is there
    expect((ended.code, b"may not use redshirt:io/tcp" in ended.err), (77, True), ended)
    # by its CID, and what is not the shell's no program of it gets
    cid = world.run("add", world.guest("trap")).out.split()[0].decode()
    folder.says(f"{cid} unreachable 2> e; echo $?", "134\n")
    expect(world.run("shell", "-c", "echo a > /x; cat /etc/passwd").code, 1)


@test
def shell_reads_commands_from_a_stream(world):
    folder = Folder(world)
    ended = world.run(*folder.words(), input=b"echo one\necho \"two\nthree\" |\n\n wc -l\ncat\nexit 3\necho never\n")
    expect((ended.code, ended.out), (3, b"one\n2\n"), ended)  # and programs get none of it
    ended = world.run(*folder.words(), input=b"echo 'a")
    expect((ended.code, ended.out), (2, b""), ended)
    ended = world.run(*folder.words(), input=b"\n" * 5 + b"echo " + b"x" * 20000 + b"\necho never\n")
    expect((ended.code, ended.out, b"input: line 6" in ended.err), (2, b"", True), ended)
    expect(world.run(*folder.words("-c", "cat"), input=b"data").out, b"data")


@test
def shell_knows_names_that_are_keys(world):
    folder = Folder(world)
    cid = world.run("add", world.guest("trap")).out.split()[0].decode()
    expect_good(world.run("publish", "tool", cid))
    name = re.search(r"tool@\w+", folder.run("help").out.decode())[0]
    folder.says(f"{name}; echo $?; tool; echo $?", "3\n127\n")


@test
def shell_at_its_bounds(world):
    folder = Folder(world)
    jobs = "sleep 1000 &\n" * 31  # the one in front is a job, too
    err = folder.says(f"{jobs}echo one\nsleep 1000 &\necho two\necho three; kill %1", "one\ntwo\nthree\n")
    expect(err.count(b"there are too many jobs"), 1, err)
    pipes = "sleep 1000" + " | sleep 1000" * 62 + " &\n"  # 63 programs, of 128
    err = folder.says(f"{pipes * 2}sleep 1000 &\nsleep 0; echo $?\nsleep 1000 &\nsleep 0", "0\n", 126)
    expect(err.count(b"sleep: too many programs run"), 1, err)
    files = "sleep 1000 2> e | " * 62 + "sleep 1000 > o 2> e &\n"  # 64 redirections, of 128
    err = folder.says(f"{files * 2}sleep 0 > g; echo $?", "1\n")
    expect(b"g: there are too many redirections" in err, True, err)
    most = b"#" * (1024 * 1024 - 5) + b"\npwd\n"
    for name, script, code in (("s", most, 0), ("t", most + b"#", 127)):
        folder.write(name, script)
        ended = world.run("run", "--dir", folder.host + ":/d", "shell", "--", "/d/" + name)
        expect((ended.code, ended.out), (code, b"/d\n" if code == 0 else b""), ended)
    for size, word in ((64 << 20, b"it is no program"), ((64 << 20) + 1, b"it is too large for a program")):
        folder.write("large.wasm", b"")
        os.truncate(os.path.join(folder.host, "large.wasm"), size)
        ended = folder.run("./large.wasm")
        expect(word in ended.err, True, (size, ended))
    # one whose size says nothing of what can be read, as of one that grows
    if os.path.exists("/proc/self/pagemap"):
        endless = ("shell", "--dir", f"/proc/{os.getpid()}:/p:ro", "-c", "/p/pagemap; echo $?")
        ended = world.run(*endless)
        expect((ended.out, b"it is too large for a program" in ended.err), (b"127\n", True), ended)
