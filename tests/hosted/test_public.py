# SPDX-License-Identifier: GPL-3.0-or-later
"""The public network, made of nodes of our own: in a network namespace whose loopback has public addresses."""
import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time

from harness import expect, expect_good, expect_refused, is_sanitized, test
from test_names import publish
from test_p2p import ABSENT, MIB, add, content, eventually, home, inside, networks, serving

ONCE = "this asks for p2p-loader's logic; whether its code runs right in each mode, test_p2p.py asks"
OURS, WEB, OTHER_WEB, GIVER = "11.1.0.1", "12.2.0.1", "13.3.0.1", "14.4.0.1"


@contextlib.contextmanager
def strangers():
    """A network in which each of those addresses is of this machine; yields its name."""
    with networks(1) as names:
        for address in (OURS, WEB, OTHER_WEB, GIVER):
            subprocess.run(["ip", "-n", names[0], "addr", "add", address + "/32", "dev", "lo"], check=True)
        yield names[0]


class Web:
    """A running web_peer.py."""

    def __init__(self, network, address, folder):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "web_peer.py")
        self.log = open(os.path.join(folder, "log"), "w+", encoding="ascii")
        self.process = subprocess.Popen(["ip", "netns", "exec", network, sys.executable, script, address, folder],
                                        stdout=self.log)
        said = eventually(lambda: [line for line in self.lines() if line.startswith("listening ")])
        self.url = f"http://{address}:{said[0].split()[1]}"

    def lines(self):
        with open(self.log.name, encoding="ascii") as log:
            return log.read().splitlines()

    def asked(self):
        return self.lines()[1:]

    def put(self, path, data):
        with open(os.path.join(self.folder, path.strip("/").replace("/", "_")), "wb") as file:
            file.write(data)

    def block(self, cid, data):
        self.put(f"/ipfs/{cid}", data)

    def providers(self, cid, *addresses):
        peers = [{"Schema": "peer", "ID": address.split("/")[-1], "Addrs": [address.rsplit("/p2p/", 1)[0]],
                  "Protocols": ["transport-bitswap"]} for address in addresses]
        self.put(f"/routing/v1/providers/{cid}", json.dumps({"Providers": peers}).encode())


@contextlib.contextmanager
def webs(network, world, *addresses):
    running = [Web(network, address, world.path("web" + address)) for address in addresses]
    try:
        yield running
    finally:
        for web in running:
            web.process.kill()
            web.process.wait()
            web.log.close()


def blocks_of(world):
    """Each block of the store, by its name: the end of a file that hashes to it."""
    found = {}
    for folder, _, files in os.walk(os.path.join(world.home, "store", "blocks")):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read()[8:]  # behind the store's own head
            digest = base64.b32decode(name[1:].upper() + "=" * (-len(name[1:]) % 8))[4:]
            expect(hashlib.sha256(data).digest(), digest, name)
            found[name] = data
    return found


def network(world, *words):
    ended = world.run("network", *words)
    expect_good(ended)
    return ended


@test
def public_is_off_until_it_is_turned_on(world):
    with strangers() as name, webs(name, world, WEB) as (web,):
        taker = inside(home(world, "taker"), name)
        data = b"what strangers have"
        cid = add(inside(home(world, "giver"), name), data)
        web.block(cid, data)
        expect(b"public off\n" in network(taker).out, True)
        network(taker, "add", "gateway", web.url)
        network(taker, "add", "bootstrap", "none")
        expect_refused(taker.run("get", cid), 66)
        ended = taker.run("get", cid, "--peer", "/ip4/127.0.0.1/tcp/9")
        expect_refused(ended, 66, "the public network is off")
        expect(web.asked(), [])
        expect_good(taker.run("get", cid, "--public"), data)
        expect(web.asked(), [f"/ipfs/{cid}?format=raw"])
        # The second time nobody is asked.
        expect_good(taker.run("get", cid, "--public"), data)
        expect(len(web.asked()), 1)
        other = inside(home(world, "other"), name)
        network(other, "add", "gateway", web.url)
        network(other, "add", "bootstrap", "none")
        told = network(other, "public", "on").err
        expect(b"this machine's address" in told and b"which CID" in told, True, told)
        expect_good(other.run("get", cid), data)
        expect(f"from {web.url}" in other.run("why", cid).out.decode(), True)
        network(other, "public", "off")
        expect_refused(other.run("get", ABSENT), 66)
        expect(len(web.asked()), 2)


