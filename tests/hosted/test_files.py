# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of the host that a program was given: what works in them, and that nothing leads out."""
import os
import resource
import socket
import stat
import subprocess
import sys
import time

from harness import Skip, expect, expect_good, expect_refused, test

HIDDEN = b"nobody's business"


class Given:
    """A folder that a program is given, and one beside it that it must never see."""

    def __init__(self, world, options=None):
        self.world = world
        world.answers = ()
        self.folder = world.path("given")
        self.outside = world.path("outside")
        os.makedirs(os.path.join(self.folder, "sub"))
        os.mkdir(self.outside)
        self.put("file", b"hello")
        with open(os.path.join(self.outside, "secret"), "wb") as file:
            file.write(HIDDEN)
        self.options = options or ("--dir", f"{self.folder}:/given")

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def put(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def get(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def run(self, *calls, options=None):
        ended = self.world.run("run", *(options or self.options), self.world.guest("files"), *calls)
        expect(ended.code, 0, ended)
        return ended.out.decode().split("\n")[:-1]

    def see(self, *pairs, options=None):
        """Runs the calls behind `folders`; each must print what stands behind it (None: anything)."""
        seen = self.run("folders", *[call for call, _ in pairs], options=options)[1:]
        expect(len(seen), len(pairs), seen)
        for (call, wanted), got in zip(pairs, seen):
            if wanted is not None and got != wanted:
                raise AssertionError(f"{call}: {got!r}, not {wanted!r}; all: {seen}")
        return seen

    def untouched(self):
        expect(sorted(os.listdir(self.outside)), ["secret"], "the folder outside")
        with open(os.path.join(self.outside, "secret"), "rb") as file:
            expect(file.read(), HIDDEN, "the file outside")


# ---- what works

@test
def files_read_and_written(world):
    given = Given(world)
    given.see(("open 0 new crw", "file"), ("write 1 0 - one", "3 to 3"), ("write 1 3 - two", "3 to 6"),
              ("read 1 0 100", "=onetwo"), ("read 1 4 1", "=w"), ("read 1 6 9", "="), ("read 1 99 9", "="),
              ("read 1 0 0", "="), ("write 1 8 - x", "1 to 9"), ("resize 1 7", "ok"), ("read 1 3 9", "=two\0"),
              ("write 1 0 a end", "3 to 10"), ("write 1 0 as +", "1 to 11"), ("write 1 0 d O", "1 to 1"),
              ("sync 1 -", "ok"), ("sync 1 d", "ok"), ("allocate 1 20 4", None), ("advise 1 0 5", "ok"),
              ("close 1", "ok"), ("close 1", "not-open"), ("read 1 0 1", "not-open"))
    expect(given.get("new")[:11], b"Onetwo\0end ")


@test
def files_large(world):
    given = Given(world)
    given.put("large", bytes(range(256)) * 1024)
    given.see(("open 0 large rw", "file"), ("read 1 0 65536", "bytes 65536"), ("read 1 0 9999999", "bytes 65536"),
              ("read 1 262000 65536", "bytes 144"), ("write 1 0 - *65536", "65536 to 65536"),
              ("write 1 0 - *65537", "invalid"), ("write 1 9223372036854775807 - x", "too-large"),
              ("write 1 18446744073709551615 - x", "too-large"), ("read 1 18446744073709551615 9", "="),
              ("resize 1 9223372036854775808", "too-large"), ("allocate 1 1 0", "invalid"),
              ("allocate 1 9223372036854775807 9", "too-large"), ("advise 1 9223372036854775808 9", "invalid"))
    expect(len(given.get("large")), 262144)


@test
def files_named_and_moved(world):
    given = Given(world)
    given.see(("mkdir 0 a", "ok"), ("mkdir 0 a", "exists"), ("mkdir 0 a/b/c", "not-found"), ("mkdir 0 a/b", "ok"),
              ("open 0 a/b/f cxw", "file"), ("open 0 a/b/f cxw", "exists"), ("rename 0 a/b/f 0 g", "ok"),
              ("link 0 g 0 a/h", "ok"), ("link 0 g 0 a/h", "exists"), ("link 0 a 0 l", "not-permitted"),
              ("symlink 0 s g", "ok"), ("read-link 0 s", "g"), ("read-link 0 g", "invalid"),
              ("path-status 0 s f", None), ("remove 0 a", "is-folder"), ("rmdir 0 a", "not-empty"),
              ("rmdir 0 g", "not-folder"), ("remove 0 g", "ok"), ("remove 0 g", "not-found"),
              ("rmdir 0 a/b", "ok"), ("open 0 a d", "folder"), ("open 2 h r", "file"), ("open 2 ../file r", "denied"),
              ("rename 2 h 0 file", "ok"), ("open 0 file d", "not-folder"), ("open 1 x r", "not-folder"),
              ("open 0 a rw", "is-folder"), ("read 2 0 1", "is-folder"), ("open 0 a cd", "invalid"),
              ("open 0 + c", "file"), ("open 0 s r", "loop"), ("open 0 s rf", "not-found"))


@test
def files_times(world):
    given = Given(world)
    os.symlink("file", given.path("s"))
    given.see(("path-times 0 file - 1000000001 2000000002", "ok"),
              ("path-status 0 file -", "file 5 1000000001 2000000002"),
              ("path-times 0 s f keep 3", "ok"), ("path-status 0 file -", "file 5 1000000001 3"),
              ("path-times 0 s - 4 5", "ok"), ("path-status 0 s -", None), ("path-status 0 file -", None),
              ("open 0 file r", "file"), ("times 1 6 keep", "ok"), ("status 1", "file 5 6 3"),
              ("times 1 keep now", "ok"), ("times 0 7 8", "ok"))
    expect(os.stat(given.path("file")).st_mtime > time.time() - 300, True)
    expect(os.lstat(given.path("s")).st_mtime_ns, 5)


@test
def files_listed(world):
    given = Given(world)
    many = given.path("many")
    os.mkdir(many)
    for i in range(3000):
        open(os.path.join(many, f"{i:04d}"), "wb").close()
    open(os.path.join(many.encode(), b"\xff\xfe"), "wb").close()
    seen = given.see(("open 0 many d", "folder"), ("list 1 0 32768", None), ("list 1 0 0", None),
                     ("list 1 0 4294967295", None), ("list 1 18446744073709551615 9", "invalid"),
                     ("open 0 file r", "file"), ("list 2 0 9", "not-folder"))
    wanted = sorted(["..", "."] + [f"{i:04d}" for i in range(3000)])
    for at, least in ((1, 2), (2, 60), (3, 2)):
        entries = seen[at].split(" ")
        expect(sorted(entry.split(":")[0] for entry in entries[:-2]), wanted, "names")
        expect(int(entries[-1]) >= least, True, "pages")


@test
def files_of_several_folders(world):
    given = Given(world)
    options = ("--dir", given.folder, f"--dir={given.outside}:two:ro", "--dir", f"{given.folder}/sub:a,b%20")
    expect(given.run("folders", options=options), [f"3 {given.folder} two:ro a,b%20"])
    given.see(("open 2 new cw", "file"), ("rename 0 file 2 moved", "ok"), ("rename 2 moved 1 x", "read-only"),
              ("link 1 secret 0 x", "read-only"), ("open 1 secret r", "file"), options=options)
    expect(given.get("sub/moved"), b"hello")
    given.untouched()


# ---- nothing leads out

def escapes(given):
    outside = given.outside
    os.symlink("../outside", given.path("up"))
    os.symlink(outside, given.path("absolute"))
    os.symlink("up", given.path("twice"))
    os.symlink("../../outside/secret", given.path("sub", "secret"))
    os.symlink("/proc/self/root", given.path("root"))
    os.symlink("loop", given.path("loop"))
    os.symlink("..", given.path("parent"))
    os.symlink("../given/file", given.path("around"))
    return ["../outside/secret", "..", "../", "sub/../../outside/secret", "sub/../..", "./../outside", "up/secret",
            "up", "absolute/secret", "absolute", "twice/secret", "sub/secret", "root/etc/passwd", "root",
            "parent/outside/secret", "parent", "around", outside + "/secret", "/", "//etc", given.folder + "/file"]


@test
def files_nothing_is_opened_outside(world):
    given = Given(world)
    for path in escapes(given):
        for how in ("rf", "wf", "rdf", "cwf", "f"):
            given_how = [(f"open 0 {path} {how}", "denied")]
            given.see(*given_how)
    given.see(("open 0 loop rf", "loop"), ("path-status 0 loop f", "loop"), ("open 0 loop/x r", "loop"))
    given.untouched()


@test
def files_nothing_is_seen_or_changed_outside(world):
    given = Given(world)
    paths = [path for path in escapes(given)]
    pairs = [(f"path-status 0 {path} f", "denied") for path in paths]
    pairs += [(f"path-times 0 {path} f 1 2", "denied") for path in paths]
    through = [path for path in paths if path.split("/")[0] in ("up", "absolute", "twice", "root", "parent", "") and
               "/" in path.rstrip("/")] + ["../outside/secret", "sub/../../outside/x"]
    for path in through:
        pairs += [(f"mkdir 0 {path}", "denied"), (f"rmdir 0 {path}", "denied"), (f"remove 0 {path}", "denied"),
                  (f"rename 0 file 0 {path}", "denied"), (f"rename 0 {path} 0 x", "denied"),
                  (f"link 0 file 0 {path}", "denied"), (f"link 0 {path} 0 x", "denied"),
                  (f"symlink 0 {path} x", "denied"), (f"read-link 0 {path}", "denied")]
    pairs += [("symlink 0 x /etc", "denied"), ("rmdir 0 ..", None), ("remove 0 ..", None), ("mkdir 0 ..", None),
              ("rename 0 .. 0 x", None), ("rename 0 file 0 ..", None), ("link 0 .. 0 x", None),
              ("rename 0 up/ 0 x", None), ("remove 0 up/", None), ("rmdir 0 up/", None), ("mkdir 0 up/", None),
              ("link 0 up/ 0 x", None), ("symlink 0 up/ x", None), ("path-status 0 up/ -", "denied"),
              ("path-status 0 .. -", "denied"), ("read-link 0 up/", "denied")]
    before = os.stat(given.outside)
    for at in range(0, len(pairs), 50):
        given.see(*pairs[at:at + 50])
    after = os.stat(given.outside)
    expect((before.st_mtime_ns, before.st_ino), (after.st_mtime_ns, after.st_ino), "the folder outside")
    expect(sorted(os.listdir(given.folder)), sorted(["sub", "file", "up", "absolute", "twice", "root", "loop", "parent",
                                                     "around"]), "the folder")
    given.untouched()


@test
def files_the_folder_alone_counts(world):
    """What was opened beneath is a folder of its own: the way up from there is closed, too."""
    given = Given(world)
    given.see(("open 0 sub d", "folder"), ("open 1 ../file r", "denied"), ("open 1 .. d", "denied"),
              ("open x file r", "not-open"), ("list x 0 9", "not-open"), ("close x", "not-open"),
              ("rename 0 file x file", "not-open"), ("status x", "not-open"))


@test
def files_bad_names(world):
    given = Given(world)
    given.see(("open 0  r", "not-found"), ("open 0 ~ r", "bad-name"), ("open 0 file~x r", "bad-name"),
              ("open 0 ^ cw", "bad-name"), ("symlink 0 x a~b", "bad-name"), ("open 0 *4095 r", "not-found"),
              ("open 0 *4096 r", "too-long"), ("mkdir 0 *4096", "too-long"), ("rename 0 file 0 *4096", "too-long"),
              ("open 0 file/ r", "not-folder"), ("open 0 ./sub/./../file r", "file"), ("open 0 .//file r", "file"))


@test
def files_a_link_in_place_of_a_folder_that_was_given(world):
    """Who has the folder around it may put one there; what was granted is the folder, not what the path leads to."""
    given = Given(world)
    options = ("--dir", given.folder, "--dir", f"{given.folder}/sub:inner")
    seen = given.run("folders", "rename 0 sub 0 away", "symlink 0 sub ../outside", "folders", "open 0 sub r",
                     "open 0 away df", options=options)
    expect(seen[0], f"2 {given.folder} inner")
    expect(seen[1:3], ["ok", "ok"])
    expect(seen[3], f"1 {given.folder}")
    given.untouched()


@test
def files_grants_name_folders_without_links(world):
    given = Given(world)
    os.symlink(given.folder, world.path("short"))
    for path in (world.path("short"), given.folder + "/", given.folder + "/../" + os.path.basename(given.folder)):
        ended = world.run("grant", world.guest("files"), f"files={path}:w")
        expect((ended.code, given.folder.encode() in ended.err), (64, True), ended)
    expect(world.run("grant", world.guest("files"), f"files={given.folder}:w").code, 0)


@test
def files_links_that_are_swapped(world):
    """Somebody makes a folder and a link out of the way, again and again, while the program goes through it."""
    given = Given(world)
    os.mkdir(given.path("real"))
    given.put("real/secret", b"harmless")
    swap = subprocess.Popen([sys.executable, "-c", """
import os, sys
os.chdir(sys.argv[1])
os.symlink("../outside", "link")
os.rename("real", "way")
print("on", flush=True)
while True:
    os.rename("way", "real"); os.rename("link", "way")
    os.rename("way", "link"); os.rename("real", "way")
""", given.folder], stdout=subprocess.PIPE)
    try:
        swap.stdout.readline()
        opened = 0
        for _ in range(10):
            seen = given.run("folders", *["open 0 way/secret rf", "open 0 way/../way/secret rf",
                                          "path-status 0 way/secret f", "open 0 way/new cwf"] * 20,
                             *[f"read {i} 0 100" for i in range(1, 60)])
            for line in seen:
                if HIDDEN.decode() in line:
                    raise AssertionError(f"read outside: {seen}")
            opened += seen.count("file")
        expect(opened > 0, True, "some were opened")
    finally:
        swap.kill()
        swap.wait()
        swap.stdout.close()
    given.untouched()


@test
def files_neither_files_nor_folders(world):
    given = Given(world)
    os.mkfifo(given.path("pipe"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(given.path("socket"))
    for name in ("pipe", "socket"):
        given.see((f"open 0 {name} r", "unsupported"), (f"open 0 {name} w", "unsupported"),
                  (f"open 0 {name} rwf", "unsupported"), (f"path-status 0 {name} -", None), (f"remove 0 {name}", "ok"))
    listener.close()
    try:
        os.mknod(given.path("null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except OSError:
        raise Skip("only root makes devices")
    given.see(("open 0 null r", "unsupported"), ("open 0 null w", "unsupported"))


@test
def files_for_reading_only(world):
    given = Given(world)
    os.symlink("file", given.path("s"))
    writes = ["open 0 file w", "open 0 file rw", "open 0 file rt", "open 0 new c", "open 0 new cxw", "open 0 new cw",
              "open 0 s wf", "mkdir 0 x", "rmdir 0 sub", "remove 0 file", "rename 0 file 0 x", "link 0 file 0 x",
              "symlink 0 x file", "path-times 0 file - 1 1", "times 0 1 1"]
    before = os.stat(given.path("file"))
    pairs = [("open 0 file r", "file"), ("open 0 sub d", "folder"), ("open 0 file cr", "file"),
             ("open 0 file cxr", "exists"), ("read 1 0 9", "=hello"), ("times 1 1 1", "read-only"),
             ("write 1 0 - x", "wrong-mode"), ("resize 1 0", "wrong-mode"), ("allocate 1 0 9", "wrong-mode"),
             ("open 2 x cw", "read-only"), ("mkdir 2 x", "read-only"), ("sync 1 -", "ok"), ("list 0 0 99", None)]
    given.see(*pairs, *[(call, "read-only") for call in writes], options=("--dir", f"{given.folder}:g:ro"))
    after = os.stat(given.path("file"))
    expect((before.st_mtime_ns, before.st_size), (after.st_mtime_ns, after.st_size))
    expect(sorted(os.listdir(given.folder)), ["file", "s", "sub"])


# ---- who was given what

@test
def files_nothing_given(world):
    given = Given(world)
    guest = world.guest("files")
    for options in ((), ("--yes",), ("--allow", "files"), ("--allow", "files=none")):
        ended = world.run("run", *options, guest, "folders", "open 0 file r")
        expect(ended.out, b"0\nnot-open\n", ended)
    listed = world.run("grants").out.decode()
    expect("* redshirt:io/files limit none  # (by default)" in listed or "redshirt:io/files" in listed, True, listed)
    refused = world.run("run", "--deny", "files", guest, "folders")
    expect(refused.code, 77, refused)


@test
def files_granted_for_ever(world):
    given = Given(world)
    guest = world.guest("files")
    odd = world.path("a b,c:d%")
    os.mkdir(odd)
    written = odd.replace("%", "%25").replace(" ", "%20").replace(",", "%2C").replace(":", "%3a")
    expect_good(world.run("grant", guest, f"files={given.folder}:/g:ro,{written}:odd,{given.folder}/sub:%72o"))
    expect(world.run("run", guest, "folders").out, b"3 /g:ro odd ro\n")
    expect_good(world.run("grant", guest, f"files={given.folder}/nothing,{given.folder}:/"))
    expect(world.run("run", guest, "folders").out, b"1 /\n")
    expect_good(world.run("revoke", guest, "files"))
    expect(world.run("run", guest, "folders").code, 77)
    for limit in ("relative", "/a:", ":ro", "/a,", ",/a", "/a:b:c", "/a%0", "/a%00", "/a%zz:b", "/a:b:rw"):
        ended = world.run("grant", guest, f"files={limit}")
        expect(ended.code, 64, limit)
    parts = ",".join(["/a"] * 32)
    expect_good(world.run("grant", guest, f"files={parts}"))
    expect(world.run("grant", guest, f"files={parts},/a").code, 64)


@test
def files_the_option(world):
    given = Given(world)
    guest = world.guest("files")
    expect(world.run("run", "--dir", given.folder + "::/", guest, "folders").out, b"1 /\n")
    expect(world.run("run", "--dir", given.folder + ":ro", guest, "folders").out,
           f"1 {given.folder}:ro\n".encode())
    for value in ("", ":x", given.folder + ":"):
        expect(world.run("run", "--dir", value, guest).code, 64, value)
    expect_refused(world.run("run", "--dir", world.path("nothing"), guest), 66, "cannot give the folder", "No such file")
    expect_refused(world.run("run", "--dir", given.path("file"), guest), 66, "it is none")
    expect(world.run("run", *["--dir", given.folder] * 33, guest, "folders").code, 64)
    long = world.path("x" * 200)
    os.mkdir(long)
    expect(world.run("run", *["--dir", long] * 4, guest, "folders").code, 64)
    # the words about it, where a program that was given nothing fails
    ended = world.run("run", guest, "folders")
    expect(ended.err, b"", ended)


@test
def files_no_more_than_the_parent(world):
    given = Given(world)
    os.symlink("../outside", given.path("out"))
    guest, together = world.guest("files"), world.guest("together")
    name = world.run("add", guest).out.decode().split()[0]

    def child(parents, own, meanwhile=lambda: None):
        world.run("revoke", guest, "files")
        expect_good(world.run("grant", guest, f"files={own}"))
        meanwhile()
        options = ("--allow", f"files={parents}") if parents else ()
        ended = world.run("run", *options, together, name, "folders", "open 0 new cw")
        return ended.out.decode().split("\n")[:-1]

    whole, sub = given.folder, given.path("sub")
    expect(child(whole, f"{sub}:s"), ["1 s", "file"])
    os.remove(given.path("sub", "new"))
    expect(child(f"{whole}:x:ro", f"{sub}:s"), ["1 s:ro", "read-only"])
    expect(child(f"{whole}:x:ro,{sub}", f"{sub}:s"), ["1 s", "file"])
    os.remove(given.path("sub", "new"))
    expect(child(sub, f"{whole}:w"), ["0", "not-open"])
    expect(child("", f"{whole}:w"), ["0", "not-open"])
    expect(child("none", f"{whole}:w"), ["0", "not-open"])

    def becomes_a_link():
        os.rmdir(given.path("later"))
        os.symlink("../outside", given.path("later"))

    os.mkdir(given.path("later"))
    expect(child(whole, f"{whole}/later:o", becomes_a_link), ["0", "not-open"])
    for path in (f"{whole}/out", f"{whole}/../outside"):
        expect(world.run("grant", guest, f"files={path}").code, 64)
        expect(world.run("run", "--allow", f"files={path}", together, name, "folders").code, 64)
    expect(child(whole, f"{whole}x"), ["0", "not-open"])            # nor is a longer name beneath
    given.untouched()


# ---- bounds, and ends

@test
def files_as_many_handles_as_there_may_be(world):
    given = Given(world)
    seen = given.see(("many 0 file r", None), ("close 5", "ok"), ("open 0 file r", "file"),
                     ("open 0 file r", "limit"), ("folders", "limit"), ("mkdir 0 works", "ok"))
    expect(seen[0].split(" ")[-2:], ["limit", "1023"], seen[0][-100:])


@test
def files_as_many_calls_as_there_may_be(world):
    given = Given(world)
    seen = given.see(("open 0 file rw", "file"), ("flood 1 64", "64 0"), ("flood 1 500", None), ("flood 1 64", "64 0"))
    done, refused = (int(word) for word in seen[2].split())
    expect(done + refused, 500, seen)
    expect(done >= 64 and refused > 0, True, seen)


def descriptors(process):
    """What the command's descriptors are; those that close meanwhile are left out."""
    folder = f"/proc/{process.pid}/fd"
    found = []
    for fd in os.listdir(folder):
        try:
            found.append(os.readlink(os.path.join(folder, fd)))
        except OSError:
            pass
    return found


def sharers(world, given, calls):
    """What `run` is given so that several processes have the folder, and do each what it is told."""
    guest = world.guest("files")
    name = world.run("add", guest).out.decode().split()[0]
    expect_good(world.run("grant", guest, f"files={given.folder}:g"))
    words = sum(([",", name, *own] for own in calls), [])
    return ["--allow", f"files={given.folder}", world.guest("together"), *words[1:]]


@test
def files_of_all_are_a_part_of_the_hosts(world):
    """Of few descriptors an eighth: half of it for one process, and no more for all of them."""
    given = Given(world)
    most = 256 // 8

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    for count in (1, 3):
        words = sharers(world, given, [["folders", "many 0 file r", "stay"]] * count)
        with world.running("run", *words, preexec_fn=few) as process:
            said = b"".join(process.stdout.readline() for _ in range(2 * count))
            expect(said.count(b"limit") >= count, True, said)
            mine = [path for path in descriptors(process) if path.startswith(given.folder)]
            expect(len(mine), most // 2 if count == 1 else most, said)


@test
def files_the_killed_leave_nothing(world):
    """Programs that end in the midst of opening, beside one that goes on: no descriptor stays."""
    given = Given(world)
    spinner = world.run("add", world.guest("spinner")).out.decode().split()[0]
    words = sharers(world, given, [["folders", "many 0 file r", "leave 0 file"]] * 6)
    with world.running("run", "--workers", "2", *words, ",", spinner, "60000000") as process:
        deadline = time.monotonic() + 40
        begun = False
        while time.monotonic() < deadline:
            mine = [path for path in descriptors(process) if path.startswith(given.folder)]
            begun |= bool(mine)
            if begun and not mine:
                break
            time.sleep(0.05)
        expect(begun, True, "they opened something")
        expect(mine, [], "descriptors that stayed")
