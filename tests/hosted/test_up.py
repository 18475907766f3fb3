# SPDX-License-Identifier: GPL-3.0-or-later
"""`redshirt up`: whole systems out of files."""
import re
import signal
import time

from harness import expect, expect_good, finish, line, listen, test


def system(world, text):
    return world.write("test.system", text.format(guests=world.programs).encode())


def up(world, text, *options, code=0):
    ended = world.run("up", *options, system(world, text))
    expect(ended.code, code, ended)
    return ended


@test
def up_starts_what_the_file_says(world):
    ended = up(world, """
# Two programs, one of which has arguments and an environment.
program first {guests}/probe.wasm start "two words" "a \\"quote\\" and \\\\"   # a comment
    env GREETING=hello "OTHER=a b"
    may tcp udp dns crypto
program second {guests}/mortal.wasm code 0
""")
    words = ended.out.decode()
    for wanted in ("first", "two words", 'a "quote" and \\', "GREETING=hello", "OTHER=a b"):
        expect(wanted in words, True, words)


@test
def up_finds_files_beside_it(world):
    with open(world.guest("mortal"), "rb") as file:
        world.write("beside.wasm", file.read())
    expect_good(world.run("up", world.write("a.system", b"program a beside.wasm code 0\n")))
    ended = world.run("up", world.write("b.system", b"program a nowhere.wasm\n"))
    expect((ended.code, b"nowhere.wasm" in ended.err, b"b.system:1:1" in ended.err), (66, True, True), ended)


@test
def up_ends_with_the_code_of_who_failed(world):
    ended = up(world, "program a {guests}/mortal.wasm code 0\nprogram b {guests}/mortal.wasm code 7\n", code=7)
    expect(b"b has ended with code 7" in ended.err, True, ended)


@test
def up_says_where_a_file_is_wrong(world):
    program = "program a hello\n"
    for text, place, words in [
            ("", "1:1", "no program"), ("# nothing\n", "1:1", "no program"), ("progam a hello\n", "1:1", "expected"),
            ("program a\n", "1:1", "a name for it"), ("program A hello\n", "1:9", "a-z"),
            (program + program, "2:9", "above"), (program + "  restart often\n", "2:11", "on-failure"),
            (program + '  env "a b\n', "2:7", "not closed"), (program + "  env x\n", "2:7", "NAME=VALUE"),
            (program + '  env a"b"\n', "2:8", "whole word"), (program + '  env "a\\n"\n', "2:10", "behind"),
            ("  may tcp\n", "1:3", "none is above"), (program + "  may\n", "2:3", "which interface"),
            (program + "  may tpc\n", "2:7", "so nothing"), (program + "  handles log=x\n", "2:11", "only `may`"),
            (program + "route log b\n", "2:11", "no program above"), (program + "route log\n", "2:1", "route wants"),
            (program + "route log a a\n", "2:13", "themselves"), (program + "route log a for a\n", "2:17", "themselves"),
            (program + "route log a\nroute log a\n", "3:1", "above"),
            (program + "program b hello\nroute log a b\n", "3:1", "two places")]:
        ended = world.run("up", world.write("bad.system", text.encode()))
        expect((ended.code in (64, 65), f"bad.system:{place}: " in ended.err.decode(), words in ended.err.decode()),
               (True, True, True), f"{text!r}: {ended}")
        expect(ended.out, b"")


@test
def up_says_nothing_that_moves_the_cursor(world):
    ended = world.run("up", world.write("hostile.system", b"program a \x1b[2Jx\xc2\x9b1m\n"))
    expect((ended.code, b"\x1b" in ended.err or b"\xc2\x9b" in ended.err), (66, False), ended)
    expect(b"?[2Jx" in ended.err, True, ended)


@test
def up_refuses_what_is_no_file(world):
    expect(world.run("up").code, 64)
    expect(world.run("up", world.path("nowhere")).code, 66)
    expect(world.run("up", world.home).code, 74)
    expect(world.run("up", world.write("zero", b"program a hello\0")).code, 65)
    large = b"program a hello\n" + b"#" * (65536 - 16)
    expect_good(world.run("up", "--check", world.write("large", large)))
    expect(world.run("up", "--check", world.write("large", large + b"#")).code, 65)