@test
def public_settings_are_checked(world):
    for words in (["public", "maybe"], ["add", "gateway", "https://ipfs.io"], ["add", "gateway", "ipfs.io"],
                  ["add", "bootstrap", "/ip4/1.2.3.4/tcp/1"], ["add", "peer", "/ip4/1.2.3.4/udp/1"], ["add", "public", "on"],
                  ["nothing"], ["add", "gateway", "http://" + "a" * 70]):
        expect_refused(world.run("network", *words), 64)
    for n in range(4):
        network(world, "add", "router", f"http://localhost:{n + 1}/")
    expect_refused(world.run("network", "add", "router", "http://localhost:9"), 73, "too many")
    network(world, "remove", "router", "http://localhost:1/")
    expect_refused(world.run("network", "remove", "router", "http://localhost:1/"), 66)
    network(world, "add", "router", "http://[::1]:9")
    network(world, "lan", "on")
    told = network(world).out.decode().splitlines()
    expect(told[:2], ["lan on", "public off"])
    expect("router http://[::1]:9" in told and "router http://localhost:1/" not in told, True, told)
    expect(any(line.startswith("bootstrap /dns4/") for line in told), True, told)
    address = "/ip4/1.2.3.4/tcp/1/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
    for words, wanted in ((["add", "bootstrap", address], [address]), (["add", "bootstrap", "none"], ["none"]),
                          (["add", "bootstrap", address], [address])):
        network(world, *words)
        told = network(world).out.decode().splitlines()
        expect([line.split()[1] for line in told if line.startswith("bootstrap ")], wanted)
    path = os.path.join(world.home, "store", "network")
    for text in (b"public on\nnonsense\n", b"public\n", b"lan on on\n", b"a\0b\n", b"#" * 40000):
        with open(path, "wb") as file:
            file.write(text)
        expect_refused(world.run("network"), 65)
        expect_refused(world.run("get", ABSENT), 65)
    with open(path, "wb") as file:
        file.write(b"  # by hand\n\n\tpublic   off # for now\r\n")
    expect(b"public off\n" in network(world).out, True)


@test
def public_settings_keep_their_comments(world):
    path = os.path.join(world.home, "store", "network")
    network(world, "lan", "on")
    address = "/ip4/1.2.3.4/tcp/%d"
    with open(path, "wb") as file:
        file.write(b"# mine\n\nlan on# at home\r\n  peer /ip4/1.2.3.4/tcp/1   # the attic\npeer /ip4/1.2.3.4/tcp/2 # gone\n#end")
    network(world, "lan", "off")
    network(world, "remove", "peer", address % 2)
    network(world, "add", "peer", address % 3)
    with open(path, "rb") as file:
        expect(file.read(), b"# mine\n\nlan off # at home\r\n  peer /ip4/1.2.3.4/tcp/1   # the attic\n#end\n"
               b"peer /ip4/1.2.3.4/tcp/3\n")


@test
def public_settings_have_a_bound(world):
    """64 lines, and 32 KiB with all comments."""
    path = os.path.join(world.home, "store", "network")
    network(world, "lan", "off")
    lines = [b"peer /ip4/1.2.3.4/tcp/%d" % n for n in range(1, 64)]
    with open(path, "wb") as file:
        file.write(b"\n".join(lines) + b"\n")
    network(world, "add", "peer", "/ip4/1.2.3.4/tcp/64")
    expect_refused(world.run("network", "add", "peer", "/ip4/1.2.3.4/tcp/65"), 73, "too many")
    expect(len(network(world).out.splitlines()), 64 + 3)
    with open(path, "ab") as file:
        file.write(b"peer /ip4/1.2.3.4/tcp/65\n")
    expect_refused(world.run("network"), 73, "too many")
    more = b"peer /ip4/1.2.3.4/tcp/7\n"
    with open(path, "wb") as file:
        file.write(b"#" * (32768 - len(more) - 1) + b"\n")
    network(world, "add", "peer", "/ip4/1.2.3.4/tcp/7")
    expect(os.path.getsize(path), 32768)
    expect_refused(world.run("network", "add", "peer", "/ip4/1.2.3.4/tcp/8"), 73, "longer than 32768")
    with open(path, "ab") as file:
        file.write(b"\n")
    expect_refused(world.run("network"), 65, "too large")


@test
def public_gateways_give_whole_files(world):
    with strangers() as name, webs(name, world, WEB, OTHER_WEB) as (empty, full):
        giver, taker = (inside(home(world, who), name) for who in ("giver", "taker"))
        data = content(3 * MIB + 7, 5)
        cid = add(giver, data)
        for block, data_of in blocks_of(giver).items():
            full.block(block, data_of)
        network(taker, "add", "bootstrap", "none")
        for web in (empty, full):
            network(taker, "add", "gateway", web.url)
        expect_good(taker.run("get", cid, "--public"), data)
        expect(len(empty.asked()), 1, empty.asked())  # who lacks one is not asked for the next
        expect(len(full.asked()), 5, full.asked())    # the node and four leaves


