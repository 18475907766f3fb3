# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/interop/run asks about finding: the DHT, names, and packets of multicast DNS.

A third node, ours or js-libp2p's, is all that the others know: one provides a block through it and another finds the
provider; one publishes a name and another resolves it. Each does each. Records and packets are checked by both sides.
"""
import re
import subprocess
import threading

SECONDS = 40
BLOCK = "bafkreidfdrlkeq4m4xnxuyx6iae76fdm4wgl5d4xzsb77ixhyqwumhz244"
OTHER_BLOCK = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
VALUE = "/ipfs/" + BLOCK
PEER = r"(12D3Koo\w+)"
NAME = r"(k51\w+)"
# What each server is asked: 2 blocks found by two each, and the same of names.
SERVER_CHECKS = 13
PACKET_CHECKS = 21


class Finding:
    """Counts what was said as it should be."""

    def __init__(self, ours, js, folder):
        self.commands = {"ours": ours, "js": js}
        self.folder = folder
        self.passed = 0
        self.failed = 0

    def check(self, what, line, pattern):
        """Returns the groups of the line, empty texts when it is another one."""
        match = re.fullmatch(pattern, line)
        if match is None:
            print(f"finding, {what}: said {line!r} and not {pattern!r}")
            self.failed += 1
            return ("",) * max(1, re.compile(pattern).groups)
        self.passed += 1
        return match.groups() or ("",)

    def say(self, who, arguments, pattern):
        """Runs one command and checks its first line."""
        what = f"{who} {' '.join(arguments)[:60]}"
        try:
            done = subprocess.run(self.commands[who] + list(arguments), cwd=self.folder, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return self.check(what, "too late", pattern)
        lines = done.stdout.splitlines() or [""]
        if done.returncode != 0:
            print(done.stderr.strip()[:2000])
            lines = [f"exit {done.returncode}: {lines[0]}"]
        return self.check(what, lines[0], pattern)

    def stay(self, who, arguments, pattern):
        """Starts a command that stays until its stdin ends; returns it and the groups of its first line."""
        running = subprocess.Popen(self.commands[who] + list(arguments), cwd=self.folder, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        watch = threading.Timer(SECONDS, running.kill)
        watch.start()
        line = running.stdout.readline().rstrip("\n")
        watch.cancel()
        return running, self.check(f"{who} {arguments[0]}", line, pattern)

    def leave(self, running):
        try:
            running.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            running.kill()

    def server(self, who):
        """The DHT with that one server in it."""
        server, (address,) = self.stay(who, ["serve"], r"listening (\S+)")
        provider, (peer,) = self.stay("js", ["provide", address, BLOCK], f"ok provided {PEER} 1")
        for finder in ("ours", "js"):
            self.say(finder, ["find", address, BLOCK], f"ok provider {peer}")
        (peer,) = self.say("ours", ["provide", address, OTHER_BLOCK], f"ok provided {PEER} 1")
        for finder in ("ours", "js"):
            self.say(finder, ["find", address, OTHER_BLOCK], f"ok provider {peer}")
        for number, publisher in enumerate(("ours", "js")):
            (name,) = self.say(publisher, ["publish", address, VALUE, str(number + 3)], f"ok published {NAME} 1")
            for resolver in ("ours", "js"):
                self.say(resolver, ["resolve", address, name], f"ok value {VALUE} {number + 3}")
        self.leave(provider)
        self.leave(server)

    def packets(self):
        """Records and packets that one side makes and the other reads."""
        for maker in ("ours", "js"):
            name, record = self.say(maker, ["record", VALUE, "9"], f"ok record {NAME} (\\w+)")
            for reader in ("ours", "js"):
                self.say(reader, ["verify", name, record], f"ok value {VALUE} 9")
            (query,) = self.say(maker, ["mdns", "query"], r"ok packet (\w+)")
            (answer,) = self.say(maker, ["mdns", "answer"], r"ok packet (\w+)")
            for reader in ("ours", "js"):
                self.say(reader, ["mdns", query], "ok query")
                self.say(reader, ["mdns", answer], rf"ok peer {PEER} /ip4/192\.168\.7\.9/tcp/4001")
        self.say_broken()

    def say_broken(self):
        """A record of somebody else is refused by us."""
        names = [self.say("js", ["record", VALUE, "1"], f"ok record {NAME} (\\w+)") for _ in range(2)]
        done = subprocess.run(self.commands["ours"] + ["verify", names[0][0], names[1][1]], cwd=self.folder,
                              capture_output=True, text=True, timeout=SECONDS, check=False)
        self.check("ours verify of another name", done.stdout.strip(), "fail ipns: the signature is wrong")


def checks():
    return 2 * SERVER_CHECKS + PACKET_CHECKS


def run(ours, js, folder):
    """Returns how many passed and failed."""
    finding = Finding(ours, js, folder)
    for who in ("ours", "js"):
        before = finding.passed
        finding.server(who)
        print(f"finding, {who} serves: {finding.passed - before} of {SERVER_CHECKS}")
    before = finding.passed
    finding.packets()
    print(f"finding, records and packets: {finding.passed - before} of {PACKET_CHECKS}")
    return finding.passed, checks() - finding.passed