@test
def up_checks_and_starts_nothing(world):
    expect_good(world.run("up", "--check", system(world, "program a {guests}/mortal.wasm code 7\n")), b"")


@test
def up_starts_again_what_should_not_end(world):
    path = system(world, """
program often {guests}/mortal.wasm code 0
    restart always
program failing {guests}/mortal.wasm code 5
    restart on-failure
program fine {guests}/mortal.wasm code 0
    restart on-failure
program once {guests}/probe.wasm start
""")
    with world.running("up", path) as process:
        seen = 0
        while seen < 3:
            seen += b"failing has ended with code 5" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        expect(finish(process).code, 0)


@test
def up_gives_up_at_last(world):
    """With the first tries in quick succession it takes 100 ms times 2^10 or so: two, then a signal."""
    path = system(world, "program bad {guests}/trap.wasm unreachable\n    restart always\n")
    with world.running("up", path) as process:
        for _ in range(2):
            while b"stopped by a trap" not in process.stderr.readline():
                pass
        process.send_signal(signal.SIGINT)
        expect(finish(process).code, 0)


@test
def up_bonds_survive_a_handler_that_is_started_again(world):
    """Exactly one error for the message that each death took along, and every other one answered."""
    ended = world.start("up", system(world, """
program handler {guests}/mortal.wasm handle 4
    restart always
    handles redshirt:demo/ping
program client {guests}/mortal.wasm call 10
    may redshirt:demo/ping
"""))
    expect(line(ended), "answered 10 lost 2")
    ended.send_signal(signal.SIGINT)
    expect(finish(ended).code, 0)


@test
def up_what_is_not_allowed_is_refused(world):
    ended = up(world, "program client {guests}/mortal.wasm call 1\n", code=77)
    expect(b"redshirt:demo/ping" in ended.err, True, ended)
    ended = up(world, "program handler {guests}/mortal.wasm handle 1\n", code=77)
    expect(b"redshirt:demo/ping" in ended.err, True, ended)


# ---- routes: neither side is changed

@test
def up_a_clock_of_ones_own(world):
    ended = world.start("up", system(world, """
program clock clock 1000000000
program told {guests}/probe.wasm time
    may tcp udp dns crypto
route redshirt:io/time clock for told
"""))
    word, seconds = line(ended).split()
    ended.send_signal(signal.SIGINT)
    expect(finish(ended).code, 0)
    expect(1000000000 <= int(seconds) < 1000001000, True, f"{word} {seconds}")


@test
def up_a_firewall_in_front_of_tcp(world):
    open_at, port = listen("4")
    closed_at, closed = listen("4")
    text = f"""
program wall firewall connect:{port}
program tool {{guests}}/reach.wasm connect 7f000001 {port} connect 7f000001 {closed} listen 7f000001 0
    may tcp udp dns
"""
    with world.running("up", system(world, text)) as process:
        expect([line(process) for _ in range(3)], ["ok", "ok", "ok"])
    with world.running("up", system(world, text + "route redshirt:io/tcp wall\n")) as process:
        expect([line(process) for _ in range(3)], ["ok", "denied", "denied"])
    open_at.close()
    closed_at.close()


@test
def up_a_firewall_has_so_many_rules(world):
    rules = [f"connect:{port}" for port in range(1, 64)]  # and one more
    server, port = listen("4")
    with world.running("up", system(world, f"""
program wall firewall {' '.join(rules)} connect:{port}
program tool {{guests}}/reach.wasm connect 7f000001 {port}
    may tcp udp dns
route redshirt:io/tcp wall
""")) as process:
        expect(line(process), "ok")
    server.close()
    ended = world.run("run", "firewall", *rules, "connect:1", "connect:2")
    expect((ended.code, b"more than 64 rules" in ended.err), (64, True), ended)


@test
def up_a_tap_in_front_of_anything(world):
    with world.running("up", system(world, """
program tap tap redshirt:demo/ping
program handler {guests}/mortal.wasm handle 100
    handles redshirt:demo/ping
program client {guests}/mortal.wasm call 3
    may redshirt:demo/ping
route redshirt:demo/ping tap
""")) as process:
        expect(line(process), "answered 3 lost 0")
        process.send_signal(signal.SIGINT)
        told = [text for text in finish(process).err.decode().splitlines() if text.startswith("ping ")]
        expect(told, ["ping ping(8)", "ping ping: 8"] * 3)