@test
def public_gateways_that_lie_are_named(world):
    with strangers() as name, webs(name, world, WEB, OTHER_WEB) as (liar, honest):
        giver, taker = (inside(home(world, who), name) for who in ("giver", "taker"))
        cid = add(giver, b"the truth")
        liar.block(cid, b"something else")
        network(taker, "add", "bootstrap", "none")
        network(taker, "add", "gateway", liar.url)
        ended = taker.run("get", cid, "--public")
        expect_refused(ended, 68, liar.url, "of something else")
        expect(f"{liar.url} sent what nobody asked for" in taker.run("why", cid).out.decode(), True)
        # One that sends more than a block may have, and one that never ends.
        liar.block(cid, bytes(3 * MIB))
        expect_refused(taker.run("get", cid, "--public"), 68, liar.url)
        honest.block(cid, b"the truth")
        network(taker, "add", "gateway", honest.url)
        expect_good(taker.run("get", cid, "--public"), b"the truth")
        # A slow one is not waited for.
        slow = add(giver, b"slowly, slowly")
        liar.block(slow, b"slowly, slowly")
        liar.put(f"/ipfs/{slow}.slow", b"4")
        honest.block(slow, b"slowly, slowly")
        expect_good(taker.run("get", slow, "--public"), b"slowly, slowly")
        # Nor one that always has one more byte.
        data = b"drop by drop " * 8
        drips = add(giver, data)
        liar.block(drips, data)
        liar.put(f"/ipfs/{drips}.slow", b"0.5")
        honest.block(drips, data)
        begun = time.monotonic()
        expect_good(taker.run("get", drips, "--public"), data)
        seconds = time.monotonic() - begun
        expect(seconds < (20 if is_sanitized(world) else 10), True, f"{seconds} s")


@test
def public_routers_name_who_has_it(world):
    with strangers() as name, webs(name, world, WEB, OTHER_WEB) as (router, broken):
        giver, taker = (inside(home(world, who), name) for who in ("giver", "taker"))
        data = content(2 * MIB + 1, 6)
        cid = add(giver, data)
        network(taker, "add", "bootstrap", "none")
        network(taker, "add", "router", broken.url)
        network(taker, "add", "router", router.url)
        broken.put(f"/routing/v1/providers/{cid}", b'{"Providers": [{"Schema": "peer", ')
        with serving(giver, "--listen", f"/ip4/{GIVER}/tcp/0") as node:
            router.providers(cid, node.address)
            expect_good(taker.run("get", cid, "--public"), data)
            told = taker.run("why", cid).out.decode()
            expect(f"from {node.address.split('/')[-1]}" in told, True, told)
            expect(f"{broken.url} answers what is no list of peers" in told, True, told)
            # One that names somebody who has it not is named when nobody has it.
            router.providers(ABSENT, node.address)
            ended = taker.run("get", ABSENT, "--public")
            expect_refused(ended, 66, f"{router.url} named 1 that did not give it", f"{broken.url} knows nobody")
        # Now nobody is where it says; peers were known, and none was there.
        ended = taker.run("get", ABSENT, "--public")
        expect_refused(ended, 66, "no peer could be reached", f"{router.url} named 1")
        told = taker.run("why", ABSENT).out.decode()
        expect(f"{router.url} named peers that do not give it" in told, True, told)


@test
def public_routers_lead_nobody_into_the_own_network(world):
    with strangers() as name, webs(name, world, WEB) as (router,):
        giver, taker = (inside(home(world, who), name) for who in ("giver", "taker"))
        cid = add(giver, b"private")
        network(taker, "add", "bootstrap", "none")
        network(taker, "add", "router", router.url)
        with serving(giver, "--listen", "/ip4/127.0.0.1/tcp/0") as node:
            router.providers(cid, node.address)
            expect_refused(taker.run("get", cid, "--public"), 66, "knows nobody")
            # Nor by a name; the user's own word may lead there.
            named = node.address.replace("/ip4/127.0.0.1/", "/dns4/localhost/")
            router.providers(cid, named)
            expect_refused(taker.run("get", cid, "--public"), 66, "named 1 that did not give it")
            expect_good(taker.run("get", cid, "--peer", named), b"private")


