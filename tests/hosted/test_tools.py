# SPDX-License-Identifier: GPL-3.0-or-later
"""The everyday programs: what they do to real files, beside what the host's tools of these names do."""
import http.server
import os
import pty
import random
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import time

from harness import Ended, PATIENCE, expect, test

NAMES = ("cat", "cp", "date", "echo", "env", "grep", "head", "http-get", "kill", "ls", "mkdir", "mv", "ps", "rm",
         "sleep", "sort", "tail", "top", "wc")
WORDS = ["", "one", "two words", "  three", "Ähre", "\tfour", "one", "-5", "10", "9", "1.50", "1.5", "x:y:z", "a:10:b", "a:9:c",
         "B", "b", "0", "-0", "_", "..", "end."]


class Given:
    """A folder with some files, and the same again for the host's tools."""

    def __init__(self, world):
        world.answers = ()
        self.world = world
        self.ours, self.theirs = world.path("ours"), world.path("theirs")
        os.makedirs(os.path.join(self.ours, "sub", "below"))
        self.put("words", "\n".join(WORDS).encode() + b"\n")
        self.put("open", b"no end\nof the last line")
        self.put("empty", b"")
        self.put("binary", bytes(range(256)) * 20)
        self.put("sub/below/deep", b"deep down\none\n")
        self.put("sub/.hidden", b"one\n")
        self.again()

    def put(self, name, data):
        with open(os.path.join(self.ours, name), "wb") as file:
            file.write(data)

    def again(self):
        shutil.rmtree(self.theirs, ignore_errors=True)
        shutil.copytree(self.ours, self.theirs, symlinks=True)

    def run(self, tool, *arguments, input=b"", options=()):
        return self.world.run("run", "--dir", f"{self.ours}:/here", *options, tool, "--", *arguments, input=input)

    def host(self, tool, *arguments, input=b""):
        done = subprocess.run([tool, *arguments], input=input, capture_output=True, cwd=self.theirs, timeout=PATIENCE,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        return Ended(done.returncode, done.stdout, done.stderr)

    def same(self, tool, *arguments, input=b""):
        """The host's tool prints the same, ends with the same code, and complains when ours does."""
        ours, theirs = self.run(tool, *arguments, input=input), self.host(tool, *arguments, input=input)
        if (ours.code, ours.out) != (theirs.code, theirs.out) or bool(ours.err) != bool(theirs.err):
            raise AssertionError(f"{tool} {arguments}: {ours}\nthe host's: {theirs}")

    def all_same(self, *lines, input=b""):
        for line in lines:
            self.same(*line.split(), input=input)

    def fails(self, code, words, tool, *arguments, **options):
        ended = self.run(tool, *arguments, **options)
        said = ended.err.decode(errors="replace").split("\nredshirt:")[0]
        if ended.code != code or not re.match(f"{tool}: .*(?:{words})", said) or said.rstrip("\n").count("\n"):
            raise AssertionError(f"{tool} {arguments}: wanted code {code} and {words!r}: {ended}")


def tree(folder):
    """What lies below: paths, and what they hold."""
    found = {}
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            whole = os.path.join(path, name)
            if os.path.islink(whole):
                found[os.path.relpath(whole, folder)] = os.readlink(whole)
            else:
                found[os.path.relpath(whole, folder)] = open(whole, "rb").read() if os.path.isfile(whole) else None
    return found


# ---- reading

@test
def tools_cat_head_tail(world):
    given = Given(world)
    given.all_same("cat words open", "cat -n words open", "cat binary empty - words", "cat words none sub", "cat -- words",
                   "head words", "head -n 3 words open none", "head -c 700 binary", "head -5 words", "head -q -n1 words open",
                   "head -v -c 0 words", "head -n 0 words", "tail words", "tail -n 2 words open none", "tail -c 700 binary",
                   "tail -3 words", "tail -n +20 words", "tail -c +30 open", "tail -n 0 words", "tail -n 100 words",
                   "tail -qn1 words open", "tail -n 1 empty", "tail -c 9999 open", input=b"from\nthe\ninput\n")
    given.all_same("cat", "cat -n", "head -n 2", "head -c 4", "tail -n 2", "tail -c 5", "tail -n +2", "tail -n 5",
                   input=b"one\ntwo\n\nfour\nfive")
    given.all_same("head -n 2", "tail -n 2", "tail -c 2", input=b"")
    given.fails(1, "no number", "head", "-n", "x", "words")
    given.fails(1, "no number", "tail", "-c", "18446744073709551616", "words")
    given.fails(1, "value is missing", "head", "-n")


@test
def tools_wc(world):
    given = Given(world)
    given.all_same("wc words", "wc words open empty", "wc -l words", "wc -w words open", "wc -c binary", "wc -lc words - open",
                   "wc words none", "wc -l none", input=b"  a  b\tc\n\n")
    given.all_same("wc", "wc -l", "wc -", "wc -wc", input=b"one two\nthree" * 9000)


@test
def tools_grep(world):
    given = Given(world)
    given.all_same("grep one words", "grep -v one words open", "grep -n e words sub/.hidden", "grep -c one words open",
                   "grep -l one words open sub/below/deep", "grep -L one words open", "grep -in B words", "grep -x one words",
                   "grep -w one words", "grep -F . words", "grep -E (one|two)+ words", "grep -E ^[[:digit:]]+$ words",
                   "grep -e one -e B words", "grep -h e words open", "grep -H end open", "grep -q one words", "grep -q none words",
                   "grep nothing words", "grep one none words", "grep -s one none words", "grep -c a:[0-9]*:[bc]$ words",
                   "grep -E ^.{3}$ words", "grep \\(o\\|x\\)n*e words", "grep -E a{2}|b words", "grep ^$ words", "grep -E x?:y words",
                   "grep -iE [a-b]{1} words", "grep -vc . words", "grep -nv o words", "grep -xF .. words")
    given.all_same("grep one", "grep -n ^t -", "grep -c .", input=b"one\ntwo\nthree")
    given.same("grep", "one\nB", "words")
    recursive = given.run("grep", "-rn", "one")
    expect(sorted(recursive.out.split(b"\n")), sorted(given.host("grep", "-rn", "one").out.split(b"\n")))
    recursive = given.run("grep", "-rl", "one", "sub")
    expect(sorted(recursive.out.split(b"\n")), sorted(given.host("grep", "-rl", "one", "sub").out.split(b"\n")))
    expect(given.run("grep", "A", "binary").out, b"grep: binary: binary file matches\n")
    for expression, words in (("(", "not closed"), ("a)", "not opened"), ("[a", "not closed"), ("*", "nothing to repeat"),
                              ("a{300}", "255"), ("a{3,2}", "before it begins"), ("\\1", "back-references"),
                              ("[[:none:]]", "class"), ("[b-a]", "range"), ("(" * 40 + ")" * 40, "too deep"), ("a\\", "backslash"),
                              ("((a{255}){255}){255}", "too large")):
        given.fails(2, words, "grep", "-E", expression, "words")
    given.fails(2, "what is looked for", "grep")
    # what takes others as long as there are ways to find it
    given.put("aaa", b"a" * 100000 + b"\n")
    expect(given.run("grep", "-cE", "(a*)*(a|aa)+b", "aaa").code, 1)


@test
def tools_sort(world):
    given = Given(world)
    given.all_same("sort words", "sort -r words", "sort -n words", "sort -nr words open", "sort -u words", "sort -nu words",
                   "sort -f words", "sort -fu words", "sort -b words", "sort -t : -k 2 words", "sort -t : -k 2n words",
                   "sort -t: -k2,2n -k1,1r words", "sort -k 2 words", "sort -k1.2 words", "sort -k1.2,1.3 words", "sort -s -k1,1 words",
                   "sort -k2b words", "sort -rk1,1 words", "sort -t: -k3 words -u", "sort words none", "sort empty", "sort open",
                   "sort -t : -k 1.2,2.1 words", "sort -bk1,1 -u words")
    given.same("sort", input=b"b\na\nc")
    source = random.Random(4)
    lines = [b" ".join(b"%d%s" % (source.randrange(-50, 50), source.choice((b"", b".5", b".50", b"x"))) for _ in range(3))
             for _ in range(500)]
    for line in ("sort -n", "sort -k2,2n -k3r", "sort -k3,3nr -k1", "sort -un", "sort -k2.2,2.3"):
        given.same(*line.split(), input=b"\n".join(lines))
    expect(given.run("sort", "-o", "words", "words").code, 0)
    expect(open(os.path.join(given.ours, "words"), "rb").read(), given.host("sort", "words").out)
    for key in ("0", "x", "1,0", "1.0", "1x", ""):
        given.fails(2, "key|from 1 on", "sort", "-k", key, "words")
    given.fails(2, "one byte", "sort", "-t", "ab", "words")
    given.fails(2, "No such file", "sort", "-o", "none/file", "words")


@test
def tools_many_lines(world):
    """100,000 lines, and one that is longer than any buffer."""
    given = Given(world)
    source = random.Random(7)
    given.put("many", b"".join(b"%d line %d\n" % (source.randrange(10 ** 6), i) for i in range(100000)))
    given.put("wide", b"x" * 3000000 + b"needle\n")
    given.again()
    given.all_same("wc many", "grep -c 7.*9 many", "sort -n many", "grep -c needle wide", "tail -n 1 wide", "head -n 99999 many",
                   "tail -n 99999 many")


@test
def tools_have_bounds(world):
    """What programs/tools/common/limits.h says, as far as a test can afford it."""
    given = Given(world)
    for size, code in ((16 << 20, 0), ((16 << 20) + 1, 2)):
        given.put("wide", b"x" * size + b"\n")
        ended = given.run("grep", "-c", "x", "wide")
        expect((ended.code, b"longer than 16 MiB" in ended.err), (code, code == 2), ended)
    for size, code in ((64 << 20, 0), ((64 << 20) + 1, 1)):
        ended = given.run("tail", "-n", "1", input=b"x\n" + b"y" * size)
        expect((ended.code, len(ended.out), b"more than 64 MiB" in ended.err), (code, 0 if code else size, code == 1))
    given.fails(2, "at most 16 keys", "sort", *["-k1,1"] * 17, "words")
    given.same("sort", *["-k1,1"] * 16, "words")
    # a path of as many bytes as there may be, and one more
    deep = "sub/" * 1023
    given.fails(1, "No such file", "rm", "-r", "none/" + deep[:4089])
    given.fails(1, "too long", "cp", "words", deep + "sub/")
    given.fails(1, "too long|Filename", "cp", "-r", "sub", deep + "sub/x")


# ---- changing

@test
def tools_copy(world):
    given = Given(world)
    os.symlink("words", os.path.join(given.ours, "link"))
    os.utime(os.path.join(given.ours, "words"), ns=(1000000000, 2000000000))
    os.utime(os.path.join(given.ours, "sub/below"), ns=(3000000000, 4000000000))
    given.again()
    given.all_same("cp words copy", "cp words open empty sub", "cp -r sub new", "cp -r sub new", "cp link followed",
                   "cp -r link as-link", "cp -p words kept", "cp -rp sub kept-sub", "cp -R sub/below/ words sub/", "cp binary sub/x",
                   "cp sub other", "cp none other", "cp words none/file", "cp words words", "cp words open none", "cp words",
                   "cp -r sub sub/below/deep", "cp -f words copy", "cp -- words -x")
    expect(tree(given.ours), tree(given.theirs))
    for name, when in (("kept", 2000000000), ("kept-sub/below", 4000000000)):
        expect(os.stat(os.path.join(given.ours, name)).st_mtime_ns, when, name)
    given.fails(1, "into itself", "cp", "-r", "sub", "sub/again")
    expect(os.path.exists(os.path.join(given.ours, "sub/again/below/deep")), True)
    expect(os.path.exists(os.path.join(given.ours, "sub/again/again")), False)


@test
def tools_move_and_remove(world):
    given = Given(world)
    os.symlink("sub", os.path.join(given.ours, "link"))
    given.again()
    given.all_same("mv words moved", "mv moved open sub", "mv sub renamed", "mv none x", "mv empty renamed/below", "mv renamed renamed/x",
                   "mv -n binary renamed/open", "mv binary binary", "mv binary none/x", "mv binary", "mv renamed/open renamed/moved none",
                   "mkdir a", "mkdir a", "mkdir -p a/b/c d/e/", "mkdir -p a", "mkdir none/x", "mkdir", "mkdir -p binary/x",
                   "rm link", "rm a", "rm none", "rm -f none", "rm -rf none", "rm", "rm -f", "rm -r a d", "rm -r renamed/.", "rm -rf renamed/..")
    given.same("mkdir", "")
    given.same("rm", "")
    expect(tree(given.ours), tree(given.theirs))
    given.all_same("rm -r renamed/below binary", "rm renamed/open renamed/moved none")
    expect(tree(given.ours), tree(given.theirs))
    # into another folder that was given
    other = given.world.path("other")
    os.mkdir(other)
    expect(given.run("mv", "renamed", "/other/there", options=("--dir", f"{other}:/other")).code, 0)
    expect(sorted(tree(other)), ["there", "there/.hidden"])
    expect(os.listdir(given.ours), [])
    # and onto another disk
    if os.path.isdir("/dev/shm") and os.stat("/dev/shm").st_dev != os.stat(other).st_dev:
        with tempfile.TemporaryDirectory(dir="/dev/shm") as far:
            os.symlink("x", os.path.join(other, "there", "link"))
            os.utime(os.path.join(other, "there", ".hidden"), ns=(1, 2 * 10 ** 9))
            was = tree(os.path.join(other, "there"))
            options = ("--dir", f"{other}:/other", "--dir", f"{far}:/far")
            expect(given.run("mv", "/other/there", "/far", options=options).code, 0)
            expect((tree(other), tree(os.path.join(far, "there"))), ({}, was))
            expect(os.stat(os.path.join(far, "there", ".hidden")).st_mtime_ns, 2 * 10 ** 9)
            os.makedirs(os.path.join(other, "there"))
            expect(given.run("mv", "/far/there", "/other", options=options).code, 1)
            expect(tree(os.path.join(far, "there")), was)


@test
def tools_remove_nothing_behind_links_that_come(world):
    given = Given(world)
    kept, aside, removed = (os.path.join(given.ours, name) for name in ("kept", "aside", "removed"))
    names = [f"{i:03}" for i in range(300)]
    os.mkdir(kept)
    os.mkdir(aside)
    given.put("kept/x", b"kept")
    for name in names:
        os.makedirs(os.path.join(removed, name))
        given.put(f"removed/{name}/x", b"removed")

    def swap():
        start = time.monotonic()
        while os.path.exists(os.path.join(removed, names[0])) and time.monotonic() < start + PATIENCE:
            time.sleep(0.0002)  # when the first is gone, all names were read
        for name in reversed(names):
            try:
                os.rename(os.path.join(removed, name), os.path.join(aside, name))
                os.symlink("../kept", os.path.join(removed, name))
            except FileNotFoundError:
                return
    swapper = threading.Thread(target=swap)
    swapper.start()
    given.run("rm", "-r", "removed")
    swapper.join()
    expect(os.listdir(kept), ["x"])


@test
def tools_remove_what_is_deep(world):
    given = Given(world)
    host = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # of which files are given a part
    most = 900 if host == resource.RLIM_INFINITY or host >= 20000 else 40
    for depth, code in ((most, 0), (1100, 1)):  # of 1024 that may be open
        path = os.path.join(given.ours, "deep")
        for _ in range(depth):
            os.mkdir(path)
            path += "/d"
        ended = given.run("rm", "-r", "deep")
        expect((ended.code, b"descriptors" in ended.err or b"open files" in ended.err), (code, code == 1), (depth, ended.err[:300]))
        subprocess.run(["rm", "-rf", os.path.join(given.ours, "deep")], check=True)  # which Python finds too deep


@test
def tools_list(world):
    given = Given(world)
    os.symlink("words", os.path.join(given.ours, "link"))
    for at, name in enumerate(("words", "open", "empty", "binary", "sub")):
        os.utime(os.path.join(given.ours, name), ns=(0, (at * 7 % 5 + 1) * 10 ** 15 + at))
    given.again()
    for name in ("words", "open", "empty", "binary", "sub"):
        os.utime(os.path.join(given.theirs, name), ns=(0, os.stat(os.path.join(given.ours, name)).st_mtime_ns))
    given.all_same("ls", "ls -1", "ls -a sub", "ls -A sub", "ls -r", "ls -R", "ls -aR", "ls -d sub", "ls -d .", "ls words open", "ls sub words link",
                   "ls -t words open empty binary sub", "ls -tr -d words open empty binary sub", "ls -S binary words empty open",
                   "ls none", "ls words none", "ls -F", "ls -- sub", "ls sub/ sub/below")
    shown = given.run("ls", "-l").out.decode().split("\n")
    expect([line.split()[0] for line in shown[:-1]], ["-", "-", "l", "-", "d", "-"], shown)
    expect(re.fullmatch(r"- 1 5120 Jan 24  1970 binary|- 1 5120 [A-Z][a-z]{2} [ \d]\d  19\d\d binary", shown[0]) is not None, True, shown)
    expect(shown[2].endswith("link -> words"), True, shown)
    for size, human in ((0, "0"), (1023, "1023"), (1024, "1.0K"), (1025, "1.1K"), (10240, "10K"), (10241, "11K"), (1048575, "1.0M"),
                        (1572864, "1.5M")):
        os.truncate(os.path.join(given.ours, "empty"), size)
        expect(given.run("ls", "-lh", "empty").out.split()[2].decode(), human)
    expect(given.run("ls", "-C", options=("--env", "COLUMNS=24")).out, b"binary  link    sub\nempty   open    words\n")


def on_terminal(world, *arguments):
    """What a tool shows on a terminal."""
    main, other = pty.openpty()
    process = world.start("run", *arguments, stdout=other)
    os.close(other)
    shown = b""
    try:
        while piece := os.read(main, 65536):
            shown += piece
    except OSError:
        pass # the other side is gone
    os.close(main)
    process.stdin.close()
    said = process.stderr.read()
    process.stderr.close()
    return Ended(process.wait(timeout=PATIENCE), shown, said)


@test
def tools_names_that_move_the_cursor(world):
    given = Given(world)
    for each in list(tree(given.ours)):
        path = os.path.join(given.ours, each)
        os.path.isfile(path) and os.remove(path)
    shutil.rmtree(os.path.join(given.ours, "sub"))
    name = "a\n\x1b[2Jb\x7f\u0085ö"
    given.put(name, b"x\n")
    given.again()
    given.all_same("ls", "ls -R")
    expect(on_terminal(world, "--dir", f"{given.ours}:/here", "ls").out, "a??[2Jb??ö\r\n".encode())
    expect(on_terminal(world, "--dir", f"{given.ours}:/here", "wc", "-l", name).out, "1 a??[2Jb??ö\r\n".encode())
    expect(given.run("wc", "-l", name).out, b"1 " + name.encode() + b"\n")
    given.same("cat", name)
    given.fails(1, r"a\?\?\[2Jb\?\?öx: No such file", "cat", name + "x")
    given.same("rm", name)


# ---- the rest

@test
def tools_echo_env_date_sleep(world):
    given = Given(world)
    for words in ([], ["a", "b  c"], ["-n", "x"], ["-e", "a\\tb\\n\\x41\\101\\0101\\\\\\q"], ["-e", "a\\cb", "c"], ["--", "x"], ["-E", "\\t"],
                  ["-ne", "\\a\\e"], ["-nx"], ["-"], ["", ""], ["--help", "x"]):
        given.same("echo", *words)
    variables = ("--env", "A=1", "--env", "B=two words")
    for words, wanted in (([], b"A=1\nB=two words\n"), (["-u", "A"], b"B=two words\n"), (["-i"], b""),
                          (["-i", "C=3", "D="], b"C=3\nD=\n"), (["A=9"], b"A=9\nB=two words\n")):
        expect(sorted(given.run("env", *words, options=variables).out.split(b"\n")), sorted(wanted.split(b"\n")), words)
    for words in (["-u", "-d", "@0"], ["-d", "@1700000000", "+%Y-%m-%d %H:%M:%S %j %a %b %s %% %T"], ["-ud", "@951782400", "-I"],
                  ["-u", "-R", "-d", "@1"], ["-d", "@5", "+%%N %N"], ["+"], ["-d", "@4102444800", "+%F"]):
        given.same("date", *words)
    before = time.time()
    said = int(given.run("date", "+%s").out)
    expect(int(before) <= said <= time.time(), True)
    given.fails(1, "no time", "date", "-d", "yesterday")
    given.fails(1, "begins with", "date", "01010101")
    before = time.monotonic()
    expect(given.run("sleep", ".1", "0.1s", "0m").code, 0)
    expect(time.monotonic() - before >= 0.2, True)
    for wrong in ("x", "1x", "-", ".", "99999999999999999999", "1.5.5"):
        given.fails(1, "no time|too long", "sleep", wrong)


@test
def tools_help_and_wrong_options(world):
    given = Given(world)
    for name in NAMES:
        ended = given.run(name, "--help")
        expect((ended.code, ended.err), (0, b""), name)
        expect(ended.out.startswith(f"Usage: {name} ".encode()), True, ended)
        if name != "echo":
            code = {"ls": 2, "grep": 2, "sort": 2, "env": 125}.get(name, 1)
            given.fails(code, "no such option.*--help", name, "-%" if len(name) % 2 else "--nothing-like-it")


@test
def tools_without_a_folder(world):
    world.answers = ()
    outside = world.write("secret", b"nobody's business")
    for name, *words in (("cat", outside), ("ls", "/"), ("ls",), ("cp", outside, "/x"), ("rm", "-rf", outside), ("mv", outside, "/x"),
                         ("mkdir", "-p", "/x"), ("wc", outside), ("sort", outside), ("grep", "-r", "b"), ("head", outside), ("tail", outside)):
        ended = world.run("run", name, *words)
        said = ended.err.decode()
        if ended.code == 0 or "outside the folders" not in said or "redshirt run --dir" not in said or b"business" in ended.out:
            raise AssertionError(f"{name}: {ended}")
    expect(open(outside, "rb").read(), b"nobody's business")
    given = world.path("given")
    os.makedirs(os.path.join(given, "sub", "etc"))
    for options, words, wanted in ((("--env", "PWD=/x/sub"), (), b"etc\n"), (("--env", "PWD=/x/sub"), ("..",), b"sub\n"),
                                   (("--env", "PWD=/x/sub"), ("/x",), b"sub\n"), (("--env", "PWD=/x"), ("sub",), b"etc\n"),
                                   (("--env", "PWD=/x/sub"), ("/etc",), b""), (("--env", "PWD=/x/sub"), ("../..",), b""),
                                   (("--env", "PWD=/x/none"), (), b"")):
        ended = world.run("run", "--dir", f"{given}:/x", *options, "ls", *words)
        expect((ended.code, ended.out, b"outside the folders" in ended.err), (0 if wanted else 2, wanted, not wanted), (options, words, ended))
    ended = world.run("run", "--dir", f"{given}:/x:ro", "mkdir", "a")
    expect((ended.code, ended.err), (1, b"mkdir: a: Read-only file system\n"))
    ended = world.run("run", "--dir", f"{given}:/x", "ls", "..")
    expect(ended.code, 2)
    # output that nobody reads, or that does not fit
    with open("/dev/full", "wb") as full:
        ended = world.run("run", "echo", "x", stdout=full)
    expect((ended.code, ended.err[:5]), (1, b"echo:"), ended)
    for name, wanted in (("ps", "inspect"), ("kill", "processes"), ("http-get", "tcp")):
        words = ("http://127.0.0.1:1/",) if name == "http-get" else ("9",) if name == "kill" else ()
        ended = world.run("run", "--deny", wanted, name, *words)
        said = ended.err.decode()
        expect((ended.code, f"{name} may not use" in said, f"{name}: {wanted}: not allowed" in said), (77, True, True), ended)


def top_typed(world, keys):
    """What top says on the standard error when these keys are typed while it waits for a day."""
    main, other = pty.openpty()
    process = world.start("run", "top", "-d", "86400", stdin=other, stdout=other)
    os.close(other)
    shown = b""
    while b" top\r\n" not in shown:
        shown += os.read(main, 65536)
    for key in keys:
        os.write(main, bytes([key]))
    expect(process.wait(timeout=PATIENCE), 0, shown)
    os.close(main)
    with process.stderr as said:
        return said.read()


@test
def tools_processes(world):
    world.answers = ()
    shown = world.run("run", "ps")
    lines = shown.out.decode().split("\n")
    expect(lines[0], "PROCESS  PARENT    STATE       TIME MEMORY NAME", shown)
    expect([line.split()[-1] for line in lines[1:-1]], ["store-loader", "ps"], shown)
    expect(lines[2].split()[2], "running", shown)
    shown = world.run("run", "ps", "-l").out.decode()
    expect(len(re.findall(r" baf[a-z2-7]{56} ", shown)), 2, shown)
    shown = on_terminal(world, "top", "-n", "1").out.decode()
    expect((shown.startswith("\x1b[H\x1b[2Jup "), " top\r\n" in shown), (True, True), shown)
    shown = world.run("run", "top", "-n", "2", "-d", "1").out.decode()
    expect(shown.count("messages/s"), 2, shown)
    expect(shown.count(" top\n"), 2, shown)
    expect(top_typed(world, b"xq"), b"")
    expect(top_typed(world, b"\x03"), b"")
    for number in ("0", "1", "99999", "x", "18446744073709551616"):
        ended = world.run("run", "kill", number)
        expect((ended.code, ended.err.startswith(f"kill: {number}: ".encode())), (1, True), ended)


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/chunked?x=1":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (b"one ", b"two ", b"three" * 40000):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"not all")
            self.close_connection = True
        else:
            body = b"the page " + self.path.encode()
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@test
def tools_http_get(world):
    world.answers = ()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    allow = ("--allow", f"tcp=connect:127.0.0.1:{port},connect:localhost:{port}", "--allow", "dns=localhost")

    def get(url):
        return world.run("run", *allow, "http-get", url)
    try:
        for url in (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port}/#part", f"http://localhost:{port}/"):
            expect((get(url).code, get(url).out), (0, b"the page /"), url)
        expect(get(f"http://127.0.0.1:{port}/chunked?x=1").out, b"one two " + b"three" * 40000)
        for path, words in (("none", "answers 404"), ("cut", "cut off"), ("a b", "visible letters"), ("x" * 5000, "too long")):
            ended = get(f"http://127.0.0.1:{port}/{path}")
            expect((ended.code, words in ended.err.decode()), (1, True), ended)
        for url, words in (("https://localhost/", "https"), ("ftp://x/", "http"), ("", "http"), ("http://127.0.0.1:1/", "not allowed"),
                           ("http://example.invalid/", "not allowed")):
            ended = get(url)
            expect((ended.code, words in ended.err.decode()), (1, True), ended)
    finally:
        server.shutdown()
        server.server_close()