@test
def up_a_limit_of_who_stands_in_front_stays(world):
    text = f"""
program tap tap redshirt:io/tcp
    may tcp=connect:127.0.0.1:9
program tool {{guests}}/reach.wasm connect 7f000001 9 connect 7f000001 10
    may tcp udp dns
route redshirt:io/tcp tap
"""
    with world.running("up", system(world, text)) as process:
        expect([line(process) for _ in range(2)], ["refused", "denied"])
    with world.running("up", system(world, text.replace("may tcp=connect:127.0.0.1:9", "may-not tcp", 1))) as process:
        expect(line(process), "E_DENIED")


@test
def up_two_in_a_row(world):
    with world.running("up", system(world, """
program tap tap redshirt:io/tcp
program wall firewall connect:1
program tool {guests}/reach.wasm connect 7f000001 9
    may tcp udp dns
route redshirt:io/tcp tap wall
""")) as process:
        expect(line(process), "denied")
        process.send_signal(signal.SIGINT)
        told = finish(process).err.decode()
        expect(("tcp connect(" in told, "firewall: a connection was refused" in told), (True, True), told)


@test
def up_refuses_two_words_about_one_program(world):
    one = "program a {guests}/mortal.wasm code 0\n  "
    two = "\nprogram b {guests}/mortal.wasm code 0\n  "
    for first, second, place in (("may tcp=connect:*:1", "may tcp=connect:*:2", "4:7"), ("may tcp", "may-not tcp", "4:11"),
                                 ("may tcp=connect:*:1", "may udp tcp", "4:11")):
        ended = up(world, one + first + two + second + "\n", code=65)
        expect(f"test.system:{place}: " in ended.err.decode() and b"under the name a" in ended.err, True, ended)
        ended = up(world, one + first + "\n  " + second + "\n", code=65)  # nor under one name
        expect(b"test.system:3:" in ended.err, True, ended)
    for first, second in (("may tcp=connect:*:1", "may tcp=connect:*:1"), ("may tcp", "handles tcp")):
        up(world, one + first + two + second + "\n")  # they agree


@test
def up_check_keeps_nothing(world):
    blocks = world.run("ls").out
    up(world, "program a {guests}/mortal.wasm code 0\nprogram b hello\n", "--check")
    expect(world.run("ls").out, blocks)
    up(world, "program a {guests}/mortal.wasm code 0\n")
    expect(world.run("ls").out != blocks, True)


@test
def up_who_stands_in_front_shares_what_there_is(world):
    """Among processes, also when one of them has a thousand bonds."""
    for word in ("", "bonds"):
        with world.running("up", system(world, f"""
program tap tap redshirt:io/time
program greedy {{guests}}/greedy.wasm {word}
program modest {{guests}}/greedy.wasm modest
route redshirt:io/time tap
""")) as process:
            said = set()
            while not {"held", "served"} <= {words.split()[0] for words in said}:
                words = line(process)
                if re.match("(held|served) ", words):
                    said.add(words)
            expect("served 10" in said, True, said)
            held = next(int(words.split()[1]) for words in said if words.startswith("held"))
            expect(495 <= held <= 500, True, held)  # of 1,000; half of what is not the other's
            process.send_signal(signal.SIGINT)
            process.communicate()


@test
def up_goes_on_without_its_terminal_under_nohup(world):
    for is_kept in (True, False):
        handler = signal.signal(signal.SIGHUP, signal.SIG_IGN if is_kept else signal.SIG_DFL)
        try:
            with world.running("up", system(world, "program clock {guests}/throng.wasm stay\n")) as process:
                time.sleep(0.3)
                process.send_signal(signal.SIGHUP)
                time.sleep(0.5)
                expect(process.poll() is None, is_kept)
                process.send_signal(signal.SIGINT)
                process.communicate()
        finally:
            signal.signal(signal.SIGHUP, handler)