@test
def public_strangers_are_told_nothing(world):
    """One who comes from the public network says it is a node of the local DHT: it gets what it asks for, and no list."""
    with strangers() as name:
        subprocess.run(["ip", "-n", name, "addr", "add", "192.168.55.5/32", "dev", "lo"], check=True)
        giver, spy, taker = (inside(home(world, who), name) for who in ("giver", "spy", "taker"))
        cid = add(giver, b"for those who know its name")
        add(spy, b"why the spy calls")
        with open(giver.guest("keep"), "rb") as file:
            tool = publish(giver, "tool", add(giver, file.read()))
        listens = "--listen", f"/ip4/{OURS}/tcp/0", "--listen", "/ip4/192.168.55.5/tcp/0"
        with serving(giver, *listens) as node:
            with serving(spy, "--listen", "/ip4/127.0.0.1/tcp/0", "--peer", node.address) as stranger:
                eventually(lambda: node.address.split("/")[-1].encode() in spy.run("peers").out)
                time.sleep(4)  # before, all that was pinned was told within one
                expect_refused(taker.run("get", cid, "--peer", stranger.address), 66, "nobody has it|does not have it")
            # Who knows a name is served.
            expect_good(taker.run("get", cid, "--peer", node.address), b"for those who know its name")
            expect(taker.run("run", "--peer", node.address, tool).code, 0)


@test
def public_sources_begin_one_after_another(world):
    with strangers() as name, webs(name, world, WEB, OTHER_WEB) as (router, gateway):
        giver, taker = (inside(home(world, who), name) for who in ("giver", "taker"))
        cid = add(giver, b"near")
        network(taker, "add", "bootstrap", "none")
        network(taker, "add", "router", router.url)
        network(taker, "add", "gateway", gateway.url)
        network(taker, "public", "on")
        with serving(giver, "--listen", f"/ip4/{GIVER}/tcp/0") as node:
            network(taker, "add", "peer", node.address)
            expect_good(taker.run("get", cid), b"near")
            expect(router.asked() + gateway.asked(), [])  # a peer had it
            begun = time.monotonic()
            expect_refused(taker.run("get", ABSENT), 66, "does not have it", f"{router.url} knows nobody",
                        f"{gateway.url} does not have it")
            if not is_sanitized(world):
                seconds = time.monotonic() - begun
                expect(0.6 <= seconds < 5, True, f"two stages of 300 ms: {seconds}")
            expect(router.asked(), [f"/routing/v1/providers/{ABSENT}"])
            expect(gateway.asked(), [f"/ipfs/{ABSENT}?format=raw"])


@test
def public_nodes_that_know_nothing_end_it(world):
    """Somebody who is no node of the DHT, and somebody who is not there."""
    with strangers() as name:
        giver, taker = (inside(home(world, who), name) for who in ("giver", "taker"))
        with serving(giver, "--listen", f"/ip4/{GIVER}/tcp/0") as node:
            network(taker, "add", "bootstrap", node.address)
            network(taker, "add", "bootstrap", f"/ip4/{OURS}/tcp/9/p2p/{node.address.split('/')[-1][:-1]}Z")
            ended = taker.run("get", ABSENT, "--public")
            expect_refused(ended, 66, "0 nodes of the public DHT were asked")
            # It was asked who has the block, and not for the block.
            expect("does not have it" in ended.err.decode(), False, ended)
            expect_refused(taker.run("run", "--public", "tool@k51qzi5uqu5dgp9ji5wsl8hs5dvdcvhld70tccmt8jti0z8vbio5px6nie6iw6"),
                        66, "nobody who was asked knows the name")


@test
def public_routers_know_names(world):
    with strangers() as name, webs(name, world, WEB, OTHER_WEB) as (liar, router):
        giver, taker = (inside(home(world, who), name) for who in ("giver", "taker"))
        with open(giver.guest("inspector"), "rb") as file:
            cid = add(giver, file.read())
        published = giver.run("publish", "tool", cid).out.decode().strip()
        key = published.split("@")[1]
        with open(os.path.join(giver.home, "store", "records", "names"), encoding="ascii") as file:
            record = bytes.fromhex(next(line.split()[2] for line in file if key in line))
        network(taker, "add", "bootstrap", "none")
        network(taker, "add", "router", liar.url)
        liar.put(f"/routing/v1/ipns/{key}", record[:-1] + bytes([record[-1] ^ 1]))
        expect_refused(taker.run("run", "--public", published), 66, "nobody who was asked knows the name")
        network(taker, "add", "router", router.url)
        router.put(f"/routing/v1/ipns/{key}", record)
        with serving(giver, "--listen", f"/ip4/{GIVER}/tcp/0") as node:
            for block in blocks_of(giver):
                router.providers(block, node.address)
            ended = taker.run("run", "--public", published)
            expect((ended.code, b"p2p-loader" in ended.out), (0, True), ended)
        told = taker.run("why", cid).out.decode()
        expect(f"{liar.url} sent a record that the key did not sign" in told, True, told)
